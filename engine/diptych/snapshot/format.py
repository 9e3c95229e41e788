"""The snapshot leaf's bytes. Pure: bytes to values and back.

The file is msgpack objects, one after the other, so that any decoder reads it from front to back:

    ["DIPTYCHS", format, store id, LSN]                         head
    [id, checksum, key, payload] …                                 records, in key order
    bin: u32 little-endian …                                    order: the ids in key order
    bin: u64 little-endian …                                    offsets: by id, of the record; 0 for no record
    for the keys, then for each index of the schema:
        bin (bucket) …                                          buckets, in order
        bin: u64 little-endian …                                ends: by bucket, the offset behind it
    bin (trailer)                                               at the end, of a fixed size

A record's head is of a fixed size (0x94, id uint32, checksum uint64, key bin16, payload bin32), so that it is
read without decoding. `checksum` is what `diptych.change.record_checksum` makes of key and payload.

An id is a number that a record keeps while its key is in the store, so that buckets of unchanged records
are copied as bytes. A bucket holds the terms whose XXH3-64 begins with its number:

    0   8  checksum: XXH3-64 of what follows, seeded with index number << 32 | bucket number
    8   4  n, the number of distinct hashes
    12  4  zero
    16  8n the hashes, ascending
    …   4n for each hash, where its postings end
    …   8m the postings: item u32, id u32

In the key index the term is the key and the item is 0.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from mmap import mmap
from typing import NamedTuple

import msgpack
from xxhash import xxh3_64_intdigest

from diptych.errors import CorruptSnapshotError, IncompatibleStoreError

MAGIC = "DIPTYCHS"
FORMAT_VERSION = 1

MAX_KEY_BYTES = 65_535
MAX_RECORD_BYTES = 64 * 1024 * 1024

RECORD = struct.Struct(">BBIBQBH")
RECORD_SIZE = 18
assert RECORD.size == RECORD_SIZE
BIN32 = struct.Struct(">BI")
BIN32_SIZE = 5
_RECORD_HEAD = (0x94, 0xCE, 0xCF, 0xC5)

BUCKET = struct.Struct("<QII")
BUCKET_SIZE = 16
OFFSET = struct.Struct("<Q")
_COUNT = struct.Struct("<II")
EXTENT = struct.Struct("<QQ")
_U32 = struct.Struct("<I")

KEY_INDEX = 0

# checksum, LSN, records, ids, order, offsets, then per index (at most 8): bits, ends, hashes
MAX_INDEXES = 8
_TRAILER = struct.Struct("<QQQQQQQ" + "QQQ" * MAX_INDEXES + "Q" * 4)
TRAILER_SIZE = BIN32_SIZE + _TRAILER.size


_new = tuple.__new__


class IndexPlace(NamedTuple):
    """Where one index stands: 2**bits buckets, the table of their ends, how many hashes are in all."""

    bits: int
    ends: int
    hashes: int


class Trailer(NamedTuple):
    """What stands where."""

    lsn: int
    records: int
    ids: int
    records_end: int
    order: int
    offsets: int
    indexes: tuple[IndexPlace, ...]


def encode_head(store_id: bytes, lsn: int) -> bytes:
    """The first object."""
    return bytes(msgpack.packb([MAGIC, FORMAT_VERSION, store_id, lsn]))


def decode_head(data: bytes, *, where: str) -> tuple[bytes, int]:
    """`(store id, LSN)`. Raises CorruptSnapshotError, or IncompatibleStoreError for a newer format."""
    unpacker = msgpack.Unpacker(use_list=False)
    unpacker.feed(data[:64])
    try:
        head = unpacker.unpack()
    except Exception as error:
        raise CorruptSnapshotError(f"the head of {where} does not decode: {error}", where=where) from error
    match head:
        case ("DIPTYCHS", int(version), bytes(store_id), int(lsn)):
            if version > FORMAT_VERSION:
                raise IncompatibleStoreError(
                    f"{where} is of format {version}, and this Diptych reads up to {FORMAT_VERSION}",
                    advice="open it with a newer Diptych",
                )
            return store_id, lsn
        case _:
            raise CorruptSnapshotError(f"{where} does not begin as a snapshot does", where=where)


def encode_record(record_id: int, checksum: int, key: bytes, payload: bytes) -> bytes:
    """One record."""
    return b"".join(
        (
            RECORD.pack(0x94, 0xCE, record_id, 0xCF, checksum, 0xC5, len(key)),
            key,
            BIN32.pack(0xC6, len(payload)),
            payload,
        )
    )


class RecordPlace(NamedTuple):
    """A record's head, decoded, and where its parts stand in the file."""

    id: int
    checksum: int
    key: bytes
    payload: int
    end: int


def decode_record_place(data: bytes | mmap, at: int, limit: int, *, where: str) -> RecordPlace:
    """The head of the record at `at`, which must end before `limit`. Raises CorruptSnapshotError."""
    if at + RECORD_SIZE + BIN32_SIZE <= limit:
        array4, uint32, record_id, uint64, checksum, bin16, key_length = RECORD.unpack_from(data, at)
        payload = at + RECORD_SIZE + key_length + BIN32_SIZE
        if (array4, uint32, uint64, bin16) == _RECORD_HEAD and payload <= limit:
            bin32, length = BIN32.unpack_from(data, payload - BIN32_SIZE)
            if bin32 == 0xC6 and payload + length <= limit:
                key = data[at + RECORD_SIZE : payload - BIN32_SIZE]
                return _new(RecordPlace, (record_id, checksum, key, payload, payload + length))
    raise CorruptSnapshotError(f"{where}: no record stands at byte {at}", where=where)


