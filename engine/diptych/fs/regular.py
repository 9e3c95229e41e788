"""Open files that an attacker may have made: only regular files, no links, and of bounded length.

The contents of a store or a version may come from an archive or a clone. A link may lead anywhere, a named
pipe blocks until it has a writer, a device may never end, and a sparse file may have any length. So each file
is opened without following links and without blocking, must be a regular file, and is read up to a limit.
The path to the store belongs to the user, so links in it are followed.
"""

from __future__ import annotations

import errno
import os
import stat

from diptych.fs.errors import status_of

# Absent on Windows, where links need a privilege that most users lack.
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_COPY_BYTES = 1 << 20
# Errors of the functions below for the wrong type of file, or for one that is too long.
_MISPLACED = frozenset(
    {errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR, errno.ENOTDIR, errno.EFBIG}
)
_IRREGULAR = "it is not a regular file"


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
        # On any exception, the caller does not get the descriptor.
        os.close(fd)
        raise
    return fd


def require_regular(path: str | os.PathLike[str]) -> None:
    """Raise OSError unless `path` is a regular file; a link to one is not."""
    require_regular_mode(os.lstat(path).st_mode, os.fspath(path))


def read_bounded(path: str, most_bytes: int) -> bytes:
    """All bytes of a regular file of at most `most_bytes`. Raises OSError; EFBIG for a longer one."""
    fd = open_regular(path, os.O_RDONLY | _BINARY)
    try:
        return read_bounded_fd(fd, path, most_bytes)
    finally:
        os.close(fd)


def read_bounded_fd(fd: int, path: str, most_bytes: int) -> bytes:
    """As `read_bounded`, for a file from `open_regular`."""
    # By its size: a read allocates a buffer of the requested length.
    size_bytes = os.fstat(fd).st_size
    if size_bytes > most_bytes:
        raise OSError(errno.EFBIG, f"it has {size_bytes:,} bytes, more than {most_bytes:,}", path)
    with open(fd, "rb", buffering=0, closefd=False) as file:
        file.seek(0)
        parts = []
        left = most_bytes + 1
        # One byte more than the size, to read on if the file grew, up to the limit.
        while left > 0 and (part := file.read(min(size_bytes + 1, left))):
            parts.append(part)
            left -= len(part)
    if left <= 0:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes:,} bytes", path)
    return b"".join(parts)


def copy_regular(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Copy a regular file to a new one, without fsync. Raises OSError."""
    import shutil

    with open(source, "rb", buffering=0, opener=open_regular) as origin, open(target, "xb") as copy:
        shutil.copyfileobj(origin, copy, _COPY_BYTES)


def list_directory(path: str | os.PathLike[str]) -> list[str]:
    """The names in a directory. Raises OSError; NotADirectoryError for any link."""
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
    """Whether `path` is a regular file, not a link. Raises StorageError if that is unknown."""
    return stat.S_ISREG(_mode(path))


def is_directory(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a directory, not a link. Raises StorageError if that is unknown."""
    return stat.S_ISDIR(_mode(path))


def is_regular_below(top: str, relative: str) -> bool:
    """Whether `relative`, with `/` between components, is a regular file below `top`, without links."""
    *folders, name = relative.split("/")
    for folder in folders:
        top = os.path.join(top, folder)
        if not is_directory(top):
            return False
    return is_regular(os.path.join(top, name))


def is_misplaced(error: BaseException) -> bool:
    """Whether `error` says that a file has the wrong type or is too long."""
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
