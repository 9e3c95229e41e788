"""What authors of schemas test with: right schemas pass, and each kind of mistake is found."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.notes import NOTES, Note, NotesSchema
from tests.support.processes import ROOT
from tests.support.records import record

from diptych.schema.code import CODE
from diptych.testing import Step, check_history, check_schema, histories

FOLLOWING = (ROOT / "docs/following.md").read_text()
GUIDE = (ROOT / "docs/schema-guide.md").read_text()
SOME = [
    Note("a", ("x", "y"), "one two"),
    Note("b", ("x",), ""),
    Note("a", (), "again"),
    Note("c", ("y",), "x"),
]


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", [0, 1])
def test_the_schemas_of_the_guide_do_what_it_says(number: int, tmp_path: Path) -> None:
    source = blocks()[number]
    expected = re.findall(r"^ +print\(.*\)\s+# (.*)$", source, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == expected
    assert len(expected) == 4


def test_the_example_of_asyncio_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs/concurrency.md").read_text()
    (source,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    done = subprocess.run([sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("a.py\n", "")


def test_the_example_of_following_runs(tmp_path: Path) -> None:
    source = re.findall(r"^```python\n(.*?)^```$", FOLLOWING, re.MULTILINE | re.DOTALL)[0]
    source += "\nprint(transaction.lsn, transaction.metadata, change.key, change.after.path)"
    done = subprocess.run([sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1 {'commit': 'c0ffee'} b'a.py' a.py\n", "")


def test_the_guides_tests_of_a_schema_pass(tmp_path: Path) -> None:
    notes, _, tests = blocks()
    done = subprocess.run([sys.executable, "-c", notes + tests], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""


def test_the_guides_graph_keeps_the_contract(tmp_path: Path) -> None:
    space: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        exec(blocks()[1], space)
    node = space["Node"]
    records = [node(1, "parse", (2, 3, 2)), node(2, "read", ()), node(1, "other", (1,))]
    check_schema(space["GRAPH"], records)
    steps: list[Step] = [("put", records[0]), ("put", records[1]), ("commit", None), ("crash", None)]
    steps += [("remove", records[1]), ("put", records[2]), ("commit", None), ("checkpoint", None)]
    check_history(space["GRAPH"], str(tmp_path / "store"), steps)


@settings(max_examples=25)
@given(histories(st.sampled_from(SOME)))
def test_any_history_of_notes_is_kept(tmp_path_factory: pytest.TempPathFactory, history: list[Step]) -> None:
    check_history(NOTES, str(tmp_path_factory.mktemp("history") / "store"), history)


def test_the_schemas_at_hand_keep_the_contract() -> None:
    check_schema(NOTES, SOME)
    check_schema(CODE, [record("a.py"), record("b/c.py", 3, symbols=5), record("é.py", symbols=0)])


class Forgets(NotesSchema):
    def pack(self, record: Note) -> bytes:
        return super().pack(record._replace(text=""))


class CountsOther(NotesSchema):
    def counts(self, payload: bytes) -> tuple[int, ...]:
        return super().counts(payload)[:1]


class FindsAll(NotesSchema):
    def matches(self, index: int, term: bytes, key: bytes, payload: bytes, items: Sequence[int]) -> list[Any]:
        return [key.decode()]


class FindsNone(NotesSchema):
    def matches(self, index: int, term: bytes, key: bytes, payload: bytes, items: Sequence[int]) -> list[Any]:
        return []


class OtherField(NotesSchema):
    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, str]]]:
        yield 0, {"body": "x"}


class NoHit(NotesSchema):
    def hit(self, found: Any, score: float) -> Any:
        return None


class ProjectsOther(NotesSchema):
    def project_record(self, key: bytes, payload: bytes, record: Note) -> Any:
        return super().project(key, self.pack(record._replace(tags=())))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (Forgets(), "does not come back"),
        (CountsOther(), "not a count for each"),
        (FindsAll(), "which it does not have"),
        (FindsNone(), "is not found by"),
        (OtherField(), "fields that there are not"),
        (NoHit(), "no hit for the item"),
        (ProjectsOther(), "project differ"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, NotesSchema) else "",
)
def test_each_mistake_is_found(schema: NotesSchema, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_schema(schema, SOME)


def test_a_store_that_forgets_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diptych.store.overlay.Overlay.has_records", lambda self: False)
    monkeypatch.setattr("diptych.store.overlay.Overlay.changes", lambda self, lsn: [])
    with pytest.raises(AssertionError, match="differs from what was committed"):
        check_history(NOTES, str(tmp_path / "store"), [("put", SOME[0]), ("commit", None)])
