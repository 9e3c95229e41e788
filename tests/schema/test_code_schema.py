"""The code schema: any record comes back, and terms, documents and counts are those of its symbols."""

from __future__ import annotations

import contextlib
import json
import os
import tracemalloc

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych import (
    CorruptionError,
    FileRecord,
    InvalidRecordError,
    Range,
    Relation,
    RelationHit,
    Symbol,
    symbol_id,
)
from diptych.model import occurrences
from diptych.schema.code import CODE
from diptych.schema.code_symbols import KINDS
from diptych.schema.code_tables import (
    HEAD,
    LITERAL_TEXTS_AT,
    RELATION_KINDS,
    RELATIONS_AT,
    encode_tables,
)
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
def test_the_texts_of_a_payload_are_those_of_its_record(record: FileRecord) -> None:
    texts = {text for one in record.symbols for text in (*one[:2], *one[3:6])}
    texts |= {text for one in record.relations for text in one[:3]} | {record.content_hash, record.language}
    found = CODE.texts(CODE.pack(record))
    assert texts | {""} >= found >= texts - set(RELATION_KINDS) - set(KINDS)


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
    "name_range",
    [
        None,
        Range(7, 4, 7, 4),
        Range(7, 8, 7, 13),
        Range(9, 0, 9, 5),
        Range(8, 1, 9, 4),
        Range(2, 300, 2, 5),
        Range(0, 2**32 - 1, 2**32 - 1, 0),
    ],
)
def test_the_range_of_the_name_is_packed_with_that_of_the_declaration(name_range: Range | None) -> None:
    where = Range(7, 4, 9, 1)
    symbol = Symbol("s", "k", where, name_range=name_range)
    (back,) = CODE.unpack(b"a", CODE.pack(FileRecord("a", "", "", [symbol]))).symbols
    assert back.range == where
    assert back.name_range == (name_range or Range(7, 4, 7, 4))


@pytest.mark.parametrize("signature", ["def ü(x)", "def ü", "ü", "x = ü, ü", "é ü", "no name", "", "ü\0"])
@pytest.mark.parametrize("documentation", ["", "says\0this"])
def test_a_name_that_begins_after_the_prefix_takes_no_place(signature: str, documentation: str) -> None:
    before = len(signature.partition("ü")[0].encode()) if "ü" in signature else 0
    named, where = Range(3, 2 + before, 3, 4 + before), Range(3, 2, 5, 0)
    symbols = [Symbol("ü", "function", where, "C", signature, documentation, named)]
    apart = [Symbol("ü", "function", where, "C", signature, documentation, named._replace(end_column=99))]
    payloads = [CODE.pack(FileRecord("a", "", "", some)) for some in (symbols, apart)]
    assert [list(CODE.unpack(b"a", payload).symbols) for payload in payloads] == [symbols, apart]
    assert len(payloads[1]) - len(payloads[0]) == 4 + (not documentation)


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


def test_a_relation_is_found_by_its_number() -> None:
    relations = [Relation("calls", str(n), "ab"[n % 2], Range(n, 0, n, n)) for n in range(12)]
    one = FileRecord("p", "h", "l", [Symbol("s", "k", WHERE)], relations)
    payload = CODE.pack(one)
    places = [item for term, item in CODE.terms(payload)[1] if term == b"a"]
    wanted = [RelationHit("p", relation) for relation in relations[::2]]
    assert CODE.matches(1, b"a", b"p", payload, places) == wanted
    assert CODE.matches(1, b"a", b"p", payload, places[1:2]) == wanted[1:2]
    assert CODE.matches(1, b"a", b"p", payload, places[::-1]) == wanted
    assert CODE.matches(1, b"c", b"p", payload, places) == []
    for malformed in ([12], [*places, 12], [2**32 - 1]):
        with pytest.raises(CorruptionError):
            CODE.matches(1, b"a", b"p", payload, malformed)


