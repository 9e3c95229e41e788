"""The outermost message of an index, field by field, whatever the bytes are."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.scip import document_bytes, index_bytes

from diptych.schema import precise_symbols
from diptych.serving.scip import reading, stream
from diptych.serving.scip.checking import matched
from diptych.serving.scip.errors import ScipError
from diptych.serving.scip.reading import Document, Producer, read_documents
from diptych.serving.scip.stream import FieldReader, field_bytes

FIELDS = st.lists(st.tuples(st.integers(1, 2**29 - 1), st.binary(max_size=200)), max_size=5)


def read(data: bytes) -> list[tuple[int, bytes]]:
    return [(one.number, one.data) for one in FieldReader(BytesIO(data), "index.scip")]


@given(FIELDS)
def test_fields_come_back_and_say_where_they_end(fields: list[tuple[int, bytes]]) -> None:
    data = b"".join(field_bytes(number, body) for number, body in fields)
    assert read(data) == fields
    ends = [one.end for one in FieldReader(BytesIO(data), "index.scip")]
    assert ends == sorted(ends)
    assert ends[-1:] == [len(data)][: len(fields)]


@given(FIELDS, st.integers(0, 1_000))
def test_a_file_that_is_cut_off_gives_the_fields_before_and_then_an_error(
    fields: list[tuple[int, bytes]], cut: int
) -> None:
    data = b"".join(field_bytes(number, body) for number, body in fields)
    found = []
    reader = iter(FieldReader(BytesIO(data[:cut]), "index.scip"))
    try:
        found += [(one.number, one.data) for one in reader]
    except ScipError as error:
        assert "ends within a field" in error.message
        assert found == fields[: len(found)]
        assert cut < len(data)
    else:
        assert found == fields[: len(found)]


@given(st.binary(max_size=60))
def test_any_bytes_are_fields_or_refused_with_a_sentence(data: bytes) -> None:
    try:
        for one in read_documents(BytesIO(data), "index.scip"):
            assert isinstance(one, Document | Producer)
    except ScipError as error:
        assert error.message.startswith("index.scip has ") or error.message.startswith("index.scip ends ")
        assert error.advice


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x12\xff\xff\xff\xff\x0f", "has a field of 4,294,967,295 bytes"),
        (b"\x12" + b"\xff" * 11, "a number of more than ten bytes"),
        (b"\x02\x00", "a field of number 0"),
        (b"\x13", "a field of type 3"),
        (b"\x12\x05abc", "ends within a field"),
        (b"\x12", "ends within a field"),
        (b"not an index", "of type 6"),
    ],
)
def test_hostile_lengths_and_types_are_refused_before_anything_is_allocated(data: bytes, why: str) -> None:
    with pytest.raises(ScipError, match=why):
        read(data)


def test_fields_of_other_types_are_skipped() -> None:
    varint, eight, four = b"\x20\x96\x01", b"\x29" + b"x" * 8, b"\x35" + b"y" * 4
    assert read(varint + field_bytes(2, b"a") + eight + four) == [(2, b"a")]


def test_a_field_as_large_as_allowed_is_read_and_a_larger_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_FIELD_BYTES", 10)
    assert read(field_bytes(2, b"x" * 10)) == [(2, b"x" * 10)]
    with pytest.raises(ScipError, match="11 bytes, more than the 10 allowed"):
        read(field_bytes(2, b"x" * 11))


def test_a_document_that_is_no_message_is_refused_with_its_place() -> None:
    intact = document_bytes("a.py", [([0, 0, 1], "local 0", 1)])
    broken = index_bytes(intact) + field_bytes(2, b"\xff\xff")
    documents = read_documents(BytesIO(broken), "index.scip")
    assert next(documents) == Producer("scip-test", "1", "")
    assert isinstance(next(documents), Document)
    with pytest.raises(ScipError, match=f"malformed message of 2 bytes that ends at byte {len(broken)}"):
        next(documents)


def test_ranges_of_three_and_four_numbers_and_of_others() -> None:
    rows = [
        ([1, 2, 5], "local 0", 1),
        ([1, 2, 3, 4], "local 1", 0),
        ([1], "local 2", 0),
        ([-1, 0, 1], "local 3", 0),
    ]
    _, document = read_documents(BytesIO(index_bytes(document_bytes("a.py", rows))), "index.scip")
    assert isinstance(document, Document)
    places = [tuple(one.range) for one in document.occurrences]
    assert places[:2] == [(1, 2, 1, 5), (1, 2, 3, 4)]
    assert places[2][0] == 2**31 - 1
    assert matched(document, b"\n" * 9).problem == "4 of its 4 names are not where it says"


def test_a_document_of_too_many_parts_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "MAX_PARTS", 100)
    few = index_bytes(document_bytes("a.py", [([0, 0, 1], "local 0", 1)] * 90))
    assert sum(isinstance(one, Document) for one in read_documents(BytesIO(few), "index.scip")) == 1
    many = index_bytes(b"\x12\x00" * 101)
    with pytest.raises(ScipError, match="more than 100 parts"):
        list(read_documents(BytesIO(many), "index.scip"))


def test_long_symbols_are_not_remembered() -> None:
    before = precise_symbols._remembered_name.cache_info()
    assert precise_symbols.last_name("a b c d " + "e" * 600 + "/f#") == "f"
    assert precise_symbols._remembered_name.cache_info() == before
