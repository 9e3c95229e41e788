"""The life of a version: a stateful model against the written table, and the table against the document."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from diptych.versions import OpenVersion, State, VersionManager
from diptych.versions.errors import NoRollbackTargetError, VersionError, VersionInUseError
from diptych.versions.states import TRANSITIONS

from .support import check_base, check_settled

NAMES = st.sampled_from(["a", "b", "c", "d"])


class Lives(RuleBasedStateMachine):
    """The manager beside a model of it: which versions there are, in which order they were published."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="diptych-versions-"))
        self.base = self.root / "base"
        self.manager = VersionManager(self.base)
        self.staged: dict[str, str] = {}
        self.incomplete: set[str] = set()
        self.published: dict[str, str] = {}  # name -> content, in the order of publishing
        self.before: dict[str, list[str]] = {}  # name -> what was current before it, nearest first
        self.current: str | None = None
        self.readers: list[tuple[OpenVersion, str]] = []
        self.count = 0

    def teardown(self) -> None:
        for reader, _ in self.readers:
            reader.close()
        shutil.rmtree(self.root)

    def state(self, name: str) -> State | None:
        if name in self.published:
            if name == self.current:
                return State.CURRENT
            order = list(self.published)
            ahead = self.current is None or order.index(name) > order.index(self.current)
            return State.AHEAD if ahead else State.EARLIER
        if name in self.incomplete:
            return State.INCOMPLETE
        return State.STAGED if name in self.staged else None

    def expect(self, operation: str, name: str, call) -> bool:
        """Run `call`; whether the table let it. The state afterwards is the table's."""
        outcome = TRANSITIONS[operation][self.state(name)]
        if isinstance(outcome, type):
            with pytest.raises(VersionError) as caught:
                call()
            assert type(caught.value) is outcome
            assert caught.value.message and caught.value.advice
            return False
        call()
        seen = {info.version: info.state for info in self.manager.list()}
        assert seen.get(name) is outcome
        return True

    @rule(name=NAMES)
    def stage(self, name: str) -> None:
        self.count += 1
        content = f"content {self.count}"
        (self.root / "source").write_text(content)
        if self.expect("stage", name, lambda: self.manager.stage(name, {"file": self.root / "source"})):
            self.incomplete.discard(name)
            self.staged[name] = content

    @rule(name=NAMES)
    def lose_the_manifest_of_a_staging(self, name: str) -> None:
        if self.state(name) is State.STAGED:
            (self.base / "versions" / f"{name}.staging" / "manifest.msgpack").unlink()
            del self.staged[name]
            self.incomplete.add(name)

    @precondition(lambda self: self.base.exists())
    @rule(name=NAMES)
    def write_attributes(self, name: str) -> None:
        attrs = {"n": self.count}
        if self.expect("write attributes of", name, lambda: self.manager.write_attrs(name, attrs)):
            assert self.manager.info(name).attrs == attrs

    @precondition(lambda self: self.base.exists())
    @rule(name=NAMES)
    def publish(self, name: str) -> None:
        fresh = self.state(name) is State.STAGED
        before = self.current
        if self.expect("publish", name, lambda: self.manager.publish(name)):
            if fresh:
                self.published[name] = self.staged.pop(name)
                self.before[name] = [before, *self.before.get(before, [])] if before else []
            self.current = name

    @precondition(lambda self: self.base.exists())
    @rule(name=NAMES)
    def roll_back_to(self, name: str) -> None:
        if self.expect("roll back to", name, lambda: self.manager.rollback(name)):
            self.current = name

    @precondition(lambda self: self.base.exists())
    @rule()
    def roll_back(self) -> None:
        target = self.rollback_target()
        if target is None:
            with pytest.raises(NoRollbackTargetError):
                self.manager.rollback()
        else:
            assert self.manager.rollback().version == target
            self.current = target

    def rollback_target(self) -> str | None:
        if self.current is None:
            return None
        order = list(self.published)
        for name in self.before[self.current]:
            if name in order and order.index(name) < order.index(self.current):
                return name
        return None

    @precondition(lambda self: self.base.exists())
    @rule(name=NAMES)
    def discard(self, name: str) -> None:
        state = self.state(name)
        if state in (State.AHEAD, State.EARLIER) and self.is_held(name):
            with pytest.raises(VersionInUseError):
                self.manager.discard(name)
        elif self.expect("discard", name, lambda: self.manager.discard(name)):
            self.forget(name)

    @precondition(lambda self: self.base.exists())
    @rule(keep=st.integers(1, 3))
    def prune(self, keep: int) -> None:
        newest_first = list(reversed(self.published))
        first = [name for name in (self.current, self.rollback_target()) if name]
        ranked = list(dict.fromkeys([*first, *newest_first]))
        beyond = {name for name in ranked[keep:] if name != self.current}
        pruned = self.manager.prune(keep=keep)
        assert set(pruned.in_use) == {name for name in beyond if self.is_held(name)}
        assert set(pruned.removed) == beyond - set(pruned.in_use)
        assert set(pruned.abandoned) == self.incomplete
        for name in [*pruned.removed, *pruned.abandoned]:
            self.forget(name)

    @rule(name=NAMES)
    def open(self, name: str) -> None:
        readers: list[OpenVersion] = []
        if self.expect("open", name, lambda: readers.append(self.manager.open(name))):
            self.readers.append((readers[0], self.published[name]))

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def close_a_reader(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.readers) - 1))
        self.readers.pop(at)[0].close()

    @rule()
    def open_the_base_anew(self) -> None:
        self.manager = VersionManager(self.base)

    def is_held(self, name: str) -> bool:
        return any(reader.version == name for reader, _ in self.readers)

    def forget(self, name: str) -> None:
        self.staged.pop(name, None)
        self.incomplete.discard(name)
        self.published.pop(name, None)

    @invariant()
    def the_base_is_as_the_model_says(self) -> None:
        assert check_base(self.base, {self.current}) == self.current
        if self.current:
            check_settled(self.base)
        listed = {info.version: info.state for info in self.manager.list()}
        assert listed == {name: self.state(name) for name in "abcd" if self.state(name)}
        ordered = [info.version for info in self.manager.list() if info.version in self.published]
        assert ordered == list(reversed(self.published))

    @invariant()
    def every_reader_still_reads_what_it_opened(self) -> None:
        for reader, content in self.readers:
            assert Path(reader.asset("file")).read_text() == content
            assert reader.changed() == (reader.version != self.current)


def test_versions_live_as_the_table_says() -> None:
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_versions_live_as_the_table_says_for_longer() -> None:
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=400, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_the_table_answers_for_every_state() -> None:
    for operation, row in TRANSITIONS.items():
        assert set(row) == {None, *State}, operation


def test_the_document_has_the_same_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "versions.md").read_text()
    lines = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    rows = [[cell.strip(" `") for cell in line.split("|")] for line in lines]
    head = next(row for row in rows if row[0] == "operation")
    states = [None if name == "none" else State(name) for name in head[1:]]
    documented = {
        row[0]: dict(zip(states, row[1:], strict=True)) for row in rows if row[0] in TRANSITIONS
    }
    expected = {
        operation: {
            state: outcome.__name__ if isinstance(outcome, type) else outcome.value if outcome else "none"
            for state, outcome in row.items()
        }
        for operation, row in TRANSITIONS.items()
    }
    assert documented == expected
