"""Looking at one file or directory of a store, whatever stands in its place."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from diptych import fs
from diptych.errors import CorruptStoreError, StorageError
from diptych.sealed import MAX_SIZE_BYTES
from diptych.store.recovery.found import Scan


def _read(path: str) -> bytes | None:
    with fs.translated("read", path):
        try:
            return fs.read_bounded(path, MAX_SIZE_BYTES)
        except FileNotFoundError:
            return None


def note_irregular(found: Scan, path: str, right: Callable[[int], bool], what: str) -> None:
    """Note it where something else than the right kind of file is at `path`; a link is none."""
    if not fs.exists(path):
        return
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        if error.errno != errno.ELOOP:
            # No reason to move anything: what cannot be looked at may be just what it should be.
            raise fs.storage_error(error, "examine", path) from error
        mode = 0
    # What was removed meanwhile is not in the way.
    if not right(mode) and fs.exists(path):
        found.strays[path] = f"{path} is {what}"


def read_sealed(found: Scan, where: str) -> bytes | None:
    """A small file's bytes; None where there is none. Raises CorruptStoreError where it cannot be read."""
    note_irregular(found, where, stat.S_ISREG, "no regular file")
    try:
        return _read(where)
    except StorageError as error:
        fs.refuse_of_the_moment(error)
        raise CorruptStoreError(error.message, where=where) from error


def names_in(path: str) -> list[str]:
    """The names in a directory, sorted; none where there is none, or a link. Raises StorageError."""
    with fs.translated("list", path):
        try:
            return sorted(fs.list_directory(path))
        except (FileNotFoundError, NotADirectoryError):
            return []
