"""The code schema: any record comes back, and terms, documents and counts are those of its symbols."""

from __future__ import annotations

import json
import os

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych import CorruptionError, FileRecord, Range, Relation, RelationHit, Symbol, symbol_id
from diptych.model import occurrences
from diptych.schema.code import CODE
from diptych.search.documents import item_documents

# What os.fsdecode gives: any bytes, those that are not UTF-8 as lone surrogates.
STRINGS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.binary(max_size=6).map(os.fsdecode)
)
WHERE = Range(0, 0, 1, 1)
RANGES = st.tuples(*[st.integers(0, 2**32 - 1)] * 4).map(
    lambda r: Range(min(r[0], r[2]), r[1], max(r[0], r[2]), r[3])
)
SYMBOLS = st.builds(Symbol, STRINGS, STRINGS, RANGES, STRINGS, STRINGS, STRINGS, st.none() | RANGES)
RELATIONS = st.builds(Relation, STRINGS, STRINGS, STRINGS, RANGES)
RECORDS = st.builds(
    FileRecord,
    st.sampled_from(["a.py", "dir/ü.rs", os.fsdecode(b"\xff/\xfe")]),
    STRINGS,
    STRINGS,
    st.lists(SYMBOLS, max_size=5).flatmap(lambda some: st.just(some + some[:2])),
    st.lists(RELATIONS, max_size=5),
)


@given(RECORDS)
def test_a_record_comes_back(record: FileRecord) -> None:
    key, payload = CODE.key_of(record), CODE.pack(record)
    back = CODE.unpack(key, payload)
    assert back == record
    assert type(back) is FileRecord
    for symbol in back.symbols:
        assert (type(symbol), type(symbol.range), type(symbol.name_range)) == (Symbol, Range, Range)
    assert CODE.counts(payload) == (len(record.symbols), len(record.relations))
    assert CODE.symbols(payload) == list(zip(record.symbols, occurrences(record.symbols), strict=True))


@given(RECORDS)
def test_each_symbol_is_found_by_its_name_and_each_relation_by_its_target(record: FileRecord) -> None:
    key, payload = CODE.key_of(record), CODE.pack(record)
    for index, mine in enumerate((record.symbols, record.relations)):
        items: dict[bytes, list[int]] = {}
        for term, item in CODE.terms(payload)[index]:
            items.setdefault(term, []).append(item)
        found = [hit for term, some in items.items() for hit in CODE.matches(index, term, key, payload, some)]
        values = [hit.symbol if index == 0 else hit.relation for hit in found]
        assert sorted(values) == sorted(mine)
        view = memoryview(payload)
        assert found == [
            hit for one, some in items.items() for hit in CODE.matches(index, one, key, view, some)
        ]
        for term, some in items.items():
            assert CODE.matches(index, b"other " + term, key, payload, some) == []


@given(RECORDS)
def test_each_document_stands_for_its_symbol(record: FileRecord) -> None:
    key, payload = CODE.key_of(record), CODE.pack(record)
    documents = list(CODE.documents(key, payload))
    hits = [CODE.hit(CODE.item(key, payload, item), 1.5) for item, _ in documents]
    assert [hit.symbol for hit in hits] == list(record.symbols)
    assert len({hit.id for hit in hits}) == len(hits)
    fields = {field.name for field in CODE.fields}
    for _, document in documents:
        assert set(document) <= {*fields, "_weight"}
        for name, value in document.items():
            assert name == "_weight" or value.encode()


@given(RECORDS)
def test_a_record_projects_as_its_payload_does(record: FileRecord) -> None:
    _check_projections(record)


def test_surrogates_that_together_are_a_letter_project_as_the_letter() -> None:
    letter, parts = "Xé1", "X" + os.fsencode("é").decode("ascii", "surrogateescape") + "1"
    assert letter != parts
    symbols = [Symbol(letter, "k", WHERE), Symbol(parts, "k", WHERE, documentation=parts * 3_000)]
    _check_projections(
        FileRecord("a", "", "", symbols, [Relation("k", "s", text, WHERE) for text in (letter, parts)])
    )


def _check_projections(record: FileRecord) -> None:
    key, payload, snapshot = CODE.key_of(record), CODE.pack(record), CODE.snapshot_of(record)
    assert snapshot == record._replace(symbols=tuple(record.symbols), relations=tuple(record.relations))
    ours, theirs = CODE.project_record(key, payload, snapshot), CODE.project(key, payload)
    assert (ours.counts, ours.documents) == (theirs.counts, theirs.documents)
    assert [sorted(terms) for terms in ours.terms] == [sorted(terms) for terms in theirs.terms]
    assert ours.counts == CODE.counts(payload)
    assert [sorted(terms) for terms in ours.terms] == [sorted(terms) for terms in CODE.terms(payload)]


