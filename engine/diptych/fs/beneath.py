"""Files below a folder, reached without following a symbolic link: one may lead out of the folder.

Each folder on the way is opened relative to the one before, so that nothing that is renamed or replaced
meanwhile leads elsewhere. What is behind a link is not there: FileNotFoundError.
"""

from __future__ import annotations

import errno
import os
from types import TracebackType

from diptych.fs.regular import require_regular_mode

# A descriptor for passing through a folder, where the system has one: it takes no right to read the folder.
_PASS = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_LIST = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_RDONLY
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Descriptors of folders that are kept: a name may have two thousand of them.
_OPEN_MAX = 16
# No folder of a name is called so.
_NOWHERE = b"/"


class Beneath:
    """Ways to what is below the folder `top`. Names are relative to it, with `/` between components.

    Quick for names in order: the folders on the way to the last one stay open, so one that is replaced
    meanwhile is seen as it was. Not for several threads at once. Close it, or use `with`. `top` may be a
    link, and is opened when something below it is first asked for.
    """

    def __init__(self, top: str | bytes | os.PathLike[str]) -> None:
        self._top = top
        # The folders from `top` on that are open, and the names of those below it.
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
        """The stat of what has this name, of the link itself where it is one. Raises OSError."""
        folder, _, last = name.rpartition(b"/")
        current = self._current if folder == self._folder else self._enter(folder)
        return os.stat(last, dir_fd=current, follow_symlinks=False)

    def open(self, name: bytes) -> int:
        """A descriptor to read a regular file by, and nothing else: opening never waits. Raises OSError."""
        folder, _, last = name.rpartition(b"/")
        current = self._current if folder == self._folder else self._enter(folder)
        fd = os.open(last, _READ, dir_fd=current)
        try:
            require_regular_mode(os.fstat(fd).st_mode, os.fsdecode(name))
        except BaseException:
            # Whatever it was, the caller hears of it, and never gets the descriptor.
            os.close(fd)
            raise
        return fd

    def open_folder(self, name: bytes) -> int:
        """A descriptor to list a folder by; of `top` for b"". Raises OSError."""
        folder, _, last = name.rpartition(b"/")
        return os.open(last or b".", _LIST, dir_fd=self._enter(folder))

    def close(self) -> None:
        """Close the folders."""
        self._leave()
        while self._open:
            os.close(self._open.pop())
        self._path.clear()

    def _leave(self) -> None:
        """Close the current folder, unless it is one of those kept."""
        # Until another is reached, no name is looked up in a folder that is not its own.
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
        # How a link answers, or a file in the place of a folder.
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            absent = os.strerror(errno.ENOENT)
            raise FileNotFoundError(errno.ENOENT, absent, os.fsdecode(component)) from error
        raise
