"""Tantivy's document store as it is read without Tantivy: the same documents, and no harm from damage."""

from __future__ import annotations

import io
import os
import random
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.records import record

from diptych.change import StoredRecord, record_checksum
from diptych.errors import CorruptSearchError, StorageError
from diptych.schema.code import CODE
from diptych.search import document_store
from diptych.search.composed import Component, compose
from diptych.search.document_store import Block, stored_documents
from diptych.search.documents import decode_stored
from diptych.search.one_segment import OneSegmentWriter, WrittenSegment

MB = 1024 * 1024


def written_of(directory: str, sizes: list[int], seed: int) -> WrittenSegment:
    """A segment of records, each with so many bytes that cannot be compressed, and as many that can."""
    chance = random.Random(seed)
    writer = OneSegmentWriter(directory, CODE)
    for number, size in enumerate(sizes):
        one = record(f"f{number:05}.py", symbols=number % 3)
        documents = CODE.documents(CODE.key_of(one), CODE.pack(one))
        key, payload = CODE.key_of(one), chance.randbytes(size) + b"ab" * (size // 2)
        writer.add(StoredRecord(key, record_checksum(key, payload), payload), documents)
    return writer.commit()


def by_number(store: str | bytes, documents: int) -> dict[int, StoredRecord]:
    """The records of a store whose documents can all be read."""
    found = list(stored_documents(store, documents))
    assert len(found) == documents
    return {at: decode_stored(one or b"", where="") for at, one in enumerate(found) if one != b""}


def salvaged(store: bytes, documents: int) -> dict[bytes, StoredRecord]:
    """By key, the records that pass their checksum."""
    found = {}
    for one in stored_documents(store, documents):
        try:
            stored = decode_stored(one or b"", where="")
        except CorruptSearchError:
            continue
        found[stored.key] = stored
    return found


def blocks_of(store: bytes, documents: int) -> list[Block]:
    return document_store._blocks(io.BytesIO(store), "", documents)


# One block; some; and so many that the skip index has three layers. Some are larger than a block.
@pytest.mark.parametrize(
    ("sizes", "least"), [([5], 1), ([0, 70_000, 3, 9_000, 14], 2), ([3_000, 20, 9_000, 0] * 100, 65)]
)
def test_it_has_what_tantivy_reads_with_and_without_its_skip_index(
    tmp_path: Path, sizes: list[int], least: int
) -> None:
    written = written_of(str(tmp_path), sizes, seed=1)
    component = Component(written.segment_id, written.documents, written.files)
    expected = dict(compose([component], CODE, where="").numbered_records())
    assert len(expected) == len(sizes)
    store = Path(written.files["store"]).read_bytes()
    blocks = blocks_of(store, written.documents)
    assert len(blocks) >= least
    assert by_number(written.files["store"], written.documents) == expected
    assert by_number(store, written.documents) == expected
    # Cut off behind the blocks.
    assert by_number(store[: blocks[-1][1]], written.documents) == expected


def test_a_flipped_bit_costs_the_records_of_its_block_alone(tmp_path: Path) -> None:
    written = written_of(str(tmp_path), [900, 5_000, 10, 3_000] * 6, seed=2)
    store, documents = Path(written.files["store"]).read_bytes(), written.documents
    blocks = blocks_of(store, documents)
    assert len(blocks) > 3
    intact = by_number(store, documents)
    chance = random.Random(3)
    # Half of them behind the blocks, where few bytes say where all the others are.
    end = blocks[-1][1]
    bits = [chance.randrange(end * 8) for _ in range(150)]
    bits += [chance.randrange(end * 8, len(store) * 8) for _ in range(150)]
    # And where blocks begin, with the size of each and its first lengths.
    bits += [8 * begin + bit for begin, _, _ in blocks for bit in range(48)]
    for bit in bits:
        damaged = bytearray(store)
        damaged[bit // 8] ^= 1 << bit % 8
        found = salvaged(bytes(damaged), documents)
        first = 0
        for begin, end_of_block, count in blocks:
            if not begin <= bit // 8 < end_of_block:
                expected = [one for at, one in intact.items() if first <= at < first + count]
                assert [found.get(one.key) for one in expected] == expected, bit
            first += count
        assert set(found.values()) <= set(intact.values())


def test_it_says_where_documents_cannot_be_read(tmp_path: Path) -> None:
    written = written_of(str(tmp_path), [5_000] * 12, seed=4)
    store, documents = Path(written.files["store"]).read_bytes(), written.documents
    blocks = blocks_of(store, documents)
    begin, _, count = blocks[1]
    damaged = store[:begin] + bytes(4) + store[begin + 4 :]
    found = list(stored_documents(damaged, documents))
    assert found.index(None) == blocks[0][2]
    assert (found.count(None), len(found)) == (1, documents - count + 1)
    # Without the skip index nobody knows where the next block begins.
    found = list(stored_documents(damaged[: blocks[-1][1]], documents))
    assert (found[-1], len(found)) == (None, blocks[0][2] + 1)


@pytest.mark.parametrize(
    "block",
    [
        # A size of 4 GB; one that is allowed, which repeats a byte without end; literals without end.
        struct.pack("<I", 0xFFFFFFFF) + b"\x00" * 50,
        struct.pack("<I", 80 * MB) + b"\x1fa\x01\x00" + b"\xff" * 1_000_000 + b"\x00" * 20,
        struct.pack("<I", 80 * MB) + b"\xf0" + b"\xff" * 200_000,
        # It goes back to before its beginning, and to where it is.
        struct.pack("<I", 100) + b"\x1fa\x09\x00\x10",
        struct.pack("<I", 100) + b"\x1fa\x00\x00\x10",
    ],
)
def test_no_size_is_believed(block: bytes) -> None:
    tracemalloc.start()
    try:
        assert list(stored_documents(block, 10)) == [None]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * 80 * MB


@given(st.binary(max_size=300), st.integers(0, 2**31))
def test_what_is_no_store_has_no_end_of_documents(data: bytes, documents: int) -> None:
    assert len(list(stored_documents(data, documents))) <= len(data) + 1


def test_a_file_that_is_gone_or_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        list(stored_documents(str(tmp_path / "gone"), 1))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError):
        list(stored_documents(str(tmp_path / "pipe"), 1))
