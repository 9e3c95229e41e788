"""The writing side of a store: commits, checkpoints, and the close."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable

from diptych import fs
from diptych.errors import (
    CommitInDoubtError,
    CommitNotPublishedError,
    CorruptionError,
    CorruptSearchError,
    InvalidArgumentError,
    PoisonedError,
    StorageError,
    StoreClosedError,
    StoreReplacedError,
    TransactionError,
)
from diptych.journal.file import changes_at
from diptych.journal.format import encode_payloads
from diptych.journal.writer import Appended
from diptych.layout import CLOSED, IDENTITY, JOURNAL, SEGMENTS
from diptych.schema.base import Record, Schema
from diptych.store.adopting import Adopting
from diptych.store.changes import ChangeSet
from diptych.store.checkpoint.policy import CheckpointPolicy, Durability
from diptych.store.checkpoint.publish import Publisher
from diptych.store.generation import Generation
from diptych.store.handle import Answer, Handle
from diptych.store.healing import Healing, log
from diptych.store.liveness import Ownership
from diptych.store.manifest import ClosedMark, encode_closed, now_ms
from diptych.store.metrics import StoreMetrics
from diptych.store.opening import OpenedWriter
from diptych.store.report import Finding, Severity
from diptych.store.state import Status, StoreState
from diptych.store.view import View

# With durability "buffered" the journal is synced after this many commits.
_BUFFERED_COMMITS = 256

_REOPEN = "close the store and open it again: recovery tells what survived"


class StoreWriter(Handle[Record]):
    """The one writer of a store. All methods may be called from any thread."""

    def __init__(
        self,
        opened: OpenedWriter,
        schema: Schema[Record],
        view_type: type[View[Record]],
        durability: Durability,
        policy: CheckpointPolicy,
    ) -> None:
        super().__init__(opened.store, schema, view_type, Healing(notify=self.wake))
        self.durability = durability
        self._journal = opened.journal
        self._lock, self._releases_lock = opened.lock, opened.releases_lock
        self._closed_lsn = opened.closed_lsn
        self._ownership = Ownership(opened.journal, opened.lock)
        self._adopting = Adopting(self.path)
        self._numbers = itertools.count(1)
        self._commits = self._changes = 0
        self._counting = threading.Lock()
        self._open: dict[int, None] = {}
        """The numbers of the transactions that are open, oldest first."""
        self._thread = threading.local()
        self._publisher = Publisher(
            self.path,
            self.identity,
            schema,
            policy,
            opened.journal,
            self.current,
            self._ownership,
            self._adopting,
            opened.store.modified_ms,
        )
        # Now that there is one to wake: its thread may find damage, and wakes it too.
        self._publisher.begin()

    # -- transactions -------------------------------------------------------------------------------

    def new_number(self) -> int:
        """The number of a new transaction. Raises TransactionError where this thread has one open."""
        self._refuse_nested()
        return next(self._numbers)

    def begin(self, number: int, changes: ChangeSet[Record]) -> None:
        """Open a transaction in this thread. Raises TransactionError where it has one open already."""
        self.writer()
        self._refuse_nested()
        self._open[number] = None
        self._thread.changes = changes

    def end(self, number: int) -> None:
        """The transaction was committed or rolled back."""
        self._open.pop(number, None)

    def has_key(self, key: bytes) -> bool:
        """Whether there is a record of that key. Raises CorruptionError."""
        return self.current.view.has_key(key)

    def commit(self, changes: ChangeSet[Record]) -> int:
        """Commit the changes; returns their LSN, which `changes` has from then on.

        Move adopted segments into the store, encode, append to the journal, apply to the overlay, sync, show
        to readers; with durability "full" the checkpoint as well. Raises what `writer` raises,
        InvalidArgumentError for a segment that the store has already, StorageError (nothing was committed),
        CommitInDoubtError (it may survive), CommitNotPublishedError (it is durable).
        """
        self.writer()
        if not changes and not changes.metadata:
            return self.current.view.lsn
        journal, publisher = self._journal, self._publisher
        publisher.committing()
        adopted = changes.adopted
        payloads, entries = encode_payloads(
            [*(segment.entry for segment in adopted), *changes.by_key.values()], changes.metadata
        )
        receipt: list[Appended] = []
        try:
            if adopted:
                self._ownership.refuse_replaced()
                self._adopting.take_in(adopted, self._segment_ids())
            with journal.lock:
                # Before a byte of it: where directories cannot be locked, another may write to this file now.
                self._ownership.refuse_moved()
                journal.append(payloads, receipt)
                lsn, file, offsets = receipt[0]
                overlay = self.current.overlay
                for some, offset in zip(entries, offsets, strict=True):
                    for change in changes_at(file, offset, some):
                        overlay.append(lsn, change)
                for segment in adopted:
                    overlay.adopt(lsn, segment)
                overlay.describe(lsn, changes.metadata)
            if self.durability != "buffered" or lsn - journal.synced_lsn >= _BUFFERED_COMMITS:
                journal.sync(lsn)
                # What is durable in a store that was deleted or moved meanwhile is not committed here.
                self._ownership.refuse_moved()
            # While an interrupt still counts as doubt: from here on it takes nothing back.
            changes.lsn = lsn
        except BaseException as error:
            self._refuse_doubt(error, written=bool(receipt))
            if not receipt:
                # Once it is written, the journal may name them.
                self._adopting.put_back(adopted)
            raise
        self._adopting.keep(adopted)
        self.current.advance(lsn if self.durability == "buffered" else journal.synced_lsn)
        with self._counting:
            self._commits += 1
            self._changes += len(changes)
        publisher.committed()
        if self.durability == "full":
            self._publish_commit(lsn)
        return lsn

    def _refuse_doubt(self, error: BaseException, *, written: bool) -> None:
        """Raise CommitInDoubtError, and poison the journal, where no one can say what of a commit is on disk.

        That is so when it was interrupted between the write and the sync's answer.
        """
        if isinstance(error, StoreReplacedError):
            return
        poison = self._journal.poison
        if not written and (poison is None or isinstance(error, (PoisonedError, StoreClosedError))):
            # Nothing of it was written; where the journal is poisoned, another commit's failure did that.
            return
        self._journal.set_poison(error)
        raise CommitInDoubtError(
            f"the commit of LSN {self._journal.last_lsn} may have survived or not: {error}",
            errno=getattr(error, "errno", None),
            advice="close the store and open it again: recovery tells",
        ) from error

    def refuse_segment_of_store(self, path: str) -> None:
        """Raise InvalidArgumentError where `path` is that of a segment of this store, or of another.

        A commit moves what it adopts: the other store would have lost it.
        """
        store, directory = os.path.split(os.path.dirname(os.path.realpath(path)))
        if directory == SEGMENTS and fs.exists(os.path.join(store, IDENTITY)):
            is_own = store == os.path.realpath(self.path)
            raise InvalidArgumentError(
                f"{path} is a segment of {'this store' if is_own else f'the store {store}'}",
                advice="adopt one that was built elsewhere, or a copy",
            )

    def _segment_ids(self) -> set[str]:
        """Tantivy's ids of the segments that reads use now."""
        view = self.current.view
        base = view.generation.manifest.segments if view.generation is not None else ()
        adopted = [segment.listed for _, segment in view.overlay.adopted]
        return {listed.seal.segment_id for listed in (*base, *adopted)}

    def _publish_commit(self, lsn: int) -> None:
        try:
            self.checkpoint()
        except (StorageError, CorruptionError, StoreClosedError) as error:
            # The journal has it: the checkpoint's own error would say that it was rolled back.
            raise CommitNotPublishedError(
                f"LSN {lsn} is durable in the journal, but no generation could be published: {error}",
                errno=getattr(error, "errno", None),
            ) from error

    def _refuse_nested(self) -> None:
        changes = getattr(self._thread, "changes", None)
        if changes is not None and changes.is_open:
            raise TransactionError(
                "this thread has a transaction open", advice="commit it first: transactions do not nest"
            )

    # -- checkpoints --------------------------------------------------------------------------------

    def checkpoint(self, *, compact: bool = False) -> int:
        """See `RecordStore.checkpoint`."""
        self.writer()
        return self._publisher.publish(compact=compact)

    def rewrite(self) -> int:
        """Publish a generation in which all that was found damaged is written again: for repair.

        Nothing is removed, here or later by this handle.
        """
        self.writer()
        self._publisher.keeps_all = True
        return self._publisher.publish()

    def wake(self) -> None:
        """Look, in the checkpoint's thread, whether one is due."""
        self._publisher.wake()

    # -- reading ------------------------------------------------------------------------------------

    def view(self) -> View[Record]:
        """A view of the caller's own; its generation is kept while it is open."""
        self.alive.check()
        return self.current.hold()

    def searched(self, ask: Callable[[View[Record]], Answer]) -> Answer:
        """See `RecordStore.search`. Builds the search index again where it is damaged."""
        try:
            return super().searched(ask)
        except CorruptSearchError as error:
            # An index that went away with its store is not damaged.
            self._ownership.refuse_replaced()
            log.warning("the search index is damaged: building it again from the records: %s", error)
            self.recovery.append(
                Finding(
                    "search-damaged", error.where, Severity.WARNING, error.message, "nothing: it was rebuilt"
                )
            )
            self._find_damaged_search()
        self.checkpoint()
        return ask(self.current.view)

    def _find_damaged_search(self) -> None:
        """Have the segments written again whose search index is damaged; all, where none looks so."""
        view = self.current.view
        for _, adopted in view.overlay.adopted:
            adopted.find_damaged_search()
        if view.generation is not None:
            damaged = view.generation.segments.damaged_search()
            view.healing.segments |= damaged or set(view.generation.segments.open_segments())

    def overtaken(self, base: Generation | None) -> bool:
        """Whether a checkpoint of another thread replaced and removed `base`, or the journal before it."""
        if base is None:
            # Since then two generations may have been published, and with them the journal from the beginning
            # removed.
            return self.current.base is not None
        return not fs.exists(base.path)

    def durable_lsn(self) -> int:
        """See `Handle.durable_lsn`. Raises PoisonedError where the sync fails, StoreClosedError."""
        self.alive.check()
        journal = self._journal
        if journal.poison is None:
            journal.sync(journal.last_lsn)
        return journal.synced_lsn

    def wait(self, lsn: int, timeout_s: float | None) -> bool:
        """See `RecordStore.wait`."""
        self.alive.check()
        return self.current.wait(lsn, timeout_s)

    def refresh(self) -> int:
        """Nothing to follow: returns the LSN."""
        self.alive.check()
        return self.current.view.lsn

    # -- its state, and the end ---------------------------------------------------------------------

    def writer(self) -> StoreWriter[Record]:
        """This, unless it may not be written with any more.

        Raises StoreClosedError, ForkedProcessError, PoisonedError, StoreReplacedError.
        """
        self.alive.check()
        self._journal.refuse_poisoned()
        return self

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError, and write no more, where another store is at the path now, or none."""
        self.alive.check()
        self._ownership.refuse_replaced()

    @property
    def state(self) -> StoreState:
        """What the store is doing; never blocks."""
        poison = self._journal.poison
        if self.alive.reason is not None:
            return StoreState(Status.CLOSED)
        if poison is not None:
            return StoreState(Status.CORRUPTED, (), f"poisoned: {poison}", (_REOPEN,))
        transactions = tuple(self._open)
        if transactions:
            return StoreState(Status.INDEXING, transactions)
        if self._publisher.is_publishing:
            return StoreState(Status.SAVING)
        return StoreState(Status.READY if self.current.has_records() else Status.EMPTY)

    def metrics(self) -> StoreMetrics:
        """See `RecordStore.metrics`."""
        publisher = self._publisher
        return StoreMetrics(
            commits=self._commits,
            changes=self._changes,
            journal_syncs=self._journal.syncs,
            checkpoints=publisher.published,
            checkpoint_ms_total=publisher.elapsed_ms_total,
            checkpoint_ms_last=publisher.elapsed_ms_last,
            healed=self.current.healing.reads,
        )

    @property
    def modified_ms(self) -> int:
        """When the newest transaction was committed."""
        return self._publisher.modified_ms

    @property
    def checkpoint_error(self) -> Exception | None:
        """Why the last automatic checkpoint failed."""
        return self._publisher.error

    def _close(self) -> None:
        closed = self.alive.close()
        # Of what passed the entry before, a checkpoint that runs ends first; one that waits is refused, and a
        # commit not written yet. The lock goes when no thread of this handle can write any more.
        self._publisher.close(closed)
        self.current.close(closed)
        try:
            self._close_journal(closed)
        finally:
            if self._releases_lock:
                self._lock.release()

    def _close_journal(self, closed: StoreClosedError) -> None:
        journal = self._journal
        try:
            if journal.finish(closed) and journal.last_lsn > self._closed_lsn:
                # Before the marker: another store at this path must not be told how far this one went.
                self._ownership.refuse_replaced()
                marker = ClosedMark(self.identity.store_id, journal.last_lsn, journal.chain, now_ms())
                fs.atomic_write(os.path.join(self.path, JOURNAL, CLOSED), encode_closed(marker))
        finally:
            journal.close()
