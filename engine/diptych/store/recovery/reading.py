"""Reading one file or directory of a store, whatever is in its place."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from diptych import fs
from diptych.errors import CorruptStoreError, StorageError
from diptych.sealed import MAX_SIZE_BYTES
from diptych.store.recovery.found import Stray


def irregular(path: str, right: Callable[[int], bool], what: str) -> list[Stray]:
    """What is at `path`, where that is something else than the right kind of file; a link never is right."""
    if not fs.exists(path):
        return []
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        if error.errno != errno.ELOOP:
            # No reason to move anything: what cannot be examined may be just what it should be.
            raise fs.storage_error(error, "examine", path) from error
        mode = 0
    # What was removed meanwhile is not in the way.
    return [Stray(path, f"{path} is {what}")] if not right(mode) and fs.exists(path) else []


def read_small(where: str) -> bytes | None:
    """A small file's bytes; None where there is none. Raises CorruptStoreError where it cannot be read."""
    try:
        with fs.translated("read", where):
            try:
                return fs.read_bounded(where, MAX_SIZE_BYTES)
            except FileNotFoundError:
                return None
    except StorageError as error:
        fs.raise_transient(error)
        raise CorruptStoreError(error.message, where=where) from error


def names_in(path: str) -> list[str]:
    """The names in a directory, sorted; none where there is none, or a link. Raises StorageError."""
    with fs.translated("list", path):
        try:
            return sorted(fs.list_directory(path))
        except (FileNotFoundError, NotADirectoryError):
            return []
