"""Telling the system what will be read, so that reads of several files overlap.

Linux and other systems with `posix_fadvise`; elsewhere nothing happens, and the reads come one by one.
"""

from __future__ import annotations

import os
from contextlib import suppress

from diptych.fs.regular import open_regular

_ENDS_BYTES = 4_096


def will_read(path: str, *, beginning: int = 0, end: bool = False) -> None:
    """The whole of `path`, or its first `beginning` bytes, with the last few if `end`, will be read soon.

    A hint: whatever is wrong with the file is found by the read itself. Never raises OSError.
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
