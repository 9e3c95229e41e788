"""The first step of recovery: look at all there is, change nothing, judge nothing.

What is found is a `Scan`, which `plan` turns into what to do.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from diptych import fs
from diptych.errors import (
    CorruptionError,
    CorruptStoreError,
    DiptychError,
    IncompatibleStoreError,
    StorageError,
)
from diptych.journal.format import (
    COMMIT,
    CONTROL,
    FRAME_SIZE,
    HEADER_SIZE,
    PART,
    FileIndexed,
    FileRemoved,
    Frame,
    SegmentHeader,
    decode_entries,
)
from diptych.journal.reader import FrameReader, Tail, TailKind
from diptych.journal.segment import Segment
from diptych.layout import (
    CLOSED,
    GENERATIONS,
    IDENTITY,
    JOURNAL,
    QUARANTINE,
    SEARCH,
    SEARCH_META,
    SNAPSHOT,
    WORK,
    is_temporary,
    parse_generation_name,
    parse_segment_name,
)
from diptych.sealed import MAX_SIZE_BYTES
from diptych.snapshot.format import TRAILER_SIZE, decode_head, decode_trailer
from diptych.snapshot.reader import SnapshotReader
from diptych.store.generation import read_manifest
from diptych.store.manifest import ClosedMark, Identity, Manifest, decode_closed, decode_identity


class Op(NamedTuple):
    """One change in the journal: a record whose payload stands at `offset`, or a removal (length -1)."""

    key: bytes
    check: int
    offset: int
    length: int


class FoundTransaction(NamedTuple):
    """A whole transaction found in the journal."""

    lsn: int
    ops: list[Op]


@dataclass(slots=True)
class FoundSegment:
    """A journal segment."""

    path: str
    first_lsn: int
    size: int = 0
    segment: Segment | None = None
    problem: str = ""
    read: bool = False
    """Whether its frames were read; older ones than are needed are not."""
    foreign: bool = False
    """Whether it belongs to another store."""
    last_lsn: int = 0
    chain: int = 0
    end: int = HEADER_SIZE
    """Behind the last frame that ends a transaction, which is where a cut would be made."""
    tail: Tail | None = None
    unfinished: bool = False
    """Whether whole frames of a transaction without its last one stand at the end."""
    transactions: list[FoundTransaction] = field(default_factory=list)
    """Those newer than what was asked for."""

    @property
    def header(self) -> SegmentHeader | None:
        """The header, when it is whole."""
        return self.segment.header if self.segment is not None else None

    @property
    def misnamed(self) -> bool:
        """Whether its header says that another LSN is its first."""
        return self.header is not None and self.header.first_lsn != self.first_lsn

    @property
    def proven_lsn(self) -> int:
        """The LSN that the journal reached before it, as its header says; its name alone proves nothing."""
        return self.header.first_lsn - 1 if self.header is not None and not self.foreign else 0


@dataclass(slots=True)
class FoundGeneration:
    """A generation: its manifest, and for each leaf what is wrong with it ("" when nothing is)."""

    path: str
    lsn: int
    mend: int
    manifest: Manifest | None = None
    problem: str = ""
    snapshot: SnapshotReader | None = None
    snapshot_problem: str = ""
    search_problem: str = ""
    foreign: bool = False
    """Whether it belongs to another store."""
    told_lsn: int | None = None
    """The LSN that a whole manifest has, where it is not that of the name."""

    @property
    def usable(self) -> bool:
        """Whether a leaf is whole, as far as was looked."""
        return self.manifest is not None and not (self.snapshot_problem and self.search_problem)


@dataclass(slots=True)
class Scan:
    """All there is in a store's directory."""

    path: str
    identity: Identity | None = None
    identity_problem: str = ""
    generations: list[FoundGeneration] = field(default_factory=list)
    """Newest first."""
    segments: list[FoundSegment] = field(default_factory=list)
    """Oldest first."""
    closed: ClosedMark | None = None
    closed_problem: str = ""
    strays: dict[str, str] = field(default_factory=dict)
    """What is not what its name says, by its path: why it is no part of the store."""
    temporaries: list[str] = field(default_factory=list)
    journal_from: int = 0
    """The journal's transactions behind this LSN were read."""
    incompatible: IncompatibleStoreError | None = None

    @property
    def store_id(self) -> bytes | None:
        """The store's id, by its identity or else by its newest manifest."""
        known = [self.identity, *(g.manifest.identity for g in self.generations if g.manifest)]
        return next((identity.store_id for identity in known if identity is not None), None)


