"""Small files by which processes tell each other what matters only now: written in place, and not synced.

A hint may be lost, torn, stale or forged. Whoever reads one checks what it says, and is right without it.
"""

from __future__ import annotations

import os
from contextlib import suppress

from diptych.fs.regular import open_regular

_BYTES_MAX = 256


def write_hint(path: str, data: bytes) -> None:
    """Make the file say `data`, and nothing else. Whatever prevents that, nothing is raised."""
    with suppress(OSError):
        fd = open_regular(path, os.O_WRONLY | os.O_CREAT)
        try:
            # Not by the flag of open: that would come before the check that it is a regular file.
            os.truncate(fd, 0)
            os.write(fd, data)
        finally:
            os.close(fd)


def read_hint(path: str) -> bytes | None:
    """What the file says, up to 256 bytes; None where there is none, or it cannot be read."""
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
    """Remove the file. Whether it was there, and is not now."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
