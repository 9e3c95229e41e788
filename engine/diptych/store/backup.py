"""Copies of a store that open by themselves: backups, and forks.

A backup is the store at one LSN: a generation with its segments, and the journal from there to that LSN. It
has the same store id. A fork is another store, with an id of its own: it shares the segments of a generation,
by hard links where the file system has them, and its journal begins after that generation. Its identity says
what it was made from.

Both are built under a temporary name beside their path, fsynced, verified to the last byte, and renamed. What
a crash leaves under the temporary name, the next one of the same path removes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from diptych import fs
from diptych.errors import (
    CorruptionError,
    CorruptStoreError,
    InvalidArgumentError,
    StorageError,
    StoreLockedError,
)
from diptych.journal.file import JournalFile
from diptych.journal.format import COMMIT, CONTROL, HEADER_SIZE, JournalHeader
from diptych.journal.reader import FrameReader
from diptych.journal.writer import create_journal_file
from diptych.layout import (
    CLOSED,
    GENERATIONS,
    IDENTITY,
    JOURNAL,
    LOCK,
    SEAL,
    SEGMENTS,
    generation_name,
    journal_file_name,
    temporary_name,
)
from diptych.schema.base import Schema
from diptych.store.generation import Generation, segment_path
from diptych.store.handle import REMOVED_TRIES, Handle
from diptych.store.manifest import (
    ClosedMark,
    Identity,
    ListedSegment,
    Manifest,
    encode_closed,
    encode_identity,
    encode_manifest,
    now_ms,
)
from diptych.store.opening import absolute
from diptych.store.verify import verify
from diptych.store.view import View

_COPY_BYTES = 1 << 20


def back_up(handle: Handle[Any], path: str | os.PathLike[str]) -> int:
    """Make a backup of an open store; returns its LSN. See `RecordStore.backup`."""
    for _ in range(REMOVED_TRIES):
        with handle.current.hold() as view:
            try:
                with _new_store(absolute(path), handle.path, handle.schema) as directory:
                    _fill_backup(directory, handle, view)
            except (CorruptionError, StorageError):
                # The writer removed what a reader was copying: again, from the newer generation.
                if not handle.overtaken(view.generation):
                    raise
            else:
                return view.lsn
    raise StorageError(f"the generations of {handle.path} are removed faster than they are copied")


def fork(handle: Handle[Any], path: str | os.PathLike[str]) -> int:
    """Make a fork of an open store; returns its LSN. See `RecordStore.fork`."""
    for _ in range(REMOVED_TRIES):
        with handle.current.hold() as view:
            base = view.generation
            try:
                with _new_store(absolute(path), handle.path, handle.schema) as directory:
                    _fill_fork(directory, handle, base)
            except (CorruptionError, StorageError):
                if not handle.overtaken(base):
                    raise
            else:
                return base.lsn if base is not None else 0
    raise StorageError(f"the generations of {handle.path} are removed faster than they are linked")


@contextmanager
def _new_store(path: str, source: str, schema: Schema[Any]) -> Iterator[str]:
    """A directory to make a store in, which gets the name `path` when it is complete and verified.

    Raises InvalidArgumentError where something is at `path`, CorruptStoreError, StorageError; then nothing is
    left.
    """
    if fs.exists(path):
        raise InvalidArgumentError(f"{path} exists already", advice="name a path at which there is nothing")
    parent, name = os.path.split(path)
    if os.path.commonpath([os.path.realpath(parent), os.path.realpath(source)]) == os.path.realpath(source):
        raise InvalidArgumentError(f"{path} is within the store {source}", advice="name a path outside of it")
    fs.make_dir(parent)
    made = os.path.join(parent, temporary_name(f".{name}"))
    _remove_abandoned(made, path)
    with fs.translated("make the directory", made):
        os.mkdir(made)
    lock = _locked(made, path)
    try:
        with fs.translated("make the directory", made):
            for directory in (JOURNAL, GENERATIONS, SEGMENTS):
                os.mkdir(os.path.join(made, directory))
        yield made
        for name in (JOURNAL, GENERATIONS, SEGMENTS):
            fs.fsync_dir(os.path.join(made, name))
        # No part of a copy. The lock of the directory lasts until it has its name.
        fs.remove_file(os.path.join(made, LOCK))
        # All names before the one that makes it a store that people rely on.
        fs.fsync_dir(made)
        _refuse_damaged(made, source, schema)
        fs.rename(made, path)
    except BaseException:
        with suppress(StorageError):
            fs.remove_tree(made)
        raise
    finally:
        lock.release()
    fs.fsync_dir(parent)


def _remove_abandoned(made: str, path: str) -> None:
    """Remove what a crash left of a copy to `path`.

    Raises StoreLockedError where another process is making one, InvalidArgumentError where it is something
    else, StorageError.
    """
    if not fs.exists(made):
        return
    with fs.translated("list", made):
        names = fs.list_directory(made) if fs.is_directory(made) else [made]
    if not {LOCK, JOURNAL, GENERATIONS, SEGMENTS, IDENTITY}.issuperset(names):
        raise InvalidArgumentError(
            f"{made} is in the way: the copy is made there before it has its name",
            advice="move it away, or name another path",
        )
    lock = _locked(made, path)
    try:
        fs.remove_tree(made)
    finally:
        lock.release()


def _locked(made: str, path: str) -> fs.WriterLock:
    """The lock of a copy that is being made: where it was killed, the next one may remove it."""
    try:
        return fs.WriterLock(os.path.join(made, LOCK))
    except StoreLockedError as error:
        raise StoreLockedError(
            f"process {error.pid or 'unknown'} is making a copy at {path}",
            pid=error.pid,
            advice="wait until it is done, or name another path",
        ) from error


def _refuse_damaged(made: str, source: str, schema: Schema[Any]) -> None:
    """Raise CorruptStoreError where any byte is not what it should be, here or in the source already."""
    report = verify(made, deep=True, schema=schema)
    if not report.ok:
        finding = next(one for one in report.findings if one.advice)
        raise CorruptStoreError(
            f"the copy of {source} is damaged, and was removed: {finding.message}",
            where=finding.where,
            advice="run `diptych verify --deep` on the store; `diptych repair` heals it",
        )


def _fill_backup(directory: str, handle: Handle[Any], view: View[Any]) -> None:
    base = view.generation
    if base is not None:
        # The journal of the copy begins after it, and names no segment from before.
        _copy_generation(directory, handle.path, replace(base.manifest, adopted=()), linked=False)
    for segment in view.overlay.adopted_until(view.lsn):
        _copy_segment(directory, handle.path, segment.listed, linked=False)
    chain = _copy_journal(directory, handle.path, base.lsn if base is not None else 0, view.lsn)
    # So that a backup whose end is lost does not open as an older one.
    closed = ClosedMark(handle.identity.store_id, view.lsn, chain, now_ms())
    fs.write_file(os.path.join(directory, JOURNAL, CLOSED), encode_closed(closed))
    fs.write_file(os.path.join(directory, IDENTITY), encode_identity(handle.identity))


def _fill_fork(directory: str, handle: Handle[Any], base: Generation | None) -> None:
    lsn, chain = (base.lsn, base.manifest.chain) if base is not None else (0, 0)
    identity = Identity.new(handle.schema).forked(handle.identity, lsn)
    if base is not None:
        manifest = replace(base.manifest, identity=identity, adopted=())
        _copy_generation(directory, handle.path, manifest, linked=True)
    begin_journal(directory, identity, lsn, chain)
    fs.write_file(os.path.join(directory, IDENTITY), encode_identity(identity))


def begin_journal(directory: str, identity: Identity, lsn: int, chain: int) -> None:
    """Make the journal file that follows a generation whose own journal is elsewhere. Raises StorageError.

    `chain` is the one in the generation's manifest, 0 for none: that it follows is all that recovery asks.
    """
    salt = int.from_bytes(os.urandom(8), "little")
    header = JournalHeader(identity.store_id, lsn + 1, salt, chain, identity.schema_version)
    create_journal_file(os.path.join(directory, JOURNAL), header)


def _copy_generation(directory: str, store: str, manifest: Manifest, *, linked: bool) -> None:
    """Copy or link the segments of a generation, and write its manifest, each file durable."""
    for listed in manifest.segments:
        _copy_segment(directory, store, listed, linked=linked)
    data = encode_manifest(manifest)
    for parent in (GENERATIONS, SEGMENTS):
        fs.write_file(os.path.join(directory, parent, generation_name(manifest.lsn)), data)


def _copy_segment(directory: str, store: str, listed: ListedSegment, *, linked: bool) -> None:
    """Copy or link a segment, each file durable."""
    source, target = segment_path(store, listed.digest), segment_path(directory, listed.digest)
    with fs.translated("make the directory", target):
        os.mkdir(target)
    for name in listed.seal.files:
        path = os.path.join(target, name)
        if linked:
            fs.link_or_copy(os.path.join(source, name), path)
        else:
            with fs.translated("copy to", path):
                fs.copy_regular(os.path.join(source, name), path)
            fs.fsync_file(path)
    # Not linked: it is small, and the one file of a segment that is written again where it is damaged.
    fs.write_file(os.path.join(target, SEAL), listed.sealed)
    fs.fsync_dir(target)


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
