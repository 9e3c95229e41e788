"""A bound on what of Tantivy a process holds open, since each part of it comes with threads.

An index on disk has a thread that watches it (none can be opened without); an index in memory has seven or
eight. What was used longest ago is released, and its owner opens it again when it needs it.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from typing import Protocol


class Releasable(Protocol):
    """The owner of something of Tantivy's."""

    def release_search(self) -> None:
        """Let go of it, unless it is in use. Must not wait for a lock."""


class Bounded:
    """Keeps at most `most` owners from being released. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.forget()

    def forget(self) -> None:
        """Know no owner. In a forked child all are the parent's, and the lock may be held for ever."""
        self._lock = threading.Lock()
        self._owners: OrderedDict[int, weakref.ref[Releasable]] = OrderedDict()

    def use(self, owner: Releasable) -> None:
        """`owner` uses what it holds; whoever has not for the longest time lets go."""
        with self._lock:
            # An id may be that of an owner that is gone: the newest reference counts.
            self._owners[id(owner)] = weakref.ref(owner)
            self._owners.move_to_end(id(owner))
            excess = len(self._owners) - self._most
            released = [self._owners.popitem(last=False)[1]() for _ in range(excess)]
        for one in released:
            if one is not None:
                one.release_search()


# Together below 64 threads, however many stores are open.
PUBLISHED = Bounded(12)
IN_MEMORY = Bounded(4)


def _forget_all() -> None:
    for bounded in (PUBLISHED, IN_MEMORY):
        bounded.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
