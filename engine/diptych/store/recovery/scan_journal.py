"""Scanning the journal: its files, their frames, how each ends, and the clean-shutdown marker."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from diptych import fs
from diptych.change import Change, SegmentAdopted
from diptych.errors import CorruptionError, DiptychError, IncompatibleStoreError
from diptych.journal.file import JournalFile, contents_of
from diptych.journal.format import COMMIT, CONTROL, PART, Frame
from diptych.journal.reader import FrameReader, TailKind
from diptych.layout import CLOSED, JOURNAL, is_temporary, parse_journal_file_name
from diptych.store.manifest import ClosedMark, decode_closed, listed_sealed
from diptych.store.recovery.found import FoundJournalFile, FoundTransaction, OpenFiles, Stray
from diptych.store.recovery.reading import irregular, names_in, read_small
from diptych.values import replace


class Journal(NamedTuple):
    """What was found in the journal's directory."""

    files: tuple[FoundJournalFile, ...]
    """Oldest first."""
    closed: ClosedMark | None
    closed_problem: str
    strays: list[Stray]
    temporaries: list[str]
    incompatible: IncompatibleStoreError | None


def scan_journal(store: str, store_id: bytes | None, journal_from: int, files: OpenFiles) -> Journal:
    """Inspect the journal, reading the transactions after `journal_from`; opened files go into `files`.

    Raises StorageError.
    """
    directory = os.path.join(store, JOURNAL)
    names = names_in(directory)
    firsts = sorted(first for name in names if (first := parse_journal_file_name(name)) is not None)
    temporaries = [os.path.join(directory, name) for name in names if is_temporary(name)]
    closed_where = os.path.join(directory, CLOSED)
    strays = irregular(closed_where, stat.S_ISREG, "no regular file")
    closed, closed_problem, incompatible = _scan_closed(closed_where)
    # The last file that begins at or before the first LSN asked for, and all after it.
    needed = max([first for first in firsts if first <= journal_from + 1], default=0)
    found: list[FoundJournalFile] = []
    for first in firsts:
        named = FoundJournalFile(os.path.join(directory, f"{first:020d}.wal"), first, last_lsn=first - 1)
        try:
            journal_file = JournalFile(named.path)
        except IncompatibleStoreError as error:
            incompatible = incompatible or error
            found.append(replace(named, problem=error.message))
        except DiptychError as error:
            # As with generations: one that is gone meanwhile, the writer needs no more.
            is_there = fs.exists(named.path)
            fs.raise_transient(error)
            if is_there:
                found.append(replace(named, problem=error.message))
        else:
            files.journal[named.path] = journal_file
            read_from = journal_from if first >= needed else None
            found.append(_scan_file(named, journal_file, store_id, read_from))
    copies = _copies(found)
    kept = tuple(file for file in found if file.path not in {stray.path for stray in copies})
    return Journal(kept, closed, closed_problem, strays + copies, temporaries, incompatible)


def _copies(found: list[FoundJournalFile]) -> list[Stray]:
    """The copies of journal files under names that are not theirs."""
    intact = {file.header for file in found if file.header is not None and not file.problem}
    return [
        Stray(file.path, f"{file.problem}, and that one is intact elsewhere")
        for file in found
        if file.misnamed and not file.foreign and file.header in intact
    ]


def _scan_closed(where: str) -> tuple[ClosedMark | None, str, IncompatibleStoreError | None]:
    """The marker, or what is wrong with it."""
    try:
        data = read_small(where)
        return (decode_closed(data, where=where) if data is not None else None), "", None
    except IncompatibleStoreError as error:
        return None, "", error
    except CorruptionError as error:
        return None, error.message, None


def _scan_file(
    named: FoundJournalFile, journal_file: JournalFile, store_id: bytes | None, read_from: int | None
) -> FoundJournalFile:
    """The file, its frames read unless `read_from` is None: the transactions after that LSN."""
    header = journal_file.header
    file = replace(named, header=header, size=journal_file.size(), chain=header.chain)
    if store_id is not None and header.store_id != store_id:
        # First of all: nothing of it is to be taken, whatever else is wrong with it.
        return replace(file, problem=f"{file.path} belongs to another store", foreign=True)
    if header.first_lsn != file.first_lsn:
        return replace(file, problem=f"{file.path} says that it begins with LSN {header.first_lsn}")
    return file if read_from is None else _read_file(file, journal_file, read_from)


def _read_file(file: FoundJournalFile, journal_file: JournalFile, read_from: int) -> FoundJournalFile:
    reader = FrameReader(journal_file)
    last_lsn, chain, end = file.last_lsn, file.chain, file.end
    transactions: list[FoundTransaction] = []
    changes: list[Change] = []
    adopted: list[SegmentAdopted] = []
    metadata = b""
    unfinished, problem = False, ""
    for frame in reader:
        problem = _frame_problem(frame, last_lsn, unfinished)
        if not problem and frame.kind != CONTROL and frame.lsn > read_from:
            # Places only, frame by frame: a transaction may be larger than memory.
            try:
                contents = contents_of(frame, journal_file)
                changes += contents.changes
                metadata = contents.metadata or metadata
                adopted += contents.adopted
                for entry in contents.adopted:
                    # Only what a stranger wrote passes the frame's checksum and is no SEAL.
                    listed_sealed(entry.sealed)
            except CorruptionError as error:
                problem = error.message
        if problem:
            problem = f"{file.path}@{frame.offset}: {problem}"
            break
        unfinished = frame.kind == PART
        if unfinished:
            continue
        if frame.kind == COMMIT:
            if frame.lsn > read_from:
                transactions.append(FoundTransaction(frame.lsn, changes, metadata, tuple(adopted)))
                changes, metadata, adopted = [], b"", []
            last_lsn = frame.lsn
        end, chain = frame.end, frame.checksum
    tail = None
    if not problem:
        tail = reader.tail()
        if tail.kind is TailKind.DAMAGED:
            problem = (
                f"{file.path}@{tail.offset}: a damaged frame, and after it at {tail.resumes} "
                f"an intact one of LSN {tail.resumes_lsn}"
            )
    return replace(
        file,
        read=True,
        last_lsn=last_lsn,
        chain=chain,
        end=end,
        tail=tail,
        unfinished=unfinished,
        transactions=tuple(transactions),
        problem=problem,
    )


def _frame_problem(frame: Frame, last_lsn: int, unfinished: bool) -> str:
    if frame.kind == CONTROL:
        return "a control frame within a transaction" if unfinished else ""
    if frame.continues != unfinished:
        return f"a transaction of LSN {frame.lsn} without its beginning or end"
    if frame.lsn != last_lsn + 1:
        return f"LSN {frame.lsn} follows {last_lsn}"
    return ""
