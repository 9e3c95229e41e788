"""A store against a dict: any sequence of changes, checkpoints, kills, damage and reopening."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.support.damage import MANUAL, damage_search, damage_snapshot, segments
from tests.support.invariants import (
    Files,
    check_counts,
    check_directory,
    check_reads,
    check_search,
    check_whole,
)
from tests.support.processes import other
from tests.support.records import record

from diptych import FileRecord, SegmentBuilder, Store
from diptych.schema.code import CODE
from diptych.store.view import View

WRITTEN_BRIEFLY = (("a", 2), ("b", 1), ("m", 40))
PATHS = st.sampled_from(["a.py", "b/c.py", "b/d.py", "e.py", "\udcff.py", "z" * 90])
CHANGES = st.lists(st.tuples(PATHS, st.one_of(st.none(), st.integers(0, 9))), max_size=5)


def applied(files: Files, changes: Sequence[tuple[str, int | None]]) -> Files:
    """`files` after a transaction with these changes; None removes."""
    after = dict(files)
    for path, version in changes:
        if version is None:
            after.pop(path, None)
        else:
            after[path] = record(path, version)
    return after


class StoreMachine(RuleBasedStateMachine):
    """The store, one reader, views, and what they must show."""

    views = Bundle("views")

    def __init__(self) -> None:
        super().__init__()
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = Path(tempfile.mkdtemp(prefix="diptych-model-", dir=memory))
        self.path = str(self.directory / "store")
        self.files: Files = {}
        self.whole = True
        self.copies = self.built = 0
        self.turn = 0
        self.held: list[View[FileRecord]] = []

    @initialize()
    def open(self) -> None:
        self.store = Store.open(self.path, policy=MANUAL)
        self.reader = Store.open(self.path, read_only=True)
        self.seen: Files = {}

    def teardown(self) -> None:
        self.store.close()
        self.reader.close()
        with Store.open(self.path, policy=MANUAL) as store:
            check_reads(store, self.files)
            check_search(store, self.files)
        shutil.rmtree(self.directory)

    @rule(changes=CHANGES)
    def commit(self, changes: list[tuple[str, int | None]]) -> None:
        with self.store.transaction() as txn:
            known = set(self.files)
            for path, version in changes:
                if version is not None:
                    txn.index_file(record(path, version))
                    known.add(path)
                elif path in known:
                    txn.remove_file(path)
                    known.discard(path)
                else:
                    with pytest.raises(KeyError):
                        txn.remove_file(path)
        self.files = applied(self.files, changes)

    @rule(changes=CHANGES.filter(any), others=CHANGES)
    def adopt(self, changes: list[tuple[str, int | None]], others: list[tuple[str, int | None]]) -> None:
        """A segment that was built elsewhere; its transaction changes other paths by themselves."""
        versions = {path: version or 0 for path, version in changes}
        others = [(path, version) for path, version in others if path not in versions]
        self.built += 1
        with SegmentBuilder(CODE, self.directory / f"built{self.built}") as builder:
            for path, version in versions.items():
                builder.add(record(path, version))
            made = builder.finish()
        with self.store.transaction() as txn:
            assert txn.adopt(made.path) == len(versions)
            for path, version in others:
                if version is not None:
                    txn.index_file(record(path, version))
                elif txn.get(path) is not None:
                    txn.remove_file(path)
        self.files = applied(self.files, [*versions.items(), *others])

    @rule(changes=CHANGES)
    def roll_back(self, changes: list[tuple[str, int | None]]) -> None:
        lsn = self.store.lsn
        with pytest.raises(ZeroDivisionError), self.store.transaction() as txn:
            for path, version in changes:
                if version is not None:
                    txn.index_file(record(path, version))
            raise ZeroDivisionError
        assert self.store.lsn == lsn

    @rule()
    def checkpoint(self) -> None:
        assert self.store.checkpoint() == self.store.lsn
        check_directory(self.path)

    @rule()
    def reopen(self) -> None:
        lsn = self.store.lsn
        self.store.close()
        self.store = Store.open(self.path, policy=MANUAL)
        assert self.store.lsn == lsn

    @precondition(lambda self: self.whole)
    @rule(rounds=st.integers(1, 12))
    def write_briefly(self, rounds: int) -> None:
        """Writers that each live for one commit. What each replaces first, the last but a few wrote.

        Each leaves a segment, so that segments are folded now and then.
        """
        for _ in range(rounds):
            self.store.close()
            self.store = Store.open(self.path, policy=MANUAL)
            self.turn += 1
            changes = [(f"{name}{self.turn % of}.py", self.turn) for name, of in WRITTEN_BRIEFLY]
            self._write_and_publish(changes)
        check_search(self.store, self.files)
        check_whole(self.path)

    def _write_and_publish(self, changes: list[tuple[str, int]]) -> None:
        with self.store.transaction() as txn:
            for path, version in changes:
                txn.index_file(record(path, version))
        self.files = applied(self.files, changes)
        self.store.checkpoint()

    @rule(torn=st.binary(max_size=50))
    def abandon(self, torn: bytes) -> None:
        """As a crash leaves it: a copy of the directory, with half a frame at the journal's end."""
        self.copies += 1
        copy = str(self.directory / f"store{self.copies}")
        shutil.copytree(self.path, copy)
        self.store.close()
        self.reader.close()
        shutil.rmtree(self.path)
        self.path = copy
        last = max(Path(copy, "journal").glob("*.wal"))
        with last.open("ab") as file:
            file.write(torn)
        self.store = Store.open(copy, policy=MANUAL)
        self.reader = Store.open(copy, read_only=True)
        self.seen = self.files
        assert self.store.lsn == self.reader.lsn

    @rule(changes=CHANGES, checkpoint=st.booleans())
    def kill(self, changes: list[tuple[str, int | None]], checkpoint: bool) -> None:
        """Another process writes, and is killed with the store open."""
        self.store.close()
        with other() as process:
            assert process.do(f"store = Store.open({self.path!r})") == ""
            process.do("txn = store.transaction().__enter__()")
            for path, version in changes:
                if version is not None:
                    assert process.do(f"txn.index_file(record({path!r}, {version}))") == ""
                else:
                    process.do(f"txn.remove_file({path!r})")
            assert process.do("print(txn.commit() == store.lsn)") == "True"
            if checkpoint:
                assert process.do("print(store.checkpoint() == store.lsn)") == "True"
            process.do("lost = store.transaction().__enter__()")
            process.do("lost.index_file(record('lost.py'))")
            process.kill()
        self.files = applied(self.files, changes)
        self.store = Store.open(self.path, policy=MANUAL)

    @precondition(lambda self: self.whole and self.store.stats().generation_lsn and self.files)
    @rule(
        half=st.sampled_from(["snapshot", "search"]),
        how=st.sampled_from(["flipped", "cut", "gone"]),
        number=st.integers(0, 9),
    )
    def damage(self, half: str, how: str, number: int) -> None:
        """Half of a segment of the newest generation fails while no one has it open."""
        self.store.close()
        self.reader.close()
        listed = segments(self.path)
        segment = listed[number % len(listed)] if listed else ""
        if segment and half == "search":
            damage_search(segment, how)
        elif segment and how == "flipped":
            self._flip_a_record(Path(segment, "records.msgpack"))
        elif segment:
            damage_snapshot(segment, how, "")
        self.store = Store.open(self.path, policy=MANUAL)
        self.reader = Store.open(self.path, read_only=True)
        self.seen = self.files
        self.whole = False

    def _flip_a_record(self, snapshot: Path) -> None:
        data = bytearray(snapshot.read_bytes())
        data[len(data) // 3] ^= 0x11
        snapshot.write_bytes(data)

    @precondition(lambda self: not self.whole)
    @rule()
    def mend(self) -> None:
        """Reading found the damage, or will; checkpoints write the segment again, and drop the old one."""
        check_search(self.store, self.files)
        # An open view keeps its generation, whole or not.
        for view in self.held:
            view.close()
        for number in range(2):
            with self.store.transaction() as txn:
                txn.index_file(record("a.py", number))
            self.files = applied(self.files, [("a.py", number)])
            self.store.checkpoint()
        check_whole(self.path)
        self.whole = True

    @rule(target=views)
    def view(self) -> tuple[View[FileRecord], Files]:
        self.held.append(self.store.view())
        return self.held[-1], self.files

    @rule(held=consumes(views))
    def look_and_close(self, held: tuple[View[FileRecord], Files]) -> None:
        view, files = held
        if not view.is_closed:
            check_reads(view, files)
            if self.whole:
                check_search(view, files)
            view.close()

    @rule()
    def refresh(self) -> None:
        assert self.reader.refresh() == self.store.lsn
        self.seen = self.files
        check_reads(self.reader, self.seen)

    @rule()
    def search(self) -> None:
        check_search(self.store, self.files)

    @precondition(lambda self: self.whole)
    @rule()
    def look_at_every_byte(self) -> None:
        check_whole(self.path)

    @invariant()
    def shows_the_model(self) -> None:
        if hasattr(self, "store"):
            check_reads(self.store, self.files)
            check_counts(self.store, self.files)
            assert len(self.reader) == len(self.seen)


def test_writers_one_after_the_other_agree_with_the_dict() -> None:
    """The folding that writers come to who each live for one commit, without waiting for chance to do it."""
    machine = StoreMachine()
    machine.open()
    try:
        machine.write_briefly(rounds=28)
    finally:
        machine.teardown()


def test_a_store_is_a_dict_that_survives() -> None:
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=int(os.environ.get("DIPTYCH_MODEL_EXAMPLES", "15")),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