def scan(path: str, *, journal_from: int | None = None) -> Scan:
    """Look at the store in directory `path`.

    The journal's frames are read from LSN `journal_from` on; None for behind the newest generation that
    looks usable. Leaves are looked at from outside: present, of the right size. Raises StorageError.
    """
    found = Scan(path)
    for name in (JOURNAL, GENERATIONS, QUARANTINE, WORK):
        _refuse_irregular(found, os.path.join(path, name), stat.S_ISDIR, "no directory")
    _scan_identity(found)
    _scan_generations(found)
    if journal_from is None:
        journal_from = next((g.lsn for g in found.generations if g.usable), 0)
    _scan_journal(found, journal_from)
    if _is_stranger(found):
        found.identity_problem = f"{os.path.join(path, IDENTITY)} belongs to another store than all the rest"
        found.identity = None
        found.generations.clear()
        found.temporaries.clear()
        _scan_generations(found)
        _scan_journal(found, next((g.lsn for g in found.generations if g.usable), 0))
    return found


def _is_stranger(found: Scan) -> bool:
    """Whether the identity alone is of another store: then it is what is damaged, not all the rest."""
    if found.identity is None:
        return False
    others = [s.header.store_id for s in found.segments if s.header is not None]
    others += [found.closed.store_id] if found.closed is not None else []
    foreign = [g.foreign for g in found.generations]
    return (
        len(others) + len(foreign) > 1
        and all(foreign)
        and len(set(others)) == 1
        and others[0] != found.identity.store_id
    )


def rescan_journal(found: Scan, journal_from: int) -> None:
    """Read the journal again, from an older LSN. Raises StorageError."""
    _scan_journal(found, journal_from)


def _read(path: str) -> bytes | None:
    with fs.translated("read", path):
        try:
            with open(path, "rb", opener=fs.open_regular) as file:
                # By its size: a buffer is made for what is asked for.
                return file.read(min(os.fstat(file.fileno()).st_size, MAX_SIZE_BYTES) + 1)
        except FileNotFoundError:
            return None


def _refuse_irregular(found: Scan, path: str, right: Callable[[int], bool], what: str) -> None:
    """Note it where something else than the right kind of file stands at `path`."""
    if not os.path.lexists(path):
        return
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        fs.refuse_of_the_moment(fs.storage_error(error, "examine", path))
        mode = 0
    # What was removed meanwhile is not in the way.
    if not right(mode) and os.path.lexists(path):
        found.strays[path] = f"{path} is {what}"


def _read_sealed(found: Scan, where: str) -> bytes | None:
    """A small file's bytes; None where there is none. Raises CorruptStoreError where it cannot be read."""
    _refuse_irregular(found, where, stat.S_ISREG, "no regular file")
    try:
        return _read(where)
    except StorageError as error:
        fs.refuse_of_the_moment(error)
        raise CorruptStoreError(error.message, where=where) from error


def _scan_identity(found: Scan) -> None:
    where = os.path.join(found.path, IDENTITY)
    try:
        data = _read_sealed(found, where)
    except CorruptionError as error:
        found.identity_problem = error.message
        return
    if data is None:
        found.identity_problem = f"{where} is gone"
        return
    try:
        found.identity = decode_identity(data, where=where)
    except IncompatibleStoreError as error:
        found.incompatible = error
        found.identity_problem = error.message
    except CorruptionError as error:
        found.identity_problem = error.message


def _names(path: str) -> list[str]:
    with fs.translated("list", path):
        try:
            return sorted(os.listdir(path))
        except (FileNotFoundError, NotADirectoryError):
            return []


def _scan_generations(found: Scan) -> None:
    directory = os.path.join(found.path, GENERATIONS)
    for name in _names(directory):
        parsed = parse_generation_name(name)
        path = os.path.join(directory, name)
        if parsed is not None:
            generation = _scan_generation(found, path, *parsed)
            attested = _is_attested(generation)
            # A reader may look while the writer removes it: then it is past, not damaged.
            if os.path.isdir(path) and attested:
                found.generations.append(generation)
            elif os.path.isdir(path):
                found.strays[path] = f"{generation.problem}, and nothing in {path} is of LSN {generation.lsn}"
            else:
                _refuse_irregular(found, path, stat.S_ISDIR, "no directory")
        elif is_temporary(name):
            found.temporaries.append(path)
    for name in _names(found.path):
        if is_temporary(name):
            found.temporaries.append(os.path.join(found.path, name))
    found.generations.sort(key=lambda g: (g.lsn, g.mend), reverse=True)


