"""Names in Rust, against answers written by hand beside the code, in `tests/data/rust_names`.

A comment `//: label` names what a line defines, in order; `//= name>label` says what a name on the line leads
to: `name#2` is the second of that name, `>-` leads nowhere, and a file's name is that of a module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.names.asking import Asking, asking

from diptych.serving.answers import definition

_DATA = Path(__file__).parents[1] / "data" / "rust_names"
_MODULES = {
    "errors.rs": "src/errors.rs",
    "shapes.rs": "src/shapes.rs",
    "round.rs": "src/shapes/round.rs",
    "store.rs": "src/store/mod.rs",
}


class Golden(NamedTuple):
    """A place in a file, and the label of what it leads to."""

    path: str
    row: int
    column: int
    name: str
    label: str


def _files() -> dict[str, str]:
    paths = sorted(path for path in _DATA.rglob("*") if path.suffix in (".rs", ".toml"))
    return {str(path.relative_to(_DATA)): path.read_text("utf-8") for path in paths}


def _read() -> tuple[dict[str, tuple[str, int]], list[Golden]]:
    labels = {label: (path, 0) for label, path in _MODULES.items()}
    golden = []
    for path, text in _files().items():
        for row, line in enumerate(text.split("\n")):
            code, *notes = re.split(r"\s//(?=[:=])", line)
            for note in notes:
                for word in note[1:].split():
                    if note[0] == ":":
                        assert word not in labels, word
                        labels[word] = (path, row)
                        continue
                    name, label = word.split(">")
                    name, _, number = name.partition("#")
                    places = [one.start() for one in re.finditer(rf"\b{name}\b", code)]
                    golden.append(Golden(path, row, places[int(number or 1) - 1], name, label))
    return labels, golden


_LABELS, _GOLDEN = _read()


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with asking(tmp_path_factory.mktemp("crate"), _files()) as asked:
        yield asked


def test_there_are_enough() -> None:
    assert len(_GOLDEN) >= 150
    assert all(one.label in _LABELS or one.label == "-" for one in _GOLDEN)


def _answered(crate: Asking, one: Golden) -> tuple[str, int] | str:
    found = definition(crate.source, one.path, one.row, one.column).definitions
    sure = [answer for answer in found if answer.evidence != "named"]
    return (sure[0].path, sure[0].row) if sure else "-"


def test_names_lead_where_they_should(crate: Asking) -> None:
    wrong = [
        f"{one.path}:{one.row + 1}:{one.column + 1} {one.name}: {answer}, not {one.label}"
        for one in _GOLDEN
        if (answer := _answered(crate, one)) != _LABELS.get(one.label, "-")
    ]
    assert wrong == []


def test_imports_in_a_circle_end(tmp_path: Path) -> None:
    files = {
        "src/lib.rs": "mod a;\nmod b;\npub use a::Lost;\nuse b::deep::Gone;\n",
        "src/a.rs": "pub use crate::b::Lost;\npub use self::x::y::Gone;\nuse x::Other;\nuse Other::x;\n",
        "src/b.rs": "pub use crate::a::*;\npub use super::a::Lost;\nuse deep::deep;\n"
        "fn f() { Lost::new(); deep::g(); }\n",
    }
    with asking(tmp_path, files) as asked:
        for path, marked in (("src/b.rs", "{ @Lost"), ("src/b.rs", "Lost::@new"), ("src/b.rs", "deep::@g()")):
            assert all(one.endswith("exact") for one in asked.lines(path, marked))
        assert asked.lines("src/a.rs", "y::@Gone") == ["src/a.rs:2 exact"]