def test_a_source_is_found_far_from_its_first_line_and_before_it() -> None:
    symbols = [Symbol("f", "function", Range(0, 0, 900, 0), "a.b")]
    lines = [5, 260, 261, 4, 2**32 - 1, 5]
    relations = [
        Relation(kind, source, "t", Range(line, 3, line + height, 7 if height else 2))
        for line in lines
        for source in ("a.b.f", "", "elsewhere")
        for kind in ("calls", "of its own")
        for height in (0, 2)
    ]
    relations = [one for one in relations if one.range.end_line < 2**32]
    one = FileRecord("p", "h", "l", symbols, relations)
    payload = CODE.pack(one)
    assert CODE.unpack(b"p", payload) == one
    items = [item for _, item in CODE.terms(payload)[1]]
    assert [hit.relation for hit in CODE.matches(1, b"t", b"p", payload, items)] == relations


@pytest.mark.parametrize(
    "where", [(0, 0, 2**32 - 1, 0), (3, 9, 3, 2), (3, 2**32 - 1, 3, 0), (2**32 - 1, 1, 2**32 - 1, 2**32 - 1)]
)
def test_a_relation_may_have_any_range(where: tuple[int, int, int, int]) -> None:
    relation = Relation("calls", "", "t", Range(*where))
    payload = CODE.pack(FileRecord("p", "h", "l", [], [relation]))
    assert CODE.unpack(b"p", payload).relations == (relation,)
    assert [hit.relation for hit in CODE.matches(1, b"t", b"p", payload, [0])] == [relation]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 300])
