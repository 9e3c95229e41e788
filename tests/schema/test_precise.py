"""The schema of precise answers, and the grammar of symbols."""

from __future__ import annotations

import os
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych import CorruptionError, InvalidRecordError, Range
from diptych.schema.precise import (
    DEFINITION,
    PRECISE,
    Occurrence,
    PreciseRecord,
    Relationship,
    SymbolInformation,
)
from diptych.schema.precise_symbols import (
    MACRO,
    META,
    METHOD,
    NAMESPACE,
    PARAMETER,
    TERM,
    TYPE,
    TYPE_PARAMETER,
    Descriptor,
    Global,
    Package,
    SymbolError,
    is_local,
    last_name,
    parse_symbol,
    symbol_text,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
NUMBERS = st.integers(0, 2**31 - 1)
RANGES = st.builds(Range, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
SYMBOLS = st.sampled_from(["local 0", "local 1", "s . . . a/", "s . . . a/B#", "s . . . a/B#c()."]) | TEXT
OCCURRENCES = st.builds(Occurrence, RANGES, SYMBOLS, NUMBERS, st.none() | RANGES)
INFORMATION = st.builds(
    SymbolInformation,
    SYMBOLS,
    NUMBERS,
    TEXT,
    st.lists(TEXT, max_size=2).map(tuple),
    TEXT,
    SYMBOLS,
    st.lists(st.builds(Relationship, SYMBOLS, st.integers(0, 15)), max_size=2).map(tuple),
)
RECORDS = st.builds(
    PreciseRecord,
    st.sampled_from(["a.py", "dir/ü.rs", os.fsdecode(b"\xff/\xfe")]),
    TEXT,
    TEXT,
    TEXT,
    st.lists(OCCURRENCES, max_size=6).map(tuple),
    st.lists(INFORMATION, max_size=4).map(tuple),
    TEXT,
).map(PreciseRecord.ordered)


@given(RECORDS)
def test_a_record_comes_back(record: PreciseRecord) -> None:
    key, payload = PRECISE.key_of(record), PRECISE.pack(record)
    back = PRECISE.unpack(key, payload)
    assert back == record
    assert type(back) is PreciseRecord
    assert PRECISE.content_hash(payload) == record.content_hash
    assert back.ordered() == back


@given(RECORDS)
def test_a_file_is_found_by_the_symbols_it_defines_and_mentions_but_no_local_ones(
    record: PreciseRecord,
) -> None:
    key, payload = PRECISE.key_of(record), PRECISE.pack(record)
    defined, mentioned = PRECISE.terms(payload)
    others = [one for one in record.occurrences if not is_local(one.symbol)]
    assert {term.decode() for term, _ in mentioned} == {one.symbol for one in others}
    assert {term.decode() for term, _ in defined} == {one.symbol for one in others if one.roles & DEFINITION}
    for index, terms in enumerate((defined, mentioned)):
        for term, item in terms:
            assert PRECISE.matches(index, term, key, payload, [item]) == [record.path]
            assert PRECISE.matches(index, term + b"?", key, payload, [item]) == []


@given(RECORDS, st.integers(0, 2**16), st.integers(0, 255))
def test_a_damaged_payload_is_refused_or_is_another_record(record: PreciseRecord, at: int, byte: int) -> None:
    key, payload = PRECISE.key_of(record), bytearray(PRECISE.pack(record))
    payload[at % len(payload)] = byte
    with suppress(CorruptionError):
        assert isinstance(PRECISE.unpack(key, bytes(payload)), PreciseRecord)
    with suppress(CorruptionError):
        PRECISE.terms(bytes(payload))
    with pytest.raises(CorruptionError, match="does not decode"):
        PRECISE.unpack(key, bytes(payload[: len(payload) // 2]))


@pytest.mark.parametrize(
    "where", [Range(-1, 0, 0, 1), Range(0, 0, 2**31, 1), (0, 0, 1), ("0", 0, 0, 1)], ids=str
)
def test_a_record_with_a_range_that_there_is_not_is_not_packed(where: Range) -> None:
    record = PreciseRecord("a.py", "", "", "", (Occurrence(where, "local 0"),), ())
    with pytest.raises(InvalidRecordError, match=r"a\.py"):
        PRECISE.pack(record)


DESCRIPTORS = st.builds(
    Descriptor,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
    st.sampled_from([NAMESPACE, TYPE, TERM, META, MACRO, TYPE_PARAMETER, PARAMETER]),
    st.just(""),
) | st.builds(
    Descriptor, st.text("ab`(#", min_size=1, max_size=4), st.just(METHOD), st.sampled_from(["", "+1", "x"])
)
# "." stands for an empty part, and of three spaces nobody knows which is between two parts.
PART = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).filter(
    lambda text: text != "." and text == text.strip(" ")
)


@given(
    st.builds(Package, st.sampled_from(["s", "a b", "a  b/", "scip-x"]), PART, PART, PART),
    st.lists(DESCRIPTORS, min_size=1, max_size=4).map(tuple),
)
def test_the_parts_of_a_symbol_come_back_from_its_text(
    package: Package, descriptors: tuple[Descriptor, ...]
) -> None:
    symbol = symbol_text(package, descriptors)
    assert parse_symbol(symbol) == Global(package, descriptors)
    assert last_name(symbol) == descriptors[-1].name


@given(
    st.text("s. `a/#()[]:!+", max_size=24).map(lambda text: f"s . . . {text}") | st.text("s `a/", max_size=9)
)
def test_a_name_is_found_in_what_is_a_symbol_and_in_nothing_else(symbol: str) -> None:
    try:
        parts = parse_symbol(symbol)
    except SymbolError as error:
        with pytest.raises(SymbolError, match=re.escape(str(error))):
            last_name(symbol)
    else:
        assert parts is not None
        assert last_name(symbol) == parts.descriptors[-1].name


@pytest.mark.parametrize("filler", [" ", "  a", "`", "``", "a/", "(a)", "[`"])
def test_a_long_symbol_is_parsed_or_refused_in_one_pass(filler: str) -> None:
    # What is tried again in other ways would take hours.
    for symbol in (filler * 20_000, f"s . . . {filler * 20_000}", f"s . . . {filler * 20_000}?"):
        with suppress(SymbolError):
            assert last_name(symbol)


def test_symbols_as_indexers_write_them() -> None:
    found = parse_symbol("scip-python python part 1 `json.decoder`/JSONDecoder#decode().(_w)")
    assert found is not None
    assert found.package == Package("scip-python", "python", "part", "1")
    assert [one.name for one in found.descriptors] == ["json.decoder", "JSONDecoder", "decode", "_w"]
    assert [one.suffix for one in found.descriptors] == [NAMESPACE, TYPE, METHOD, PARAMETER]
    found = parse_symbol("scip-typescript npm . . internal/`Subscription.ts`/Subscription#`<constructor>`().")
    assert found is not None
    assert (found.package.name, found.descriptors[-1].name) == ("", "<constructor>")
    assert parse_symbol("local 449(t)") is None


@pytest.mark.parametrize(
    ("symbol", "why"),
    [
        ("", "no scheme and package"),
        ("local ", "no local symbol"),
        ("local a b", "no local symbol"),
        ("s . . .", "no scheme and package"),
        ("s . . . ", "names nothing"),
        ("s . . . a", "no symbol from character 9 on"),
        ("s . . . a/b", "no symbol from character 11 on"),
        ("s . . . `a/", "no symbol from character 9 on"),
        ("s . . . a(b.", "no symbol from character 9 on"),
        ("s . . . " + "a/" * 40_000, "longer than"),
    ],
)
def test_what_is_no_symbol_is_refused_with_the_reason(symbol: str, why: str) -> None:
    with pytest.raises(SymbolError, match=why):
        parse_symbol(symbol)
