"""Documents by field, and as the sequence of documents that they are."""

from __future__ import annotations

from diptych.schema.documents import Documents

PAIRS = [(3, {"name": "a", "kind": "k"}), (9, {"name": ["b", "c"]}), (12, {})]


def test_documents_come_back_as_they_were_given() -> None:
    found = Documents.of(iter(PAIRS))
    assert list(found) == PAIRS
    assert found.columns == {"name": ["a", ["b", "c"], None], "kind": ["k", None, None]}
    assert Documents.of(found) is found
    assert found == PAIRS
    assert found != PAIRS[:2]


def test_what_all_have_in_common_is_in_each() -> None:
    found = Documents([1, 2], {"name": ["a", None]}, {"path": "p"})
    assert list(found) == [
        (1, {"path": "p", "name": "a"}),
        (2, {"path": "p"}),
    ]
    assert (found.column("path"), found.column("name"), found.column("kind")) == (
        ["p", "p"],
        ["a", None],
        None,
    )


def test_there_may_be_none() -> None:
    assert list(Documents.of([])) == []
    assert list(Documents([], {}, {"path": "p"})) == []
