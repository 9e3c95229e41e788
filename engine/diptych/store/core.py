"""The store: one writer or any number of readers of a directory, for records of any schema."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from diptych import fs
from diptych.errors import (
    CommitInDoubtError,
    CommitNotPublishedError,
    CorruptionError,
    CorruptSearchError,
    InvalidArgumentError,
    PoisonedError,
    StateTransitionError,
    StorageError,
    StoreClosedError,
    StoreReplacedError,
    TransactionError,
)
from diptych.journal.writer import Appended, JournalWriter
from diptych.layout import CLOSED, JOURNAL
from diptych.schema.base import Record, Schema
from diptych.search.index import LongWordsError
from diptych.store import forks
from diptych.store.current import Current
from diptych.store.generation import Generation
from diptych.store.liveness import Liveness
from diptych.store.manifest import ClosedMark, Identity, encode_closed, now_ms
from diptych.store.opening import Opened, absolute, open_for_reading, open_for_writing
from diptych.store.overlay import Overlay
from diptych.store.policy import CheckpointPolicy, Durability
from diptych.store.publisher import Publisher
from diptych.store.report import Finding, Severity
from diptych.store.state import StateMachine, Status, StoreState
from diptych.store.stats import Stats, gather
from diptych.store.transaction import Operation, Transaction, framed
from diptych.store.view import Healing, View, log

# With durability "buffered" the journal is synced after this many commits.
_BUFFERED_COMMITS = 256
# So many times a reader looks for a generation that is not removed while it opens it.
_REMOVED_TRIES = 20

Result = TypeVar("Result")


class RecordStore(Generic[Record]):
    """A store of records of one schema. Made by `open`; all methods may be called from any thread.

    Subclasses name their records; see `diptych.store.code` for the one that holds files.
    """

    def __init__(
        self,
        opened: Opened,
        schema: Schema[Record],
        durability: Durability,
        policy: CheckpointPolicy,
    ) -> None:
        """Internal: use `open`."""
        self.path = opened.path
        self.schema = schema
        self.durability = durability
        self.policy = policy
        self.recovery: list[Finding] = opened.findings
        """What recovery found when the store was opened."""
        self._states = StateMachine()
        self._identity: Identity = opened.identity
        self._journal: JournalWriter | None = opened.journal
        self._follower = opened.follower
        self._lock_file = opened.lock
        self._closed_lsn = opened.closed_lsn
        self._modified_ms = opened.modified_ms
        self._numbers = itertools.count(1)
        self._open_here = threading.local()
        self._alive = Liveness(self.path, self._states, opened.journal, opened.lock or opened.held)
        self._closing = threading.RLock()
        self._done = False
        healing = Healing(self._wake)
        healing.snapshot, healing.search = opened.mend_snapshot, opened.mend_search
        view = self._make_view(opened.base, opened.overlay, opened.lsn, healing)
        self._current: Current[Record] = Current(self._make_view, view)
        self._publisher: Publisher | None = None
        if opened.journal is not None:
            self._publisher = Publisher(
                self.path,
                opened.identity,
                schema,
                policy,
                durability,
                opened.journal,
                self._current,
                self._states,
                self._alive,
                opened.modified_ms,
            )
        self._states.move(StoreState(Status.READY if self._current.has_records() else Status.EMPTY))
        forks.STORES.add(self)

    @classmethod
    def open_with(
        cls,
        path: str | os.PathLike[str],
        schema: Schema[Record],
        *,
        create: bool = True,
        read_only: bool = False,
        durability: Durability = "journal",
        lock_timeout_s: float = 0.0,
        policy: CheckpointPolicy | None = None,
    ) -> Self:
        """Open the store in directory `path`, recovering what a crash left; made there if it is missing.

        `durability`: with "journal" a commit returns when its frame is on disk; with "full" when a
        generation with it is published; with "buffered" when it is written, and a crash may take back the
        newest commits, in order. A reader (`read_only`) takes no lock and never changes a byte.

        Raises StoreNotFoundError, NotAStoreError, StoreLockedError (after `lock_timeout_s`),
        IncompatibleStoreError, CorruptStoreError, StorageError, InvalidArgumentError.
        """
        if durability not in ("journal", "full", "buffered"):
            raise InvalidArgumentError(f"durability is journal, full or buffered, not {durability!r}")
        where = absolute(path)
        with fs.translated("open the store at", where):
            if read_only:
                opened = open_for_reading(where, schema)
            else:
                opened = open_for_writing(where, schema, create=create, lock_timeout_s=lock_timeout_s)
        try:
            return cls(opened, schema, durability, policy or CheckpointPolicy())
        except BaseException:
            opened.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- writing ------------------------------------------------------------------------------------

    def transaction(self) -> Transaction[Record]:
        """A transaction, to be used in a `with` statement.

        Raises ReadOnlyError, StoreClosedError, ForkedProcessError, PoisonedError, and TransactionError
        where this thread has one open already.
        """
        self._alive.writer()
        self._refuse_nested()
        return Transaction(
            self.schema, next(self._numbers), self._exists, self._begin, self._commit, self._end
        )

    def checkpoint(self, *, compact: bool = False) -> int:
        """Publish a generation with everything committed so far; returns its LSN.

        Nothing to do where nothing changed. Commits and reads go on meanwhile. `compact` writes the search
        index again as one segment, whatever changed; it takes some 600 bytes of memory for a document.
        Raises StorageError, CorruptionError, ReadOnlyError, StoreClosedError; then the generation before
        stays the newest.
        """
        return self._publish(compact=compact)

    def publish_anew(self) -> int:
        """Publish a generation with both leaves written from all records, whatever changed: for repair.

        Nothing is removed, here or later by this handle.
        """
        self._alive.writer()
        assert self._publisher is not None
        self._publisher.keeps_all = True
        healing = self._current.healing
        healing.snapshot = healing.search = True
        return self._publisher.publish()

    def _publish(self, *, compact: bool = False) -> int:
        self._alive.writer()
        assert self._publisher is not None
        return self._publisher.publish(compact=compact)

    def _wake(self) -> None:
        publisher = getattr(self, "_publisher", None)
        if publisher is not None:
            publisher.wake()

    def _exists(self, key: bytes) -> bool:
        return self._current.view.has_key(key)

    def _begin(self, transaction: Transaction[Record]) -> None:
        self._alive.writer()
        self._refuse_nested()
        try:
            self._states.begin_transaction(transaction.number)
        except StateTransitionError:
            # Closed meanwhile: said as everywhere else.
            self._alive.check()
            raise
        self._open_here.transaction = transaction

    def _refuse_nested(self) -> None:
        current = getattr(self._open_here, "transaction", None)
        if current is not None and current.is_open:
            raise TransactionError(
                "this thread has a transaction open", advice="commit it first: transactions do not nest"
            )

    def _end(self, transaction: Transaction[Record]) -> None:
        self._open_here.transaction = None
        self._states.end_transaction(transaction.number, empty=not self._current.has_records())

    def _commit(self, transaction: Transaction[Record]) -> int:
        journal, publisher = self._alive.writer(), self._publisher
        assert publisher is not None
        operations = list(transaction.operations.values())
        publisher.committing()
        if not operations:
            return self._current.view.lsn
        if len(operations) == 1:
            frames = [operations]
            payloads = [operations[0].entry]
        else:
            frames = framed(operations)
            payloads = [b"".join([operation.entry for operation in frame]) for frame in frames]
        receipt: list[Appended] = []
        try:
            with journal.lock:
                # Before a byte of it: where directories cannot be locked, another may write to this file now.
                self._alive.refuse_moved(journal)
                journal.append(payloads, receipt)
                lsn = receipt[0].lsn
                self._apply(frames, receipt[0])
            if self.durability != "buffered" or lsn - journal.synced_lsn >= _BUFFERED_COMMITS:
                journal.sync(lsn)
                # What is durable in a store that was deleted or moved meanwhile is not committed here.
                self._alive.refuse_moved(journal)
            # The receipt, while an interrupt still counts as doubt: from here on it tells that this stands.
            transaction.lsn = lsn
        except BaseException as error:
            if isinstance(error, StoreReplacedError):
                raise
            if not receipt and (
                journal.poison is None or isinstance(error, (PoisonedError, StoreClosedError))
            ):
                # Nothing of it was written; where the journal is poisoned, another's failure did that.
                raise
            # Interrupted between the write and the fsync's answer: no one can say what is on disk.
            journal.set_poison(error)
            raise CommitInDoubtError(
                f"the commit of LSN {journal.last_lsn} may have survived or not: {error}",
                errno=getattr(error, "errno", None),
                advice="close the store and open it again: recovery tells",
            ) from error
        self._current.advance(lsn if self.durability == "buffered" else journal.synced_lsn)
        publisher.committed(lsn, operations)
        if self.durability == "full":
            self._publish_commit(lsn)
        return lsn

    def _publish_commit(self, lsn: int) -> None:
        try:
            self._publish()
        except (StorageError, CorruptionError, StoreClosedError) as error:
            # The journal has it: the checkpoint's own error would say that it was rolled back.
            raise CommitNotPublishedError(
                f"LSN {lsn} is durable in the journal, but no generation could be published: {error}",
                errno=getattr(error, "errno", None),
            ) from error

    def _apply(self, frames: list[list[Operation]], appended: Appended) -> None:
        overlay = self._current.overlay
        lsn, segment, offsets = appended
        for frame, offset in zip(frames, offsets, strict=True):
            end = offset
            for operation in frame:
                end += len(operation.entry)
                if operation.length < 0:
                    overlay.remove(lsn, operation.key)
                else:
                    # The payload is the last thing in its entry.
                    overlay.put(
                        lsn, operation.key, operation.check, segment, end - operation.length, operation.length
                    )

    # -- reading ------------------------------------------------------------------------------------

    def view(self) -> View[Record]:
        """The store as it is now, to be read as long as it is open; close it, or use `with`.

        A reader whose generation the writer has removed meanwhile is refreshed first. Raises StorageError,
        CorruptionError, StoreClosedError.
        """
        self._alive.check()
        if self._journal is None:
            # The writer, another process, does not know of this view, and may remove its generation.
            return self._following(self._prepared_view)
        return self._current.hold()

    def _prepared_view(self) -> View[Record]:
        view = self._current.hold()
        view.prepare()
        return view

    def _following(self, read: Callable[[], Result]) -> Result:
        """`read`, again after a refresh whenever the generation that it began with has been removed."""
        for _ in range(_REMOVED_TRIES):
            base = self._current.base
            try:
                return read()
            except (CorruptSearchError, StorageError):
                moved = self._follower is not None and not self._follower.in_place()
                if base is None or (fs.is_dir(base.path) and not moved):
                    raise
                # Not damaged: the writer (or a thread of this one) has published newer ones and removed it.
                # Or the store itself is not there any more, as the refresh says then.
                self.refresh()
        return read()

    def get(self, name: str) -> Record | None:
        """The record of that name, or None. Raises InvalidRecordError, CorruptionError, StoreClosedError."""
        return self._current.view.get(name)

    def records(self) -> Iterator[Record]:
        """All records in key order, one at a time, as of the call."""
        return self._current.view.records()

    def __contains__(self, name: object) -> bool:
        return name in self._current.view

    def __len__(self) -> int:
        return len(self._current.view)

    def lookup(self, index: str, term: str) -> list[Any]:
        """The hits of an exact term in one of the schema's indexes, in key order.

        Raises CorruptionError, StoreClosedError, and InvalidArgumentError for an index that the schema
        does not have.
        """
        return self._current.view.lookup(index, term)

    def search(self, query: str, limit: int = 20) -> list[Any]:
        """The best `limit` hits for a query, best first; for its language see docs/command-line.md.

        A reader whose generation the writer has removed is refreshed first, as by `refresh`: what it reads
        from then on is newer than what it read before, and `lsn` says how new. Use a view for several reads
        of one LSN.

        Where the search leaf turns out to be damaged, a writer builds it anew from the snapshot leaf before
        it answers; a reader raises CorruptSearchError. Raises QueryError, StorageError, StoreClosedError, and
        InvalidArgumentError for a limit below 1.
        """
        try:
            return self._following(lambda: self._current.view.search(query, limit))
        except LongWordsError:
            if self._journal is None:
                raise
            # The index is an earlier version's: a checkpoint builds it again.
            self._publish()
            return self._current.view.search(query, limit)
        except CorruptSearchError as error:
            if self._journal is None:
                raise CorruptSearchError(
                    error.message,
                    where=error.where,
                    advice="run `diptych repair`, or open the store for writing",
                ) from error
            # A leaf that went away with its store is not damaged.
            self._alive.refuse_replaced()
            log.warning("the search leaf is damaged: building it anew from the snapshot leaf: %s", error)
            self.recovery.append(
                Finding(
                    "search-damaged", error.where, Severity.WARNING, error.message, "nothing: it was rebuilt"
                )
            )
            self._current.healing.search = True
            self._publish()
            return self._current.view.search(query, limit)

    def refresh(self) -> int:
        """Follow the writer's commits (for a reader); returns the LSN. A writer is always up to date.

        Raises StorageError, CorruptionError, StoreClosedError.
        """
        self._alive.check()
        follower, current = self._follower, self._current
        if follower is not None:
            with current.lock:
                view = current.view
                follower.follow(view.lsn)
                if follower.overlay is not view.overlay:
                    healing = Healing()
                    healing.snapshot, healing.search = follower.mend_snapshot, follower.mend_search
                    current.replace(follower.base, follower.overlay, follower.lsn, healing)
                    # Falling back is told also when it comes with a refresh.
                    self.recovery = follower.findings
                elif follower.lsn > view.lsn:
                    current.replace(follower.base, follower.overlay, follower.lsn, view.healing)
            self._modified_ms = follower.modified_ms or self._modified_ms
            rest = Status.READY if current.has_records() else Status.EMPTY
            if self._alive.reason is None and self._states.state.status is not rest:
                self._states.move(StoreState(rest))
        return current.view.lsn

    @property
    def lsn(self) -> int:
        """The LSN of the newest transaction that reads of this handle see.

        In a reader it changes with `refresh`, and with a `search` or a `view` that had to refresh.
        """
        return self._current.view.lsn

    @property
    def state(self) -> StoreState:
        """What the store is doing; never blocks."""
        return self._states.state

    @property
    def store_id(self) -> str:
        """The store's identity, 32 hexadecimal digits, made with it."""
        return self._identity.store_id.hex()

    @property
    def read_only(self) -> bool:
        """Whether this handle only reads."""
        return self._journal is None

    def stats(self) -> Stats:
        """Counts, sizes, generations, and what recovery found. Raises CorruptionError, StoreClosedError."""
        self._alive.check()
        publisher, view = self._publisher, self._current.view
        modified_ms = publisher.modified_ms if publisher is not None else self._modified_ms
        error = publisher.error if publisher is not None else None
        return gather(self.path, self._identity, view, self.state, modified_ms, self.recovery, error)

    # -- the end ------------------------------------------------------------------------------------

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError where the store was deleted, moved or replaced since it was opened.

        A writer asks by itself before it acknowledges a commit, publishes, removes or closes; one that waits
        for something to write may ask now and then. A reader asks when it refreshes. Also raises
        StoreClosedError, ForkedProcessError, and StorageError where it cannot be found out now.
        """
        self._alive.check()
        self._alive.refuse_replaced()
        if self._follower is not None and not self._follower.in_place():
            self.refresh()

    def close(self) -> None:
        """Sync, mark the close as orderly, and let the next writer in. Closing twice is nothing.

        Waits for a checkpoint that runs in another thread, and for a commit that is being written; whatever
        else began before raises StoreClosedError and has written nothing.
        Views of this handle are closed too. Raises StorageError where the last sync failed, and
        StoreReplacedError where the store is not there any more; the store is closed all the same.
        """
        if self._done:
            return
        with self._closing:
            if not self._done:
                self._close()
            # Last: a close that was interrupted can be called again, and gives back what is still held.
            self._done = True

    def _close(self) -> None:
        closed = self._alive.close()
        # Of what passed the entry before, a checkpoint that runs ends first; one that waits is refused, and a
        # commit not written yet. The lock goes when no thread of this handle can write any more.
        if self._publisher is not None:
            self._publisher.close(closed)
        self._current.close(closed)
        try:
            if self._journal is not None:
                self._close_journal(self._journal, closed)
        finally:
            if self.state.status is not Status.CLOSED:
                self._states.move(StoreState(Status.CLOSED))
            if self._lock_file is not None:
                self._lock_file.release()

    def _close_journal(self, journal: JournalWriter, closed: StoreClosedError) -> None:
        try:
            if journal.finish(closed) and journal.last_lsn > self._closed_lsn:
                # Before the mark: another store at this path must not be told how far this one went.
                self._alive.refuse_replaced()
                mark = ClosedMark(self._identity.store_id, journal.last_lsn, journal.chain, now_ms())
                fs.atomic_write(os.path.join(self.path, JOURNAL, CLOSED), encode_closed(mark))
        finally:
            journal.close()

    def abandon(self) -> None:
        """In a forked child: what this handle holds is the parent's."""
        self._done = True
        if self._alive.reason is None:
            with suppress(Exception):
                self._current.close(self._alive.fork())

    # -- helpers ------------------------------------------------------------------------------------

    def _make_view(
        self, base: Generation | None, overlay: Overlay, lsn: int, healing: Healing
    ) -> View[Record]:
        return View(self.schema, base, overlay, lsn, healing)
