"""When a generation is published, by whom, and what follows: the writer's side of checkpoints."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from xxhash import xxh3_64_intdigest

from diptych import fs
from diptych.change import SnapshotCreated
from diptych.errors import (
    CorruptionError,
    StorageError,
    StoreClosedError,
    StoreReplacedError,
)
from diptych.journal.format import encode_snapshot_created
from diptych.journal.writer import JournalWriter
from diptych.schema.base import Schema
from diptych.sealed import MAX_SIZE_BYTES
from diptych.store.adopting import Adopting
from diptych.store.checkpoint.build import BuildRequest, build
from diptych.store.checkpoint.pace import Pace
from diptych.store.checkpoint.policy import CheckpointPolicy
from diptych.store.checkpoint.retention import first_journal_lsn, trim
from diptych.store.checkpoint.scheduler import Scheduler
from diptych.store.checkpoint.unpublished import UnpublishedGeneration
from diptych.store.current import Current
from diptych.store.generation import Generation, open_segment
from diptych.store.healing import Healing, log
from diptych.store.liveness import Ownership
from diptych.store.manifest import Adoption, Identity, now_ms
from diptych.store.view import View


class Publisher:
    """Publishes generations of one open store, by itself when one is due, or when asked."""

    def __init__(
        self,
        path: str,
        identity: Identity,
        schema: Schema[Any],
        policy: CheckpointPolicy,
        journal: JournalWriter,
        current: Current[Any],
        ownership: Ownership,
        adopting: Adopting,
        modified_ms: int,
    ) -> None:
        self.modified_ms = modified_ms
        """When the newest transaction was committed."""
        self.keeps_all = False
        """Whether nothing is removed, here or later by this handle: for repair."""
        self._path, self._identity, self._schema, self._policy = path, identity, schema, policy
        self._journal, self._current = journal, current
        self._ownership, self._adopting = ownership, adopting
        self._lock = threading.RLock()
        self._closed: StoreClosedError | None = None
        self._pace = Pace()
        self._leaves_some = False
        """Whether the last checkpoint left something to be removed by the next."""
        self.is_publishing = False
        """Whether a checkpoint is under way."""
        self.published = 0
        """How many generations were published …"""
        self.elapsed_ms_total = self.elapsed_ms_last = 0.0
        """… and how long that took, together and the last time."""
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

    def committed(self) -> None:
        """A commit ended: a checkpoint may be due."""
        self.modified_ms = time.time_ns() // 1_000_000
        if self._scheduler is not None:
            if not self._first_change_s:
                self._first_change_s = time.monotonic()
                self._scheduler.wake()
            elif (
                len(self._current.overlay.log) >= self._wake_at
                or self._journal.offset >= self._wake_at_bytes
                or self._current.overlay.adopted
            ):
                self._scheduler.wake()

    def close(self, reason: StoreClosedError) -> None:
        """Raise `reason` for every later checkpoint, after one that is under way."""
        if self._scheduler is not None:
            self._scheduler.stop()
        with self._lock:
            # Under the lock: one that waits for it must not begin when the store may be another writer's.
            self._closed = reason
            if self._leaves_some and self._journal.poison is None:
                # There is no next checkpoint. What fails here is removed by the next writer.
                with suppress(StorageError):
                    self._ownership.refuse_replaced()
                    self._trim(at_once=True)

    def publish(self, *, compact: bool = False) -> int:
        """Publish a generation with everything committed so far, if that is new; returns its LSN.

        `compact`: in any case, with everything written again, in few segments. Raises StorageError
        (StoreReplacedError where the store is not there any more) and CorruptionError; then the generation
        before stays the newest.
        """
        with self._lock:
            if self._closed is not None:
                raise self._closed
            base = self._current.base
            self._journal.refuse_poisoned()
            new = self._journal.last_lsn > (base.lsn if base else 0)
            # A generation of an earlier release gets its content id.
            wanted = compact or (base is not None and not base.manifest.content_id)
            if not new and not self._current.healing.needed and not (wanted and base):
                return self._journal.last_lsn
            # What is at the path now may be another store: nothing is begun, renamed or removed in that.
            self._ownership.refuse_replaced()
            begin_ns = time.perf_counter_ns()
            try:
                self.is_publishing = True
                with fs.translated("publish a generation in", self._path):
                    lsn = self._publish(base, compact)
            except (StorageError, CorruptionError):
                # What went away under the checkpoint is no damage and no failure of the disk.
                self._ownership.refuse_replaced()
                raise
            finally:
                self.is_publishing = False
            self.published += 1
            self.elapsed_ms_last = (time.perf_counter_ns() - begin_ns) / 1e6
            self.elapsed_ms_total += self.elapsed_ms_last
            return lsn

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
        view = View(self._schema, base, current.overlay, lsn, healing)
        request = BuildRequest(
            self._identity,
            self._schema,
            view,
            chain,
            self.modified_ms,
            tuple(healing.segments),
            compact,
            self._adopted(view),
        )
        try:
            generation = self._build(request)
        except BaseException:
            self._first_change_s = self._first_change_s or first_change_s or time.monotonic()
            raise
        with journal.lock, current.lock:
            overlay = current.overlay.since(lsn, self._schema)
            # What was found meanwhile, and is in this generation too.
            damaged = healing.segments.intersection(generation.segments.open_segments())
            current.replace(generation, overlay, current.view.lsn, Healing(damaged, self.wake))
            if overlay.log and not self._first_change_s:
                self._first_change_s = time.monotonic()
        self._set_wake_mark()
        self._tell_journal(generation.path, lsn)
        if not self.keeps_all:
            try:
                self._ownership.refuse_replaced()
                # Nothing of what was removed or replaced is left after a compaction.
                self._trim(at_once=compact)
            except StoreReplacedError:
                raise
            except StorageError as error:
                # The generation is published all the same; the next checkpoint removes what was left.
                log.warning("what the generation of LSN %d replaces was not removed: %s", lsn, error)
        return lsn

    def _trim(self, *, at_once: bool) -> None:
        """Remove what is not kept. Raises StorageError."""
        self._leaves_some = trim(
            self._path,
            self._identity.store_id,
            self._policy.keep_generations,
            self._current.pinned(),
            self._needed_segments,
            at_once=at_once,
        )

    def _build(self, request: BuildRequest) -> Generation:
        """Build, publish and open the generation. Raises StorageError, CorruptionError."""
        with UnpublishedGeneration(self._path, request.view.lsn, self._ownership) as unpublished:
            built = build(request, unpublished, self._pace)
            path = unpublished.publish(built.manifest, built.segments)
        base = request.view.generation
        # What the generation before has open is shared with it.
        segments = base.segments.open_segments() if base is not None else {}
        for adopted in request.view.overlay.adopted_until(request.view.lsn):
            segments[adopted.digest] = adopted.segment
        for listed in built.manifest.segments:
            if listed.digest in built.segments:
                segment = segments[listed.digest] = open_segment(self._path, listed, self._schema)
                segment.trust_search()
        return Generation(path, built.manifest, self._schema, segments)

    def _adopted(self, view: View[Any]) -> list[Adoption]:
        """The segments that the journal names up to the view's LSN, as far back as it is kept."""
        first_lsn = first_journal_lsn(self._path)
        base = view.generation
        older = base.manifest.adopted if base is not None else ()
        newer = [Adoption(lsn, one.digest) for lsn, one in view.overlay.adopted if lsn <= view.lsn]
        return [*(one for one in older if one.lsn >= first_lsn), *newer]

    def _needed_segments(self) -> set[str]:
        """The digests of segments that no manifest names yet."""
        # First those that are being moved in: once a commit is done with that, the overlay has them.
        underway = set(self._adopting.underway)
        return underway | self._current.needed_segments()

    def _tell_journal(self, path: str, lsn: int) -> None:
        with fs.translated("read", path):
            checksum = xxh3_64_intdigest(fs.read_bounded(path, MAX_SIZE_BYTES))
        with suppress(StorageError):
            # It says in the journal what the generation's name says already; a failure takes nothing back.
            self._journal.append_control(encode_snapshot_created(SnapshotCreated(lsn, now_ms(), checksum)))

    def _due(self) -> bool:
        current, base, first = self._current, self._current.base, self._first_change_s
        if self._journal.poison is not None:
            return False
        return current.healing.needed or bool(current.overlay.adopted) or self._policy.due(
            changes=len(current.overlay.log),
            records=base.manifest.records if base else 0,
            waited_s=time.monotonic() - first if first else 0.0,
            journal=self._journal.offset,
            snapshot=base.records_bytes if base else 0,
        )

    def _set_wake_mark(self) -> None:
        base, policy = self._current.base, self._policy
        records = base.manifest.records if base else 0
        snapshot = base.records_bytes if base else 0
        self._wake_at = int(max(policy.changes, policy.changes_share * records))
        self._wake_at_bytes = int(max(policy.journal_bytes_least, policy.journal_share * snapshot))