@pytest.mark.parametrize(
    ("name_range", "more_bytes"),
    [
        (None, 0),
        (Range(7, 4, 7, 4), 0),
        (Range(7, 8, 7, 13), 3),
        (Range(9, 0, 9, 5), 3),
        (Range(8, 1, 9, 4), 4),
        (Range(2, 300, 2, 5), 6),
        (Range(0, 2**32 - 1, 2**32 - 1, 0), 12),
    ],
)
def test_the_range_of_the_name_is_packed_with_that_of_the_declaration(
    name_range: Range | None, more_bytes: int
) -> None:
    where = Range(7, 4, 9, 1)
    symbols = [Symbol("s", "k", where), Symbol("s", "k", where, name_range=name_range)]
    payloads = [CODE.pack(FileRecord("a", "", "", [symbol])) for symbol in symbols]
    (back,) = CODE.unpack(b"a", payloads[1]).symbols
    assert back.range == where
    assert back.name_range == (name_range or Range(7, 4, 7, 4))
    assert len(payloads[1]) - len(payloads[0]) == more_bytes


def test_a_payload_without_ranges_of_names_decodes() -> None:
    symbols = [["s", "k", [7, 4, 9, 1], "c", "sig", "doc"], ["s", "k", [8, 0, 8, 1], "c", "sig", "doc", 1]]
    payload = msgpack.packb(["hash", "python", symbols, []])
    first, second = CODE.unpack(b"a.py", payload).symbols
    assert first == Symbol("s", "k", Range(7, 4, 9, 1), "c", "sig", "doc", Range(7, 4, 7, 4))
    assert second.name_range == Range(8, 0, 8, 0)
    assert [CODE.item(b"a.py", payload, item)[1:] for item, _ in CODE.documents(b"a.py", payload)] == [
        (first, 0),
        (second, 1),
    ]


@pytest.mark.parametrize("place", [[], [1], [7, 4, 9, 1, 0], [7, 4, 9, 1, 0, 1, 2, 3, 4], None])
def test_a_place_that_is_none_is_corruption(place: object) -> None:
    payload = msgpack.packb(["hash", "", [["s", "k", place, "", "", ""]], []])
    with pytest.raises(CorruptionError):
        CODE.unpack(b"a.py", payload)


def test_the_identity_of_a_symbol_rests_on_no_range() -> None:
    one, other = Symbol("s", "k", WHERE), Symbol("s", "k", WHERE, name_range=Range(0, 1, 0, 2))
    assert symbol_id("a.py", one) == symbol_id("a.py", other)


def test_a_mutable_record_has_no_snapshot() -> None:
    symbol, relation = Symbol("a", "k", WHERE), Relation("k", "s", "t", WHERE)
    for mutable in (
        FileRecord("a", "", "", [symbol], [list(relation)]),  # type: ignore[list-item]
        FileRecord("a", "", "", [list(symbol)], [relation]),  # type: ignore[list-item]
    ):
        assert CODE.snapshot_of(mutable) is None


def test_a_symbol_longer_than_the_first_look_is_decoded_whole() -> None:
    for size in (2_000, 2_047, 2_048, 2_049, 5_000, 300_000):
        long = Symbol("é" * size, "k", WHERE, documentation="é" * size)
        symbols = [long, Symbol("b", "k", WHERE)]
        payload = CODE.pack(FileRecord("a", "", "", symbols))
        items = [item for item, _ in CODE.documents(b"a", payload)]
        assert [CODE.item(b"a", payload, item)[1] for item in items] == symbols


def test_the_words_of_a_name_are_searchable() -> None:
    one = FileRecord("a", "", "", [Symbol("HTTPServer2_for_allOfUs", "k", Range(0, 0, 1, 1))])
    key, payload = CODE.key_of(one), CODE.pack(one)
    [document] = map(json.loads, item_documents(CODE, key, CODE.documents(key, payload)))
    assert document["name"] == ["HTTPServer2_for_allOfUs", "HTTP Server 2", "all Of Us"]
    assert document["_name"] == ["=HTTPServer2_for_allOfUs", "~httpserver2forallofus"]


def test_packing_is_the_same_in_every_order_of_time() -> None:
    one = FileRecord("a", "h", "l", [Symbol("s", "k", WHERE)], [Relation("c", "s", "t", WHERE)])
    assert CODE.pack(one) == CODE.pack(CODE.unpack(b"a", CODE.pack(one)))


def test_a_relation_is_found_by_its_place_or_anywhere() -> None:
    relations = [Relation("calls", str(n), "ab"[n % 2], Range(n, 0, n, n)) for n in range(12)]
    one = FileRecord("p", "h", "l", [Symbol("s", "k", WHERE)], relations)
    payload = CODE.pack(one)
    places = [item for term, item in CODE.terms(payload)[1] if term == b"a"]
    wanted = [RelationHit("p", relation) for relation in relations[::2]]
    assert CODE.matches(1, b"a", b"p", payload, places) == wanted
    assert CODE.matches(1, b"a", b"p", payload, places[1:2]) == wanted[1:2]
    assert CODE.matches(1, b"a", b"p", payload, [0]) == wanted
    assert CODE.matches(1, b"c", b"p", payload, places) == []
    # One at a time, and many at once.
    inside = [places[0], places[0] + 1]
    for malformed in ([len(payload)], [*places, len(payload)], [*places, places[0]], [*places, *inside]):
        with pytest.raises(CorruptionError):
            CODE.matches(1, b"a", b"p", payload, malformed)
