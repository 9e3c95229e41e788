"""Opening what a stranger may have put there: regular files alone, never through a link, never without end.

Whatever is inside a store or a version may come from an archive or a clone. A link there may lead anywhere, a
named pipe waits for its writer, a device might never end, and a file of holes is as long as it likes. So each
file is opened without following a link and without waiting, is tested for what it is, and is no longer than
what can be meant. The folders above a store, and the path that leads to it, are the user's own: links there
are followed.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat

from diptych.fs.errors import status_of

# Absent on Windows, where links need a privilege that most users lack.
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_COPY_BYTES = 1 << 20
# What the functions below raise for a thing of another kind than was asked for, or for one that is too long.
_MISPLACED = frozenset(
    {errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR, errno.ENOTDIR, errno.EFBIG}
)
_IRREGULAR = "it is no regular file"


def open_regular(path: str, flags: int) -> int:
    """`os.open` for a regular file and nothing else, as the `opener` of `open`. Raises OSError."""
    try:
        fd = os.open(path, flags | _SAFE)
    except OSError as error:
        if error.errno == errno.ELOOP and os.path.islink(path):
            raise OSError(errno.ELOOP, "it is a symbolic link", path) from None
        if error.errno in (errno.ENXIO, errno.EOPNOTSUPP):
            # A socket, or a pipe that nobody reads from.
            raise OSError(errno.ENXIO, _IRREGULAR, path) from None
        raise
    try:
        require_regular_mode(os.fstat(fd).st_mode, path)
    except BaseException:
        # Whatever it was, the caller hears of it, and never gets the descriptor.
        os.close(fd)
        raise
    return fd


def require_regular(path: str | os.PathLike[str]) -> None:
    """Raise OSError unless `path` is a regular file, and no link to one."""
    require_regular_mode(os.lstat(path).st_mode, os.fspath(path))


def read_bounded(path: str, most_bytes: int) -> bytes:
    """All bytes of a regular file of at most `most_bytes`. Raises OSError; EFBIG for a longer one."""
    fd = open_regular(path, os.O_RDONLY | _BINARY)
    try:
        return read_bounded_fd(fd, path, most_bytes)
    finally:
        os.close(fd)


def read_bounded_fd(fd: int, path: str, most_bytes: int) -> bytes:
    """As `read_bounded`, of a file that `open_regular` has opened."""
    # By its size: a buffer is made for what is asked for.
    size_bytes = os.fstat(fd).st_size
    if size_bytes > most_bytes:
        raise OSError(errno.EFBIG, f"it has {size_bytes:,} bytes, more than {most_bytes:,}", path)
    with open(fd, "rb", buffering=0, closefd=False) as file:
        file.seek(0)
        parts = []
        left = most_bytes + 1
        # One more than it has: what grew meanwhile is read on, up to the limit.
        while left > 0 and (part := file.read(min(size_bytes + 1, left))):
            parts.append(part)
            left -= len(part)
    if left <= 0:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes:,} bytes", path)
    return b"".join(parts)


def copy_regular(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Copy the bytes of a regular file to a new one; durable when that is fsynced. Raises OSError."""
    with open(source, "rb", buffering=0, opener=open_regular) as origin, open(target, "xb") as copy:
        shutil.copyfileobj(origin, copy, _COPY_BYTES)


def list_directory(path: str | os.PathLike[str]) -> list[str]:
    """The names in a directory. Raises OSError; NotADirectoryError for a link, whatever it leads to."""
    if os.listdir not in os.supports_fd:
        if os.path.islink(path):
            raise NotADirectoryError(errno.ENOTDIR, "it is a symbolic link", os.fspath(path))
        return os.listdir(path)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _SAFE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotADirectoryError(errno.ENOTDIR, "it is a symbolic link", os.fspath(path)) from None
        raise
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a regular file, and no link to one. Raises StorageError where it is not known."""
    return stat.S_ISREG(_mode(path))


def is_directory(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a directory, and no link to one. Raises StorageError where it is not known."""
    return stat.S_ISDIR(_mode(path))


def is_regular_below(top: str, relative: str) -> bool:
    """Whether `relative`, with `/` between components, is a regular file below `top`, reached by no link."""
    *folders, name = relative.split("/")
    for folder in folders:
        top = os.path.join(top, folder)
        if not is_directory(top):
            return False
    return is_regular(os.path.join(top, name))


def is_misplaced(error: BaseException) -> bool:
    """Whether `error` says that something of another kind stands there, or something far too long."""
    return isinstance(error, OSError) and error.errno in _MISPLACED


def _mode(path: str | os.PathLike[str]) -> int:
    status = status_of(path, os.lstat)
    return status.st_mode if status is not None else 0


def require_regular_mode(mode: int, path: str) -> None:
    """Raise OSError unless `mode` is that of a regular file."""
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "it is a symbolic link", path)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        raise OSError(errno.ENXIO, _IRREGULAR, path)
