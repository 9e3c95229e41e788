"""How deep the symbols of a file are in each other."""

from __future__ import annotations

from pathlib import Path

from tests.names.asking import asking

from diptych.serving.answers import outline


def test_names_of_one_statement_are_beside_each_other_in_an_outline(tmp_path: Path) -> None:
    text = "A, B = 1, 2\n\n\nclass C:\n    x, y = 1, 2\n"
    with asking(tmp_path, {"a.py": text}) as found:
        entries = outline(found.source, "a.py")
    assert [(one.name, one.depth) for one in entries] == [
        ("A", 0),
        ("B", 0),
        ("C", 0),
        ("C.x", 1),
        ("C.y", 1),
    ]
