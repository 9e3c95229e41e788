"""A file that is written once, front to back, and hashed on the way."""

from __future__ import annotations

import os

from blake3 import blake3
from xxhash import xxh3_128

from diptych.fs import FileDigests, fsync_fd, translated

_FLUSH_BYTES = 1024 * 1024
_CREATE = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)


class HashedFile:
    """A new file; `position` is where the next byte goes. Raises StorageError."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.position = 0
        self._parts: list[bytes | memoryview] = []
        self._waiting = 0
        self._hasher = blake3()
        self._checksum = xxh3_128()
        with translated("create", path):
            self._fd = os.open(path, _CREATE, 0o666)

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`."""
        self._parts.append(data)
        self.position += len(data)
        self._waiting += len(data)
        if self._waiting >= _FLUSH_BYTES:
            self._flush()

    def finish(self) -> str:
        """fsync and close; returns the BLAKE3 of all that was written, in hexadecimal."""
        self._flush()
        with translated("fsync", self.path):
            fsync_fd(self._fd)
        self.close()
        return self._hasher.hexdigest()

    def flush(self) -> FileDigests:
        """Hand all that was written to the system; what it is known by. Not durable before `finish`."""
        self._flush()
        return FileDigests(self.position, self._checksum.digest(), self._hasher.digest())

    def close(self) -> None:
        """Close without more ado; `finish` has done so already."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _flush(self) -> None:
        data = memoryview(b"".join(self._parts))
        self._parts.clear()
        self._waiting = 0
        self._hasher.update(data)
        self._checksum.update(data)
        with translated("write", self.path):
            while data:
                data = data[os.write(self._fd, data) :]
