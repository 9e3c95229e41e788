"""A transaction: changes gathered in memory, written at the end as one, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Any, Generic, Self

from diptych.checks import check_of
from diptych.errors import (
    CorruptionError,
    InvalidRecordError,
    RecordTooLargeError,
    TransactionError,
    UnknownFileError,
)
from diptych.journal.format import (
    FRAME_TARGET_BYTES,
    MAX_RECORD_BYTES,
    encode_file_indexed,
    encode_file_removed,
)
from diptych.schema.base import Projection, Record, Schema

# Of so many payload bytes, records are kept until the commit, and projections that were made to check a
# packed record: records take some three times the memory, projections ten times.
_RECORD_BYTES = 16 * 1024 * 1024
_PROJECTED_BYTES = 4 * 1024 * 1024


class Operation:
    """One key's change, as the transaction leaves it."""

    __slots__ = ("check", "entry", "key", "length", "projection", "record")

    def __init__(
        self,
        key: bytes,
        check: int,
        entry: bytes,
        length: int,
        projection: Projection | None = None,
        record: Any = None,
    ) -> None:
        self.key = key
        self.check = check
        self.entry = entry
        self.length = length
        self.projection = projection
        self.record = record

    def project(self, schema: Schema[Any], payload: bytes) -> Projection:
        """The payload's projection, the cheapest way there is."""
        if self.projection is not None:
            return self.projection
        if self.record is not None:
            return schema.project_record(self.key, payload, self.record)
        return schema.project(self.key, payload)


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

    def __init__(
        self,
        schema: Schema[Record],
        number: int,
        exists: Callable[[bytes], bool],
        begin: Callable[[Transaction[Record]], None],
        commit: Callable[[Transaction[Record]], int],
        end: Callable[[Transaction[Record]], None],
    ) -> None:
        self.number = number
        self.lsn = 0
        self.operations: dict[bytes, Operation] = {}
        self._schema = schema
        self._exists = exists
        self._begin, self._commit, self._end = begin, commit, end
        self._phase = _Phase.NEW
        self._kept = self._projected = 0

    def __enter__(self) -> Self:
        if self._phase is not _Phase.NEW:
            raise TransactionError(
                f"transaction {self.number} is {self._phase.value}",
                advice="begin a new one: each is used once",
            )
        self._begin(self)
        self._phase = _Phase.OPEN
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
    def is_open(self) -> bool:
        """Whether it was begun, and neither committed nor rolled back."""
        return self._phase is _Phase.OPEN

    def commit(self) -> int:
        """Commit now, before the block ends; returns the LSN. See the class for what a failure leaves."""
        self._check_open()
        try:
            self.lsn = self._commit(self)
        finally:
            self._finish()
        return self.lsn

    def rollback(self) -> None:
        """Give all of it up, before the block ends: nothing was written anywhere."""
        self._check_open()
        self._finish()

    def put(self, record: Record) -> None:
        """Replace what was known of the record's key. Raises InvalidRecordError, RecordTooLargeError."""
        self._check_open()
        key = self._schema.key_of(record)
        payload = self._schema.pack(record)
        self._kept += len(payload)
        self._put(key, payload, record=self._schema.kept(record) if self._kept <= _RECORD_BYTES else None)

    index_file = put

    def put_packed(self, key: bytes, payload: bytes) -> None:
        """As `put`, with a payload that this store's schema packed, in another process perhaps.

        Raises InvalidRecordError for a key or a payload that the schema does not know as its own.
        """
        self._check_open()
        self._schema.check_key(key)
        try:
            # All that a look-up, a search or a checkpoint will ask of it: better refused here.
            projection = self._schema.project(key, payload)
        except (CorruptionError, TypeError) as error:
            raise InvalidRecordError(
                f"the payload of {key.decode('utf-8', 'replace')!r:.200} is none of {self._schema.name!r}",
                advice="pack it with the pack() of the schema that the store was opened with",
            ) from error
        self._projected += len(payload)
        self._put(key, payload, projection if self._projected <= _PROJECTED_BYTES else None)

    def remove(self, name: str) -> None:
        """Remove a record. Raises UnknownFileError where there is none, InvalidPathError."""
        self._check_open()
        key = self._schema.key(name)
        known = self.operations.get(key)
        if (known.length < 0) if known is not None else not self._exists(key):
            raise UnknownFileError(f"there is no {name!r} in the store")
        self.operations[key] = Operation(key, 0, encode_file_removed(key), -1)

    remove_file = remove

    def _put(
        self, key: bytes, payload: bytes, projection: Projection | None = None, record: Record | None = None
    ) -> None:
        if len(payload) + len(key) > MAX_RECORD_BYTES - 64:
            raise RecordTooLargeError(
                f"the record of {key.decode('utf-8', 'replace')!r:.200} has {len(payload):,} bytes, "
                f"and {MAX_RECORD_BYTES - 64:,} is the most",
                advice="leave out part of it, or skip the file",
            )
        check = check_of(key, payload)
        entry = encode_file_indexed(key, check, payload)
        self.operations[key] = Operation(key, check, entry, len(payload), projection, record)

    def _check_open(self) -> None:
        if self._phase is not _Phase.OPEN:
            raise TransactionError(
                f"transaction {self.number} is {self._phase.value}",
                advice="use it inside its `with` block, once",
            )

    def _finish(self) -> None:
        self._phase = _Phase.DONE
        self._end(self)
        self.operations = {}


def framed(operations: list[Operation]) -> list[list[Operation]]:
    """The operations cut into frames, each of about FRAME_TARGET_BYTES or of one operation."""
    frames: list[list[Operation]] = [[]]
    size = 0
    for operation in operations:
        if size and size + len(operation.entry) > FRAME_TARGET_BYTES:
            frames.append([])
            size = 0
        frames[-1].append(operation)
        size += len(operation.entry)
    return frames
