"""Which inode of the recorded tree a path or a descriptor of a call means."""

from __future__ import annotations

import os
from collections.abc import Iterable

from .effects import Change, Effect, Entry, Step, Tree
from .errors import RecordingError, RefusedError
from .live import LiveTree
from .processes import OpenFile, Processes
from .strace_lines import Call, descriptor, text_bytes


class Names:
    """The live tree, the processes that have it open, and the steps so far."""

    def __init__(self, root: str, directory: str, initial: Tree) -> None:
        self._root = root
        self._processes = Processes(directory)
        self.live = LiveTree(initial)
        self.steps: list[Step] = []
        self._call_number = 0

    def _inside(self, path: str) -> str | None:
        """The path relative to the root, or None when it is elsewhere."""
        path = os.path.normpath(path)
        if path == self._root:
            return ""
        return path[len(self._root) + 1 :] if path.startswith(self._root + "/") else None

    def _path(self, call: Call, argument: str, at: str | None = None) -> str | None:
        path = text_bytes(argument).decode("utf-8", "surrogateescape")
        if not path.startswith("/"):
            base = self._processes.of(call.pid).directory[0]
            if at is not None and not at.startswith("AT_FDCWD"):
                base = descriptor(at)[1]
            path = os.path.join(base, path)
        return self._inside(path)

    def _file(self, call: Call, argument: str) -> OpenFile | None:
        """What a descriptor has open in the tree; None when it is something else."""
        number, path = descriptor(argument)
        if number is None or self._inside(path) is None:
            return None
        opened = self._processes.of(call.pid).descriptors.get(number)
        if opened is None:
            raise RefusedError(
                f"Descriptor {number} ({path}) came to the program in a way that the trace does not show."
            )
        return opened

    def _mentions_tree(self, call: Call) -> bool:
        for argument in call.arguments:
            if argument.startswith('"'):
                if self._path(call, argument) is not None:
                    return True
            elif (
                argument[:1].isdigit()
                and "<" in argument
                and self._inside(descriptor(argument)[1]) is not None
            ):
                return True
        return False

    def _place(self, path: str, *, follow_last: bool = False) -> tuple[int, str]:
        place = self.live.place(path, follow_last=follow_last)
        if place is None:
            raise RecordingError(f"The trace names {path!r}, whose directory the model does not have.")
        return place

    def _do(self, effect: Effect) -> None:
        self.steps.append(Step(effect, self._call_number))

    def _change(
        self, entries: Iterable[Entry], touched: Iterable[int | None], *, creates: bool = False
    ) -> None:
        entries = tuple(entries)
        for entry in entries:
            names = self.live.entries[entry.directory]
            if entry.inode is None:
                names.pop(entry.name, None)
            else:
                names[entry.name] = entry.inode
        self._do(Change(entries, tuple(number for number in touched if number is not None), creates))
