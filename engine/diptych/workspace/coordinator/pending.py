"""Which changed files wait to be parsed. Not thread-safe: the coordinator guards it."""

from __future__ import annotations

from collections.abc import Iterable


class PendingPaths:
    """Distinct paths that wait or are being parsed, in order of their first change.

    A path that changes again while it is parsed waits anew, for what is being parsed may be its old content.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._taken: set[str] = set()

    def __len__(self) -> int:
        # Counted over what is taken, which is a handful: the waiting may be a whole branch switch.
        return len(self._waiting) + sum(1 for path in self._taken if path not in self._waiting)

    @property
    def waiting(self) -> int:
        """How many could be taken now."""
        return len(self._waiting)

    def notice(self, path: str) -> None:
        """The file has changed."""
        self._waiting.setdefault(path)

    def take(self, count_max: int) -> list[str]:
        """Up to `count_max` of those that wait, to be parsed now."""
        taken: list[str] = []
        for path in self._waiting:
            if len(taken) == count_max:
                break
            taken.append(path)
        for path in taken:
            del self._waiting[path]
        self._taken.update(taken)
        return taken

    def give_back(self, paths: Iterable[str]) -> None:
        """These were taken and not parsed: they wait again, before all others."""
        returned = dict.fromkeys(path for path in paths if path in self._taken)
        self._taken.difference_update(returned)
        self._waiting = returned | self._waiting

    def complete(self, path: str) -> bool:
        """The file was parsed. False where it was not pending, which changes nothing."""
        if path in self._taken:
            self._taken.remove(path)
            return True
        if path in self._waiting:
            del self._waiting[path]
            return True
        return False

    def absorb(self) -> None:
        """A scan begins that will see every change noticed so far: none of them need wait."""
        self._waiting.clear()
