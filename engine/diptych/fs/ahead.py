"""Read-ahead hints to the kernel, so that reads of several files overlap.

This needs `posix_fadvise`, as on Linux. Elsewhere it does nothing.
"""

from __future__ import annotations

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
