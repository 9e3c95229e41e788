"""Sorted terms without what neighbours have in common are read as those at full length."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych import CorruptSnapshotError
from diptych.search.typed import Typed
from diptych.segment.builder import finished
from diptych.segment.names import SegmentNames
from diptych.segment.packed_terms import PackedTerms, open_sorted_terms, packing
from diptych.segment.terms import SortedTerms, encode_sorted_terms

TERM = st.binary(max_size=6) | st.text("ab_", max_size=300).map(str.encode)
TERMS = st.dictionaries(TERM, st.integers(0, 600) | st.just(2**32 - 1), max_size=300)


def opened(terms: dict[bytes, int]) -> SortedTerms:
    return open_sorted_terms(finished(packing(terms)), where="x")


@given(TERMS, TERM, TERM | st.none(), st.booleans())
def test_they_are_read_as_those_at_full_length(
    terms: dict[bytes, int], start: bytes, stop: bytes | None, reverse: bool
) -> None:
    plain, packed = SortedTerms(encode_sorted_terms(terms), where="x"), opened(terms)
    assert isinstance(packed, PackedTerms)
    assert len(packed) == len(plain)
    assert list(packed) == list(plain) == [packed[at] for at in range(len(packed))]
    assert list(packed.between(start, stop, reverse=reverse)) == list(
        plain.between(start, stop, reverse=reverse)
    )
    places = packed.places(start, stop)
    assert [packed[at] for at in places] == [plain[at] for at in plain.places(start, stop)]


def test_many_blocks_are_read_in_any_order() -> None:
    terms = {f"drivers_{number:06}".encode(): number for number in range(5_000)}
    packed = opened(terms)
    ordered = sorted(terms)
    for at in (*range(4_999, 0, -61), *range(0, 5_000, 7)):
        assert packed[at] == ordered[at]
    assert packed.places(b"drivers_001", b"drivers_002") == range(1_000, 2_000)
    with pytest.raises(IndexError):
        packed[5_000]
    assert len(finished(packing(terms))) * 2 < len(encode_sorted_terms(terms))


@given(TERMS, st.data())
def test_what_is_no_section_is_refused_or_read(terms: dict[bytes, int], data: st.DataObject) -> None:
    section = bytearray(finished(packing(terms)))
    if data.draw(st.booleans()):
        del section[data.draw(st.integers(4, len(section) - 1)) :]
    else:
        section[data.draw(st.integers(4, len(section) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        packed = open_sorted_terms(bytes(section), where="x")
        list(packed)
        list(packed.between(b"a", b"b"))
    except CorruptSnapshotError:
        pass


def test_a_forged_block_does_not_fill_the_memory() -> None:
    """64 terms, each all of a long one and a byte more."""
    long, many = 1 << 20, 63
    columns = bytes([0, *[255] * many, 255, *[1] * many, *[1] * 64])
    block = columns + struct.pack("<64I", *range(long, long + many), long) + bytes(long + many)
    section = struct.pack("<3I", 0xFFFFFFFF, 64, len(block)) + block
    tracemalloc.start()
    try:
        with pytest.raises(CorruptSnapshotError):
            list(open_sorted_terms(section, where="x"))
        assert tracemalloc.get_traced_memory()[1] < 8 * long
    finally:
        tracemalloc.stop()


def test_names_that_were_found_are_read_from_no_block(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = {f"a{number * 7919 % 5_000:04}" + "b" * (number % 9): 1 for number in range(5_000)}
    names = SegmentNames(opened({term.encode(): 1 for term in terms}))
    letter = names.of_letter("a")

    def read(*_: object) -> None:
        pytest.fail("a block was read")

    monkeypatch.setattr(PackedTerms, "block", read)
    assert set(letter.beginning(Typed("a12"))) == {term.encode() for term in terms if term[:3] == "a12"}
    assert list(letter.with_letters(Typed("a4999"))) == [term.encode() for term in terms if "a4999" in term]


def test_those_of_before_are_read() -> None:
    terms = {b"b": 1, b"a": 2}
    found = open_sorted_terms(encode_sorted_terms(terms), where="x")
    assert list(found.between(b"", None)) == [(b"a", 2), (b"b", 1)]
