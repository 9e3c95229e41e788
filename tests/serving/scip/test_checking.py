"""Whether a document is of the file as it is now."""

from __future__ import annotations

from io import BytesIO

import pytest
from tests.support.scip import Row, document_bytes, index_bytes

from diptych.serving.scip.checking import matched
from diptych.serving.scip.reading import Document, read_documents

SOURCE = "def parse(text):\n    return text\n\n\nparse(1)\n"
PARSE = "scip-python python app 1 app/parse()."
ROWS: list[Row] = [
    ([0, 0, 0], "scip-python python app 1 app/__init__:", 1),
    ([0, 4, 9], PARSE, 1),
    ([0, 10, 14], "local 0", 1),
    ([1, 11, 15], "local 0", 8),
    ([4, 0, 5], PARSE, 8),
]


def document(rows: list[Row], *, text: str = "", encoding: int = 0) -> Document:
    data = index_bytes(document_bytes("app.py", rows, text=text, encoding=encoding))
    _, found = read_documents(BytesIO(data), "index.scip")
    assert isinstance(found, Document)
    return found


def test_a_document_of_the_file_fits() -> None:
    found = matched(document(ROWS), SOURCE.encode())
    assert (len(found.occurrences), found.dropped, found.problem) == (5, 0, "")


@pytest.mark.parametrize(
    "changed",
    [
        "\n" + SOURCE,
        SOURCE.replace("def parse", "async def parse"),
        SOURCE.replace("parse", "parsed"),
        SOURCE.replace("\n\n\nparse(1)", "\nparse(1)"),
        "def parse(text):\n",
        "",
    ],
)
def test_a_document_of_another_text_does_not(changed: str) -> None:
    assert matched(document(ROWS), changed.encode()).problem


def test_the_reason_is_told() -> None:
    assert matched(document(ROWS), b"").problem == "4 of its 5 names are not where it says"
    renamed = SOURCE.replace("parse", "fetch")
    assert (
        matched(document(ROWS), renamed.encode()).problem
        == "1 of its 1 definitions have another name in the file"
    )


def test_the_text_decides_where_there_is_one() -> None:
    moved = [([row, start + 1, end + 1], symbol, roles) for (row, start, end), symbol, roles in ROWS[1:]]
    assert not matched(document(ROWS, text=SOURCE), SOURCE.encode()).problem
    assert not matched(document(ROWS, text=SOURCE.replace("\n", "\r\n")), SOURCE.encode()).problem
    assert matched(document(ROWS, text=SOURCE), SOURCE.encode() + b"# more\n").problem == (
        "its text is not that of the file"
    )
    assert matched(document(moved, text=SOURCE), SOURCE.encode()).problem


@pytest.mark.parametrize(("encoding", "start"), [(1, 13), (2, 10), (3, 9), (0, 13), (0, 10), (0, 9)])
def test_columns_are_converted_to_utf8_bytes_by_what_the_producer_counts(encoding: int, start: int) -> None:
    source = "ü = '𝔘'; name = 1\n"
    found = matched(
        document([([0, start, start + 4], "s . . . name.", 1)], encoding=encoding), source.encode()
    )
    assert not found.problem
    assert [tuple(one.range) for one in found.occurrences] == [(0, 13, 0, 17)]


def test_a_column_within_a_surrogate_pair_or_after_the_end_is_outside() -> None:
    source = "'𝔘'".encode()
    for columns in ([0, 2, 3], [0, 0, 5]):
        assert matched(document([(columns, "local 0", 1)], encoding=2), source).problem


def test_where_nearly_all_fits_only_names_that_are_where_they_should_be_are_kept() -> None:
    lines = [f"name{number} = {'name0' if number else 'alias'}\n" for number in range(200)]
    rows: list[Row] = []
    for number in range(200):
        rows.append(([number, 0, len(f"name{number}")], f"s . . . name{number}.", 1))
        start = len(f"name{number} = ")
        rows.append(([number, start, start + 5], "s . . . name0." if number else "s . . . other.", 8))
    intact = matched(document(rows), "".join(lines).encode())
    assert (len(intact.occurrences), intact.dropped) == (400, 0)
    # One line of two hundred was edited: its names have moved, and the alias in the first is not believed.
    lines[50] = "x" + lines[50]
    edited = matched(document(rows), "".join(lines).encode())
    assert edited.problem == ""
    assert edited.dropped == 3
    assert {one.range.start_line for one in edited.occurrences if "other" in one.symbol} == set()
    # Three were.
    for number in (60, 70, 80):
        lines[number] = "x" + lines[number]
    assert matched(document(rows), "".join(lines).encode()).problem


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("constructor", "s . . . A#`<constructor>`()."),
        ("closed", "s . . . A#`<get>closed`()."),
        ("next", "s . . . next0:"),
    ],
)
def test_names_that_scip_typescript_makes_of_others(written: str, symbol: str) -> None:
    rows: list[Row] = [([0, 0, len(written)], symbol, 1)]
    assert not matched(document(rows), written.encode()).problem
    assert matched(document(rows), b"x" * len(written)).problem


def test_a_mention_with_the_name_of_another_symbol_is_left_out() -> None:
    """Without a text: the file had two lines exchanged since, and all ranges fit as before."""
    one, other = "scip-python python app 1 app/open().", "scip-python python app 1 app/shut()."
    rows: list[Row] = [([0, 4, 8], one, 1), ([1, 4, 8], other, 1), ([2, 0, 4], one, 8), ([3, 0, 4], other, 8)]
    source = b"def open(): 1\ndef shut(): 2\nopen()\nshut()\n"
    exchanged = b"def open(): 1\ndef shut(): 2\nshut()\nopen()\n"
    assert len(matched(document(rows), source).occurrences) == 4
    found = matched(document(rows), exchanged)
    assert ([one.range[0] for one in found.occurrences], found.dropped, found.problem) == ([0, 1], 2, "")


def test_a_class_is_mentioned_for_its_constructor() -> None:
    box = "scip-typescript npm a 1 `a.ts`/Box#"
    rows: list[Row] = [([0, 6, 9], box, 1), ([1, 4, 7], f"{box}`<constructor>`().", 8)]
    assert matched(document(rows), b"class Box {}\nnew Box()\n").dropped == 0
