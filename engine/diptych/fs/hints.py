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


def read_hint(path: str) -> bytes | None:
    """The first 256 bytes of the file; None if it is missing or unreadable."""
    try:
        fd = open_regular(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.read(fd, _BYTES_MAX)
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
