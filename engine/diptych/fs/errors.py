"""Operating system errors, as Diptych's errors."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from diptych.errors import DiptychError, StorageError, StorageFullError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# Nothing is there, or a path that leads nowhere.
_NOTHING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
# The medium cannot be read: EIO, and the Linux errors for damage that the file system found.
_MEDIUM_ERRORS = frozenset(
    {errno.EIO} | {getattr(errno, name, errno.EIO) for name in ("EBADMSG", "EUCLEAN", "ENODATA")}
)
# Errors about the file itself: it is missing, not a regular file, too long or unreadable. Any other error
# (too many open files, no permission, no memory) is transient and says nothing about the file.
_FILE_ERRORS = _NOTHING | _MEDIUM_ERRORS | {errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.EFBIG}
_READ_TRIES = 4
_MOVE_AWAY = "move it out of the way: Diptych opens only regular files, and follows no links"

Read = TypeVar("Read")
_ADVICE = {
    errno.ENOSPC: "free some space, and run it again",
    errno.EDQUOT: "free some of your quota, and run it again",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`), and run it again",
    errno.ENFILE: "the system has too many files open: close some programs, and run it again",
    errno.EACCES: "give this user the right to read and write there, or choose another place",
    errno.EPERM: "give this user the right to read and write there, or choose another place",
    errno.EROFS: "the file system is read-only: choose another place, or open the store with read_only=True",
    errno.ELOOP: _MOVE_AWAY,
    errno.ENXIO: _MOVE_AWAY,
    errno.EISDIR: _MOVE_AWAY,
    errno.ENOMEM: "there is not enough memory: close some programs, and run it again",
    errno.EADDRINUSE: "another program listens there: choose another port, or 0 for a free one",
    errno.EADDRNOTAVAIL: "this machine has no such address: choose 127.0.0.1",
    errno.EIO: "the disk reports a failure: check it, copy the store to another, and run `diptych verify`",
}


def storage_error(error: OSError, doing: str, path: str | os.PathLike[str]) -> StorageError:
    """The StorageError for `error`, which occurred while `doing` ("append to") something to `path`."""
    kind = StorageFullError if error.errno in _FULL else StorageError
    reason = error.strerror or str(error)
    return kind(
        f"cannot {doing} {os.fspath(path)}: {reason}",
        errno=error.errno,
        advice=advice_on(error),
    )


def advice_on(error: OSError) -> str:
    """What to do about an operating system error."""
    return _ADVICE.get(error.errno or 0, StorageError.default_advice)


def raise_transient(error: Exception) -> None:
    """Raise `error` again if it is transient: then it does not mean that the file is damaged.

    Return if it is about the file itself. A medium error may be either, so reads are repeated: see
    `read_again_after_medium_errors` and `medium_errors_raised`.
    """
    if not isinstance(error, OSError):
        return
    if error.errno not in _FILE_ERRORS or (error.errno in _MEDIUM_ERRORS and _medium.raises):
        raise error
    if error.errno in _MEDIUM_ERRORS and _medium.seen is not None:
        _medium.seen.append(str(error))


class _Medium(threading.local):
    """How this thread treats medium errors."""

    seen: list[str] | None = None
    raises = False


_medium = _Medium()


def read_again_after_medium_errors(read: Callable[[], Read]) -> tuple[Read, list[str]]:
    """The result of `read`, and the medium errors in it that `raise_transient` let pass as damage.

    After medium errors, `read` is repeated until two runs have the same ones: an error that goes away is not
    damage. Raises StorageError if the errors keep changing.
    """
    before: list[str] | None = None
    outer = _medium.seen
    for _ in range(_READ_TRIES):
        seen: list[str] = []
        _medium.seen = seen
        try:
            result = read()
        finally:
            _medium.seen = outer
        if not seen or seen == before:
            return result, seen
        before = seen
    raise StorageError(
        f"the disk fails differently each time: {seen[0]}", errno=errno.EIO, advice=_ADVICE[errno.EIO]
    )


@contextmanager
def medium_errors_raised() -> Iterator[None]:
    """Within this context, `raise_transient` raises medium errors too."""
    before, _medium.raises = _medium.raises, True
    try:
        yield
    finally:
        _medium.raises = before


def exists(path: str) -> bool:
    """Whether anything is at `path`, even a dangling link. Raises StorageError if that is unknown."""
    return status_of(path, os.lstat) is not None


def is_dir(path: str) -> bool:
    """Whether `path` is a directory, or a link to one. Raises StorageError if that is unknown."""
    status = status_of(path, os.stat)
    return status is not None and stat.S_ISDIR(status.st_mode)


def status_of(
    path: str | os.PathLike[str], stat_call: Callable[[str | os.PathLike[str]], os.stat_result]
) -> os.stat_result | None:
    """The status, or None if nothing is there. Unlike `os.path`, raises on other errors."""
    try:
        return stat_call(path)
    except OSError as error:
        if error.errno in _NOTHING:
            return None
        raise storage_error(error, "examine", path) from error
    except ValueError:
        # A NUL in the path: there is no such file.
        return None


@contextmanager
def importing(package: str) -> Iterator[None]:
    """Raise a StorageError if an OS error, such as too many open files, prevents importing `package`.

    Packages are imported on first use, which may be at any time. If the package is not installed, the
    ImportError is raised unchanged.
    """
    try:
        yield
    except (OSError, ImportError) as error:
        number = error.errno if isinstance(error, OSError) else _number_in(str(error))
        if number is None:
            raise
        raise storage_error(OSError(number, os.strerror(number)), "load the package", package) from error


def _number_in(text: str) -> int | None:
    """The errno in a message of the native loader, which gives only text."""
    return next((number for number in _ADVICE if os.strerror(number) in text), None)


@contextmanager
def translated(doing: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise the `OSError` of the body as a `StorageError` that names the act and the path."""
    try:
        yield
    except DiptychError:
        # Some DiptychErrors are OSErrors too.
        raise
    except OSError as error:
        raise storage_error(error, doing, path) from error
