"""A change to one key: what a transaction gathers, the journal stores, and both stores take in.

    FileIndexed       a record, in place of what was known of its key
    FileRemoved       nothing, in place of what was known of its key
    SegmentAdopted    the records of a sealed segment, each in place of what was known of its key
    SnapshotCreated   no change: the journal's note that a generation was published

A transaction may come with metadata, which its writer gives: `TransactionDescribed` in the journal.

The names are the code index's; the core knows keys and payloads, and nothing of what they mean. What is read
from a store is a `StoredRecord`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from xxhash import xxh3_64_intdigest

from diptych.values import Value, field

# XXH3-64 of a term or a key: where it is found.
term_hash = xxh3_64_intdigest


def record_checksum(key: bytes, payload: bytes | memoryview) -> int:
    """XXH3-64 of a record's payload, seeded with that of its key.

    It is computed once, when the transaction is made, and travels with the record through the journal and
    both stores, so that a payload damaged anywhere on the way, or given under another key, does not pass.
    """
    return xxh3_64_intdigest(payload, xxh3_64_intdigest(key))


def shown_key(key: bytes) -> str:
    """A key in a message."""
    return f"{key.decode('utf-8', 'backslashreplace')!r:.200}"


class PayloadPlace(Protocol):
    """Where a payload is stored, for one that is not kept in memory."""

    @property
    def length(self) -> int:
        """Its size in bytes, at least about."""

    @property
    def schema_version(self) -> int:
        """The version of the schema that it was packed by; 0 where that is not known."""

    def read(self, key: bytes, checksum: int) -> bytes:
        """The payload. Raises CorruptionError where it fails the checksum, and StorageError."""


class FileIndexed(Value, frozen=False):
    """A record, in place of what was known of its key. `stored` is its payload, or where that is."""

    key: bytes
    checksum: int
    stored: bytes | PayloadPlace = field(repr=False)

    def __init__(self, key: bytes, checksum: int, stored: bytes | PayloadPlace) -> None:
        """A record; see the class."""
        self.key = key
        self.checksum = checksum
        self.stored = stored

    @property
    def payload(self) -> bytes:
        """The record's bytes. Raises CorruptionError and StorageError where they have to be read."""
        stored = self.stored
        return stored if type(stored) is bytes else stored.read(self.key, self.checksum)  # type: ignore[union-attr]

    @property
    def payload_bytes(self) -> int:
        """The size of the record's bytes, which are not read."""
        stored = self.stored
        return len(stored) if isinstance(stored, bytes) else stored.length


class FileRemoved(Value, frozen=False):
    """Nothing, in place of what was known of the key."""

    key: bytes


class SegmentAdopted(NamedTuple):
    """The records of a segment that was built elsewhere, each in place of what was known of its key."""

    sealed: bytes
    """The bytes of its SEAL: its name, schema, files, number of records, first and last key."""


class SnapshotCreated(NamedTuple):
    """A generation was published; `checksum` is that of its manifest."""

    lsn: int
    created_ms: int
    checksum: int


class TransactionDescribed(NamedTuple):
    """The metadata of the transaction whose first entry this is, packed by `diptych.metadata`."""

    packed: bytes


Change = FileIndexed | FileRemoved


class StoredRecord(NamedTuple):
    """A record as it was read from a store."""

    key: bytes
    checksum: int
    payload: bytes
