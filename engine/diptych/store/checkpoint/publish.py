"""When a generation is published, by whom, and what follows: the writer's side of checkpoints."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Any

from xxhash import xxh3_64_intdigest

from diptych import fs
from diptych.change import SnapshotCreated
from diptych.errors import (
    CorruptionError,
    CorruptSearchError,
    StorageError,
    StoreClosedError,
    StoreReplacedError,
)
from diptych.journal.format import encode_snapshot_created
from diptych.journal.writer import JournalWriter
from diptych.layout import MANIFEST, SNAPSHOT
from diptych.schema.base import Schema
from diptych.sealed import MAX_SIZE_BYTES
from diptych.search.bounded import WRITERS
from diptych.snapshot.reader import SnapshotReader
from diptych.store.changes import ChangeSet
from diptych.store.checkpoint.build import BuildRequest, GenerationBuilder, Pace, search_is_intact
from diptych.store.checkpoint.policy import CheckpointPolicy, Durability
from diptych.store.checkpoint.retention import trim
from diptych.store.checkpoint.scheduler import Scheduler
from diptych.store.checkpoint.unpublished import UnpublishedGeneration
from diptych.store.current import Current
from diptych.store.generation import Generation, read_manifest
from diptych.store.liveness import Ownership
from diptych.store.manifest import Identity, now_ms
from diptych.store.view import Healing, View, log

# With durability "buffered", which loads have, transactions of this many changes are fed: Tantivy's work is
# the same then, and for fewer the way to it costs more than the commit.
_BUFFERED_FEED_CHANGES = 10


class Publisher:
    """Publishes generations of one open store, by itself when one is due, or when asked."""

    def __init__(
        self,
        path: str,
        identity: Identity,
        schema: Schema[Any],
        policy: CheckpointPolicy,
        durability: Durability,
        journal: JournalWriter,
        current: Current[Any],
        ownership: Ownership,
        modified_ms: int,
    ) -> None:
        self.modified_ms = modified_ms
        """When the newest transaction was committed."""
        self.keeps_all = False
        """Whether nothing is removed, here or later by this handle: for repair."""
        self._path, self._identity, self._schema, self._policy = path, identity, schema, policy
        self._journal, self._current = journal, current
        self._ownership = ownership
        self._durability = durability
        self._lock = threading.RLock()
        self._closed: StoreClosedError | None = None
        self._builder = GenerationBuilder()
        self._pace = Pace()
        self._feed_changes = policy.feed_changes
        if durability == "buffered":
            self._feed_changes = min(self._feed_changes, _BUFFERED_FEED_CHANGES)
        # Held while Tantivy is fed by a commit. None is while a generation is built, and none waits for that.
        self._feed_lock = threading.Lock()
        self.is_publishing = False
        """Whether a checkpoint is under way."""
        # With "full" the generation comes with the commit; and what failed once waits for the checkpoint.
        self._feeds = durability != "full"
        self._first_change_s = 0.0
        self._wake_at = self._wake_at_bytes = 0
        self._set_wake_mark()
        self._scheduler = Scheduler(self.publish, self._due, policy.interval_s) if policy.automatic else None
        if current.overlay.log:
            self._first_change_s = time.monotonic()

    def begin(self) -> None:
        """Look whether a checkpoint is due for what recovery found."""
        if self._current.overlay.log or self._current.healing.needed:
            self.wake()

    @property
    def error(self) -> Exception | None:
        """Why the last automatic checkpoint failed."""
        return self._scheduler.error if self._scheduler is not None else None

    def wake(self) -> None:
        """Look, in the checkpoint's thread, whether one is due."""
        if self._scheduler is not None:
            self._scheduler.wake()

    def committing(self) -> None:
        """A commit begins: a checkpoint that is under way steps aside now and then."""
        self._pace.committing()

    def committed(self, lsn: int, changes: ChangeSet[Any]) -> None:
        """A commit ended: a checkpoint may be due, and a large one is given to Tantivy at once."""
        self.modified_ms = time.time_ns() // 1_000_000
        try:
            if self._feeds and len(changes) >= self._feed_changes:
                self._feed(lsn, changes)
        finally:
            self._wake_if_due()

    def _wake_if_due(self) -> None:
        if self._scheduler is not None:
            if not self._first_change_s:
                self._first_change_s = time.monotonic()
                self._scheduler.wake()
            elif (
                len(self._current.overlay.log) >= self._wake_at or self._journal.offset >= self._wake_at_bytes
            ):
                self._scheduler.wake()

    def close(self, reason: StoreClosedError) -> None:
        """Raise `reason` for every later checkpoint, after one that is under way; let Tantivy's writer go."""
        if self._scheduler is not None:
            self._scheduler.stop()
        with self._lock, self._feed_lock:
            # Under the lock: one that waits for it must not begin when the store may be another writer's.
            self._closed = reason
            # A commit beside this close must not begin again either.
            self._feeds = False
            self._builder.drop()

    def release_search(self) -> None:
        """Let go of Tantivy's writer, unless it is in use: the next checkpoint begins from its base."""
        # The lock alone does not tell: a checkpoint of this thread may have led here.
        if not self.is_publishing and self._lock.acquire(blocking=False):
            try:
                if self._feed_lock.acquire(blocking=False):
                    try:
                        self._builder.drop()
                    finally:
                        self._feed_lock.release()
            finally:
                self._lock.release()

    def _feed(self, lsn: int, changes: ChangeSet[Any]) -> None:
        """Give Tantivy what was committed up to `lsn`, unless a checkpoint is under way."""
        with self._feed_lock:
            if not self._feeds or self.is_publishing or self._current.healing.needed:
                return
            base, overlay = self._current.base, self._current.overlay
            try:
                with fs.translated("write to", self._path):
                    self._builder.feed(self._path, self._schema, base, overlay, lsn, changes)
                WRITERS.use(self)
            except Exception as error:  # noqa: BLE001 - of a schema's own, too: the commit stands
                # It is in the journal, from which the next checkpoint takes it, or says why it cannot.
                self._feeds = False
                log.warning("Tantivy was not given LSN %d ahead of its checkpoint: %s", lsn, error)

    def publish(self, *, compact: bool = False) -> int:
        """Publish a generation with everything committed so far, if that is new; returns its LSN.

        `compact`: in any case, with the search index written again as one segment. Raises StorageError
        (StoreReplacedError where the store is not there any more) and CorruptionError; then the generation
        before stays the newest.
        """
        with self._lock:
            if self._closed is not None:
                raise self._closed
            base = self._current.base
            self._journal.refuse_poisoned()
            new = self._journal.last_lsn > (base.lsn if base else 0)
            if not new and not self._current.healing.needed and not (compact and base):
                return self._journal.last_lsn
            # What is at the path now may be another store: nothing is begun, renamed or removed in that.
            self._ownership.refuse_replaced()
            try:
                with self._feed_lock:
                    self.is_publishing = True
                with fs.translated("publish a generation in", self._path):
                    return self._publish(base, compact)
            except (StorageError, CorruptionError):
                # What went away under the checkpoint is no damage and no failure of the disk.
                self._ownership.refuse_replaced()
                raise
            finally:
                self.is_publishing = False

    def _publish(self, base: Generation | None, compact: bool) -> int:
        journal, current = self._journal, self._current
        lsn = journal.last_lsn
        if base is None or lsn > base.lsn:
            # The journal file before the generation, which promises that the journal continues after it.
            lsn = journal.rotate()
            current.advance(lsn)
        first_change_s, self._first_change_s = self._first_change_s, 0.0
        healing = current.healing
        chain = base.manifest.chain if base is not None and base.lsn == lsn else journal.file.header.chain
        request = BuildRequest(
            self._path,
            self._identity,
            self._schema,
            View(self._schema, base, current.overlay, lsn, healing),
            chain,
            self.modified_ms,
            healing.snapshot,
            healing.search or compact,
            compact,
        )
        try:
            path = self._build(request)
            generation = _open_generation(path, self._schema)
            generation.trust_search()
        except BaseException:
            self._first_change_s = self._first_change_s or first_change_s or time.monotonic()
            raise
        with journal.lock, current.lock:
            overlay = current.overlay.since(lsn, self._schema)
            current.replace(generation, overlay, current.view.lsn, Healing(self.wake))
            if overlay.log and not self._first_change_s:
                self._first_change_s = time.monotonic()
        self._set_wake_mark()
        self._tell_journal(path, lsn)
        if not self.keeps_all:
            try:
                self._ownership.refuse_replaced()
                trim(self._path, self._policy.keep_generations, current.pinned())
            except StoreReplacedError:
                raise
            except StorageError as error:
                # The generation is published all the same; the next checkpoint removes what was left.
                log.warning("what the generation of LSN %d replaces was not removed: %s", lsn, error)
        return lsn

    def _build(self, request: BuildRequest) -> str:
        try:
            path = self._build_once(request)
        except CorruptSearchError as error:
            base = request.view.generation
            if request.rewrite_search or base is None or search_is_intact(base):
                raise
            log.warning("the search index is damaged: building it again from the snapshot: %s", error)
            request = request._replace(rewrite_search=True)
            path = self._build_once(request)
        self._builder.published(path, request)
        WRITERS.use(self)
        self._feeds = self._durability != "full"
        return path

    def _build_once(self, request: BuildRequest) -> str:
        with UnpublishedGeneration(self._path, request.view.lsn, self._ownership) as unpublished:
            manifest = self._builder.build(request, unpublished.path, self._pace)
            return unpublished.publish(manifest)

    def _tell_journal(self, path: str, lsn: int) -> None:
        where = os.path.join(path, MANIFEST)
        with fs.translated("read", where):
            checksum = xxh3_64_intdigest(fs.read_bounded(where, MAX_SIZE_BYTES))
        with suppress(StorageError):
            # It says in the journal what the directory says already; a failure takes nothing back.
            self._journal.append_control(encode_snapshot_created(SnapshotCreated(lsn, now_ms(), checksum)))

    def _due(self) -> bool:
        current, base, first = self._current, self._current.base, self._first_change_s
        if self._journal.poison is not None:
            return False
        return current.healing.needed or self._policy.due(
            changes=len(current.overlay.log),
            records=base.manifest.records if base else 0,
            waited_s=time.monotonic() - first if first else 0.0,
            journal=self._journal.offset,
            snapshot=base.snapshot.size if base else 0,
        )

    def _set_wake_mark(self) -> None:
        base, policy = self._current.base, self._policy
        records = base.manifest.records if base else 0
        snapshot = base.snapshot.size if base else 0
        self._wake_at = int(max(policy.changes, policy.changes_share * records))
        self._wake_at_bytes = int(max(policy.journal_bytes_least, policy.journal_share * snapshot))


def _open_generation(path: str, schema: Schema[Any]) -> Generation:
    manifest = read_manifest(path)
    size = manifest.files[SNAPSHOT][0]
    return Generation(path, manifest, schema, SnapshotReader(os.path.join(path, SNAPSHOT), size=size))