def test_a_source_is_a_symbol_of_any_length_of_name(size: int) -> None:
    texts = ["ü" * (size // 2) + "n" * (size % 2), "c"]
    pairs = [(texts[0], texts[1]), (texts[1], texts[0]), (texts[0], "")]
    symbols = [Symbol(name, "k", WHERE, container) for name, container in pairs]
    sources = [f"{one.container}.{one.name}" if one.container else one.name for one in symbols]
    relations = [Relation("calls", source, "t", WHERE) for source in sources]
    payload = CODE.pack(FileRecord("p", "h", "l", symbols, relations))
    assert list(CODE.unpack(b"p", payload).relations) == relations
    assert [hit.relation for hit in CODE.matches(1, b"t", b"p", payload, [0, 1, 2])] == relations


def test_a_record_of_much_more_than_its_payload_is_refused() -> None:
    target, where = "t" * 100_000, Range(0, 0, 0, 1)
    one = FileRecord("p", "h", "l", [], [Relation("calls", "", target, where)] * 700)
    with pytest.raises(InvalidRecordError, match="kinds, sources and targets"):
        CODE.pack(one)
    fits = CODE.pack(one._replace(relations=one.relations[:600]))
    assert CODE.counts(fits) == (0, 600)
    # The rows of a hundred more, in a payload that says so.
    head = list(HEAD.unpack_from(fits))
    rows = fits[head[RELATIONS_AT] : head[LITERAL_TEXTS_AT]]
    more = rows[: len(rows) // 6]
    moved = [*head[:LITERAL_TEXTS_AT], *[at + len(more) for at in head[LITERAL_TEXTS_AT:]]]
    end = head[LITERAL_TEXTS_AT]
    forged = HEAD.pack(*moved) + fits[HEAD.size : end] + more + fits[end:]
    for read in (CODE.terms, lambda payload: CODE.unpack(b"p", payload)):
        read(fits)
        with pytest.raises(CorruptionError, match="too long"):
            read(forged)


def test_a_kind_that_many_relations_share_is_bounded_too() -> None:
    relations = [Relation("k" * 100_000, "", "t", Range(0, 0, 0, 1))] * 700
    one = FileRecord("p", "h", "l", [], relations)
    with pytest.raises(InvalidRecordError, match="kinds, sources and targets"):
        CODE.pack(one)
    fits = CODE.pack(one._replace(relations=one.relations[:600]))
    assert CODE.unpack(b"p", fits).relations == one.relations[:600]


@pytest.mark.parametrize("relations", [1, 2_000])
@pytest.mark.parametrize("literal", [False, True])
def test_sources_that_share_a_long_name_do_not_fill_the_memory(relations: int, literal: bool) -> None:
    # A forged payload: 2,000 sources, and 2,000 uses with a kind of their own, of one text of 60,000 bytes.
    long, many = "s" * 60_000, 2_000
    facts, symbols = msgpack.packb(["h", "l"]), msgpack.packb([["c", long, 0, 0, "", 0, 0, 0, 0]])
    kind = len(RELATION_KINDS) + 1 if literal else 0
    uses = ([1] * many, [kind] * many, [0] * many, [1] * many)
    offset = 0 if literal else HEAD.size + len(facts) + 1
    sources = ([1 if literal else 2] * many, [offset] * many, [0] * many)
    numbers = list(range(relations))
    tables = ([[0, len(long)]], uses, sources, ([0] * relations, [0] * relations, [0] * relations, numbers))
    forged = encode_tables(facts, symbols, tables, [long.encode(), b"t"], b"")
    for read in (
        lambda: CODE.unpack(b"p", forged),
        lambda: CODE.matches(1, b"t", b"p", forged, numbers),
    ):
        tracemalloc.start()
        try:
            with pytest.raises(CorruptionError) if relations > 1 else contextlib.nullcontext():
                read()
            assert tracemalloc.get_traced_memory()[1] < 80_000_000
        finally:
            tracemalloc.stop()


def test_a_payload_that_is_cut_off_or_changed_raises_or_decodes() -> None:
    symbols = [Symbol("f", "function", Range(0, 0, 9, 0), "C", "def f()", "does"), Symbol("é", "own", WHERE)]
    relations = [Relation("calls", "C.f", "g", Range(n * 200, 1, n * 200, 2)) for n in range(4)]
    payload = CODE.pack(FileRecord("p", "h", "l", symbols, relations, b"names"))
    damaged = [payload[:end] for end in range(len(payload))]
    damaged += [
        payload[:at] + bytes([payload[at] ^ flipped]) + payload[at + 1 :]
        for at in range(len(payload))
        for flipped in (1, 0x80, 0xFF)
    ]
    for one in damaged:
        for decode in (
            lambda data: CODE.unpack(b"p", data),
            CODE.symbols,
            CODE.counts,
            CODE.terms,
            CODE.names_part,
            lambda data: CODE.matches(0, b"f", b"p", data, [len(data) // 3]),
            lambda data: CODE.matches(1, b"g", b"p", data, [0, 3]),
            lambda data: CODE.project(b"p", data),
        ):
            with contextlib.suppress(CorruptionError):
                decode(one)


def test_a_payload_of_version_2_is_read_as_it_is() -> None:
    place, kinds = [7, 4, 9, 1, 0, 8, 1], ("calls", "references")
    relations = [[kinds[n % 2], "c.s", "ab"[n % 3 == 0], [n, 0, n, n]] for n in range(12)]
    payload = msgpack.packb(["hash", "python", [["s", "k", place, "c", "sig", "doc"]], relations, b"names"])
    back = CODE.unpack(b"a.py", payload)
    assert back.symbols == (Symbol("s", "k", Range(7, 4, 9, 1), "c", "sig", "doc", Range(7, 8, 7, 9)),)
    assert back.relations[1] == Relation("references", "c.s", "a", Range(1, 0, 1, 1))
    assert CODE.upgrade(2, payload) == payload
    assert CODE.names_part(payload) == ("hash", "python", b"names")
    assert CODE.counts(payload) == (1, 12)
    assert CODE.texts(payload) == {"hash", "python", "s", "k", "c", "sig", "doc", "c.s", "a", "b", *kinds}
    assert CODE.symbols(payload) == [(back.symbols[0], 0)]
    [(item, document)] = CODE.documents(b"a.py", payload)
    assert [document] == [one for _, one in CODE.documents(b"a.py", CODE.pack(back))]
    assert CODE.item(b"a.py", payload, item) == ("a.py", back.symbols[0], 0)
    places = [item for term, item in CODE.terms(payload)[1] if term == b"b"]
    wanted = [RelationHit("a.py", relation) for relation in back.relations[::3]]
    assert CODE.matches(1, b"b", b"a.py", payload, places) == wanted
    assert CODE.matches(1, b"b", b"a.py", payload, places[1:2]) == wanted[1:2]
    assert CODE.matches(1, b"b", b"a.py", payload, [0]) == wanted
    inside = [places[0], places[0] + 1]
    for malformed in ([len(payload)], [*places, len(payload)], [*places, places[0]], [*places, *inside]):
        with pytest.raises(CorruptionError):
            CODE.matches(1, b"b", b"a.py", payload, malformed)
    assert CODE.unpack(b"a.py", CODE.pack(back)) == back
