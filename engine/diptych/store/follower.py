"""How a reading process follows the writer: new frames of the journal, and now and then a new generation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from diptych import fs
from diptych.errors import (
    IncompatibleStoreError,
    NotAStoreError,
    StoreNotFoundError,
    StoreReplacedError,
)
from diptych.journal.format import COMMIT, CONTROL
from diptych.journal.reader import FrameReader
from diptych.journal.segment import Segment
from diptych.layout import JOURNAL, segment_name
from diptych.store.generation import Generation
from diptych.store.overlay import Overlay
from diptych.store.recovery.apply import take
from diptych.store.recovery.found import FoundTransaction, Op, Scan
from diptych.store.recovery.plan import Plan
from diptych.store.recovery.scan_journal import ops_of
from diptych.store.report import Finding

if TYPE_CHECKING:
    from diptych.store.opening import Opened


class Follower:
    """Reads on where opening ended. One thread at a time."""

    def __init__(
        self, path: str, overlay: Overlay, base: Generation | None, found: Scan, plan: Plan
    ) -> None:
        self.path = path
        self._store_id = found.store_id
        self.lsn = plan.last_lsn
        self.overlay = overlay
        self.base = base
        self.findings: list[Finding] = plan.findings
        """What the newest look at the whole store found."""
        self.mend_snapshot = plan.snapshot_from_search
        self.mend_search = bool(plan.base and plan.base.search_problem)
        self.modified_ms = 0
        """When the newest commit taken in was made, as far as known; 0 before one was."""
        self._names = sorted(os.path.basename(g.path) for g in found.generations)
        last = plan.append_to
        self._reader: FrameReader | None = None
        if last is not None and last.segment is not None:
            self._reader = FrameReader(last.segment, offset=last.end, chain=last.chain)

    def follow(self, seen_lsn: int) -> None:
        """Take in what was committed since; `base` is another where the generation changed.

        Raises CorruptionError and StorageError: StoreReplacedError where another store is at the path now, or
        none.
        """
        from diptych.store.opening import open_for_reading, published

        names = published(self.path)
        if names == self._names and self._reader is not None and self.in_place() and self._read_on():
            return
        try:
            opened = open_for_reading(self.path, self.overlay.schema)
        except (StoreNotFoundError, NotAStoreError, IncompatibleStoreError) as error:
            raise self._replaced(f"there is no such store at {self.path} any more: {error}") from error
        if opened.identity.store_id != self._store_id:
            raise self._replaced(f"another store is at {self.path} now")
        if opened.lsn < seen_lsn:
            # The files of a store that was repaired, or put back from a copy.
            raise self._replaced(
                f"the store at {self.path} is at LSN {opened.lsn} now, and was at LSN {seen_lsn}"
            )
        self._take(opened)

    def in_place(self) -> bool:
        """Whether the journal file that was read last is still where it was. Raises StorageError."""
        return self._reader is None or self._reader.segment.in_place()

    def _replaced(self, message: str) -> StoreReplacedError:
        return StoreReplacedError(message, advice="close this handle and open the store again")

    def _take(self, opened: Opened) -> None:
        other = opened.follower
        assert other is not None
        self.findings, self.modified_ms = opened.findings, opened.modified_ms
        self.mend_snapshot, self.mend_search = opened.mend_snapshot, opened.mend_search
        # One statement, within which no signal comes: these belong together.
        self.lsn, self.overlay, self.base, self._names, self._reader = (
            other.lsn, other.overlay, other.base, other._names, other._reader
        )  # fmt: skip

    def _read_on(self) -> bool:
        """Read new frames; False where they cannot be reached from here."""
        before = self.lsn
        while True:
            assert self._reader is not None
            reader = FrameReader(self._reader.segment, offset=self._reader.offset, chain=self._reader.chain)
            ops: list[Op] = []
            for frame in reader:
                if frame.kind != CONTROL:
                    ops += ops_of(frame, reader.segment.path)
                if frame.kind == COMMIT:
                    take(self.overlay, FoundTransaction(frame.lsn, ops), reader.segment)
                    self.lsn, ops = frame.lsn, []
                if frame.kind in (COMMIT, CONTROL):
                    self._reader.offset, self._reader.chain = frame.end, frame.checksum
            following = os.path.join(self.path, JOURNAL, segment_name(self.lsn + 1))
            if following == reader.segment.path or not fs.exists(following):
                if self.lsn > before:
                    self.modified_ms = reader.segment.modified_ms()
                return True
            segment = Segment(following)
            if segment.header.chain != self._reader.chain:
                return False
            self._reader = FrameReader(segment)
