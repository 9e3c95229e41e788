"""BLAKE3 of a whole file, as fast as the machine reads it, and within bounded memory."""

from __future__ import annotations

import errno
import mmap
import os
import sys

from blake3 import blake3

from diptych.fs.errors import translated
from diptych.fs.regular import open_regular

# Below this, threads and a mapping cost more than they save.
_SMALL_BYTES = 1 << 20
# Mapped pages count as the process's own memory: one window at a time.
_WINDOW_BYTES = 16 << 20
# Linux 5.14; not named by Python yet.
_MADV_POPULATE_READ = 22


def hash_stable_file(path: str, *, expected_bytes: int | None = None) -> tuple[int, bytes]:
    """Size in bytes and BLAKE3 (32 bytes) of a file that nobody truncates meanwhile.

    A file of another size than `expected_bytes` is not read: its hash is given as b"".

    Mapped, and hashed by all cores. Each window is first read in by `madvise`, so that a failing disk is an
    error and not the SIGBUS that touching the mapping would raise. Raises StorageError.
    """
    with translated("read", path), open(path, "rb", buffering=0, opener=open_regular) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        if expected_bytes is not None and size_bytes != expected_bytes:
            return size_bytes, b""
        if size_bytes < _SMALL_BYTES:
            data = file.readall()
            return len(data), blake3(data).digest()
        hasher = blake3(max_threads=blake3.AUTO)
        for offset in range(0, size_bytes, _WINDOW_BYTES):
            length = min(_WINDOW_BYTES, size_bytes - offset)
            with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ, offset=offset) as window:
                _read_in(window)
                hasher.update(window)
        return size_bytes, hasher.digest()


def _read_in(window: mmap.mmap) -> None:
    if sys.platform != "linux":
        return
    try:
        window.madvise(_MADV_POPULATE_READ)
    except OSError as error:
        # An older kernel does not know the advice; it then maps page by page, as without it.
        if error.errno != errno.EINVAL:
            raise
