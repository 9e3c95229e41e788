"""Whether a handle may still be used: it was closed, it is a forked child's, or its store was replaced."""

from __future__ import annotations

from diptych import fs
from diptych.errors import DiptychError, ForkedProcessError, StoreClosedError, StoreReplacedError
from diptych.journal.writer import JournalWriter


class Liveness:
    """Asked before each use of a handle."""

    def __init__(self, path: str) -> None:
        self.reason: DiptychError | None = None
        """Why the handle may not be used any more, once it is closed or forked."""
        self._path = path

    def check(self) -> None:
        """Raise StoreClosedError or ForkedProcessError where the handle may not be used any more."""
        if self.reason is not None:
            raise self.reason

    def close(self) -> StoreClosedError:
        """The handle may not be used any more. Returns what is raised from now on."""
        # The same one where an interrupted close is called again: it is known by that.
        if not isinstance(self.reason, StoreClosedError):
            self.reason = StoreClosedError(f"the store {self._path} is closed", advice="open it again")
        return self.reason

    def fork(self) -> ForkedProcessError:
        """In a forked child: the handle is the parent's. Returns what is raised from now on."""
        forked = ForkedProcessError(
            f"the store {self._path} was opened before a fork, by the parent process",
            advice="open it again in the child (one process writes, others open it with read_only=True)",
        )
        self.reason = forked
        return forked


class Ownership:
    """Whether the store at a writer's path is still the one that it opened and locked.

    Asked before anything is acknowledged, published or removed. Once it is not, the journal is poisoned.
    """

    def __init__(self, journal: JournalWriter, lock: fs.WriterLock) -> None:
        self._journal, self._lock = journal, lock

    def refuse_moved(self) -> None:
        """Raise StoreReplacedError, at a cost that each commit can bear: one look at the lock.

        Raises StorageError where that cannot be found out now.
        """
        try:
            self._lock.refuse_moved()
        except StoreReplacedError as error:
            self._journal.set_poison(error)
            raise

    def refuse_replaced(self) -> None:
        """As `refuse_moved`, with a look at the path and at the journal's file."""
        try:
            self._lock.refuse_replaced()
            self._journal.refuse_deleted()
        except StoreReplacedError as error:
            self._journal.set_poison(error)
            raise