def encode_bin(length: int) -> bytes:
    """The head of a msgpack bin of `length` bytes."""
    return BIN32.pack(0xC6, length)


def bin_length(data: mmap, at: int) -> int:
    """The length of the msgpack bin at `at`; -1 where none begins there."""
    if at + BIN32_SIZE > len(data):
        return -1
    head, length = BIN32.unpack_from(data, at)
    return int(length) if head == 0xC6 else -1


def encode_bucket(index: int, bucket: int, hashes: Sequence[int], postings: Iterable[list[int]]) -> bytes:
    """A bucket with its msgpack head. `hashes` ascend; `postings` are those of each, in turn."""
    flat: list[int] = []
    ends = array("I")
    for some in postings:
        flat += some
        ends.append(len(flat))
    body = b"".join(
        (
            _COUNT.pack(len(hashes), 0),
            _little(array("Q", hashes)),
            _little(ends),
            _little(array("Q", flat)),
        )
    )
    checksum = xxh3_64_intdigest(body, index << 32 | bucket)
    return encode_bin(len(body) + 8) + OFFSET.pack(checksum) + body


def check_bucket(data: bytes | memoryview, index: int, bucket: int) -> bool:
    """Whether `data`, without its msgpack head, is that bucket, whole."""
    if len(data) < BUCKET_SIZE:
        return False
    checksum, count, zero = BUCKET.unpack_from(data)
    return bool(
        zero == 0
        and len(data) >= BUCKET_SIZE + 12 * count
        and (len(data) - BUCKET_SIZE - 12 * count) % 8 == 0
        and xxh3_64_intdigest(data[8:], index << 32 | bucket) == checksum
    )


def find_postings(data: bytes, hash_: int) -> Sequence[int]:
    """The postings of `hash_` in a checked bucket, as `id << 32 | item`; empty where there are none."""
    count = BUCKET.unpack_from(data)[1]
    wanted, end = OFFSET.pack(hash_), BUCKET_SIZE + 8 * count
    at = data.find(wanted, BUCKET_SIZE, end)
    while at >= 0 and at % 8:
        at = data.find(wanted, at + 1, end)
    if at < 0:
        return ()
    number = (at - BUCKET_SIZE) // 8
    first = _U32.unpack_from(data, end + 4 * number - 4)[0] if number else 0
    last = _U32.unpack_from(data, end + 4 * number)[0]
    begin = end + 4 * count
    if last - first == 1:
        return OFFSET.unpack_from(data, begin + 8 * first)
    return decode_table("Q", data[begin + 8 * first : begin + 8 * last])


def encode_trailer(trailer: Trailer) -> bytes:
    """The last object of the file."""
    assert len(trailer.indexes) <= MAX_INDEXES
    places = [field for index in trailer.indexes for field in index]
    places += [0] * (3 * MAX_INDEXES - len(places))
    body = _TRAILER.pack(0, *trailer[:6], *places, len(trailer.indexes), 0, 0, 0)[8:]
    return encode_bin(_TRAILER.size) + OFFSET.pack(xxh3_64_intdigest(body)) + body


def decode_trailer(data: bytes, *, where: str) -> Trailer:
    """The trailer, from the last `TRAILER_SIZE` bytes of a file. Raises CorruptSnapshotError.

    Whether it points into the file, `check_places` tells.
    """
    if len(data) != TRAILER_SIZE or data[:BIN32_SIZE] != encode_bin(_TRAILER.size):
        raise CorruptSnapshotError(f"{where} does not end as a snapshot does", where=where)
    body = data[BIN32_SIZE:]
    fields = _TRAILER.unpack(body)
    if xxh3_64_intdigest(body[8:]) != fields[0]:
        raise CorruptSnapshotError(f"the trailer of {where} fails its checksum", where=where)
    count = fields[7 + 3 * MAX_INDEXES]
    if count > MAX_INDEXES:
        raise CorruptSnapshotError(f"the trailer of {where} names {count:,} indexes", where=where)
    places = fields[7 : 7 + 3 * count]
    indexes = tuple(IndexPlace(*places[i : i + 3]) for i in range(0, len(places), 3))
    lsn, records, ids, records_end, order, offsets = fields[1:7]
    return Trailer(lsn, records, ids, records_end, order, offsets, indexes)


def check_places(trailer: Trailer, size: int, *, where: str) -> None:
    """Raise CorruptSnapshotError unless all that the trailer names stands in a file of `size` bytes."""
    ends = [trailer.records_end, trailer.order + 4 * trailer.records, trailer.offsets + 8 * trailer.ids]
    for index in trailer.indexes:
        # The end of the section before stands in front of the table.
        ends += [size + 1] if index.ends < 8 or index.bits > 48 else [index.ends + (8 << index.bits)]
    if max(ends) > size - TRAILER_SIZE or trailer.records > trailer.ids or not trailer.indexes:
        raise CorruptSnapshotError(f"the trailer of {where} points outside of it", where=where)


def encode_table(values: array[int]) -> bytes:
    """A table as little-endian bytes."""
    return _little(values)


def decode_table(typecode: str, data: bytes | memoryview) -> array[int]:
    """A little-endian table again; `typecode` "I" for u32, "Q" for u64."""
    table = array(typecode)
    table.frombytes(data)
    _native(table)
    return table


def _little(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _native(values: array[int]) -> None:
    if sys.byteorder == "big":
        values.byteswap()
