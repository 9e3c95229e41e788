"""Hints to the kernel: what will be read, so that reads of several files overlap, and what was read.

They need `posix_fadvise` and `madvise`, as on Linux. Elsewhere they do nothing.
"""

from __future__ import annotations

import mmap
import os
from contextlib import suppress

from diptych.fs.regular import open_regular

_ENDS_BYTES = 4_096


def will_read(path: str, *, beginning: int = 0, end: bool = False) -> None:
    """All of `path`, or its first `beginning` bytes and if `end` its last few, will be read soon.

    A hint: the read itself reports any error. Never raises OSError.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    with suppress(OSError):
        fd = open_regular(path, os.O_RDONLY)
        try:
            os.posix_fadvise(fd, 0, beginning, os.POSIX_FADV_WILLNEED)
            if end:
                size = os.fstat(fd).st_size
                os.posix_fadvise(fd, max(0, size - _ENDS_BYTES), _ENDS_BYTES, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(fd)


def drop_pages(mapped: mmap.mmap, begin: int, end: int) -> None:
    """These bytes of a map that is only read are not needed soon, and are this process's memory no longer.

    Who reads them again gets them from the system's cache. A hint: never raises OSError.
    """
    begin -= begin % mmap.PAGESIZE
    end -= end % mmap.PAGESIZE
    if begin < end and hasattr(mmap, "MADV_DONTNEED"):
        with suppress(OSError):
            mapped.madvise(mmap.MADV_DONTNEED, begin, end - begin)
