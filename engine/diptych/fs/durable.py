"""Make files and names durable: the one place that knows what each platform needs.

Linux: `fsync` of a file, and of the directory that holds its name. macOS: `fsync` only hands the bytes to
the drive, so `F_FULLFSYNC` is used if available. Windows: a directory cannot be opened for fsync, but NTFS
journals renames, so `fsync_dir` does nothing there. `os.replace` is atomic on all three, but on Windows it
fails while another process has the target open without delete sharing.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from diptych.errors import StorageError
from diptych.fs.errors import is_dir, translated
from diptych.fs.regular import copy_regular, is_directory, open_regular, require_regular

if sys.platform != "win32":
    import fcntl

_FULL_FSYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None) if sys.platform == "darwin" else None
# Errors of link() if hard links are impossible: another device, no support, or too many links.
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EACCES})

# renameat2(2), which Python does not have: exchanging two names is nothing that rename can do.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NO_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP})


def fsync_fd(fd: int) -> None:
    """Wait until everything written to `fd`, including its size, is on the medium. Raises OSError."""
    if _FULL_FSYNC is not None:
        fcntl.fcntl(fd, _FULL_FSYNC)
    else:
        os.fsync(fd)


if sys.platform == "linux":
    # Data and size without the times: enough for an append, at about half the cost.
    fdatasync_fd = os.fdatasync
else:
    fdatasync_fd = fsync_fd


def fsync_file(path: str | os.PathLike[str]) -> None:
    """fsync a file by its name. Raises StorageError."""
    with translated("fsync", path):
        fd = open_regular(os.fspath(path), os.O_RDONLY)
        try:
            fsync_fd(fd)
        finally:
            os.close(fd)


def fsync_dir(path: str | os.PathLike[str]) -> None:
    """Make the names in directory `path` durable. Raises StorageError."""
    if sys.platform == "win32":
        return
    with translated("fsync the directory", path):
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fsync_fd(fd)
        finally:
            os.close(fd)


def open_dir(path: str | os.PathLike[str]) -> int:
    """Open directory `path` now for a later fsync that must not run out of descriptors; -1 on Windows.

    Raises StorageError.
    """
    if sys.platform == "win32":
        return -1
    with translated("open the directory", path):
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a new file and fsync it; its name is not durable until `fsync_dir`. Raises StorageError."""
    with translated("write", path):
        with open(path, "xb") as file:
            file.write(data)
            file.flush()
            fsync_fd(file.fileno())


def rename(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Rename over `target`, atomically; durable when the directory is fsynced. Raises StorageError."""
    with translated("rename to", target):
        os.replace(source, target)


def exchange(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Exchange the names of two files or directories, atomically; durable when their directories are fsynced.

    Returns False, and has done nothing, where the system or the file system cannot do that. Raises
    StorageError.
    """
    if sys.platform != "linux":
        return False
    # Imported here: it is slow to import, and needed once in a while.
    import ctypes

    system = ctypes.CDLL(None, use_errno=True)
    if not hasattr(system, "renameat2"):
        return False
    names = (os.fsencode(one), os.fsencode(other))
    if system.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    with translated("exchange with", other):
        raise OSError(number, os.strerror(number), os.fspath(other))


def atomic_write(path: str | os.PathLike[str], data: bytes, *, token: str = "") -> None:
    """Replace the contents of `path` by `data`. After a crash it has either the old or the new contents.

    Until then they are in a file named by `token`, or by the process id, which only one writer at a time may
    use: threads, and machines that share a folder, give a token of their own.
    """
    directory, name = os.path.split(os.fspath(path))
    temporary = os.path.join(directory, f".{name}.{token or os.getpid()}.tmp")
    remove_file(temporary)
    try:
        # Sync the bytes before the rename: otherwise a crash could leave an empty or torn file.
        write_file(temporary, data)
        rename(temporary, path)
    except BaseException:
        # On an interrupt too. Raise the first error, even if the removal fails as well.
        with suppress(StorageError):
            remove_file(temporary)
        raise
    fsync_dir(directory or ".")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new file to write, which is at `path` once the block ends; where that raises, all is as it was.

    After a crash `path` has either the old or the new contents. Raises StorageError, for any OSError in it.
    """
    directory, name = os.path.split(os.path.abspath(path))
    # A name that nobody can know before: what a stranger put there would be written to, or through.
    temporary = os.path.join(directory, f".{name}.{os.urandom(8).hex()}.tmp")
    try:
        with translated("write", path), open(temporary, "xb") as file:
            yield file
            file.flush()
            fsync_fd(file.fileno())
        rename(temporary, path)
    except BaseException:
        with suppress(StorageError):
            remove_file(temporary)
        raise
    fsync_dir(directory)


def make_dir(path: str | os.PathLike[str], *, follow: bool = True, sync_existing: bool = True) -> None:
    """Make a directory and its missing parents, each durable in its parent. Raises StorageError.

    One that is there already is made durable too, or where it is missing, the lowest one above it that is
    there. Without `sync_existing` that is not: where the caller syncs its parent before anything in it is
    relied on, or nothing ever is. Without `follow`, a link to a directory at `path` is an error. Inside a
    store, use that.
    """
    path = os.path.abspath(path)
    if not follow and os.path.lexists(path) and not is_directory(path):
        with translated("make the directory", path):
            raise NotADirectoryError(errno.ENOTDIR, "something else is there", path)
    missing = []
    # `is_dir` raises on errors, so this ends at the root at the latest.
    while not is_dir(path):
        missing.append(path)
        path = os.path.dirname(path)
    if sync_existing:
        # A process that was killed after it made this one, and before it synced the parent, leaves one that a
        # power cut would take, with all that is acknowledged in it. Those above it were synced before.
        _sync_entry(path)
    for directory in reversed(missing):
        with translated("make the directory", directory):
            try:
                os.mkdir(directory)
            except FileExistsError:
                if not is_dir(directory):
                    raise
        fsync_dir(os.path.dirname(directory))


def _sync_entry(directory: str) -> None:
    """Make the name of a directory that is there durable. Raises StorageError."""
    try:
        fsync_dir(os.path.dirname(directory))
    except StorageError as error:
        # Who may not read the parent did not make the directory: that takes the right to write there.
        if error.errno != errno.EACCES:
            raise


def link_or_copy(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> bool:
    """Hard-link `source` to `target`, or copy it if the file system has no links. True if linked.

    A copy is fsynced here; a linked file is as durable as its source. Raises StorageError, also if the source
    is not a regular file.
    """
    with translated("link to", target):
        require_regular(source)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            with translated("link to", target):
                raise
    else:
        return True
    with translated("copy to", target):
        copy_regular(source, target)
    fsync_file(target)
    return False


def remove_file(path: str | os.PathLike[str]) -> None:
    """Remove a file, if it exists. Raises StorageError."""
    with translated("remove", path):
        try:
            os.unlink(path)
        except FileNotFoundError:
            return


def remove_tree(path: str | os.PathLike[str]) -> None:
    """Remove a directory with its contents, or a file of that name, if it exists.

    Of a link, only the link is removed. Raises StorageError.
    """
    with translated("remove", path):
        try:
            if is_directory(path):
                import shutil

                shutil.rmtree(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            return
