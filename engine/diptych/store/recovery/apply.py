"""The third step of recovery: do what the plan says. Every act may be repeated after a crash in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from diptych import fs
from diptych.errors import StorageError
from diptych.journal.file import JournalFile
from diptych.journal.format import HEADER_SIZE, JournalHeader
from diptych.layout import (
    BESIDE,
    CLOSED,
    GENERATIONS,
    IDENTITY,
    JOURNAL,
    LOCK,
    QUARANTINE,
    SEAL,
    SEGMENTS,
    is_segment_digest,
    is_temporary,
    parse_generation_name,
    parse_journal_file_name,
    temporary_name,
)
from diptych.schema.base import Schema
from diptych.segment.reader import Segment
from diptych.store.adopted import AdoptedSegment
from diptych.store.manifest import Identity, encode_identity
from diptych.store.overlay import Overlay
from diptych.store.recovery.found import FoundSegment, OpenFiles, Scan
from diptych.store.recovery.plan import Plan
from diptych.store.upgrade import current_change

if TYPE_CHECKING:
    from diptych.journal.writer import JournalWriter

# So much of a torn end is copied at a time.
_CHUNK_BYTES = 1 << 20
_DIRECTORIES = (JOURNAL, GENERATIONS, SEGMENTS)


def create(path: str, identity: Identity) -> None:
    """Make the directories, the first journal file, and last the identity. Raises StorageError."""
    from diptych.journal.writer import create_journal_file

    # The first that is made in the store's directory has that synced in its parent too: it may be as a
    # process left it that was killed before it did. The second one is synced with the identity.
    fs.make_dir(os.path.join(path, JOURNAL), follow=False)
    fs.make_dir(os.path.join(path, GENERATIONS), follow=False, sync_existing=False)
    journal = os.path.join(path, JOURNAL)
    salt = int.from_bytes(os.urandom(8), "little")
    header = JournalHeader(identity.store_id, 1, salt, 0, identity.schema_version)
    create_journal_file(journal, header)
    # Last: while it is missing and nothing was committed, an interrupted making is told from a damaged store.
    fs.atomic_write(os.path.join(path, IDENTITY), encode_identity(identity))


def is_store(path: str) -> bool:
    """Whether directory `path` has anything of a store in it."""
    return (
        fs.exists(os.path.join(path, IDENTITY))
        or any(name == CLOSED or parse_journal_file_name(name) is not None for name in _inside(path, JOURNAL))
        or any(parse_generation_name(name) is not None for name in _inside(path, GENERATIONS))
        or any(is_segment_digest(name) for name in _inside(path, SEGMENTS))
    )


def is_foreign(path: str) -> bool:
    """Whether `path` has things in it, and is neither a store nor one whose making was cut short."""
    if is_store(path):
        return False
    names = [name for name in os.listdir(path) if name not in (LOCK, *_DIRECTORIES, *BESIDE)]
    names += [inside for name in _DIRECTORIES for inside in _inside(path, name)]
    # Asked again: the store may have been made while its directory was looked at.
    return not all(is_temporary(name) for name in names) and not is_store(path)


def _inside(path: str, name: str) -> list[str]:
    try:
        return fs.list_directory(os.path.join(path, name))
    except (FileNotFoundError, NotADirectoryError):
        return [name] if fs.exists(os.path.join(path, name)) else []


def open_records(
    found: FoundSegment, files: OpenFiles, schema: Schema[Any], *, indexed: bool = True
) -> Segment:
    """A segment of the generation that a plan rests on, open; its records rebuilt where they must be.

    Rebuilt records are a private file, so that this serves readers too; a writer writes the segment again
    with its next checkpoint. `indexed` as in `rebuild_records`. Raises CorruptSearchError,
    CorruptSnapshotError, StorageError.
    """
    listed = found.listed
    if not found.records_problem:
        return files.segments[listed.digest]
    from diptych.segment.rebuild import rebuild_records

    with fs.private_directory() as private:
        rebuilt = rebuild_records(found.path, schema, listed.seal, private, indexed=indexed)
        return Segment(found.path, schema, known=(listed.seal, listed.digest), records_path=rebuilt)


def replay(found: Scan, plan: Plan, files: OpenFiles, schema: Schema[Any]) -> Overlay:
    """What the journal adds to the base. Raises CorruptionError, StorageError."""
    overlay = Overlay(schema)
    for transaction in plan.replay:
        for change in transaction.changes:
            overlay.append(transaction.lsn, current_change(schema, change))
        for segment in found.adopted_by(transaction):
            adopted = AdoptedSegment(files.segments[segment.listed.digest], schema)
            if segment.damaged:
                adopted.healing.segments.add(segment.listed.digest)
            overlay.adopt(transaction.lsn, adopted)
        overlay.describe(transaction.lsn, transaction.metadata)
    return overlay


def prepare_for_writing(scan: Scan, plan: Plan, files: OpenFiles, identity: Identity) -> JournalWriter:
    """Clear away what a crash left, set a torn end aside, and open the journal. Raises StorageError."""
    # Here: readers need none of it.
    from diptych.journal.writer import JournalWriter, create_journal_file

    journal = os.path.join(scan.path, JOURNAL)
    clear(scan)
    if plan.cut is not None:
        cut(scan.path, plan.cut.path, plan.cut.end, plan.cut.size)
    last, chain = plan.append_to, plan.chain
    header = last.header if last is not None else None
    is_other = header is not None and header.schema_version != identity.schema_version
    if last is None or (is_other and last.last_lsn < last.first_lsn):
        # One without a transaction is made again: a file has payloads of one version of the schema.
        chain, is_other = header.chain if header is not None else chain, False
        salt = int.from_bytes(os.urandom(8), "little")
        header = JournalHeader(identity.store_id, plan.last_lsn + 1, salt, chain, identity.schema_version)
        journal_file, end = JournalFile(create_journal_file(journal, header)), HEADER_SIZE
    else:
        journal_file, end = files.journal[last.path], last.end
        # A killed process leaves what it wrote in memory only; a reader of this handle must not be shown
        # what a power cut could still take back. And a tail that was cut off must be gone for good.
        fs.fsync_file(journal_file.path)
    if plan.rewrite_identity or identity != scan.identity:
        fs.atomic_write(os.path.join(scan.path, IDENTITY), encode_identity(identity))
    if scan.unreferenced:
        # A process that was killed may have removed a generation and not synced that: a crash that brought it
        # back would show it without its segments.
        fs.fsync_dir(os.path.join(scan.path, GENERATIONS))
    for temporary in (*scan.temporaries, *scan.unreferenced):
        fs.remove_tree(temporary)
    for segment in scan.segments().values():
        if segment.seal_problem and not (segment.records_problem or segment.search_problem):
            where = os.path.join(segment.path, SEAL)
            if fs.is_directory(where):
                # No file can be renamed to it.
                set_aside(scan.path, where)
            # Its bytes are in the manifest, or in the journal.
            fs.atomic_write(where, segment.listed.sealed)
    # Names that a crash may have left in memory only: what is built on them must not outlive them. (Nothing
    # rests on a generation's name before the next one is published, and that syncs them both.)
    fs.fsync_dir(journal)
    fs.fsync_dir(scan.path)
    writer = JournalWriter(journal, journal_file, offset=end, chain=chain, last_lsn=plan.last_lsn)
    if is_other:
        try:
            writer.rotate(schema_version=identity.schema_version)
        except BaseException:
            writer.close()
            raise
    return writer


def clear(scan: Scan) -> None:
    """Set aside what is no part of the store and stands in its way. Raises StorageError."""
    for stray in scan.strays:
        set_aside(scan.path, stray.path)
    for name in (JOURNAL, GENERATIONS):
        # The caller syncs the store's directory before it relies on either.
        fs.make_dir(os.path.join(scan.path, name), follow=False, sync_existing=False)


def cut(store: str, path: str, end: int, size: int) -> None:
    """Set the bytes of a journal file behind `end` aside, then cut them off. Raises StorageError."""
    # Aside first: a crash between leaves both, and the next recovery finds what this one kept.
    _keep_tail(store, path, end, size)
    # Durable before the next frame, whose bytes could else stand before old ones of the tail: the caller
    # fsyncs the journal file.
    with fs.translated("truncate", path), open(path, "r+b", opener=fs.open_regular) as file:
        file.truncate(end)


def set_aside(store: str, path: str) -> str:
    """Move a file or directory into the quarantine; returns its new path. Raises StorageError."""
    quarantine = _quarantine(store)
    if path == quarantine:
        return quarantine
    target = _free_name(os.path.join(quarantine, os.path.basename(path)))
    try:
        fs.rename(path, target)
    except StorageError:
        if fs.exists(path):
            raise
    fs.fsync_dir(quarantine)
    fs.fsync_dir(os.path.dirname(path))
    return target


def _quarantine(store: str) -> str:
    """Make the quarantine where it is missing; what stands in its place moves beside it."""
    quarantine = os.path.join(store, QUARANTINE)
    if fs.exists(quarantine) and not fs.is_directory(quarantine):
        fs.rename(quarantine, _free_name(quarantine))
    # One that is there is synced too: what is moved into it is moved for good.
    fs.make_dir(quarantine, follow=False)
    return quarantine


def _keep_tail(store: str, path: str, end: int, size: int) -> None:
    """Copy a journal file's bytes from `end` to `size` into the quarantine, unless they are there already."""
    quarantine = _quarantine(store)
    first = os.path.join(quarantine, f"{os.path.basename(path)}-{end}")
    target = _free_name(first, lambda kept: _is_tail(kept, path, end, size))
    if not fs.exists(target):
        temporary = temporary_name(first)
        # What a crash in here left.
        fs.remove_file(temporary)
        with fs.translated("write", temporary), open(temporary, "xb") as kept:
            for chunk in _chunks(path, end, size):
                # Holes stay holes: there may be more of them than the disk has room for.
                if chunk.strip(b"\0"):
                    kept.write(chunk)
                else:
                    kept.seek(len(chunk), os.SEEK_CUR)
            kept.truncate()
            fs.fsync_fd(kept.fileno())
        fs.rename(temporary, target)
    fs.fsync_dir(quarantine)


def _is_tail(kept: str, path: str, end: int, size: int) -> bool:
    """Whether file `kept` holds the bytes of `path` from `end` to `size`, and no more."""
    if not fs.is_regular(kept) or os.path.getsize(kept) != size - end:
        return False
    pairs = zip(_chunks(path, end, size), _chunks(kept, 0, size - end), strict=True)
    return all(ours == theirs for ours, theirs in pairs)


def _chunks(path: str, begin: int, end: int) -> Iterator[bytes]:
    with fs.translated("read", path), open(path, "rb", opener=fs.open_regular) as file:
        file.seek(begin)
        while begin < end and (chunk := file.read(min(_CHUNK_BYTES, end - begin))):
            begin += len(chunk)
            yield chunk


def _free_name(path: str, taken_for: Callable[[str], bool] | None = None) -> str:
    """`path`, or with the first number behind it that no file has, or one that `taken_for` accepts."""
    target, number = path, 0
    while fs.exists(target) and not (taken_for is not None and taken_for(target)):
        number += 1
        target = f"{path}~{number}"
    return target
