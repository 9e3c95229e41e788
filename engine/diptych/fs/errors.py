"""The operating system's refusals, as Diptych's errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from diptych.errors import DiptychError, StorageError, StorageFullError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# Refusals that tell of the file: it is gone, something else stands there, or its bytes cannot be had back.
# Any other (too many open files, no rights, no memory) tells of the moment, and of the file nothing.
_OF_THE_FILE = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EIO}
    # Of a file that is read: it is longer than it can be.
    | {errno.EFBIG}
    # How Linux names damage that the file system found.
    | {getattr(errno, name, errno.EIO) for name in ("EBADMSG", "EUCLEAN", "ENODATA")}
)
_MOVE_AWAY = "move what is there out of the way: Diptych reads and writes regular files of its own alone"
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
    errno.EIO: "the disk reports a failure: check it, then run `diptych verify`",
}


def storage_error(error: OSError, doing: str, path: str | os.PathLike[str]) -> StorageError:
    """What to raise for `error`, met while `doing` ("append to") something to `path`."""
    kind = StorageFullError if error.errno in _FULL else StorageError
    reason = error.strerror or str(error)
    return kind(
        f"cannot {doing} {os.fspath(path)}: {reason}",
        errno=error.errno,
        advice=_ADVICE.get(error.errno or 0, ""),
    )


def refuse_of_the_moment(error: Exception) -> None:
    """Raise `error` again where it says that a file cannot be looked at now: that is no damage of the file.

    Return where it tells of the file itself.
    """
    if isinstance(error, OSError) and error.errno not in _OF_THE_FILE:
        raise error


@contextmanager
def translated(doing: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise the `OSError` of the body as a `StorageError` that names the act and the path."""
    try:
        yield
    except DiptychError:
        # Some of them are an OSError too.
        raise
    except OSError as error:
        raise storage_error(error, doing, path) from error
