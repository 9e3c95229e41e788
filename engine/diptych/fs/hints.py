"""Small files by which processes notify each other, written in place and not synced.

A hint may be lost, torn, stale or forged. Readers validate it, and are correct without it.
"""

from __future__ import annotations

import os
from contextlib import suppress

from diptych.fs.regular import open_regular

_BYTES_MAX = 256


def write_hint(path: str, data: bytes) -> None:
    """Replace the contents of the file by `data`. Never raises OSError."""
    with suppress(OSError):
        fd = open_regular(path, os.O_WRONLY | os.O_CREAT)
        try:
            # Not O_TRUNC: that would truncate before the test for a regular file.
            os.truncate(fd, 0)
            os.write(fd, data)
        finally:
            os.close(fd)


def overwrite_hint(path: str, data: bytes) -> None:
    """Write `data` over the beginning of the file, in one call. Never raises OSError.

    Where every call has data of one length, that needs space on the medium only once.
    """
    with suppress(OSError):
        fd = open_regular(path, os.O_WRONLY | os.O_CREAT)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)


def append_hint(path: str, data: bytes, most_bytes: int) -> bool:
    """Add `data` to the file in one call. False where it has more than `most_bytes`, or that fails."""
    try:
        fd = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            if os.fstat(fd).st_size + len(data) > most_bytes:
                return False
            return os.write(fd, data) == len(data)
        finally:
            os.close(fd)
    except OSError:
        return False


def read_hint(path: str, most_bytes: int = _BYTES_MAX) -> bytes | None:
    """The first bytes of the file; None if it is missing or unreadable."""
    try:
        fd = open_regular(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.read(fd, most_bytes)
    except OSError:
        return None
    finally:
        os.close(fd)


def remove_hint(path: str) -> bool:
    """Remove the file. Returns whether that removed one."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
