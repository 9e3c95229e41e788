"""The journal's bytes: journal header, frame, entry. Pure: bytes to values and back.

JournalFile header, 64 bytes, little-endian:

    0   8  magic "DIPTYCHJ"
    8   4  format version
    12  4  version of the schema of the payloads in it; 0 where that is not known
    16  16 store id
    32  8  LSN of the first transaction in the journal file
    40  8  salt, random
    48  8  chain: checksum of the last frame before this journal file, 0 where there is none
    56  8  XXH3-64 of the 56 bytes before

Frame, a multiple of 8 bytes:

    0   8  checksum: XXH3-64 of all that follows up to the payload's end, seeded with the salt
    8   8  chain: checksum of the frame before (for a journal file's first frame, the header's chain)
    16  8  LSN of the transaction it belongs to; of the newest one for a control frame
    24  8  synced: when this frame was written, the journal file was on disk up to this offset
    32  4  payload length in bytes, without padding
    36  2  sync word 0xD1B7
    38  1  kind: 1 part (more frames of the transaction follow), 2 commit (its last), 3 control
    39  1  0 in the first frame of a transaction, 1 in those that continue it
    40  …  payload: msgpack entries, one after the other; then zeros to a multiple of 8

The seed makes a frame of another journal file fail, the chain one that is out of place, and each frame can be
tested by itself, so that a whole frame behind bad bytes is found. Frames that share an fsync reach the disk
in any order, so such a frame proves damage only if it says that the bad bytes were synced before it was
written; byte 39 says whether a transaction begins with it.

Entries, msgpack arrays:

    [1, key, checksum, payload]          FileIndexed: the complete record
    [2, key]                             FileRemoved
    [3, LSN, created_ms, checksum]       SnapshotCreated: a generation was published (control)
    [4, metadata]                        TransactionDescribed: the first entry of its transaction (format 2)
    [5, SEAL]                            SegmentAdopted: the records of a segment (format 2)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgpack
from xxhash import xxh3_64_intdigest

from diptych.change import (
    Change,
    FileIndexed,
    FileRemoved,
    SegmentAdopted,
    SnapshotCreated,
    TransactionDescribed,
)
from diptych.errors import CorruptJournalError, IncompatibleStoreError
from diptych.metadata import MAX_METADATA_BYTES

MAGIC = b"DIPTYCHJ"
FORMAT_VERSION = 2
HEADER = struct.Struct("<8sII16sQQQQ")
HEADER_SIZE = 64
assert HEADER.size == HEADER_SIZE

FRAME = struct.Struct("<QQQQIHBB")
FRAME_SIZE = 40
assert FRAME.size == FRAME_SIZE
_BODY = struct.Struct("<QQQIHBB")
_CHECKSUM = struct.Struct("<Q")

SYNC = 0xD1B7
PART, COMMIT, CONTROL = 1, 2, 3

# A frame holds whole entries. The writer begins another at this size; one entry may be larger.
FRAME_TARGET_BYTES = 1024 * 1024
# The largest record, and with it the largest frame: a length beyond it is damage.
MAX_RECORD_BYTES = 64 * 1024 * 1024
MAX_FRAME_BYTES = MAX_RECORD_BYTES + FRAME_TARGET_BYTES

FILE_INDEXED, FILE_REMOVED, SNAPSHOT_CREATED, TRANSACTION_DESCRIBED, SEGMENT_ADOPTED = 1, 2, 3, 4, 5


class JournalHeader(NamedTuple):
    """What a journal file says of itself."""

    store_id: bytes
    first_lsn: int
    salt: int
    chain: int
    schema_version: int = 0
    """Of the payloads in it; 0 where that is not known."""


class Frame(NamedTuple):
    """A whole frame, as found at `offset` of a journal file; `end` is the offset after its padding.

    `synced` is the offset up to which the file was on disk when the frame was written; `continues` says that
    frames of the same transaction come before it.
    """

    offset: int
    end: int
    checksum: int
    chain: int
    lsn: int
    synced: int
    kind: int
    continues: bool
    payload: bytes


JournalEntry = Change | SegmentAdopted | SnapshotCreated | TransactionDescribed


class Entry(NamedTuple):
    """One entry of a frame; `end` is the offset after it in the frame's payload."""

    value: JournalEntry
    end: int


def encode_header(header: JournalHeader) -> bytes:
    """The 64 bytes a journal file begins with."""
    store_id, first_lsn, salt, chain, schema_version = header
    body = HEADER.pack(MAGIC, FORMAT_VERSION, schema_version, store_id, first_lsn, salt, chain, 0)[:56]
    return body + _CHECKSUM.pack(xxh3_64_intdigest(body))


def decode_header(data: bytes, *, where: str) -> JournalHeader:
    """The header again. Raises CorruptJournalError, or IncompatibleStoreError for a newer format."""
    if len(data) < HEADER_SIZE:
        raise CorruptJournalError(f"{where} is shorter than a journal file's header", where=where)
    magic, version, schema_version, store_id, first_lsn, salt, chain, checksum = HEADER.unpack_from(data)
    if magic != MAGIC or checksum != xxh3_64_intdigest(data[:56]):
        raise CorruptJournalError(f"the header of {where} fails its checksum", where=where)
    if version > FORMAT_VERSION:
        raise IncompatibleStoreError(
            f"{where} is of format {version}, and this Diptych reads up to format {FORMAT_VERSION}",
            advice="open it with a newer Diptych",
        )
    return JournalHeader(store_id, first_lsn, salt, chain, schema_version)


