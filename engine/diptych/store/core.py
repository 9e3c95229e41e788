"""The store: one writer or any number of readers of a directory, for records of any schema."""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, NoReturn, Self, TypeVar

from xxhash import xxh3_64_intdigest

from diptych import fs
from diptych.errors import (
    CommitInDoubtError,
    CorruptionError,
    CorruptSearchError,
    ForkedProcessError,
    PoisonedError,
    ReadOnlyError,
    StorageError,
    StoreClosedError,
    TransactionError,
)
from diptych.journal.format import encode_snapshot_created
from diptych.journal.writer import Appended, JournalWriter
from diptych.layout import CLOSED, JOURNAL, MANIFEST, SNAPSHOT
from diptych.schema.base import Record, Schema
from diptych.snapshot.reader import SnapshotReader
from diptych.store.checkpoint import Leaves, Target, search_is_whole
from diptych.store.generation import Generation, next_mend, publish, read_manifest
from diptych.store.manifest import ClosedMark, Identity, encode_closed, now_ms
from diptych.store.opening import Opened, open_for_reading, open_for_writing
from diptych.store.overlay import Overlay
from diptych.store.policy import CheckpointPolicy, Durability
from diptych.store.report import Finding, Severity
from diptych.store.retention import trim
from diptych.store.scheduler import Scheduler
from diptych.store.state import StateMachine, Status, StoreState
from diptych.store.stats import Stats, gather
from diptych.store.transaction import Operation, Transaction, framed
from diptych.store.view import Healing, View, log

# With durability "buffered" the journal is synced after this many commits.
_BUFFERED_COMMITS = 256
# While it builds a generation, the checkpoint's thread works this long at a stretch, then steps aside.
_BREATH_NS = 400_000
_PAUSE_S = 0.000_05
# So many times a reader looks for a generation that is not removed while it opens it.
_REMOVED_TRIES = 20

