"""Access files below a folder without following symbolic links, which may lead out of the folder.

Each folder on the path is opened relative to its parent, so a concurrent rename or replacement cannot
redirect it. A path through a link raises FileNotFoundError.
"""

from __future__ import annotations

import errno
import os
from types import TracebackType

from diptych.fs.regular import require_regular_mode

# O_PATH, where it exists, needs no permission to read the folder.
_PASS = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_LIST = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_RDONLY
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Limit on open folders: a path may have two thousand components.
_OPEN_MAX = 16
# A value that no folder has.
_NOWHERE = b"/"


class Beneath:
    """Access to files below the folder `top`. Names are relative to it, with `/` between components.

    Fast for sorted names: the folders of the last name stay open, so a folder replaced meanwhile is seen
    unchanged. Not thread-safe. Close it, or use `with`. `top` may be a link; it is opened on first use.
    """

    def __init__(self, top: str | bytes | os.PathLike[str]) -> None:
        self._top = top
        # The open folders from `top` down, and the names of those below it.
        self._open: list[int] = []
        self._path: list[bytes] = []
        self._folder = _NOWHERE
        self._current = -1

    def __enter__(self) -> Beneath:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lstat(self, name: bytes) -> os.stat_result:
        """The stat of this name, without following a link. Raises OSError."""
        folder, _, last = name.rpartition(b"/")
        current = self._current if folder == self._folder else self._enter(folder)
        return os.stat(last, dir_fd=current, follow_symlinks=False)

    def open(self, name: bytes) -> int:
        """Open a regular file for reading, never anything else. Never blocks. Raises OSError."""
        folder, _, last = name.rpartition(b"/")
        current = self._current if folder == self._folder else self._enter(folder)
        fd = os.open(last, _READ, dir_fd=current)
        try:
            require_regular_mode(os.fstat(fd).st_mode, os.fsdecode(name))
        except BaseException:
            # On any exception, the caller does not get the descriptor.
            os.close(fd)
            raise
        return fd

    def open_folder(self, name: bytes) -> int:
        """Open a folder for listing; `top` for b"". Raises OSError."""
        folder, _, last = name.rpartition(b"/")
        return os.open(last or b".", _LIST, dir_fd=self._enter(folder))

    def close(self) -> None:
        """Close the folders."""
        self._leave()
        while self._open:
            os.close(self._open.pop())
        self._path.clear()

    def _leave(self) -> None:
        """Close the current folder, unless it is one of those that stay open."""
        # First of all, so that after an error no name is looked up in the wrong folder.
        self._folder = _NOWHERE
        current, self._current = self._current, -1
        if current >= 0 and current not in self._open:
            os.close(current)

    def _enter(self, folder: bytes) -> int:
        """Make `folder` the current one, and return its descriptor. Raises OSError."""
        if folder == self._folder:
            return self._current
        self._leave()
        if not self._open:
            self._open.append(os.open(self._top, _PASS & ~os.O_NOFOLLOW))
        way = folder.split(b"/") if folder else []
        shared = 0
        while shared < min(len(way), len(self._path)) and way[shared] == self._path[shared]:
            shared += 1
        while len(self._path) > shared:
            self._path.pop()
            os.close(self._open.pop())
        self._current = self._open[-1]
        for component in way[shared:]:
            try:
                deeper = _passed(component, self._current)
            except BaseException:
                self._leave()
                raise
            if len(self._path) < _OPEN_MAX:
                self._path.append(component)
                self._open.append(deeper)
                self._current = deeper
            else:
                self._leave()
                self._current = deeper
        self._folder = folder
        return self._current


def _passed(component: bytes, folder: int) -> int:
    try:
        return os.open(component, _PASS, dir_fd=folder)
    except OSError as error:
        # It is a link, or a file instead of a folder.
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            absent = os.strerror(errno.ENOENT)
            raise FileNotFoundError(errno.ENOENT, absent, os.fsdecode(component)) from error
        raise
