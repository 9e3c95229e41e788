"""Hashes of all of a file, as fast as the machine reads it, and within bounded memory.

BLAKE3 says which file it is, also to those who distrust its maker; XXH3-128 finds damage at memory speed.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
from collections.abc import Iterator
from io import FileIO
from typing import NamedTuple

from blake3 import blake3
from xxhash import xxh3_128

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
        for window in _windows(file, size_bytes):
            hasher.update(window)
        return size_bytes, hasher.digest()


class FileDigests(NamedTuple):
    """What a file is known by: size in bytes, XXH3-128 (16 bytes), BLAKE3 (32 bytes)."""

    size_bytes: int
    xxh3_128: bytes
    blake3: bytes


def digest_stable_file(path: str) -> FileDigests:
    """Size, XXH3-128 and BLAKE3 of a file that nobody truncates meanwhile. Raises StorageError."""
    with translated("read", path), open(path, "rb", buffering=0, opener=open_regular) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        checksum, hasher = xxh3_128(), blake3(max_threads=blake3.AUTO)
        for window in _windows(file, size_bytes):
            checksum.update(window)
            hasher.update(window)
        return FileDigests(size_bytes, checksum.digest(), hasher.digest())


def checksum_stable_file(path: str, *, expected_bytes: int) -> bytes:
    """XXH3-128 (16 bytes) of a file that nobody truncates meanwhile; b"" where its size is another.

    Raises StorageError.
    """
    with translated("read", path), open(path, "rb", buffering=0, opener=open_regular) as file:
        if os.fstat(file.fileno()).st_size != expected_bytes:
            return b""
        checksum = xxh3_128()
        for window in _windows(file, expected_bytes):
            checksum.update(window)
        return checksum.digest()


def _windows(file: FileIO, size_bytes: int) -> Iterator[bytes | mmap.mmap]:
    """The file's bytes, a window at a time, each read in before it is touched."""
    if size_bytes < _SMALL_BYTES:
        yield file.readall()
        return
    for offset in range(0, size_bytes, _WINDOW_BYTES):
        length = min(_WINDOW_BYTES, size_bytes - offset)
        with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ, offset=offset) as window:
            _read_in(window)
            yield window


def _read_in(window: mmap.mmap) -> None:
    if sys.platform != "linux":
        return
    try:
        window.madvise(_MADV_POPULATE_READ)
    except OSError as error:
        # Kernels before 5.14 lack this advice; they read page by page.
        if error.errno != errno.EINVAL:
            raise
