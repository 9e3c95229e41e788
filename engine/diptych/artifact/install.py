"""Put a new store in the place of an old one: what was there stays until the new one has opened.

Where the file system can, the two directories are exchanged by one system call. Elsewhere the old one is
renamed first, and an install that was killed between the two renames is undone by the next: see `heal`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from diptych import fs
from diptych.artifact.errors import CorruptArtifactError, LocalChangesError
from diptych.artifact.manifest import ArtifactManifest
from diptych.artifact.scrub import ALLOWED
from diptych.errors import CorruptionError, DiptychError, StorageError
from diptych.layout import GENERATIONS, IDENTITY, JOURNAL, LOCK, REMOTES, SEGMENTS
from diptych.schema.base import Schema
from diptych.store.generation import read_manifest
from diptych.store.opening import open_for_reading
from diptych.store.store import RecordStore

_ASIDE = ".aside"
_BEFORE = ".before"
"""Where an old store that is kept lies until it has a name with the time. No pull removes what is there."""


def assemble(
    files: str,
    manifest: ArtifactManifest,
    store: str,
    schema: Schema[Any],
    remotes: bytes,
    *,
    source: str,
    details: Mapping[str, Any],
) -> int:
    """Make a store of the generation in `files`, durable; returns its LSN. `remotes` is its REMOTES.

    Each file's bytes were compared with `manifest` already. `source` and `details` are what the store says of
    where it came from. Raises CorruptArtifactError, IncompatibleStoreError, StorageError.
    """
    fs.remove_tree(store)
    try:
        _refuse_unlike(files, manifest)
        lsn = RecordStore.adopt_with(files, store, schema, source=source, details=details, verified=True)
    except CorruptionError as error:
        raise CorruptArtifactError(
            f"the artifact makes no valid store: {error.message}", where=error.where
        ) from error
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise CorruptArtifactError(
                f"the artifact lacks a file of its generation: {error.message}", where=files
            ) from error
        raise
    fs.write_file(os.path.join(store, REMOTES), remotes)
    # A store ignores itself, so that nothing in the user's repository needs to change.
    fs.write_file(os.path.join(store, ".gitignore"), b"*\n")
    fs.fsync_dir(store)
    return lsn


def _refuse_unlike(files: str, manifest: ArtifactManifest) -> None:
    """Raise CorruptArtifactError where a file is another than the generation in `files` was made with.

    A store would heal from such a file's twin, if that is intact, and so seem complete.
    """
    found = {one.path: (one.size_bytes, one.blake3) for one in manifest.files}
    for path in (path for path in found if path.startswith(f"{GENERATIONS}/")):
        for listed in read_manifest(os.path.join(files, path)).segments:
            for name, digests in listed.seal.files.items():
                of = f"{SEGMENTS}/{listed.digest}/{name}"
                if of in found and found[of] != (digests.size_bytes, digests.blake3.hex()):
                    raise CorruptArtifactError(
                        f"{of} is another file than its generation was made with", where=of
                    )


def has_store(path: str) -> bool:
    """Whether there is a store at `path`, or what a damaged one has left. Raises StorageError."""
    return any(fs.exists(os.path.join(path, name)) for name in (IDENTITY, JOURNAL, GENERATIONS, SEGMENTS))


def heal(dest: str) -> None:
    """Undo an install into `dest` that was killed between its two renames. Raises StorageError."""
    for aside in (dest + _ASIDE, dest + _BEFORE):
        if fs.exists(aside) and not fs.exists(dest) and fs.exists(os.path.join(aside, IDENTITY)):
            _rename(aside, dest)


def swap(new: str, dest: str, schema: Schema[Any], *, keep: bool, seen_lsn: int, timeout_s: float) -> str:
    """Put the store at `new` in the place `dest`; returns where the old one is kept, or "".

    The old one is removed when the new one has opened in its place, unless `keep`. Raises StoreLockedError
    where a writer has the old one open, after `timeout_s`, and LocalChangesError where it is not at
    `seen_lsn` any more; then, and after any other error, it is as it was.
    """
    if not fs.exists(dest):
        _rename(new, dest)
        return ""
    lock = fs.WriterLock(os.path.join(dest, LOCK), timeout_s=timeout_s)
    try:
        if not keep:
            _refuse_newer(dest, schema, seen_lsn)
        _carry_over(dest, new)
        old = _exchanged(new, dest, keep=keep)
        try:
            _open(dest, schema)
        except DiptychError:
            _put_back(dest, old, new)
            raise
        if keep:
            kept = _kept_name(dest)
            _rename(old, kept)
            return kept
        fs.remove_tree(old)
    finally:
        lock.release()
    return ""


def _refuse_newer(dest: str, schema: Schema[Any], seen_lsn: int) -> None:
    """Raise LocalChangesError where something was committed since the store was looked at."""
    if not has_store(dest):
        return
    with RecordStore.open_with(dest, schema, create=False, read_only=True) as store:
        if store.lsn != seen_lsn:
            raise LocalChangesError(
                f"something was committed to {dest} while it was pulled", advice="run it again"
            )


def _carry_over(old: str, new: str) -> None:
    """What a person wrote into the old store belongs to the new one, too."""
    allowed = os.path.join(old, ALLOWED)
    if fs.is_regular(allowed) and not fs.exists(os.path.join(new, ALLOWED)):
        fs.link_or_copy(allowed, os.path.join(new, ALLOWED))


def _exchanged(new: str, dest: str, *, keep: bool) -> str:
    """Give `new` the name `dest`; returns the name that the old store has now."""
    aside = dest + (_BEFORE if keep else _ASIDE)
    if fs.exists(aside):
        # Of an install that was killed.
        if keep:
            _rename(aside, _kept_name(dest))
        else:
            fs.remove_tree(aside)
    if keep:
        # So that the old one is at once where no later pull removes it.
        _rename(new, aside)
    staged = aside if keep else new
    if fs.exchange(staged, dest):
        # Before the old one is removed, under a name that a crash may not have taken from it yet.
        fs.fsync_dir(os.path.dirname(dest))
        return staged
    if keep:
        _rename(aside, new)
    _rename(dest, aside)
    try:
        _rename(new, dest)
    except BaseException:
        with suppress(StorageError):
            fs.rename(aside, dest)
        raise
    return aside


def _put_back(dest: str, old: str, new: str) -> None:
    if not fs.exchange(old, dest):
        fs.rename(dest, new)
        _rename(old, dest)
    elif old != new:
        _rename(old, new)


def _rename(source: str, target: str) -> None:
    """Rename, durably. Raises StorageError."""
    fs.rename(source, target)
    fs.fsync_dir(os.path.dirname(target))


def _open(path: str, schema: Schema[Any]) -> None:
    """Open the store as a reader does. Raises what that raises."""
    open_for_reading(path, schema)


def _kept_name(dest: str) -> str:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name, number = f"{dest}.before-{stamp}", 1
    while fs.exists(name):
        number += 1
        name = f"{dest}.before-{stamp}.{number}"
    return name