def encode_frame(
    lsn: int,
    kind: int,
    payload: bytes,
    *,
    salt: int,
    chain: int,
    synced: int = HEADER_SIZE,
    continues: bool = False,
) -> tuple[bytes, int]:
    """`(bytes, checksum)` of a frame; the checksum is the next frame's chain."""
    body = _BODY.pack(chain, lsn, synced, len(payload), SYNC, kind, continues) + payload
    checksum = xxh3_64_intdigest(body, salt)
    return _CHECKSUM.pack(checksum) + body + bytes(-len(body) % 8), checksum


def decode_frame(data: bytes | memoryview, at: int, *, salt: int, offset: int) -> Frame | None:
    """The frame whose bytes begin at `at` of `data`, if a whole one stands there.

    `offset` is what to call the place. Nothing larger than `data` is allocated.
    """
    if len(data) - at < FRAME_SIZE:
        return None
    checksum, chain, lsn, synced, length, sync, kind, continues = FRAME.unpack_from(data, at)
    if sync != SYNC or continues > 1 or not PART <= kind <= CONTROL or length > len(data) - at - FRAME_SIZE:
        return None
    end = at + FRAME_SIZE + length
    if xxh3_64_intdigest(data[at + 8 : end], salt) != checksum:
        return None
    size = FRAME_SIZE + length
    padding = -size % 8
    # A frame torn within its padding is not whole either: the next one would stand askew.
    if end + padding > len(data) or any(data[end : end + padding]):
        return None
    payload = bytes(data[at + FRAME_SIZE : end])
    whole = offset + size + padding
    return Frame(offset, whole, checksum, chain, lsn, synced, kind, bool(continues), payload)


def frame_extent(data: bytes | memoryview, at: int) -> int | None:
    """How many bytes the frame at `at` claims to take; None where the header cannot be one."""
    if len(data) - at < FRAME_SIZE:
        return None
    _, _, _, _, length, sync, kind, continues = FRAME.unpack_from(data, at)
    if sync != SYNC or continues > 1 or not PART <= kind <= CONTROL or length > MAX_FRAME_BYTES:
        return None
    size: int = FRAME_SIZE + length
    return size + -size % 8


_pack = msgpack.Packer(autoreset=True).pack


def encode_change(change: Change | SegmentAdopted) -> bytes:
    """The entry for a change. A record's payload is its last `len(payload)` bytes."""
    if isinstance(change, SegmentAdopted):
        return bytes(_pack((SEGMENT_ADOPTED, change.sealed)))
    if isinstance(change, FileRemoved):
        return bytes(_pack((FILE_REMOVED, change.key)))
    return bytes(_pack((FILE_INDEXED, change.key, change.checksum, change.payload)))


def encode_payloads(
    changes: Iterable[Change | SegmentAdopted], metadata: bytes = b""
) -> tuple[list[bytes], list[list[Entry]]]:
    """A transaction as the payloads of frames, and for each payload its changes as entries.

    A payload has about FRAME_TARGET_BYTES, or one change.
    """
    payloads: list[bytes] = []
    entries: list[list[Entry]] = [[]]
    parts: list[bytes] = [encode_metadata(metadata)] if metadata else []
    end = sum(map(len, parts))
    for change in changes:
        encoded = encode_change(change)
        if parts and end + len(encoded) > FRAME_TARGET_BYTES:
            payloads.append(b"".join(parts))
            parts, end = [], 0
            entries.append([])
        end += len(encoded)
        parts.append(encoded)
        entries[-1].append(Entry(change, end))
    payloads.append(b"".join(parts))
    return payloads, entries


def encode_metadata(packed: bytes) -> bytes:
    """The entry for a transaction's metadata."""
    return bytes(_pack((TRANSACTION_DESCRIBED, packed)))


def encode_snapshot_created(created: SnapshotCreated) -> bytes:
    """The entry for a published generation."""
    return bytes(_pack((SNAPSHOT_CREATED, *created)))


def decode_entries(payload: bytes, *, where: str) -> Iterator[Entry]:
    """The entries of a frame. Raises CorruptJournalError for a malformed one."""
    # The longest array is an entry's; a length beyond what there is must not be allocated.
    unpacker = msgpack.Unpacker(
        use_list=False, max_buffer_size=max(len(payload), 1), max_array_len=4, max_map_len=0
    )
    unpacker.feed(payload)
    while (begin := unpacker.tell()) < len(payload):
        try:
            fields = unpacker.unpack()
        except Exception as error:
            raise CorruptJournalError(f"{where}: an entry does not decode: {error}", where=where) from error
        yield Entry(_entry(fields, begin, where), unpacker.tell())


def _entry(fields: object, begin: int, where: str) -> JournalEntry:
    match fields:
        case (1, bytes(key), int(checksum), bytes(payload)):
            return FileIndexed(key, checksum, payload)
        case (2, bytes(key)):
            return FileRemoved(key)
        case (3, int(lsn), int(created_ms), int(checksum)):
            return SnapshotCreated(lsn, created_ms, checksum)
        case (4, bytes(packed)) if begin == 0 and len(packed) <= MAX_METADATA_BYTES:
            return TransactionDescribed(packed)
        case (5, bytes(sealed)):
            return SegmentAdopted(sealed)
        case _:
            raise CorruptJournalError(f"{where}: an unknown entry at byte {begin}", where=where)
