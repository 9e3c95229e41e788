"""The search index's documents and footers, and Tantivy with its panics contained."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
import zlib
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.records import numbered, record

from diptych.change import FileIndexed, FileRemoved, StoredRecord, record_checksum
from diptych.errors import CorruptSearchError, QueryError, StorageFullError
from diptych.schema.code import CODE
from diptych.search.composed import Component, compose
from diptych.search.document_store import stored_documents
from diptych.search.documents import decode_stored, item_documents, key_term, record_document
from diptych.search.footer import check_footer, check_footer_of_file, decode_footer
from diptych.search.guard import guarded
from diptych.search.index import SearchIndex
from diptych.search.memory import MemorySearch
from diptych.search.one_segment import OneSegmentWriter, WrittenSegment


def packed(path: str, version: int = 0) -> StoredRecord:
    one = record(path, version)
    key, payload = CODE.key_of(one), CODE.pack(one)
    return StoredRecord(key, record_checksum(key, payload), payload)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> WrittenSegment:
    """Thirty records."""
    writer = OneSegmentWriter(str(tmp_path_factory.mktemp("written")), CODE)
    for one in numbered(30):
        stored = packed(one.path)
        writer.add(stored, CODE.documents(stored.key, stored.payload))
    return writer.commit()


@pytest.mark.parametrize("held", [0, 7, 10_000])
def test_documents_that_are_held_back_are_written_in_their_order(tmp_path: Path, held: int) -> None:
    writer = OneSegmentWriter(str(tmp_path), CODE, held=held)
    records = [packed(one.path) for one in numbered(30)]
    counts = [writer.add(stored, CODE.documents(stored.key, stored.payload)) for stored in records]
    written = writer.commit()
    assert written.documents == sum(counts)
    index = opened(written, str(tmp_path))
    firsts = [0, *accumulate(counts)][:-1]
    assert list(index.numbered_records()) == list(zip(firsts, records, strict=True))
    stored = list(stored_documents(written.files["store"], written.documents))
    assert [decode_stored(stored[first] or b"", where="") for first in firsts] == records
    assert [at for at, one in enumerate(stored) if one] == firsts


def opened(written: WrittenSegment, directory: str) -> SearchIndex:
    """The segment as one index, with its files in that directory."""
    files = {
        suffix: os.path.join(directory, os.path.basename(file)) for suffix, file in written.files.items()
    }
    return compose([Component(written.segment_id, written.documents, files)], CODE, where=directory)


@given(st.binary(min_size=1, max_size=50), st.binary(max_size=50), st.data())
def test_a_stored_record_comes_back_and_no_flipped_bit_passes(
    key: bytes, payload: bytes, data: st.DataObject
) -> None:
    check = record_checksum(key, payload)
    stored = struct.pack("<QI", check, len(key)) + key + payload
    assert decode_stored(stored, where="x") == (key, check, payload)
    bit = data.draw(st.integers(0, 8 * len(stored) - 1))
    flipped = bytearray(stored)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptSearchError):
        decode_stored(bytes(flipped), where="x")
    with pytest.raises(CorruptSearchError):
        decode_stored(stored[:-1] if len(stored) > 12 else stored[:5], where="x")


@given(st.lists(st.binary(min_size=1, max_size=700), min_size=2, max_size=2, unique=True))
def test_no_two_keys_have_one_term(keys: list[bytes]) -> None:
    first, second = map(key_term, keys)
    assert first != second
    assert max(len(first.encode()), len(second.encode())) <= 513


def test_a_key_that_looks_like_anothers_hash_has_a_term_of_its_own() -> None:
    long = b"k" * 600
    assert key_term(key_term(long).encode()) != key_term(long)


def test_a_record_has_one_document_and_one_for_each_symbol() -> None:
    key, check, payload = packed("a.py")
    assert decode_stored(record_document(key, check, payload)["_stored"], where="x") == (key, check, payload)
    documents = list(map(json.loads, item_documents(CODE, key, CODE.documents(key, payload))))
    assert [document["_key"] for document in documents] == [key_term(key)] * 2
    assert all("name" in document and "_stored" not in document for document in documents)


def footed(body: bytes, footer: object) -> bytes:
    text = json.dumps(footer).encode()
    return body + text + struct.pack("<II", len(text), 1337)


def test_a_footer_of_a_file_is_tested_in_little_memory(tmp_path: Path) -> None:
    path, body = tmp_path / "file", bytes(3 << 20) + b"end"
    for content in (body, b""):
        path.write_bytes(footed(content, {"version": {}, "crc": zlib.crc32(content)}))
        check_footer_of_file(str(path))
        path.write_bytes(footed(content, {"version": {}, "crc": zlib.crc32(content) ^ 1}))
        with pytest.raises(CorruptSearchError, match="fails its checksum"):
            check_footer_of_file(str(path))
    path.write_bytes(b"")
    with pytest.raises(CorruptSearchError, match="too short"):
        check_footer_of_file(str(path))
    # A hole of a terabyte with a footer that claims no body at all: none of it is read.
    with path.open("wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    with pytest.raises(CorruptSearchError, match="does not end in a footer"):
        check_footer_of_file(str(path))
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


@given(st.binary(max_size=200), st.data())
def test_footers_of_tantivys_shape_are_tested(body: bytes, data: st.DataObject) -> None:
    whole = footed(body, {"version": {}, "crc": zlib.crc32(body)})
    check_footer(whole, where="x")
    assert decode_footer(whole, where="x").body_length == len(body)
    if body:
        bit = data.draw(st.integers(0, 8 * len(body) - 1))
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptSearchError, match="checksum"):
            check_footer(bytes(flipped), where="x")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"1234567", bytes(8), struct.pack("<II", 2**31, 1337)),
        b"{" * 90 + struct.pack("<II", 90, 1337),
        *(footed(b"x", wrong) for wrong in ([1], {}, {"crc": "1"}, {"crc": True})),
    ],
)
def test_what_is_no_footer_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptSearchError):
        check_footer(data, where="x")


def test_tantivys_own_files_have_such_footers(written: WrittenSegment) -> None:
    for file in written.files.values():
        check_footer(Path(file).read_bytes(), where=file)


def test_an_index_gives_back_what_was_put_in(written: WrittenSegment) -> None:
    directory = os.path.dirname(written.files["store"])
    before = sorted(os.listdir(directory))
    index = opened(written, directory)
    assert sorted(index.records()) == sorted(packed(one.path) for one in numbered(30))
    assert index.record(b"pkg/007.py") == packed("pkg/007.py")
    assert index.record(b"never") is None
    assert len(list(index.matches(index.parse("kind:function"), 7))) == 60
    # A record's own document is no hit.
    assert len(list(index.matches(index.parse("*"), 500))) == 60
    assert sorted(os.listdir(directory)) == before


def test_an_index_in_memory_is_a_moment_in_time() -> None:
    memory = MemorySearch(CODE)
    memory.apply(FileIndexed(*packed("a.py")))
    first = memory.commit()
    memory.apply(FileIndexed(*packed("a.py", 1)))
    memory.apply(FileIndexed(*packed("b.py")))
    second = memory.commit()
    memory.apply(FileRemoved(b"a.py"))
    third = memory.commit()

    def count(index: object, query: str) -> int:
        return len(list(index.matches(index.parse(query), 10)))  # type: ignore[attr-defined]

    assert [count(index, "kind:function") for index in (first, second, third)] == [2, 4, 2]
    assert [count(index, "a_0_0") for index in (first, second, third)] == [1, 0, 0]
    with pytest.raises(QueryError):
        first.parse("nosuch:x")


class PanicException(BaseException):
    """As pyo3's, which cannot be imported."""


def test_the_door_turns_panics_and_refusals_into_errors() -> None:
    with pytest.raises(CorruptSearchError, match="cannot read x: index out of bounds"), guarded("read", "x"):
        raise PanicException("index out of bounds")
    with pytest.raises(StorageFullError), guarded("commit to", "x"):
        raise ValueError("An IO error occurred: 'No space left on device (os error 28)'")
    with pytest.raises(KeyboardInterrupt), guarded("read", "x"):
        raise KeyboardInterrupt
    with pytest.raises(QueryError), guarded("read", "x"):
        raise QueryError("mine")
