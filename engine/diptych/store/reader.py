"""The reading side of a store: it follows a writer, which is another process, and changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NoReturn

from diptych import fs
from diptych.change import Change, SegmentAdopted
from diptych.errors import (
    CorruptionError,
    CorruptSearchError,
    IncompatibleStoreError,
    NotAStoreError,
    ReadOnlyError,
    StorageError,
    StoreNotFoundError,
    StoreReplacedError,
)
from diptych.journal.file import JournalFile, contents_of
from diptych.journal.format import COMMIT, CONTROL
from diptych.journal.reader import FrameReader
from diptych.layout import IDENTITY, JOURNAL, journal_file_name
from diptych.schema.base import Record, Schema
from diptych.schema.shape import differences
from diptych.store.adopted import open_adopted
from diptych.store.generation import Generation
from diptych.store.handle import REMOVED_TRIES, Answer, Handle
from diptych.store.healing import Healing, log
from diptych.store.manifest import decode_identity
from diptych.store.opening import OpenedReader, open_for_reading, published
from diptych.store.recovery.reading import read_small
from diptych.store.state import Status, StoreState
from diptych.store.upgrade import current_change
from diptych.store.view import View

# How long a reader that waits for a commit pauses between two looks at the journal.
_LEAST_PAUSE_S = 0.001
_MOST_PAUSE_S = 0.05


class StoreReader(Handle[Record]):
    """Takes in new frames of the journal, and now and then a new generation. Never changes a byte."""

    def __init__(self, opened: OpenedReader, schema: Schema[Record], view_type: type[View[Record]]) -> None:
        super().__init__(opened.store, schema, view_type, Healing())
        self._modified_ms = opened.store.modified_ms
        self._generations = opened.generations
        self._frames = opened.frames
        self._lsn = opened.store.lsn
        """Of the newest transaction taken in, which the view may not show yet."""

    def writer(self) -> NoReturn:
        """Raise ReadOnlyError."""
        self.alive.check()
        raise ReadOnlyError(f"{self.path} was opened with read_only=True")

    def view(self) -> View[Record]:
        """A view with its search index open: the writer, which does not know of it, may remove its files."""
        self.alive.check()
        for _ in range(REMOVED_TRIES):
            view = self.current.hold()
            try:
                view.prepare()
            except (CorruptSearchError, StorageError):
                if not self.overtaken(view.generation):
                    raise
            else:
                return view
        view = self.current.hold()
        view.prepare()
        return view

    def searched(self, ask: Callable[[View[Record]], Answer]) -> Answer:
        """See `RecordStore.search`."""
        try:
            return super().searched(ask)
        except CorruptSearchError as error:
            raise CorruptSearchError(
                error.message,
                where=error.where,
                advice="run `diptych repair`, or open the store for writing",
            ) from error

    def overtaken(self, base: Generation | None) -> bool:
        """Whether the writer removed `base`, or the store itself is not there; then this was refreshed."""
        # Without a generation everything is in the journal, which is pruned once there are some.
        is_kept = fs.exists(base.path) if base is not None else published(self.path) == self._generations
        if is_kept and self._in_place():
            return False
        self.refresh()
        return True

    def refresh(self) -> int:
        """Take in what was committed since; returns the LSN.

        Raises CorruptionError and StorageError: StoreReplacedError where another store is at the path now, or
        none.
        """
        self.alive.check()
        current = self.current
        with current.lock:
            view = current.view
            if (
                self._frames is not None
                and published(self.path) == self._generations
                and self._in_place()
                and self._read_on(self._frames)
            ):
                if self._lsn > view.lsn:
                    current.replace(view.generation, view.overlay, self._lsn, view.healing)
            else:
                self._open_again(view.lsn)
        return current.view.lsn

    def durable_lsn(self) -> None:
        """None: the journal of another process says nothing about it."""
        self.alive.check()

    def wait(self, lsn: int, timeout_s: float | None) -> bool:
        """See `RecordStore.wait`: looks again and again, at first after a millisecond."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        pause_s = _LEAST_PAUSE_S
        while self.refresh() < lsn:
            if deadline_s is not None:
                pause_s = min(pause_s, deadline_s - time.monotonic())
                if pause_s <= 0:
                    return False
            # A close, and a refresh by another thread, end the pause.
            self.current.wait(lsn, pause_s)
            pause_s = min(pause_s * 2, _MOST_PAUSE_S)
        return True

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError where another store is at the path now, or none."""
        self.alive.check()
        if not self._in_place():
            self.refresh()

    @property
    def state(self) -> StoreState:
        """What the store is doing; never blocks."""
        if self.alive.reason is not None:
            return StoreState(Status.CLOSED)
        return StoreState(Status.READY if self.current.has_records() else Status.EMPTY)

    @property
    def modified_ms(self) -> int:
        """When the newest transaction was committed, as far as known."""
        return self._modified_ms

    @property
    def checkpoint_error(self) -> None:
        """None: a reader publishes nothing."""
        return None

    def _close(self) -> None:
        self.current.close(self.alive.close())

    def _in_place(self) -> bool:
        """Whether the journal file that was read last is still where it was. Raises StorageError."""
        return self._frames is None or self._frames.file.in_place()

    def _read_on(self, frames: FrameReader) -> bool:
        """Read new frames; False where they cannot be reached from here."""
        overlay, before = self.current.view.overlay, self._lsn
        while True:
            # Another one: where this ends early, `frames` is still at the last complete transaction.
            ahead = FrameReader(frames.file, offset=frames.offset, chain=frames.chain)
            changes: list[Change] = []
            adopted: list[SegmentAdopted] = []
            metadata = b""
            for frame in ahead:
                if frame.kind != CONTROL:
                    contents = contents_of(frame, ahead.file)
                    changes += contents.changes
                    adopted += contents.adopted
                    metadata = contents.metadata or metadata
                if frame.kind == COMMIT:
                    try:
                        segments = [open_adopted(self.path, entry, self.schema) for entry in adopted]
                        for segment in segments:
                            # Read now: what is in the overlay must not fail later.
                            len(segment.changes)
                    except (CorruptionError, StorageError) as error:
                        # The writer may have folded it already; if it is damaged, opening again says so.
                        log.debug("an adopted segment cannot be read: %s", error)
                        return False
                    for change in changes:
                        overlay.append(frame.lsn, current_change(self.schema, change))
                    for segment in segments:
                        overlay.adopt(frame.lsn, segment)
                    overlay.describe(frame.lsn, metadata)
                    self._lsn, changes, adopted, metadata = frame.lsn, [], [], b""
                if frame.kind in (COMMIT, CONTROL):
                    frames.offset, frames.chain = frame.end, frame.checksum
            following = os.path.join(self.path, JOURNAL, journal_file_name(self._lsn + 1))
            if following == frames.file.path or not fs.exists(following):
                if self._lsn > before:
                    self._modified_ms = frames.file.modified_ms()
                return True
            journal_file = JournalFile(following)
            if journal_file.header.chain != frames.chain:
                return False
            frames = self._frames = FrameReader(journal_file)

    def _open_again(self, seen_lsn: int) -> None:
        try:
            base = self.current.base
            # Segments do not change: those that are open already are not opened again.
            known = base.segments.open_segments() if base is not None else {}
            known |= {adopted.digest: adopted.segment for _, adopted in self.current.overlay.adopted}
            reopened = open_for_reading(self.path, self.schema, known)
        except IncompatibleStoreError as error:
            raise self._changed(error) from error
        except (StoreNotFoundError, NotAStoreError) as error:
            raise _replaced(f"there is no store at {self.path} any more: {error.message}") from error
        opened = reopened.store
        if opened.identity.store_id != self.identity.store_id:
            raise _replaced(f"another store is at {self.path} now")
        if opened.lsn < seen_lsn:
            # The files of a store that was repaired, or put back from a copy.
            raise _replaced(f"the store at {self.path} is at LSN {opened.lsn} now, and was at LSN {seen_lsn}")
        # Before the view: interrupted in between, the next refresh opens it again.
        self._generations, self._frames = reopened.generations, None
        self.current.replace(opened.base, opened.overlay, opened.lsn, Healing(opened.damaged))
        self._lsn, self._frames = opened.lsn, reopened.frames
        self._modified_ms = opened.modified_ms
        # A fallback is told also when it comes with a refresh.
        self.recovery = opened.findings

    def _changed(self, error: IncompatibleStoreError) -> StoreReplacedError:
        """What a store is now that this cannot read any more: the same of another schema, or another one."""
        where = os.path.join(self.path, IDENTITY)
        try:
            data = read_small(where)
            identity = decode_identity(data, where=where) if data is not None else None
        except (CorruptionError, IncompatibleStoreError, StorageError):
            identity = None
        if identity is None or identity.store_id != self.identity.store_id:
            return _replaced(f"another store is at {self.path} now: {error.message}")
        now = f"it is of schema {identity.schema!r} version {identity.schema_version}"
        if identity.shape is not None and (changed := differences(self.schema.shape, identity.shape)):
            now += ", and in it " + "; ".join(changed)
        return StoreReplacedError(
            f"a writer has changed the schema of the store at {self.path} since this handle opened it: {now}",
            advice="close this handle, and open the store with the program that writes it, in its version",
        )


def _replaced(message: str) -> StoreReplacedError:
    return StoreReplacedError(message, advice="close this handle and open the store again")
