"""Documents as JSON: made field by field, they are what each document says by itself."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from diptych.schema.code import CODE
from diptych.schema.documents import Documents
from diptych.schema.fields import Field
from diptych.search.documents import documents_of_records, item_documents
from diptych.search.names import indexed_terms
from diptych.search.values import name_terms_of, values_of
from diptych.search.words import parts_in

NAMES = ["getUserName", "HTTPServer2", "a_b", "_", "über_Straße", 'say "x"\\', "x" * 250]
TEXTS = st.text() | st.sampled_from(NAMES)


def as_json(values: str) -> Any:
    return json.loads(f"[{values}]")


@given(st.lists(TEXTS | st.none() | st.lists(TEXTS, max_size=3), max_size=6))
def test_each_document_has_its_texts_and_the_words_inside_them(column: list[Any]) -> None:
    for tokens in ("code", "exact"):
        for value, values in zip(column, values_of(Field("text", tokens), column), strict=True):
            texts = [] if value is None else [value] if isinstance(value, str) else value
            parts = parts_in(" ".join(texts)) if tokens == "code" else ()
            assert as_json(values) == [*texts, *parts]


@given(st.lists(TEXTS | st.none() | st.lists(TEXTS, max_size=3), max_size=6))
def test_each_document_has_the_terms_of_its_name(column: list[Any]) -> None:
    for name, terms in zip(column, name_terms_of(column), strict=True):
        first = name[0] if isinstance(name, list) and name else name
        assert as_json(terms) == (indexed_terms(first) if first else [])


COLUMN = st.lists(TEXTS.filter(bool) | st.none(), min_size=3, max_size=3)


@given(COLUMN, COLUMN, TEXTS, st.lists(st.integers(0, 2**64 - 1) | st.none(), min_size=3, max_size=3))
def test_documents_together_are_what_each_is_alone(
    names: list[Any], containers: list[Any], path: str, weights: list[Any]
) -> None:
    columns = {"name": names, "container": containers, "_weight": weights}
    together = Documents([5, 6, 7], columns, {"path": path})
    alone = [item_documents(CODE, b"key", [pair])[0] for pair in together]
    assert list(map(fields, item_documents(CODE, b"key", together))) == list(map(fields, alone))


def fields(document: str) -> dict[str, Any]:
    """A document's fields, and what they hold: an empty array is none."""
    return {name: value for name, value in json.loads(document).items() if value != []}


def test_a_record_without_documents_has_none() -> None:
    assert item_documents(CODE, b"key", Documents([], {}, {"path": "a.py"})) == []
    assert item_documents(CODE, b"key", []) == []


DOCUMENTS = st.builds(
    lambda columns, same: Documents(range(3), columns, {**same} if "container" not in columns else {}),
    st.fixed_dictionaries({}, optional={"name": COLUMN, "container": COLUMN, "signature": COLUMN}),
    st.fixed_dictionaries({}, optional={"path": TEXTS, "language": TEXTS, "container": TEXTS}),
) | st.just(Documents([], {}, {"path": "empty.py"}))


@given(st.lists(DOCUMENTS, max_size=4))
def test_records_together_have_the_documents_of_each(records: list[Documents]) -> None:
    keyed = [(b"%d.py" % number, documents) for number, documents in enumerate(records)]
    pairs = [(key, pair) for key, documents in keyed for pair in documents]
    alone = [document for key, pair in pairs for document in item_documents(CODE, key, [pair])]
    assert list(map(fields, documents_of_records(CODE, keyed))) == list(map(fields, alone))
