"""Whether a handle may still be used: it was closed, forked, poisoned, or its store was replaced."""

from __future__ import annotations

from contextlib import suppress
from typing import NoReturn

from diptych import fs
from diptych.errors import (
    DiptychError,
    ForkedProcessError,
    ReadOnlyError,
    StateTransitionError,
    StoreClosedError,
    StoreReplacedError,
)
from diptych.journal.writer import JournalWriter
from diptych.store.state import StateMachine, Status, StoreState

_REOPEN = "close the store and open it again: recovery tells what survived"


class Liveness:
    """Asked before each use of a handle, and by a writer before it acknowledges or publishes anything."""

    def __init__(
        self, path: str, states: StateMachine, journal: JournalWriter | None, lock: fs.WriterLock | None
    ) -> None:
        self.reason: DiptychError | None = None
        """Why the handle is of no more use, once it is closed or forked."""
        self._path, self._states = path, states
        self._journal, self._lock = journal, lock

    def check(self) -> None:
        """Raise StoreClosedError or ForkedProcessError where the handle may not even be read any more."""
        if self.reason is not None:
            raise self.reason

    def writer(self) -> JournalWriter:
        """The journal to write to.

        Raises StoreClosedError, ForkedProcessError, ReadOnlyError, PoisonedError, StoreReplacedError.
        """
        if self.reason is not None:
            raise self.reason
        if self._journal is None:
            raise ReadOnlyError(f"{self._path} was opened with read_only=True")
        if self._journal.poison is not None:
            self._refuse_poisoned(self._journal)
        return self._journal

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError, and write no more, unless the writer's store is still at its path.

        Raises StorageError where that cannot be found out now.
        """
        if self._journal is not None and self._lock is not None:
            try:
                self._lock.refuse_replaced()
                self._journal.refuse_deleted()
            except StoreReplacedError as error:
                self._journal.set_poison(error)
                raise

    def refuse_moved(self, journal: JournalWriter) -> None:
        """As `refuse_replaced`, at a cost that each commit can bear: one look at the lock."""
        if self._lock is not None:
            try:
                self._lock.refuse_moved()
            except StoreReplacedError as error:
                journal.set_poison(error)
                raise

    def close(self) -> StoreClosedError:
        """The handle is of no more use. Returns what is raised from now on."""
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

    def _refuse_poisoned(self, journal: JournalWriter) -> NoReturn:
        if self._states.state.status is not Status.CORRUPTED and self.reason is None:
            with suppress(StateTransitionError):  # It was closed meanwhile.
                self._states.move(StoreState(Status.CORRUPTED, (), f"poisoned: {journal.poison}", (_REOPEN,)))
        journal.refuse_poisoned()
        raise AssertionError
