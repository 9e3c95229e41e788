"""The snapshot leaf's bytes: what is packed comes back, any decoder reads it, and no changed byte passes."""

from __future__ import annotations

from array import array

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.change import record_checksum
from diptych.errors import CorruptSnapshotError, IncompatibleStoreError
from diptych.snapshot import format as snapshot

U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
PLACES = st.builds(snapshot.IndexPlace, st.integers(0, 30), U64, U64)


@given(st.binary(min_size=16, max_size=16), U64)
def test_head_comes_back(store_id: bytes, lsn: int) -> None:
    data = snapshot.encode_head(store_id, lsn)
    assert snapshot.decode_head(data + b"more", where="x") == (store_id, lsn)
    assert msgpack.unpackb(data) == ["DIPTYCHS", 1, store_id, lsn]


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x94", msgpack.packb(["DIPTYCHX", 1, b"", 0]), msgpack.packb(5)]
)
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptSnapshotError):
        snapshot.decode_head(data, where="x")


def test_head_of_a_newer_format_is_incompatible() -> None:
    with pytest.raises(IncompatibleStoreError, match="format 2"):
        snapshot.decode_head(msgpack.packb(["DIPTYCHS", 2, b"s" * 16, 0]), where="x")


@given(U32, U64, st.binary(min_size=1, max_size=300), st.binary(max_size=300), st.binary(max_size=9))
def test_record_comes_back(record_id: int, check: int, key: bytes, payload: bytes, before: bytes) -> None:
    data = before + snapshot.encode_record(record_id, check, key, payload)
    place = snapshot.decode_record_place(data, len(before), len(data), where="x")
    assert (place.id, place.checksum, place.key) == (record_id, check, key)
    assert data[place.payload : place.end] == payload
    assert place.end == len(data)
    assert msgpack.unpackb(data[len(before) :]) == [record_id, check, key, payload]


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=40), st.data())
def test_record_cut_short_or_out_of_bounds_is_refused(
    key: bytes, payload: bytes, data: st.DataObject
) -> None:
    packed = snapshot.encode_record(1, 2, key, payload)
    limit = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(CorruptSnapshotError):
        snapshot.decode_record_place(packed, 0, limit, where="x")


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=40), st.data())
def test_a_flipped_bit_of_key_or_payload_fails_the_check(
    key: bytes, payload: bytes, data: st.DataObject
) -> None:
    whole = key + payload
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[bit // 8] ^= 1 << bit % 8
    other = record_checksum(bytes(flipped[: len(key)]), bytes(flipped[len(key) :]))
    assert other != record_checksum(key, payload)


BUCKETS = st.dictionaries(U64, st.lists(U64, min_size=1, max_size=5), max_size=9)


@given(BUCKETS, st.integers(0, 7), U32)
def test_bucket_comes_back(postings: dict[int, list[int]], index: int, bucket: int) -> None:
    hashes = sorted(postings)
    packed = snapshot.encode_bucket(index, bucket, hashes, [postings[hash_] for hash_ in hashes])
    data = msgpack.unpackb(packed)
    assert snapshot.check_bucket(data, index, bucket)
    for hash_ in hashes:
        assert list(snapshot.find_postings(data, hash_)) == postings[hash_]
    missing = 1 + max(hashes, default=0)
    assert missing >= 2**64 or list(snapshot.find_postings(data, missing)) == []


@given(BUCKETS, st.data())
def test_a_bucket_with_any_bit_flipped_fails(postings: dict[int, list[int]], data: st.DataObject) -> None:
    hashes = sorted(postings)
    packed = msgpack.unpackb(snapshot.encode_bucket(1, 2, hashes, [postings[hash_] for hash_ in hashes]))
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    flipped = bytearray(packed)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not snapshot.check_bucket(bytes(flipped), 1, 2)
    assert not snapshot.check_bucket(packed, 2, 2)
    assert not snapshot.check_bucket(packed, 1, 3)
    assert not snapshot.check_bucket(packed[:-1], 1, 2)


@given(
    st.builds(snapshot.Trailer, U64, U64, U64, U64, U64, U64, st.lists(PLACES, max_size=8).map(tuple)),
    st.data(),
)
def test_trailer_comes_back_and_no_flipped_bit_passes(
    trailer: snapshot.Trailer, data: st.DataObject
) -> None:
    packed = snapshot.encode_trailer(trailer)
    assert len(packed) == snapshot.TRAILER_SIZE
    assert snapshot.decode_trailer(packed, where="x") == trailer
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    flipped = bytearray(packed)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptSnapshotError):
        snapshot.decode_trailer(bytes(flipped), where="x")


@given(st.lists(U64), st.lists(U32))
def test_tables_come_back(wide: list[int], narrow: list[int]) -> None:
    for code, values in (("Q", wide), ("I", narrow)):
        assert list(snapshot.decode_table(code, snapshot.encode_table(array(code, values)))) == values
