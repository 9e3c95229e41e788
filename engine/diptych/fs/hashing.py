"""BLAKE3 of a file, at the speed of the disk and in bounded memory."""

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
# Mapped pages count as memory of the process, so map one window at a time.
_WINDOW_BYTES = 16 << 20
# Linux 5.14; not named by Python yet.
_MADV_POPULATE_READ = 22


def hash_stable_file(path: str, *, expected_bytes: int | None = None) -> tuple[int, bytes]:
    """Size in bytes and BLAKE3 (32 bytes) of a file that nobody truncates meanwhile.

    If its size is not `expected_bytes`, the file is not read, and the hash is b"".

    The file is mapped and hashed on all cores. `madvise` reads each window first, so that a disk failure is
    an error and not a SIGBUS. Raises StorageError.
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
        # Kernels before 5.14 lack this advice; they read page by page.
        if error.errno != errno.EINVAL:
            raise
