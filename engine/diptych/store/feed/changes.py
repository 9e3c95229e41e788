"""What a follower is given: transactions, each with its changes, and the records before and after them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple

from diptych import fs
from diptych.change import Change, FileIndexed
from diptych.errors import (
    ChangesNotKeptError,
    CorruptionError,
    CorruptJournalError,
    InvalidArgumentError,
    StorageError,
)
from diptych.layout import GENERATIONS, parse_generation_name
from diptych.metadata import unpack_metadata
from diptych.schema.base import Record, Schema
from diptych.store.feed.cursor import JournalCursor, JournalTransaction
from diptych.store.generation import Generation, open_segment, read_manifest
from diptych.store.handle import Handle
from diptych.store.healing import Healing
from diptych.store.live import LiveRecords
from diptych.store.positions import Position
from diptych.store.upgrade import current_change


class RecordChange(Generic[Record]):
    """A change to one record. `before` and `after` are read when they are asked for."""

    __slots__ = ("_change", "_older", "_schema", "key")

    def __init__(self, schema: Schema[Record], change: Change, older: _Older | None) -> None:
        """Internal: from `ChangeFeed`."""
        self.key = change.key
        self._schema, self._change, self._older = schema, change, older

    @property
    def is_removal(self) -> bool:
        """Whether the record was removed."""
        return not isinstance(self._change, FileIndexed)

    @property
    def after(self) -> Record | None:
        """The record from then on; None where it was removed. Raises CorruptionError, StorageError."""
        change = self._change
        return self._schema.unpack(self.key, change.payload) if isinstance(change, FileIndexed) else None

    @property
    def before(self) -> Record | None:
        """The record until then; None where there was none.

        Raises CorruptionError, StorageError, and InvalidArgumentError where the feed was not asked for it.
        """
        if self._older is None:
            raise InvalidArgumentError(
                "this feed does not have the records before a change", advice="ask for them with before=True"
            )
        payload = self._older.payload(self.key)
        return None if payload is None else self._schema.unpack(self.key, payload)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'removed' if self.is_removal else 'indexed'} {self.key!r}>"


class CommittedTransaction(NamedTuple, Generic[Record]):
    """A transaction as a follower sees it: durable, with one change for each key."""

    lsn: int
    metadata: dict[str, Any]
    """What its writer said of it; empty for nothing."""
    changes: list[RecordChange[Record]]


class ChangeFeed(Generic[Record]):
    """The transactions after an LSN, in order, each once.

    An iteration ends with the newest transaction that there is; the next one continues where it ended:

        feed = store.changes(since=lsn)
        while store.wait(feed.lsn + 1):
            for transaction in feed:
                ...

    What it gives is durable, whatever the durability of the writer. One thread at a time.
    """

    def __init__(self, handle: Handle[Record], position: Position, *, before: bool) -> None:
        """Internal: use `RecordStore.changes`."""
        self._handle, self._schema = handle, handle.schema
        self._cursor = JournalCursor(handle.path, handle.identity.store_id, position, handle.schema)
        self._records = _RecordsBefore(handle) if before else None
        self._last: JournalTransaction | None = None
        """The last that was given, where the records before do not have it yet."""

    @property
    def lsn(self) -> int:
        """Of the last transaction that it gave."""
        return self.position.lsn

    @property
    def position(self) -> Position:
        """Where it continues; for `Consumer`."""
        return self._cursor.position

    def __iter__(self) -> Iterator[CommittedTransaction[Record]]:
        """Raises ChangesNotKeptError, StoreReplacedError, CorruptionError, StorageError, StoreClosedError.

        InvalidArgumentError for an LSN that the store has not reached.
        """
        handle, cursor = self._handle, self._cursor
        until, seen_lsn = handle.durable_lsn(), handle.current.view.lsn
        if self._records is not None:
            self._take_last(self._records)
            self._records.move(self.lsn)
        try:
            for transaction in cursor.transactions(until, least=seen_lsn):
                handle.alive.check()
                given = self._given(transaction)
                # Last, and without a call, so that no signal comes before the caller has it: what fails, or
                # is interrupted, is given again.
                self._last, cursor.position = transaction, transaction.position
                yield given
        except CorruptJournalError:
            # What is shorter than it was may be another store.
            handle.refuse_replaced()
            raise

    def _given(self, transaction: JournalTransaction) -> CommittedTransaction[Record]:
        lsn, packed, schema = transaction.lsn, transaction.metadata, self._schema
        given = [current_change(schema, change) for change in transaction.changes]
        where = f"{self._handle.path}, LSN {lsn}"
        metadata = unpack_metadata(packed, where=where) if packed else {}
        if self._records is None:
            changes = [RecordChange(schema, change, None) for change in given]
        else:
            older = self._records
            self._take_last(older)
            changes = [RecordChange(schema, change, older.of(change.key)) for change in given]
        return CommittedTransaction(lsn, metadata, changes)

    def _take_last(self, older: _RecordsBefore[Record]) -> None:
        """Let the records be those after the last transaction. Where that was interrupted, again."""
        if self._last is not None:
            older.take(self._last)
            self._last = None


class _Older(NamedTuple):
    """Where the record of a key was before a change: in an older one, or in a generation, or nowhere."""

    change: Change | None
    records: LiveRecords | None

    def payload(self, key: bytes) -> bytes | None:
        if self.change is not None:
            return self.change.payload if isinstance(self.change, FileIndexed) else None
        stored = self.records.get(key) if self.records is not None else None
        return None if stored is None else stored.payload


class _RecordsBefore(Generic[Record]):
    """All records at the LSN that a feed has come to: a generation, and the changes since."""

    def __init__(self, handle: Handle[Record]) -> None:
        self._path, self._store_id, self._schema = handle.path, handle.identity.store_id, handle.schema
        self._base_lsn = -1
        self._records: LiveRecords | None = None
        self._newest: dict[bytes, tuple[int, Change]] = {}

    def of(self, key: bytes) -> _Older:
        """Where the record of a key is."""
        _, change = self._newest.get(key, (0, None))
        return _Older(change, self._records)

    def take(self, transaction: JournalTransaction) -> None:
        """Continue after this transaction."""
        for change in transaction.changes:
            self._newest[change.key] = (transaction.lsn, current_change(self._schema, change))

    def move(self, lsn: int) -> None:
        """Be at `lsn`, by way of the newest generation there. Raises ChangesNotKeptError, StorageError."""
        base = self._newest_generation(lsn)
        if base is None and self._base_lsn < 0:
            # Without a generation, everything is in the journal.
            self._replay(Position(0), lsn)
            self._base_lsn = 0
        elif base is not None and base.lsn > self._base_lsn:
            if self._base_lsn < 0:
                self._replay(Position(base.lsn), lsn)
            # What the generation has, and the journal files with it, is not held any longer.
            self._newest = {key: newest for key, newest in self._newest.items() if newest[0] > base.lsn}
            self._records = LiveRecords(base.segments, self._schema, Healing())
            self._base_lsn = base.lsn

    def _replay(self, begin: Position, lsn: int) -> None:
        cursor = JournalCursor(self._path, self._store_id, begin, self._schema)
        try:
            for transaction in cursor.transactions(lsn) if lsn > begin.lsn else ():
                self.take(transaction)
                cursor.position = transaction.position
        except ChangesNotKeptError as error:
            oldest = min((generation_lsn for generation_lsn, _ in self._generations()), default=lsn)
            raise ChangesNotKeptError(
                f"the records before the changes after LSN {lsn} are not kept: the oldest generation is of "
                f"LSN {oldest}",
                oldest_lsn=oldest,
            ) from error

    def _newest_generation(self, lsn: int) -> Generation | None:
        """The newest at or before `lsn` that is newer than the one at hand; None where there is none."""
        for generation_lsn, name in self._generations():
            if not self._base_lsn < generation_lsn <= lsn:
                continue
            path = os.path.join(self._path, GENERATIONS, name)
            try:
                manifest = read_manifest(path)
                segments = {
                    one.digest: open_segment(self._path, one, self._schema) for one in manifest.segments
                }
            except (CorruptionError, StorageError) as error:
                fs.raise_transient(error)
                # Damaged, or removed meanwhile: an older one and more of the journal do as well.
                continue
            return Generation(path, manifest, self._schema, segments)
        return None

    def _generations(self) -> list[tuple[int, str]]:
        """LSN and name of each generation, newest first."""
        directory = os.path.join(self._path, GENERATIONS)
        with fs.translated("list", directory):
            names = fs.list_directory(directory)
        parsed = [(found, name) for name in names if (found := parse_generation_name(name)) is not None]
        return [(lsn, name) for (lsn, _), name in sorted(parsed, reverse=True)]
