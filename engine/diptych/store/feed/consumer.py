"""A named consumer: it follows a store, and keeps the journal from being removed before it has read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, Self

from diptych import fs
from diptych.errors import (
    CorruptStoreError,
    InvalidArgumentError,
    StorageError,
    StoreClosedError,
    StoreLockedError,
    StoreReplacedError,
)
from diptych.layout import CONSUMERS, LOCK, is_temporary
from diptych.schema.base import Record
from diptych.store.feed.changes import ChangeFeed, CommittedTransaction
from diptych.store.handle import Handle
from diptych.store.manifest import now_ms
from diptych.store.positions import (
    Position,
    StoredPosition,
    as_position,
    position_path,
    read_position,
    write_position,
)
from diptych.values import replace


class Consumer(Generic[Record]):
    """Follows a store under a name. One process at a time, and one thread.

        with store.consumer("mirror") as consumer:
            for transaction in consumer:
                apply(transaction)                       # with its LSN, where it must not be applied twice
                consumer.acknowledge(transaction.lsn)

    After a crash it is given everything again that was not acknowledged, in order. A consumer that stores
    `lsn` with what it makes of a transaction sees each once: it passes over those that it has.
    """

    def __init__(
        self, handle: Handle[Record], name: str, *, since: int | None, before: bool, timeout_s: float
    ) -> None:
        """Internal: use `RecordStore.consumer`."""
        self.name = name
        self._handle = handle
        path = position_path(handle.path, name)
        # Before the directory is made, so that a mistake leaves nothing.
        if since is not None and not 0 <= since <= handle.current.view.lsn:
            raise InvalidArgumentError(f"the store is at LSN {handle.current.view.lsn}, and since is {since}")
        # Whoever stored a position has synced both directories before.
        is_new = not fs.exists(path)
        fs.make_dir(os.path.join(handle.path, CONSUMERS), follow=False, sync_existing=is_new)
        fs.make_dir(os.path.dirname(path), follow=False, sync_existing=is_new)
        try:
            lock = fs.WriterLock(os.path.join(os.path.dirname(path), LOCK), timeout_s=timeout_s)
        except StoreLockedError as error:
            raise StoreLockedError(
                f"the consumer {name!r} is in use by process {error.pid or 'unknown'}",
                pid=error.pid,
                advice="wait until it is done, or consume under another name",
            ) from error
        self._lock: fs.WriterLock | None = lock
        try:
            self._stored = self._opened(since)
            self._position, self._before = as_position(self._stored), before
            self._feed = ChangeFeed(handle, self._position, before=before)
        except BaseException:
            lock.release()
            raise
        self._given: dict[int, Position] = {}
        """The positions that may be acknowledged."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def lsn(self) -> int:
        """Everything up to it was acknowledged."""
        return self._stored.lsn

    def __iter__(self) -> Iterator[CommittedTransaction[Record]]:
        """The transactions after the last one that it gave; after opening, after `lsn`. See `ChangeFeed`."""
        self._check()
        if self._feed.position != self._position:
            # An interrupt came when the feed had given a transaction, and this had not.
            self._feed = ChangeFeed(self._handle, self._position, before=self._before)
        for transaction in self._feed:
            self._given[transaction.lsn] = position = self._feed.position
            # Last, and without a call, as in the feed.
            self._position = position
            yield transaction
            self._check()

    def acknowledge(self, lsn: int) -> None:
        """Never give the transactions up to `lsn` again; durable when it returns.

        Raises InvalidArgumentError for an LSN that this did not give, StorageError, StoreClosedError.
        """
        self._check()
        if lsn == self.lsn:
            return
        position = self._given.get(lsn)
        if position is None:
            raise InvalidArgumentError(
                f"LSN {lsn} is not one that the consumer {self.name!r} was given since it was opened",
                advice="acknowledge the `lsn` of a transaction from its iteration",
            )
        acknowledged = replace(self._stored, lsn=lsn, checksum=position.checksum, acknowledged_ms=now_ms())
        write_position(self._handle.path, self.name, acknowledged)
        self._stored = acknowledged
        self._given = {given: one for given, one in self._given.items() if given > lsn}

    def close(self) -> None:
        """Let another process consume under this name. Closing twice is nothing."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def _opened(self, since: int | None) -> StoredPosition:
        """The position, made where there is none."""
        path, store_id = self._handle.path, self._handle.identity.store_id
        directory = os.path.dirname(position_path(path, self.name))
        with fs.translated("list", directory):
            # What a crash left of a position that was being replaced.
            for name in filter(is_temporary, fs.list_directory(directory)):
                fs.remove_file(os.path.join(directory, name))
        try:
            stored = read_position(path, self.name)
        except CorruptStoreError as error:
            raise CorruptStoreError(
                f"how far the consumer {self.name!r} is cannot be read: {error.message}",
                where=error.where,
                advice=f"remove it with `diptych consumers --remove {self.name}`, and begin again",
            ) from error
        if stored is None:
            lsn = self._handle.current.view.lsn if since is None else since
            stored = StoredPosition(store_id, lsn, 0, now_ms(), now_ms())
            # From here on the writer keeps what follows. What it removed meanwhile, the first iteration says.
            write_position(path, self.name, stored)
        elif stored.store_id != store_id:
            raise StoreReplacedError(
                f"the consumer {self.name!r} is of another store",
                advice=f"remove it with `diptych consumers --remove {self.name}`, and begin again",
            )
        return stored

    def _check(self) -> None:
        if self._lock is None:
            raise StoreClosedError(f"the consumer {self.name!r} is closed", advice="open it again")
        self._handle.alive.check()


def remove_consumer(store: str, name: str) -> bool:
    """Remove a consumer; whether there was one. Raises StoreLockedError where it is in use, StorageError."""
    path = position_path(store, name)
    directory = os.path.dirname(path)
    if not fs.is_directory(directory):
        return False
    try:
        lock = fs.WriterLock(os.path.join(directory, LOCK))
    except StoreLockedError as error:
        raise StoreLockedError(
            f"the consumer {name!r} is in use by process {error.pid or 'unknown'}",
            pid=error.pid,
            advice="end that process first",
        ) from error
    try:
        existed = fs.exists(path)
        # First: a crash in between leaves a directory that is no consumer.
        fs.remove_tree(path)
        with suppress(StorageError):
            fs.remove_tree(directory)
    finally:
        lock.release()
    return existed
