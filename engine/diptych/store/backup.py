"""Backups: the store at one LSN, as a directory that opens by itself.

A backup is a generation with its segments, and the journal from there to that LSN. It has the same store id.
What was imported from other indexers, a store inside of the store, goes with it, at the LSN that it has then.
"""

from __future__ import annotations

import os
from typing import Any

from diptych import fs
from diptych.errors import CorruptionError, CorruptStoreError, OpenError, StorageError
from diptych.journal.file import JournalFile
from diptych.journal.format import COMMIT, CONTROL, HEADER_SIZE
from diptych.journal.reader import FrameReader
from diptych.layout import CLOSED, IDENTITY, JOURNAL, ORIGIN, PRECISE, journal_file_name
from diptych.schema.precise import PRECISE as PRECISE_SCHEMA
from diptych.store.copying import copy_file, copy_generation, copy_segment, new_store
from diptych.store.handle import REMOVED_TRIES, Handle
from diptych.store.healing import log
from diptych.store.manifest import ClosedMark, encode_closed, encode_identity, now_ms
from diptych.store.opening import absolute, open_for_reading
from diptych.store.reader import StoreReader
from diptych.store.view import View
from diptych.values import replace

_COPY_BYTES = 1 << 20


def back_up(handle: Handle[Any], path: str | os.PathLike[str]) -> int:
    """Make a backup of an open store; returns its LSN. See `RecordStore.backup`."""
    for _ in range(REMOVED_TRIES):
        with handle.current.hold() as view:
            try:
                with new_store(absolute(path), handle.path, handle.schema) as new:
                    _fill(new.directory, handle, view)
            except (CorruptionError, StorageError):
                # The writer removed what a reader was copying: again, from the newer generation.
                if not handle.overtaken(view.generation):
                    raise
            else:
                return view.lsn
    raise StorageError(f"the generations of {handle.path} are removed faster than they are copied")


def _fill(directory: str, handle: Handle[Any], view: View[Any]) -> None:
    base = view.generation
    if base is not None:
        # The journal of the copy begins after it, and names no segment from before.
        copy_generation(directory, handle.path, replace(base.manifest, adopted=()), linked=False)
    for segment in view.overlay.adopted_until(view.lsn):
        copy_segment(directory, handle.path, segment.listed, linked=False)
    chain = _copy_journal(directory, handle.path, base.lsn if base is not None else 0, view.lsn)
    # So that a backup whose end is lost does not open as an older one.
    closed = ClosedMark(handle.identity.store_id, view.lsn, chain, now_ms())
    fs.write_file(os.path.join(directory, JOURNAL, CLOSED), encode_closed(closed))
    origin = os.path.join(handle.path, ORIGIN)
    if fs.is_regular(origin):
        copy_file(origin, os.path.join(directory, ORIGIN))
    _back_up_imported(os.path.join(handle.path, PRECISE), os.path.join(directory, PRECISE))
    fs.write_file(os.path.join(directory, IDENTITY), encode_identity(handle.identity))


def _back_up_imported(source: str, target: str) -> None:
    """Make a backup of what was imported, if anything was. Raises CorruptionError, StorageError."""
    # A link may lead anywhere: nothing is read through it.
    if not fs.is_directory(source) or not fs.exists(os.path.join(source, IDENTITY)):
        return
    try:
        opened = open_for_reading(source, PRECISE_SCHEMA)
    except OpenError as error:
        # Nothing answers from it either, and an import makes it again: no reason to have no backup.
        log.warning("what was imported is left out: %s", error)
        return
    imported = StoreReader(opened, PRECISE_SCHEMA, View)
    try:
        back_up(imported, target)
    finally:
        imported.close()


def _copy_journal(directory: str, store: str, after: int, until: int) -> int:
    """Copy the journal after one LSN and up to another; returns the checksum of the last frame."""
    last = after
    while True:
        name = journal_file_name(last + 1)
        file = JournalFile(os.path.join(store, JOURNAL, name))
        end, chain = HEADER_SIZE, file.header.chain
        for frame in FrameReader(file):
            if frame.lsn > until:
                break
            if frame.kind in (COMMIT, CONTROL):
                end, chain = frame.end, frame.checksum
            if frame.kind == COMMIT:
                last = frame.lsn
        target = os.path.join(directory, JOURNAL, name)
        with fs.translated("copy to", target), open(target, "xb") as copy:
            for offset in range(0, end, _COPY_BYTES):
                copy.write(file.read_exactly(offset, min(_COPY_BYTES, end - offset)))
        fs.fsync_file(target)
        if last >= until:
            return chain
        if end == HEADER_SIZE:
            raise CorruptStoreError(f"{file.path} ends at LSN {last}, and {until} was read", where=file.path)
