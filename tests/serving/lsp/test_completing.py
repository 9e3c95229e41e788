"""What can be written at a place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.serving.lsp.editor import Editor, initialize, opened

SHAPES = (
    "from shapes import Square, total\nimport shapes\n\n\ndef work(first, second):\n    big = Square(1.0)\n"
)


def completed(editor: Editor, root: Path, text: str) -> dict[str, Any]:
    """The completions at the `|` in the text of a new document."""
    before, _, after = text.partition("|")
    document = opened(root, "typed.py", before + after)["textDocument"]
    editor.tell("textDocument/didOpen", {"textDocument": document})
    place = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
    found: dict[str, Any] = editor.ask(
        "textDocument/completion", {"textDocument": document, "position": place}
    )
    return found


def labels(found: dict[str, Any]) -> list[str]:
    """The names, in the order in which they are shown."""
    return [one["label"] for one in sorted(found["items"], key=lambda one: one["sortText"])]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (f"{SHAPES}    big.|\n", ["area", "length", "sides"]),
        (f"{SHAPES}    big.ar|\n", ["area"]),
        (f"{SHAPES}    Square(2).le|", ["length"]),
        (f"{SHAPES}    shapes.|\n", ["Shape", "Square", "total"]),
        (f"{SHAPES}    se|\n", ["second"]),
        (f"{SHAPES}    print(fir|)\n", ["first"]),
        (f"{SHAPES}    to|\n", ["total"]),
        ("from shapes import |", ["Shape", "Square", "total"]),
        ("from shapes import Square, to|", ["total"]),
        ("from sha|", ["shapes"]),
        ("import ma|", ["main"]),
        ("class A:\n    def f(self):\n        self.|\n\n    def g(self):\n        pass\n", ["f", "g"]),
        ("Squ|", ["Square"]),
    ],
)
def test_names_that_fit(editor: Editor, root: Path, text: str, first: list[str]) -> None:
    initialize(editor, root)
    assert labels(completed(editor, root, text))[: len(first)] == first


def test_what_was_typed_is_replaced_and_more_is_told_when_asked(editor: Editor, root: Path) -> None:
    initialize(editor, root)
    found = completed(editor, root, f"{SHAPES}    to|\n")
    (item,) = [one for one in found["items"] if one["label"] == "total"]
    start, end = item["textEdit"]["range"]["start"], item["textEdit"]["range"]["end"]
    assert (start, end) == ({"line": 6, "character": 4}, {"line": 6, "character": 6})
    full = editor.ask("completionItem/resolve", item)
    assert full["documentation"] == "The sum of all areas."
    assert full["detail"].startswith("def total(")


@pytest.mark.parametrize(
    "text", ["|", "1.|", "'abc|'", "x = nothing.|\n", "# com|", "def |", "\n\n   |", "é.|", "a..|"]
)
def test_odd_places_are_no_errors(editor: Editor, root: Path, text: str) -> None:
    initialize(editor, root)
    assert isinstance(completed(editor, root, text)["items"], list)


def test_an_item_that_was_not_made_here_is_left_as_it_is(reading: Editor) -> None:
    for data in (None, 7, ["nonsense"], ["file:///nowhere", 1, 2], ["x", "y", "z"]):
        assert reading.ask("completionItem/resolve", {"label": "x", "data": data})["label"] == "x"
