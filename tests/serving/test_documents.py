"""Open documents: edits to a text and to its tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diptych.serving.documents import Document

PIECES = st.sampled_from(
    [
        "def f(x):\n    return x\n",
        "class A:\n    b = 1\n",
        "x = f(1)\n",
        "\n",
        "    ",
        "(",
        ")",
        "é = '😀'\n",
        "\r\n",
        "#",
    ]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)
PLACES = st.tuples(st.integers(0, 12), st.integers(0, 20))


@given(text=TEXTS, edits=st.lists(st.tuples(PLACES, PLACES, TEXTS), max_size=6))
def test_edits_change_the_text_as_an_editor_has_it(
    text: str, edits: list[tuple[tuple[int, int], tuple[int, int], str]]
) -> None:
    document = Document("a.py", text.encode(), 1)
    expected = text.encode()
    for start, end, new in edits:
        begin, stop = sorted((offset(expected, start), offset(expected, end)))
        expected = expected[:begin] + new.encode() + expected[stop:]
        document.replace(start, end, new.encode())
        assert document.source == expected


def offset(text: bytes, place: tuple[int, int]) -> int:
    """The byte at a place; beyond a line or the text is its end."""
    lines = text.split(b"\n")
    row, column = place
    if row >= len(lines):
        return len(text)
    return sum(len(line) + 1 for line in lines[:row]) + min(column, len(lines[row]))


@given(
    edits=st.lists(st.tuples(PLACES, PLACES, TEXTS), min_size=1, max_size=5), looks=st.sets(st.integers(0, 5))
)
def test_after_edits_names_are_those_of_the_text_parsed_at_once(
    edits: list[tuple[tuple[int, int], tuple[int, int], str]], looks: set[int]
) -> None:
    first = "class A:\n    def f(self):\n        return 1\n\n\nx = A().f()\n"
    document = Document("a.py", first.encode(), 1)
    for number, (start, end, new) in enumerate(edits):
        if number in looks:
            document.parsed()
        document.replace(start, end, new.encode())
    # A text without errors, so that nothing rests on how the parser recovers from them.
    last = "class B:\n    def g(self):\n        return 2\n\n\ny = B().g()\n"
    document.replace((0, 0), (10_000, 0), last.encode())
    parsed = document.parsed()
    fresh = Document("a.py", last.encode(), 1).parsed()
    assert parsed is not None
    assert fresh is not None
    assert parsed.names.facts == fresh.names.facts
    assert parsed.content_hash == fresh.content_hash


def test_one_edit_leaves_the_same_tree_as_a_new_parse() -> None:
    text = "\n".join(f"def f{number}(x):\n    return x + {number}\n" for number in range(200))
    document = Document("a.py", text.encode(), 1)
    document.parsed()
    document.replace((300, 0), (300, 0), b"class New:\n    pass\n\n")
    parsed = document.parsed()
    assert parsed is not None
    assert parsed.tree is not None
    again = Document("a.py", document.source, 1).parsed()
    assert again is not None
    assert again.tree is not None
    assert str(parsed.tree.root_node) == str(again.tree.root_node)


def test_a_document_without_a_parser_has_a_text_and_no_tree() -> None:
    document = Document("notes.txt", b"hello", 1)
    assert document.parsed() is None
    document.replace((0, 0), (0, 0), b"x")
    assert document.source == b"xhello"


def test_the_editor_says_the_language_where_the_path_does_not() -> None:
    parsed = Document("script", b"def f(): pass\n", 1, language="python").parsed()
    assert parsed is not None
    assert [binding.name for binding in parsed.names.facts.bindings] == ["f"]
