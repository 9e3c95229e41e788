"""What was made last, bounded by what it weighs."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Weighted(Generic[Kept]):
    """Values by path, those that were asked for last: together they weigh at most `limit`, or it is one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._kept: OrderedDict[str, tuple[Kept, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, path: str) -> Kept | None:
        """The value of a path, which was asked for now."""
        found = self._kept.get(path)
        if found is None:
            return None
        self._kept.move_to_end(path)
        return found[0]

    def keep(self, path: str, value: Kept, weight: int) -> None:
        """Keep a value, in place of what was kept for its path."""
        _, before = self._kept.pop(path, (None, 0))
        self._kept[path] = (value, weight)
        self._weight += weight - before
        while self._weight > self._limit and len(self._kept) > 1:
            _, (_, gone) = self._kept.popitem(last=False)
            self._weight -= gone
