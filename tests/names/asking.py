"""A repository in a folder, indexed, to be asked about names.

A question is a marked text: in `helper.@parse(x)` the name after `@` is asked about, and the text without the
mark must be in the file once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from diptych import Store
from diptych.indexer import index_repository
from diptych.names.facts import Point
from diptych.serving.answers import Answer, References, calls, definition, outline, references
from diptych.serving.answers.calls import functions_at
from diptych.serving.files import Files
from diptych.serving.precise import Precise
from diptych.serving.source import StoreSource


class Asking:
    """Questions to a repository."""

    def __init__(self, root: Path, source: StoreSource) -> None:
        self.root = root
        self.source = source

    def at(self, path: str, marked: str) -> Point:
        """The row and column of the marked name."""
        text = (self.root / path).read_bytes()
        before, _, after = marked.encode().partition(b"@")
        assert text.count(before + after) == 1, f"{marked!r} is in {path} {text.count(before + after)} times"
        start = text.index(before + after) + len(before)
        return text.count(b"\n", 0, start), start - (text.rfind(b"\n", 0, start) + 1)

    def definition(self, path: str, marked: str) -> Answer:
        """The answer, complete."""
        return definition(self.source, path, *self.at(path, marked))

    def lines(self, path: str, marked: str) -> list[str]:
        """The answer as `path:line evidence`, lines from 1."""
        found = self.definition(path, marked).definitions
        return [f"{one.path}:{one.row + 1} {one.evidence}" for one in found]

    def first(self, path: str, marked: str) -> str:
        """The first of them, "" for none."""
        return (self.lines(path, marked) or [""])[0]

    def callers(self, path: str, marked: str) -> list[str]:
        """The names of what calls the marked function."""
        (start,) = functions_at(self.source, path, *self.at(path, marked))
        return [one.name for one in calls(self.source, start, direction="callers")]

    def callees(self, path: str, marked: str) -> list[str]:
        """The names of what the marked function calls."""
        (start,) = functions_at(self.source, path, *self.at(path, marked))
        return [one.name for one in calls(self.source, start, direction="callees")]

    def outline(self, path: str) -> list[str]:
        """The outline of a file as `kind name`."""
        return [f"{one.kind} {one.name}" for one in outline(self.source, path)]

    def references(self, path: str, marked: str) -> References:
        """The references to the definition of the marked name."""
        return references(self.source, path, *self.at(path, marked))

    def uses(self, path: str, marked: str) -> list[str]:
        """The references as `path:line role`."""
        return [f"{one.path}:{one.row + 1} {one.role}" for one in self.references(path, marked).references]


def case_files(cases: Mapping[str, tuple[str, ...]], suffix: str) -> dict[str, str]:
    """A file for each case, with the case's first text as its source; see `case_path`."""
    return {case_path(case, suffix): texts[0] for case, texts in cases.items()}


def case_path(case: str, suffix: str) -> str:
    """The path of a case's file."""
    return "".join(letter if letter.isalnum() else "_" for letter in case) + suffix


@contextmanager
def asking(root: Path, files: Mapping[str, str]) -> Iterator[Asking]:
    """The files written below `root`, indexed."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    with Store.open(root / ".diptych") as store:
        index_repository(root, store, processes=0)
        with store.view() as view:
            beside, precise = Files(str(root)), Precise(store.path)
            try:
                yield Asking(root, StoreSource(view, beside, precise))
            finally:
                precise.close()
                beside.close()
