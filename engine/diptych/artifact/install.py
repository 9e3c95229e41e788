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
from diptych.errors import DiptychError, StorageError
from diptych.layout import IDENTITY, LOCK, REMOTES
from diptych.schema.base import Schema
from diptych.store.opening import open_for_reading
from diptych.store.store import RecordStore

_ASIDE = ".aside"


def adopt(
    files: str, store: str, schema: Schema[Any], *, source: str, details: Mapping[str, Any], remotes: bytes
) -> int:
    """Make the store of a decoded generation, every byte verified and durable; returns its LSN.

    Raises CorruptionError, IncompatibleStoreError, StorageError.
    """
    fs.remove_tree(store)
    lsn = RecordStore.adopt_with(files, store, schema, source=source, details=details)
    fs.write_file(os.path.join(store, REMOTES), remotes)
    # A store ignores itself, so that nothing in the user's repository needs to change.
    fs.write_file(os.path.join(store, ".gitignore"), b"*\n")
    return lsn


def heal(dest: str) -> None:
    """Undo an install into `dest` that was killed between its two renames. Raises StorageError."""
    aside = dest + _ASIDE
    if fs.exists(aside) and not fs.exists(dest) and fs.exists(os.path.join(aside, IDENTITY)):
        _rename(aside, dest)


def swap(new: str, dest: str, schema: Schema[Any], *, keep: bool, timeout_s: float) -> str:
    """Put the store at `new` in the place `dest`; returns where the old one is kept, or "".

    The old one is removed when the new one has opened in its place, unless `keep`. Raises StoreLockedError
    where a writer has the old one open, after `timeout_s`; then, and after any other error, it is as it was.
    """
    if not fs.exists(dest):
        _rename(new, dest)
        return ""
    lock = fs.WriterLock(os.path.join(dest, LOCK), timeout_s=timeout_s)
    try:
        old = _exchanged(new, dest)
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


def _exchanged(new: str, dest: str) -> str:
    """Give `new` the name `dest`; returns the name that the old store has now."""
    if fs.exchange(new, dest):
        # Before the old one is removed, under a name that a crash may not have taken from it yet.
        fs.fsync_dir(os.path.dirname(dest))
        return new
    aside = dest + _ASIDE
    fs.remove_tree(aside)
    _rename(dest, aside)
    try:
        _rename(new, dest)
    except BaseException:
        with suppress(StorageError):
            fs.rename(aside, dest)
        raise
    return aside


def _put_back(dest: str, old: str, new: str) -> None:
    if old == new:
        fs.exchange(new, dest)
    else:
        fs.rename(dest, new)
        _rename(old, dest)


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
