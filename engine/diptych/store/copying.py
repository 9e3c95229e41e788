"""A store that is made of another's parts: in a directory beside its path, which gets its name at the end.

It is built under a temporary name, fsynced, verified, and renamed. What a crash leaves under the temporary
name, the next one of the same path removes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from diptych import fs
from diptych.errors import CorruptStoreError, InvalidArgumentError, StorageError, StoreLockedError
from diptych.layout import (
    GENERATIONS,
    IDENTITY,
    JOURNAL,
    LOCK,
    ORIGIN,
    PRECISE,
    SEAL,
    SEGMENTS,
    generation_name,
    temporary_name,
)
from diptych.schema.base import Schema
from diptych.store.generation import segment_path
from diptych.store.manifest import ListedSegment, Manifest, encode_manifest
from diptych.store.report import UNDECODABLE, Severity
from diptych.store.verify import verify
from diptych.values import Value


class NewStore(Value, frozen=False):
    """A store that is being made in `directory`."""

    directory: str
    is_known: bool = False
    """Whether no byte need be read: all segments are linked, or were compared with SEAL before."""


@contextmanager
def new_store(path: str, source: str, schema: Schema[Any], *, private: bool = False) -> Iterator[NewStore]:
    """A directory to make a store in, which gets the name `path` when it is complete and verified.

    `private`: nobody else makes a store at that path, so that no lock is needed. Raises InvalidArgumentError
    where something is at `path`, CorruptStoreError, StorageError; then nothing is left.
    """
    if fs.exists(path):
        raise InvalidArgumentError(f"{path} exists already", advice="name a path at which there is nothing")
    parent, name = os.path.split(path)
    if os.path.commonpath([os.path.realpath(parent), os.path.realpath(source)]) == os.path.realpath(source):
        raise InvalidArgumentError(f"{path} is within the store {source}", advice="name a path outside of it")
    fs.make_dir(parent)
    made = os.path.join(parent, temporary_name(f".{name}"))
    if not private:
        _remove_abandoned(made, path)
    with fs.translated("make the directory", made):
        os.mkdir(made)
    lock = _locked(made, path) if not private else None
    try:
        with fs.translated("make the directory", made):
            for directory in (JOURNAL, GENERATIONS, SEGMENTS):
                os.mkdir(os.path.join(made, directory))
        new = NewStore(made)
        yield new
        for name in (JOURNAL, GENERATIONS, SEGMENTS):
            fs.fsync_dir(os.path.join(made, name))
        # No part of a copy. The lock of the directory lasts until it has its name.
        fs.remove_file(os.path.join(made, LOCK))
        # All names before the one that makes it a store that people rely on.
        fs.fsync_dir(made)
        _refuse_damaged(made, source, schema, deep=not new.is_known)
        fs.rename(made, path)
    except BaseException:
        with suppress(StorageError):
            fs.remove_tree(made)
        raise
    finally:
        if lock is not None:
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
    imported = {PRECISE, temporary_name(f".{PRECISE}")}
    if not {LOCK, JOURNAL, GENERATIONS, SEGMENTS, IDENTITY, ORIGIN, *imported}.issuperset(names):
        raise InvalidArgumentError(
            f"{made} is in the way: the copy is made there before it has its name",
            advice="move it away, or name another path",
        )
    lock = _locked(made, path)
    try:
        fs.remove_tree(made)
    finally:
        lock.release()


def _locked(made: str, path: str) -> fs.DirectoryLock | fs.WriterLock:
    """The lock of a copy that is being made: where it was killed, the next one may remove it.

    Of its directory alone, where the system can: what a writer's lock needs takes longer to import than a
    fork takes.
    """
    try:
        lock = fs.DirectoryLock(made)
        if not lock.is_held:
            return fs.WriterLock(os.path.join(made, LOCK))
        # Says who makes it; removed with the rest, or before it has its name. What others left there may be
        # a link, which would lead to a file of this user, or a pipe.
        name = os.path.join(made, LOCK)
        with fs.translated("write", made), open(name, "wb", opener=fs.open_regular) as file:
            file.write(f"{os.getpid():>19}\n".encode())
    except StoreLockedError as error:
        raise StoreLockedError(
            f"process {error.pid or 'unknown'} is making a copy at {path}",
            pid=error.pid,
            advice="wait until it is done, or name another path",
        ) from error
    return lock


def _refuse_damaged(made: str, source: str, schema: Schema[Any], *, deep: bool) -> None:
    """Raise CorruptStoreError where any byte is not what it should be, here or in the source already."""
    report = verify(made, deep=deep, schema=schema)
    damage = [one for one in report.findings if one.severity is not Severity.NOTE and one.kind != UNDECODABLE]
    if damage:
        finding = damage[0]
        raise CorruptStoreError(
            f"the copy of {source} is damaged, and was removed: {finding.message}",
            where=finding.where,
            advice="run `diptych verify --deep` on the store; `diptych repair` heals it",
        )


def copy_generation(directory: str, source: str, manifest: Manifest, *, linked: bool) -> bool:
    """Copy or link the segments of a generation, and write its manifest, each file durable.

    `source`: the directory that has the segments. Returns whether all of them are linked. Raises
    CorruptStoreError, StorageError.
    """
    are_linked = [copy_segment(directory, source, listed, linked=linked) for listed in manifest.segments]
    data = encode_manifest(manifest)
    for parent in (GENERATIONS, SEGMENTS):
        fs.write_file(os.path.join(directory, parent, generation_name(manifest.lsn)), data)
    return all(are_linked)


def copy_segment(directory: str, source: str, listed: ListedSegment, *, linked: bool) -> bool:
    """Copy or link a segment, each file durable; returns whether it is linked.

    Raises CorruptStoreError, StorageError.
    """
    from_, target = segment_path(source, listed.digest), segment_path(directory, listed.digest)
    with fs.translated("make the directory", target):
        os.mkdir(target)
    is_linked = linked
    for name in listed.seal.files:
        if linked:
            is_linked &= fs.link_or_copy(os.path.join(from_, name), os.path.join(target, name))
        else:
            copy_file(os.path.join(from_, name), os.path.join(target, name))
    _take_seal(from_, target, listed, linked=linked)
    fs.fsync_dir(target)
    return is_linked


def copy_file(source: str, target: str) -> None:
    """Copy a file, durably but for its name. Raises StorageError."""
    with fs.translated("copy to", target):
        fs.copy_regular(source, target)
    fs.fsync_file(target)


def _take_seal(source: str, target: str, listed: ListedSegment, *, linked: bool) -> None:
    """Link SEAL where it is intact; it is replaced, never written to, where it is damaged later."""
    path = os.path.join(source, SEAL)
    try:
        intact = linked and fs.read_bounded(path, len(listed.sealed)) == listed.sealed
    except OSError:
        intact = False
    if intact:
        fs.link_or_copy(path, os.path.join(target, SEAL))
    else:
        fs.write_file(os.path.join(target, SEAL), listed.sealed)
