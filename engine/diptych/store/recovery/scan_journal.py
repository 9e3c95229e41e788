"""Scanning the journal: its segments, their frames, how each ends, and the mark of an orderly close."""

from __future__ import annotations

import os

from diptych import fs
from diptych.change import Change
from diptych.errors import CorruptionError, DiptychError, IncompatibleStoreError
from diptych.journal.format import (
    COMMIT,
    CONTROL,
    FRAME_SIZE,
    PART,
    Frame,
    decode_entries,
)
from diptych.journal.reader import FrameReader, TailKind
from diptych.journal.segment import Segment, changes_at
from diptych.layout import CLOSED, JOURNAL, is_temporary, parse_segment_name
from diptych.store.manifest import decode_closed
from diptych.store.recovery.found import FoundSegment, FoundTransaction, Scan
from diptych.store.recovery.reading import names_in, read_sealed


def scan_journal(found: Scan, journal_from: int) -> None:
    """Fill in the segments, oldest first, their transactions behind `journal_from`. Raises StorageError."""
    directory = os.path.join(found.path, JOURNAL)
    found.segments.clear()
    for path in [path for path in found.strays if os.path.dirname(path) == directory]:
        del found.strays[path]
    found.journal_from = journal_from
    names, store_id = names_in(directory), found.store_id
    firsts = sorted(first for name in names if (first := parse_segment_name(name)) is not None)
    found.temporaries += [os.path.join(directory, name) for name in names if is_temporary(name)]
    _scan_closed(found, os.path.join(directory, CLOSED))
    # The last segment that begins at or before the first LSN asked for, and all behind it.
    needed = max([first for first in firsts if first <= journal_from + 1], default=0)
    for first in firsts:
        path = os.path.join(directory, f"{first:020d}.wal")
        segment = FoundSegment(path, first, last_lsn=first - 1)
        found.segments.append(segment)
        try:
            segment.segment = Segment(path)
        except IncompatibleStoreError as error:
            found.incompatible = found.incompatible or error
            segment.problem = error.message
            continue
        except DiptychError as error:
            if not fs.exists(path):
                # As with generations: the writer needs it no more.
                found.segments.pop()
            fs.refuse_of_the_moment(error)
            segment.problem = error.message
            continue
        header = segment.segment.header
        segment.size = segment.segment.size()
        segment.chain = header.chain
        if store_id is not None and header.store_id != store_id:
            # First of all: nothing of it is to be taken, whatever else is wrong with it.
            segment.problem, segment.foreign = f"{path} belongs to another store", True
        elif header.first_lsn != first:
            segment.problem = f"{path} says that it begins with LSN {header.first_lsn}"
        elif first >= needed:
            _scan_segment(segment, segment.segment, journal_from)
    _part_copies(found)


def _part_copies(found: Scan) -> None:
    """Part from the journal the copies of its segments under names that are not theirs."""
    whole = {s.header for s in found.segments if s.header is not None and not s.problem}
    for segment in list(found.segments):
        if segment.misnamed and not segment.foreign and segment.header in whole:
            found.segments.remove(segment)
            found.strays[segment.path] = f"{segment.problem}, and that one is whole elsewhere"


def _scan_closed(found: Scan, where: str) -> None:
    try:
        data = read_sealed(found, where)
        if data is None:
            return
        found.closed = decode_closed(data, where=where)
    except IncompatibleStoreError as error:
        found.incompatible = found.incompatible or error
    except CorruptionError as error:
        found.closed_problem = error.message


def _scan_segment(found: FoundSegment, segment: Segment, journal_from: int) -> None:
    found.read = True
    reader = FrameReader(segment)
    changes: list[Change] = []
    for frame in reader:
        problem = _frame_problem(frame, found)
        if not problem and frame.kind != CONTROL and frame.lsn > journal_from:
            # Places only, frame by frame: a transaction may be larger than memory.
            try:
                changes += changes_in(frame, segment)
            except CorruptionError as error:
                problem = error.message
        if problem:
            found.problem = f"{found.path}@{frame.offset}: {problem}"
            return
        found.unfinished = frame.kind == PART
        if frame.kind == PART:
            continue
        if frame.kind == COMMIT:
            if frame.lsn > journal_from:
                found.transactions.append(FoundTransaction(frame.lsn, changes))
                changes = []
            found.last_lsn = frame.lsn
        found.end, found.chain = frame.end, frame.checksum
    found.tail = reader.tail()
    if found.tail.kind is TailKind.DAMAGED:
        found.problem = (
            f"{found.path}@{found.tail.offset}: a damaged frame, and behind it at {found.tail.resumes} "
            f"a whole one of LSN {found.tail.resumes_lsn}"
        )


def _frame_problem(frame: Frame, found: FoundSegment) -> str:
    if frame.kind == CONTROL:
        return "a control frame within a transaction" if found.unfinished else ""
    if frame.continues != found.unfinished:
        return f"a transaction of LSN {frame.lsn} without its beginning or end"
    if frame.lsn != found.last_lsn + 1:
        return f"LSN {frame.lsn} follows {found.last_lsn}"
    return ""


def changes_in(frame: Frame, segment: Segment) -> list[Change]:
    """The changes in a frame of `segment`. Raises CorruptJournalError."""
    entries = decode_entries(frame.payload, where=f"{segment.path}@{frame.offset}")
    return changes_at(segment, frame.offset + FRAME_SIZE, entries)