Result = TypeVar("Result")
_COMMITS_RECENT_NS = 20_000_000


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
        self._base: Generation | None = opened.base
        self._overlay: Overlay = opened.overlay
        self._journal: JournalWriter | None = opened.journal
        self._follower = opened.follower
        self._lock_file = opened.lock
        self._healing = Healing(self._wake)
        self._healing.snapshot = opened.mend_snapshot
        self._healing.search = opened.mend_search
        self._view: View[Record] = self._view_at(opened.lsn)
        self._views: weakref.WeakSet[View[Record]] = weakref.WeakSet()
        self._swap_lock = threading.Lock()
        self._checkpoint_lock = threading.RLock()
        self._leaves = Leaves()
        self._numbers = itertools.count(1)
        self._open_here = threading.local()
        self._unusable: Exception | None = None
        self._first_change_s = 0.0
        self._committing_ns = 0
        self._modified_ms = opened.modified_ms
        self._keeps_all = False
        self._wake_at = self._wake_at_bytes = 0
        self._scheduler: Scheduler | None = None
        if opened.journal is not None and policy.automatic:
            self._scheduler = Scheduler(self._checkpoint, self._due, policy.interval_s)
        self._states.move(StoreState(Status.READY if self._known_records() else Status.EMPTY))
        self._closed_lsn = opened.closed_lsn
        self._set_wake_mark()
        if self._overlay.log:
            self._first_change_s = time.monotonic()
            self._wake()
        _STORES.add(self)

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
        IncompatibleStoreError, CorruptStoreError, StorageError.
        """
        if durability not in ("journal", "full", "buffered"):
            raise ValueError(f"durability is journal, full or buffered, not {durability!r}")
        where = os.path.abspath(os.fspath(path))
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
        self._writer()
        self._refuse_nested()
        return Transaction(
            self.schema, next(self._numbers), self._exists, self._begin, self._commit, self._end
        )

    def checkpoint(self) -> int:
        """Publish a generation with everything committed so far; returns its LSN.

        Nothing to do where nothing changed. Commits and reads go on meanwhile. Raises StorageError,
        CorruptionError, ReadOnlyError, StoreClosedError; then the generation before stays the newest.
        """
        self._writer()
        return self._checkpoint()

    def publish_anew(self) -> int:
        """Publish a generation with both leaves written from all records, whatever changed: for repair.

        Nothing is removed, here or later by this handle.
        """
        self._keeps_all = True
        self._healing.snapshot = self._healing.search = True
        return self._checkpoint()

    def _exists(self, key: bytes) -> bool:
        return self._view.has_key(key)

    def _begin(self, transaction: Transaction[Record]) -> None:
        self._writer()
        self._refuse_nested()
        self._states.begin_transaction(transaction.number)
        self._open_here.transaction = transaction

    def _refuse_nested(self) -> None:
        current = getattr(self._open_here, "transaction", None)
        if current is not None and current.is_open:
            raise TransactionError(
                "this thread has a transaction open", advice="commit it first: transactions do not nest"
            )

    def _end(self, transaction: Transaction[Record]) -> None:
        self._open_here.transaction = None
        self._states.end_transaction(transaction.number, empty=not self._known_records())

    def _commit(self, transaction: Transaction[Record]) -> int:
        journal = self._writer()
        operations = list(transaction.operations.values())
        self._committing_ns = time.perf_counter_ns()
        if not operations:
            return self._view.lsn
        if len(operations) == 1:
            frames = [operations]
            payloads = [operations[0].entry]
        else:
            frames = framed(operations)
            payloads = [b"".join([operation.entry for operation in frame]) for frame in frames]
        receipt: list[Appended] = []
        try:
            with journal.lock:
                journal.append(payloads, receipt)
                lsn = receipt[0].lsn
                self._apply(frames, receipt[0])
            if self.durability != "buffered" or lsn - journal.synced_lsn >= _BUFFERED_COMMITS:
                journal.sync(lsn)
            # The receipt, while an interrupt still counts as doubt: from here on it tells that this stands.
            transaction.lsn = lsn
        except BaseException as error:
            if not receipt and journal.poison is None:
                raise
            # Interrupted between the write and the fsync's answer: no one can say what is on disk.
            journal.set_poison(error)
            raise CommitInDoubtError(
                f"the commit of LSN {journal.last_lsn} may have survived or not: {error}",
                errno=getattr(error, "errno", None),
                advice="close the store and open it again: recovery tells",
            ) from error
        self._advance(lsn if self.durability == "buffered" else journal.synced_lsn)
        self._modified_ms = time.time_ns() // 1_000_000
        if self.durability == "full":
            self._publish_commit(lsn)
        elif self._scheduler is not None:
            if not self._first_change_s:
                self._first_change_s = time.monotonic()
                self._scheduler.wake()
            elif len(self._overlay.log) >= self._wake_at or journal.offset >= self._wake_at_bytes:
                self._scheduler.wake()
        return lsn

    def _publish_commit(self, lsn: int) -> None:
        try:
            self._checkpoint()
        except (StorageError, CorruptionError) as error:
            # The journal has it: the checkpoint's own error would say that it was rolled back.
            raise CommitInDoubtError(
                f"LSN {lsn} is in the journal, and no generation could be published with it: {error}",
                errno=getattr(error, "errno", None),
                advice="the commit stands; call checkpoint() when the cause is gone",
            ) from error

    def _apply(self, frames: list[list[Operation]], appended: Appended) -> None:
        overlay = self._overlay
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

    def _advance(self, lsn: int) -> None:
        """Show readers of this handle everything up to `lsn`."""
        with self._swap_lock:
            if lsn > self._view.lsn:
                self._view = self._view_at(lsn)

    # -- checkpoints --------------------------------------------------------------------------------

    def _checkpoint(self) -> int:
        with self._checkpoint_lock:
            journal = self._writer()
            base = self._base
            if journal.last_lsn == (base.lsn if base else 0) and not self._healing.needed:
                return journal.last_lsn
            self._states.begin_saving()
            try:
                with fs.translated("publish a generation in", self.path):
                    return self._publish(journal, base)
            finally:
                self._states.end_saving(empty=not self._known_records())

    def _publish(self, journal: JournalWriter, base: Generation | None) -> int:
        lsn = journal.last_lsn
        if base is None or lsn > base.lsn:
            # The segment before the generation: a generation promises that the journal goes on behind it.
            lsn = journal.rotate()
            self._advance(lsn)
        mend = next_mend(self.path, lsn)
        first_change_s, self._first_change_s = self._first_change_s, 0.0
        healing = self._healing
        chain = base.manifest.chain if base is not None and base.lsn == lsn else journal.segment.header.chain
        target = Target(
            self.path,
            self._identity,
            self.schema,
            View(self.schema, base, self._overlay, lsn, healing),
            chain,
            self._modified_ms,
            healing.snapshot,
            healing.search,
            self._breather(),
        )
        try:
            path = self._build(target, lsn, mend)
            manifest_path = os.path.join(path, MANIFEST)
            generation = _open_generation(path, self.schema)
            # It was hashed when it was made, a moment ago.
            generation.search_verified = True
        except BaseException:
            self._first_change_s = self._first_change_s or first_change_s or time.monotonic()
            raise
        with journal.lock, self._swap_lock:
            overlay = self._overlay.since(lsn, self.schema)
            self._healing = Healing(self._wake)
            view = self._make_view(generation, overlay, self._view.lsn)
            # One statement, because a signal does not come within it: a base without its own overlay would
            # lack commits, and so would the next generation.
            self._base, self._overlay, self._view = generation, overlay, view
            if self._overlay.log and not self._first_change_s:
                self._first_change_s = time.monotonic()
        self._set_wake_mark()
        with fs.translated("read", manifest_path), open(manifest_path, "rb") as file:
            checksum = xxh3_64_intdigest(file.read())
        with suppress(StorageError):
            # It says in the journal what the directory says already; a failure takes nothing back.
            journal.append_control(encode_snapshot_created(lsn, now_ms(), checksum))
        if not self._keeps_all:
            try:
                trim(self.path, self.policy.keep_generations, self._pinned())
            except StorageError as error:
                # The generation is published all the same; the next checkpoint removes what was left.
                log.warning("what the generation of LSN %d replaces was not removed: %s", lsn, error)
        return lsn

    def _build(self, target: Target, lsn: int, mend: int) -> str:
        try:
            path = publish(self.path, lsn, mend, lambda directory: self._leaves.build(target, directory))
        except CorruptSearchError as error:
            base = target.view.generation
            if target.rewrite_search or base is None or search_is_whole(base):
                raise
            log.warning("the search leaf is damaged: building it anew from the snapshot leaf: %s", error)
            target = target._replace(rewrite_search=True)
            path = publish(self.path, lsn, mend, lambda directory: self._leaves.build(target, directory))
        self._leaves.published(path)
        return path

    def _breather(self) -> Callable[[], None]:
        """A function by which a checkpoint steps aside, while others commit, after `_BREATH_NS` of work.

        Python hands its lock over only every 5 ms, which is ten commits long; a sleeping thread does not
        hold it.
        """
        last = time.perf_counter_ns()

        def breathe() -> None:
            nonlocal last
            now = time.perf_counter_ns()
            if now - last > _BREATH_NS:
                if now - self._committing_ns < _COMMITS_RECENT_NS:
                    time.sleep(_PAUSE_S)
                last = time.perf_counter_ns()

        return breathe

    def _due(self) -> bool:
        journal, base = self._journal, self._base
        if journal is None or journal.poison is not None:
            return False
        first = self._first_change_s
        return self._healing.needed or self.policy.due(
            changes=len(self._overlay.log),
            records=base.manifest.records if base else 0,
            waited_s=time.monotonic() - first if first else 0.0,
            journal=journal.offset,
            snapshot=base.snapshot.size if base else 0,
        )

    def _wake(self) -> None:
        scheduler = getattr(self, "_scheduler", None)
        if scheduler is not None:
            scheduler.wake()

    def _set_wake_mark(self) -> None:
        records = self._base.manifest.records if self._base else 0
        snapshot = self._base.snapshot.size if self._base else 0
        self._wake_at = int(max(self.policy.changes, self.policy.changes_share * records))
        self._wake_at_bytes = int(max(self.policy.journal_bytes_least, self.policy.journal_share * snapshot))

    def _pinned(self) -> set[str]:
        return {
            os.path.basename(view.generation.path)
            for view in list(self._views)
            if view.generation is not None and not view.is_closed
        }

    # -- reading ------------------------------------------------------------------------------------

    def view(self) -> View[Record]:
        """The store as it is now, to be read as long as it is open; close it, or use `with`.

        A reader whose generation the writer has removed meanwhile is refreshed first. Raises StorageError,
        CorruptionError, StoreClosedError.
        """
        self._check_usable()
        if self._journal is None:
            # The writer, another process, does not know of this view, and may remove its generation.
            return self._following(self._prepared_view)
        return self._new_view()

    def _new_view(self) -> View[Record]:
        with self._swap_lock:
            current = self._view
            view: View[Record] = self._make_view(current.generation, current.overlay, current.lsn)
            self._views.add(view)
        return view

    def _prepared_view(self) -> View[Record]:
        view = self._new_view()
        view.prepare()
        return view

    def _following(self, read: Callable[[], Result]) -> Result:
        """`read`, again after a refresh whenever the generation that it began with has been removed."""
        for _ in range(_REMOVED_TRIES):
            base = self._view.generation
            try:
                return read()
            except (CorruptSearchError, StorageError):
                if base is None or os.path.isdir(base.path):
                    raise
                # Not damaged: the writer (or a thread of this one) has published newer ones and removed it.
                self.refresh()
        return read()

    def get(self, name: str) -> Record | None:
        """The record of that name, or None. Raises InvalidRecordError, CorruptionError, StoreClosedError."""
        return self._view.get(name)

    def records(self) -> Iterator[Record]:
        """All records in key order, one at a time, as of the call."""
        return self._view.records()

    def __contains__(self, name: object) -> bool:
        return name in self._view

    def __len__(self) -> int:
        return len(self._view)

    def lookup(self, index: str, term: str) -> list[Any]:
        """The hits of an exact term in one of the schema's indexes, in key order."""
        return self._view.lookup(index, term)

    def search(self, query: str, limit: int = 20) -> list[Any]:
        """The best `limit` hits for a query in Tantivy's language, best first.

        Where the search leaf turns out to be damaged, a writer builds it anew from the snapshot leaf before
        it answers; a reader raises CorruptSearchError. Raises QueryError, StorageError, StoreClosedError.
        """
        try:
            return self._following(lambda: self._view.search(query, limit))
        except CorruptSearchError as error:
            if self._journal is None:
                raise CorruptSearchError(
                    error.message,
                    where=error.where,
                    advice="run `diptych repair`, or open the store for writing",
                ) from error
            log.warning("the search leaf is damaged: building it anew from the snapshot leaf: %s", error)
            self.recovery.append(
                Finding(
                    "search-damaged", error.where, Severity.WARNING, error.message, "nothing: it was rebuilt"
                )
            )
            self._healing.search = True
            self._checkpoint()
            return self._view.search(query, limit)

    def refresh(self) -> int:
        """Follow the writer's commits (for a reader); returns the LSN. A writer is always up to date.

        Raises StorageError, CorruptionError, StoreClosedError.
        """
        self._check_usable()
        follower = self._follower
        if follower is not None:
            with self._swap_lock:
                follower.follow(self._view.lsn)
                if follower.overlay is not self._overlay:
                    self._healing = Healing(self._wake)
                if follower.overlay is not self._overlay or follower.lsn > self._view.lsn:
                    view = self._make_view(follower.base, follower.overlay, follower.lsn)
                    # One statement: see `_publish`.
                    self._base, self._overlay, self._view = follower.base, follower.overlay, view
        return self._view.lsn

    @property
    def lsn(self) -> int:
        """The LSN of the newest transaction that reads of this handle see."""
        return self._view.lsn

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
        self._check_usable()
        error = self._scheduler.error if self._scheduler is not None else None
        return gather(
            self.path, self._identity, self._view, self._states.state, self._modified_ms, self.recovery, error
        )

    # -- the end ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Sync, mark the close as orderly, and let the next writer in. Closing twice is nothing.

        Views of this handle are closed too. Raises StorageError where the last sync failed; the store is
        closed all the same.
        """
        if self._unusable is not None:
            return
        if self._scheduler is not None:
            self._scheduler.stop()
        self._unusable = StoreClosedError(f"the store {self.path} is closed", advice="open it again")
        with self._checkpoint_lock:
            for view in [self._view, *self._views]:
                view.close(self._unusable)
            self._leaves.drop()
            try:
                if self._journal is not None:
                    self._close_journal(self._journal)
            finally:
                self._states.move(StoreState(Status.CLOSED))
                if self._lock_file is not None:
                    self._lock_file.release()

    def _close_journal(self, journal: JournalWriter) -> None:
        try:
            if journal.poison is None:
                journal.sync(journal.last_lsn)
                if journal.last_lsn > self._closed_lsn:
                    mark = ClosedMark(self._identity.store_id, journal.last_lsn, journal.chain, now_ms())
                    fs.atomic_write(os.path.join(self.path, JOURNAL, CLOSED), encode_closed(mark))
        finally:
            journal.close()

    def _abandon(self) -> None:
        """In a forked child: what this handle holds is the parent's."""
        if self._unusable is None:
            self._unusable = ForkedProcessError(
                f"the store {self.path} was opened before a fork, by the parent process",
                advice="open it again in the child (one process writes, others open it with read_only=True)",
            )
            with suppress(Exception):
                for view in [self._view, *self._views]:
                    view.close(self._unusable)

    # -- helpers ------------------------------------------------------------------------------------

    def _make_view(self, base: Generation | None, overlay: Overlay, lsn: int) -> View[Record]:
        return View(self.schema, base, overlay, lsn, self._healing)

    def _view_at(self, lsn: int) -> View[Record]:
        return self._make_view(self._base, self._overlay, lsn)

    def _known_records(self) -> bool:
        """Whether there is any record, told without counting wherever that can be."""
        overlay, base = self._overlay, self._base
        if self._unusable is not None or (base is not None and base.manifest.records > len(overlay.log)):
            return True
        with suppress(CorruptionError):
            return overlay.has_records() or len(self._view) > 0
        return True

    def _check_usable(self) -> None:
        if self._unusable is not None:
            raise self._unusable

    def _writer(self) -> JournalWriter:
        if self._unusable is not None:
            raise self._unusable
        if self._journal is None:
            raise ReadOnlyError(f"{self.path} was opened with read_only=True")
        if self._journal.poison is not None:
            self._refuse_poisoned(self._journal)
        return self._journal

    def _refuse_poisoned(self, journal: JournalWriter) -> NoReturn:
        suggestions = ("close the store and open it again: recovery tells what survived",)
        if self._states.state.status is not Status.CORRUPTED:
            self._states.move(StoreState(Status.CORRUPTED, (), f"poisoned: {journal.poison}", suggestions))
        raise PoisonedError(
            f"an earlier failure left the journal in doubt: {journal.poison}", advice=suggestions[0]
        ) from journal.poison


def _open_generation(path: str, schema: Schema[Any]) -> Generation:
    manifest = read_manifest(path)
    size = manifest.files[SNAPSHOT][0]
    return Generation(path, manifest, schema, SnapshotReader(os.path.join(path, SNAPSHOT), size=size))


_STORES: weakref.WeakSet[RecordStore[Any]] = weakref.WeakSet()


def _abandon_all() -> None:
    for store in list(_STORES):
        store._abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
