"""A transaction: changes gathered in memory, written at the end as one, or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from blake3 import blake3

from diptych.change import FileIndexed, FileRemoved, record_checksum, shown_key
from diptych.errors import (
    ConflictError,
    CorruptionError,
    InvalidRecordError,
    RecordTooLargeError,
    TransactionError,
    UnknownFileError,
)
from diptych.journal.format import MAX_RECORD_BYTES
from diptych.metadata import pack_metadata
from diptych.schema.base import Record
from diptych.store.adopted import verified
from diptych.store.changes import ChangeSet

if TYPE_CHECKING:
    from diptych.store.writer import StoreWriter

ANY_HASH = "any"
"""For `put`: whatever is there."""


class _Phase(Enum):
    NEW = "not entered"
    OPEN = "open"
    DONE = "over"


class Transaction(Generic[Record]):
    """Usable once, by one thread, in a `with` statement: commits on a clean exit, rolls back on an exception.

    After the block, `lsn` is the receipt: everything up to it is durable (with durability "buffered":
    written). A commit that raises CommitInDoubtError may survive or not. After any other error, an interrupt
    included, `lsn` tells: 0 says that it was rolled back.
    """

    def __init__(self, writer: StoreWriter[Record], metadata: Mapping[str, Any] | None = None) -> None:
        """Internal: use `RecordStore.transaction`."""
        # An empty mapping says nothing, and is not stored; anything else that is empty is a mistake.
        packed = b"" if metadata is None or metadata == {} else pack_metadata(metadata)
        self.number = writer.new_number()
        self._writer = writer
        self._schema = writer.schema
        self._changes = ChangeSet(writer.schema, packed)
        self._phase = _Phase.NEW

    def __enter__(self) -> Self:
        if self._phase is not _Phase.NEW:
            raise TransactionError(
                f"transaction {self.number} is {self._phase.value}",
                advice="begin a new one: each is used once",
            )
        self._writer.begin(self.number, self._changes)
        # In this order, and the other way round at the end: one that an interrupt left can be rolled back.
        self._phase = _Phase.OPEN
        self._changes.is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._phase is not _Phase.OPEN:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()

    @property
    def lsn(self) -> int:
        """The LSN of the commit; 0 before it, and after a rollback."""
        return self._changes.lsn

    def commit(self) -> int:
        """Commit now, before the block ends; returns the LSN. See the class for what a failure leaves."""
        self._check_open()
        try:
            self._changes.lsn = self._writer.commit(self._changes)
        finally:
            self._finish()
        return self._changes.lsn

    def rollback(self) -> None:
        """Discard all of it, before the block ends: nothing was written anywhere."""
        self._check_open()
        self._finish()

    def get(self, name: str) -> Record | None:
        """The record of that name as this transaction leaves it, or None. Raises as `RecordStore.get`."""
        self._check_open()
        key = self._schema.key(name)
        payload = self._payload(key)
        return None if payload is None else self._schema.unpack(key, payload)

    def hash(self, name: str) -> str | None:
        """The hash of the record of that name, for `put`; None where there is none. Raises as `get`."""
        self._check_open()
        return _hash(self._payload(self._schema.key(name)))

    def put(self, record: Record, *, if_hash: str | None = ANY_HASH) -> None:
        """Replace what was known of the record's key.

        With `if_hash`, only where `hash` of it is that (None: where there is no record); otherwise raises
        ConflictError, and nothing changed. Raises InvalidRecordError, RecordTooLargeError.
        """
        self._check_open()
        key = self._schema.key_of(record)
        self._refuse_adopted(key)
        if if_hash != ANY_HASH and _hash(self._payload(key)) != if_hash:
            raise ConflictError(
                f"the record of {shown_key(key)} is not the one that was expected",
                advice="read it again, and decide again",
            )
        self._changes.index(indexed(key, self._schema.pack(record)), record)

    def put_packed(self, key: bytes, payload: bytes) -> None:
        """As `put`, with a payload that this store's schema packed, in another process perhaps.

        Raises InvalidRecordError for a key or a payload that the schema does not know as its own.
        """
        self._check_open()
        self._schema.check_key(key)
        self._refuse_adopted(key)
        try:
            # All that a look-up, a search or a checkpoint will ask of it: better refused here.
            projection = self._schema.project(key, payload)
        except (CorruptionError, TypeError) as error:
            raise InvalidRecordError(
                f"the payload of {shown_key(key)} is none of {self._schema.name!r}",
                advice="pack it with the pack() of the schema that the store was opened with",
            ) from error
        self._changes.index_packed(indexed(key, payload), projection)

    def remove(self, name: str) -> None:
        """Remove a record. Raises UnknownFileError where there is none, InvalidPathError."""
        self._check_open()
        key = self._schema.key(name)
        self._refuse_adopted(key)
        change = self._changes.by_key.get(key)
        exists = isinstance(change, FileIndexed) if change is not None else self._writer.has_key(key)
        if not exists:
            raise UnknownFileError(f"there is no {name!r} in the store")
        self._changes.remove(FileRemoved(key))

    def adopt(self, path: str | os.PathLike[str], *, trusted: bool = False) -> int:
        """Take in the segment that a `SegmentBuilder` made at `path`; returns how many records it has.

        Each of its records replaces what was known of its key. All of it is read here and compared with its
        SEAL, each record is decoded, and the two halves are compared. With `trusted` the last two are left
        out: for a segment that this program, or one that it started, has just built.

        The directory must not change from then on: the commit moves it into the store, or copies it from
        another file system and removes it. After a rollback it is where it was.

        One transaction changes a key once: it may put and remove other records, and adopt segments of others.

        Raises InvalidArgumentError where there is no segment, one that the store has already, or one in the
        folder of another store, InvalidRecordError where the transaction changes one of its keys otherwise or
        where a record does not decode,
        IncompatibleStoreError for a segment of another schema, CorruptionError for a damaged one,
        StorageError; then nothing changed.
        """
        self._check_open()
        where = os.path.abspath(path)
        self._writer.refuse_segment_of_store(where)
        segment = verified(where, self._schema, trusted=trusted)
        changed = self._changes.by_key
        for change in segment.changes:
            if change.key in changed or self._changes.segment_of(change.key) is not None:
                raise InvalidRecordError(
                    f"the segment at {where} has a record of {shown_key(change.key)}, "
                    "which this transaction changes too",
                    advice="adopt it in a transaction of its own",
                )
        self._changes.adopted.append(segment)
        return len(segment)

    def _refuse_adopted(self, key: bytes) -> None:
        if self._changes.adopted and self._changes.segment_of(key) is not None:
            raise InvalidRecordError(
                f"a segment that this transaction adopts has a record of {shown_key(key)}",
                advice="change it in another transaction",
            )

    def _payload(self, key: bytes) -> bytes | None:
        """What the key's record is packed as, in this transaction."""
        segment = self._changes.segment_of(key)
        if segment is not None:
            record = segment.records.get(key)
            return None if record is None else record.payload
        change = self._changes.by_key.get(key)
        if change is None:
            return self._writer.current.view.payload(key)
        return change.payload if isinstance(change, FileIndexed) else None

    def _check_open(self) -> None:
        if self._phase is not _Phase.OPEN:
            raise TransactionError(
                f"transaction {self.number} is {self._phase.value}",
                advice="use it inside its `with` block, once",
            )

    def _finish(self) -> None:
        self._changes.is_open = False
        self._phase = _Phase.DONE
        self._writer.end(self.number)
        self._changes.clear()


def _hash(payload: bytes | None) -> str | None:
    return None if payload is None else blake3(payload).hexdigest(16)


def indexed(key: bytes, payload: bytes) -> FileIndexed:
    """A record, in place of what was known of its key. Raises RecordTooLargeError."""
    if type(payload) is not bytes:
        # A schema's pack, or a caller, may give any bytes; later changes to a mutable one must not count.
        payload = bytes(memoryview(payload))
    if len(payload) + len(key) > MAX_RECORD_BYTES - 64:
        raise RecordTooLargeError(
            f"the record of {shown_key(key)} has {len(payload):,} bytes, "
            f"and {MAX_RECORD_BYTES - 64:,} is the most",
            advice="leave out part of it, or skip the file",
        )
    return FileIndexed(key, record_checksum(key, payload), payload)
