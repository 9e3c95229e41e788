"""Rust's panics and Tantivy's errors, as Diptych's."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from diptych.errors import CorruptSearchError, DiptychError
from diptych.fs import storage_error

# How Tantivy says that a thread of its writer died; it does not say of what.
_THREAD_DIED = "An index writer was killed"
# A writer's thread writes out up to this much at once.
_SEGMENT_BYTES = 32 * 1024 * 1024
# How Rust prints what the operating system refused.
_REFUSAL = re.compile(r"os error (\d+)|Os \{ code: (\d+)|No space left|StorageFull")


@contextmanager
def guarded(doing: str, where: str) -> Iterator[None]:
    """Raise what Tantivy raises in the body as a CorruptSearchError, or as what the system's refusal was.

    A panic arrives as `pyo3_runtime.PanicException`, which derives from BaseException and cannot be
    imported, hence the look at its name.
    """
    try:
        yield
    except DiptychError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if isinstance(error, OSError):
            # Python's own, of a file or a package that is needed on the way: no damage of the index.
            raise storage_error(error, doing, where) from error
        text = str(error)
        if refusal := _REFUSAL.search(text):
            number = int(refusal[1] or refusal[2] or errno.ENOSPC)
            raise storage_error(OSError(number, os.strerror(number)), doing, where) from error
        if _THREAD_DIED in text and _is_nearly_full(where):
            raise storage_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), doing, where) from error
        raise CorruptSearchError(f"cannot {doing} {where}: {text}", where=where) from error


def _is_nearly_full(where: str) -> bool:
    import shutil

    try:
        return shutil.disk_usage(where).free < _SEGMENT_BYTES
    except OSError:
        return False
