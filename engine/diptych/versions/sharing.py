"""Copying one file into a version, and its digest.

A file from outside the base is reflinked (the blocks are shared until somebody writes) or else copied. Its
owner may change it in place, and with a hard link the version would change too. Between versions of one base
hard links are safe, since nothing ever writes to a file in a version.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from blake3 import blake3

from diptych.fs import (
    copy_regular,
    fsync_file,
    hash_stable_file,
    link_or_copy,
    open_regular,
    remove_file,
    translated,
)
from diptych.versions.errors import AssetChangedError
from diptych.versions.manifest import FileEntry

if sys.platform == "linux":
    import fcntl

# Linux `_IOW(0x94, 9, int)`: the target shares the source's blocks (XFS, Btrfs, bcachefs, overlay of these).
_FICLONE = 0x40049409
_CHUNK_BYTES = 1 << 20


def digest_stable_file(path: str) -> FileEntry:
    """Size and BLAKE3 of a file inside a version, which nobody truncates. Raises StorageError."""
    return FileEntry(*hash_stable_file(path))


def digest_source(path: str) -> FileEntry:
    """Size and BLAKE3 of a file that may be changing; it is never mapped. Raises StorageError."""
    hasher = blake3(max_threads=blake3.AUTO)
    size_bytes = 0
    buffer = bytearray(_CHUNK_BYTES)
    with (
        translated("read", path),
        # Resolve links, as `bring` does.
        open(os.path.realpath(path), "rb", buffering=0, opener=open_regular) as file,
        memoryview(buffer) as view,
    ):
        while count := file.readinto(buffer):
            hasher.update(view[:count])
            size_bytes += count
    return FileEntry(size_bytes, hasher.digest())


def bring(source: str, target: str, *, link: bool) -> FileEntry:
    """Copy `source` from outside to `target`. The bytes are durable, the name is not yet.

    `link`: hard-link if possible; the caller promises that nobody writes to it. Raises StorageError, and
    AssetChangedError if the source changed meanwhile.
    """
    with translated("read", source):
        source = os.path.realpath(source, strict=True)
        before = os.stat(source)
    linked = False
    if link:
        linked = link_or_copy(source, target)
    elif not _reflink(source, target):
        with translated("copy to", target):
            copy_regular(source, target)
    entry = digest_stable_file(target)
    fsync_file(target)
    with translated("read", source):
        after = os.stat(source)
    if _stamp(before) != _stamp(after) or entry.size_bytes != before.st_size:
        raise AssetChangedError(
            f"{source} changed while it was being staged", advice="stage it when nothing writes to it"
        )
    if not linked:
        seal(target, executable=bool(before.st_mode & stat.S_IXUSR))
    return entry


def share(source: str, target: str, *, copy: bool) -> None:
    """Add a file of one version to another, by hard link or by copy. Raises StorageError."""
    if copy:
        if not _reflink(source, target):
            with translated("copy to", target):
                copy_regular(source, target)
        fsync_file(target)
        linked = False
    else:
        linked = link_or_copy(source, target)
    if not linked:
        with translated("read", source):
            executable = bool(os.lstat(source).st_mode & stat.S_IXUSR)
        seal(target, executable=executable)


def seal(path: str, *, executable: bool) -> None:
    """Make a file read-only, since a version must not change. Raises StorageError."""
    with translated("make read-only", path):
        os.chmod(path, 0o555 if executable else 0o444)


def _reflink(source: str, target: str) -> bool:
    """Share the source's blocks. False, and no target, if the file system cannot."""
    if sys.platform != "linux":
        return False
    with translated("read", source), open(source, "rb", buffering=0, opener=open_regular) as origin:
        with translated("write", target), open(target, "xb", buffering=0) as clone:
            try:
                fcntl.ioctl(clone.fileno(), _FICLONE, origin.fileno())
            except OSError as error:
                # After any error but a full disk, a plain copy follows, which reports its own errors.
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
            else:
                return True
    remove_file(target)
    return False


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
