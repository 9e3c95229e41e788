"""What the coordinator asks of the program it serves: to scan, and to index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from .states import IoError, LeafDamaged


@dataclass(frozen=True, slots=True)
class Totals:
    """What the store holds. `cache_bytes` is the size of the host's caches."""

    files: int
    symbols: int
    cache_bytes: int = 0


class Host(Protocol):
    """The callbacks of a build. All are called from the thread that calls `Coordinator.tick`, without a lock.

    An OSError or OpenError raised by any of them degrades the index with `IoError`, a CorruptionError with
    `LeafDamaged`; any other exception does the former and is raised again, for it is a mistake in the host.
    """

    def recover(self, failure: IoError | LeafDamaged) -> None:
        """Repair what failed, before the scan of the build that is to recover from it: reopen, or repair.

        What it cannot repair it must raise, for a build that completes after it makes the index ready.
        """
        ...

    def scan(self) -> Iterator[str]:
        """Inspect the entire repository, and yield each path to be indexed or removed, once.

        It must see every change that was noticed before its first step. The iterator is closed early when
        the build is superseded.
        """
        ...

    def index(self, paths: Sequence[str]) -> Iterator[str]:
        """Bring the store up to date with these files, and yield each path once its change is in the store.

        A path whose file is gone is removed from the store. Every path is yielded, in any order; work may be
        done in batches. The iterator is closed early when a budget is spent or the build is superseded:
        what was not yielded by then is asked for again, in this build or the next.
        """
        ...

    def totals(self) -> Totals:
        """What the store holds now. Asked once in each slice: it should be cheap."""
        ...