def _scan_generation(found: Scan, path: str, lsn: int, mend: int) -> FoundGeneration:
    generation = FoundGeneration(path, lsn, mend)
    try:
        manifest = read_manifest(path)
    except IncompatibleStoreError as error:
        found.incompatible = found.incompatible or error
        generation.problem = error.message
        return generation
    except (CorruptionError, StorageError) as error:
        fs.refuse_of_the_moment(error)
        generation.problem = error.message
        return generation
    if manifest.lsn != lsn:
        generation.told_lsn = manifest.lsn
        generation.problem = f"{path} holds the manifest of LSN {manifest.lsn}"
        return generation
    if found.identity is not None and manifest.identity.store_id != found.identity.store_id:
        generation.problem, generation.foreign = f"{path} belongs to another store", True
        return generation
    generation.manifest = manifest
    sizes = {name: facts[0] for name, facts in manifest.files.items()}
    _open_snapshot(generation, manifest)
    search = [name for name in sizes if name.startswith(SEARCH + "/")]
    generation.search_problem = _sizes_problem(path, sizes, search) or (
        "" if search else f"the manifest of {path} names no search leaf"
    )
    return generation


def _is_attested(generation: FoundGeneration) -> bool:
    """Whether anything but its name says that it is of its LSN: a name alone proves no transaction."""
    if generation.manifest is not None or generation.foreign:
        return True
    told = _told_by_snapshot(os.path.join(generation.path, SNAPSHOT))
    if generation.lsn in told:
        return True
    if told and generation.told_lsn is not None:
        # A copy of another generation, say.
        return False
    # Only Tantivy can tell of what LSN a search leaf is: where there is one, it gets the benefit.
    return os.path.exists(os.path.join(generation.path, SEARCH, SEARCH_META))


def _told_by_snapshot(where: str) -> set[int]:
    """The LSNs that a snapshot's head and trailer name, as far as they can be read."""
    told: set[int] = set()
    try:
        with fs.translated("read", where), open(where, "rb", opener=fs.open_regular) as file:
            head = file.read(64)
            file.seek(-min(TRAILER_SIZE, os.fstat(file.fileno()).st_size), os.SEEK_END)
            trailer = file.read()
    except StorageError as error:
        fs.refuse_of_the_moment(error)
        return told
    with suppress(DiptychError):
        told.add(decode_head(head, where=where)[1])
    with suppress(DiptychError):
        told.add(decode_trailer(trailer, where=where).lsn)
    return told


def _open_snapshot(generation: FoundGeneration, manifest: Manifest) -> None:
    where = os.path.join(generation.path, SNAPSHOT)
    size = manifest.files.get(SNAPSHOT, (0, ""))[0]
    try:
        snapshot = SnapshotReader(where, size=size)
    except DiptychError as error:
        fs.refuse_of_the_moment(error)
        generation.snapshot_problem = error.message
        return
    if (snapshot.lsn, snapshot.store_id) != (manifest.lsn, manifest.identity.store_id):
        generation.snapshot_problem = f"{where} belongs to another generation or store"
    elif len(snapshot) != manifest.records or snapshot.trailer.lsn != manifest.lsn:
        generation.snapshot_problem = f"{where} does not fit its manifest"
    else:
        generation.snapshot = snapshot


def _sizes_problem(directory: str, sizes: dict[str, int], names: Sequence[str]) -> str:
    for name in names:
        path = os.path.join(directory, name)
        try:
            actual = os.stat(path).st_size
        except OSError as error:
            fs.refuse_of_the_moment(fs.storage_error(error, "examine", path))
            return f"{path}: {error.strerror}"
        if actual != sizes[name]:
            return f"{path} has {actual:,} bytes instead of {sizes[name]:,}"
    return ""


def _scan_journal(found: Scan, journal_from: int) -> None:
    directory = os.path.join(found.path, JOURNAL)
    found.segments.clear()
    for path in [path for path in found.strays if os.path.dirname(path) == directory]:
        del found.strays[path]
    found.journal_from = journal_from
    names, store_id = _names(directory), found.store_id
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
            if not os.path.lexists(path):
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
        data = _read_sealed(found, where)
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
    ops: list[Op] = []
    for frame in reader:
        problem = _frame_problem(frame, found)
        if not problem and frame.kind != CONTROL and frame.lsn > journal_from:
            # Places only, frame by frame: a transaction may be larger than memory.
            try:
                ops += _ops(frame, found.path)
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
                found.transactions.append(FoundTransaction(frame.lsn, ops))
                ops = []
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


def _ops(frame: Frame, path: str) -> list[Op]:
    ops = []
    begin = frame.offset + FRAME_SIZE
    for entry in decode_entries(frame.payload, where=f"{path}@{frame.offset}"):
        if isinstance(entry, FileIndexed):
            ops.append(Op(entry.key, entry.check, begin + entry.offset, len(entry.payload)))
        elif isinstance(entry, FileRemoved):
            ops.append(Op(entry.key, 0, 0, -1))
    return ops
