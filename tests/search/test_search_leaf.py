"""The search leaf's documents and footers, and Tantivy kept behind a door that lets no panic pass."""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.files import flip
from tests.support.records import numbered, record

from diptych.change import FileIndexed, FileRemoved, StoredRecord, record_checksum
from diptych.errors import CorruptSearchError, QueryError, StorageError, StorageFullError
from diptych.schema.code import CODE
from diptych.search.documents import (
    Watermark,
    decode_stored,
    decode_watermark,
    item_documents,
    key_term,
    record_document,
    watermark_document,
)
from diptych.search.footer import check_footer, decode_footer
from diptych.search.guard import guarded
from diptych.search.leaf import open_leaf, verify_files
from diptych.search.memory import MemorySearch
from diptych.search.writer import SearchWriter

MARK = Watermark(b"s" * 16, 3, 4, 30, (60, 30))
Facts = dict[str, tuple[int, str]]


def packed(path: str, version: int = 0) -> StoredRecord:
    one = record(path, version)
    key, payload = CODE.key_of(one), CODE.pack(one)
    return StoredRecord(key, record_checksum(key, payload), payload)


def with_documents(path: str, version: int = 0) -> tuple[FileIndexed, list[Any]]:
    stored = packed(path, version)
    return FileIndexed(*stored), list(CODE.documents(stored.key, stored.payload))


@pytest.fixture(scope="module")
def leaf(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Facts]:
    """Thirty records, exported."""
    directory = tmp_path_factory.mktemp("leaf")
    writer = SearchWriter(str(directory / "work"), CODE, None)
    for one in numbered(30):
        writer.apply(*with_documents(one.path), known=False)
    writer.commit(MARK)
    (directory / "search").mkdir()
    return str(directory / "search"), writer.export(str(directory / "search"), {})


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


def test_a_watermark_comes_back() -> None:
    assert decode_watermark(watermark_document(MARK)["_stored"], where="x") == MARK
    for wrong in (b"", b"\xc1", b"\x80", b"\x81\xa1x\x01"):
        with pytest.raises(CorruptSearchError):
            decode_watermark(wrong, where="x")


@given(st.lists(st.binary(min_size=1, max_size=700), min_size=2, max_size=2, unique=True))
def test_no_two_keys_have_one_term(keys: list[bytes]) -> None:
    first, second = map(key_term, keys)
    assert first != second
    assert "watermark" not in (first, second)
    assert max(len(first.encode()), len(second.encode())) <= 513


def test_a_key_that_looks_like_anothers_hash_has_a_term_of_its_own() -> None:
    long = b"k" * 600
    assert key_term(key_term(long).encode()) != key_term(long)


def test_a_record_has_one_document_and_one_for_each_symbol() -> None:
    key, check, payload = packed("a.py")
    assert decode_stored(record_document(key, check, payload)["_stored"], where="x") == (key, check, payload)
    documents = list(item_documents(key, CODE.documents(key, payload)))
    assert [document["_key"] for document in documents] == [key_term(key)] * 2
    assert all("name" in document and "_stored" not in document for document in documents)


def footed(body: bytes, footer: object) -> bytes:
    text = json.dumps(footer).encode()
    return body + text + struct.pack("<II", len(text), 1337)


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


def test_tantivys_own_files_have_such_footers(leaf: tuple[str, Facts]) -> None:
    directory, files = leaf
    looked_at = 0
    for name in files:
        if name != "meta.json":
            check_footer(Path(directory, name).read_bytes(), where=name)
            looked_at += 1
    assert looked_at > 4


def test_a_leaf_gives_back_what_was_put_in(leaf: tuple[str, Facts]) -> None:
    directory, files = leaf
    before = sorted(os.listdir(directory))
    verify_files(directory, files)
    index = open_leaf(directory, files, CODE)
    assert index.watermark() == MARK
    assert sorted(index.records()) == sorted(packed(one.path) for one in numbered(30))
    assert index.record(b"pkg/007.py") == packed("pkg/007.py")
    assert index.record(b"never") is None
    assert len(list(index.matches(index.parse("kind:function"), 7))) == 60
    # Neither a record's own document nor the watermark is a hit.
    assert len(list(index.matches(index.parse("*"), 500))) == 60
    assert sorted(os.listdir(directory)) == before


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
def test_any_damage_to_any_file_is_found_before_the_first_search(
    leaf: tuple[str, Facts], tmp_path: Path, place: float
) -> None:
    directory, files = leaf
    for name in files:
        copy = str(tmp_path / name.replace(".", "_"))
        shutil.copytree(directory, copy)
        path = os.path.join(copy, name)
        flip(path, int(os.path.getsize(path) * 8 * place))
        with pytest.raises(CorruptSearchError):
            verify_files(copy, files)
        os.unlink(path)
        with pytest.raises(CorruptSearchError, match="gone"):
            verify_files(copy, files)


def test_damaged_files_that_are_opened_all_the_same_raise_and_do_not_panic(
    leaf: tuple[str, Facts], tmp_path: Path
) -> None:
    """Repair opens what fails its hash: what comes of it is an error, or records that pass their check."""
    directory, files = leaf
    good = {packed(one.path) for one in numbered(30)}
    for number, name in enumerate(sorted(files)):
        size = os.path.getsize(os.path.join(directory, name))
        for bit in range(number, 8 * size, max(8 * size // 9, 1)):
            copy = str(tmp_path / "copy")
            shutil.copytree(directory, copy)
            flip(os.path.join(copy, name), bit)
            with suppress(CorruptSearchError):
                assert set(open_leaf(copy, files, CODE).records()) <= good
            shutil.rmtree(copy)


def test_a_leaf_without_meta_json_is_not_an_empty_one(leaf: tuple[str, Facts], tmp_path: Path) -> None:
    directory, files = leaf
    copy = str(tmp_path / "copy")
    shutil.copytree(directory, copy)
    os.unlink(os.path.join(copy, "meta.json"))
    with pytest.raises(CorruptSearchError):
        open_leaf(copy, files, CODE)
    with pytest.raises(StorageError):
        SearchWriter(str(tmp_path / "work"), CODE, copy, files)


def test_a_writer_goes_on_from_a_leaf_and_leaves_it_alone(leaf: tuple[str, Facts], tmp_path: Path) -> None:
    directory, files = leaf
    before = {name: Path(directory, name).read_bytes() for name in files}
    writer = SearchWriter(str(tmp_path / "work"), CODE, directory, files)
    known = files
    expected = {one.path: packed(one.path) for one in numbered(30)}
    for version in range(1, 12):
        path = f"pkg/{version:03d}.py"
        writer.apply(*with_documents(path, version))
        expected[path] = packed(path, version)
        gone = f"pkg/{29 - version:03d}.py"
        writer.apply(FileRemoved(gone.encode()))
        expected.pop(gone, None)
        mark = MARK._replace(lsn=MARK.lsn + version, records=len(expected))
        writer.commit(mark)
        target = tmp_path / f"search{version}"
        target.mkdir()
        known = writer.export(str(target), known)
        verify_files(str(target), known)
        assert set(os.listdir(target)) == set(known)
        index = open_leaf(str(target), known, CODE)
        assert index.watermark() == mark
        assert sorted(index.records()) == sorted(expected.values())
    assert {name: Path(directory, name).read_bytes() for name in files} == before


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
