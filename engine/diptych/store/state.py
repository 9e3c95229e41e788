"""What a store is doing: the states, and the table of transitions between them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum

from diptych.errors import StateTransitionError


class Status(Enum):
    """The states of a store."""

    LOADING = "loading"
    EMPTY = "empty"
    READY = "ready"
    INDEXING = "indexing"
    SAVING = "saving"
    CORRUPTED = "corrupted"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class StoreState:
    """One state, immutable. `transactions` are those open now, when INDEXING; the rest when CORRUPTED."""

    status: Status
    transactions: tuple[int, ...] = ()
    reason: str = ""
    suggestions: tuple[str, ...] = ()


_L, _E, _R, _I = Status.LOADING, Status.EMPTY, Status.READY, Status.INDEXING
_S, _C, _X = Status.SAVING, Status.CORRUPTED, Status.CLOSED

TRANSITIONS: dict[Status, frozenset[Status]] = {
    _L: frozenset({_E, _R, _C, _X}),
    _E: frozenset({_R, _I, _S, _C, _X}),
    _R: frozenset({_E, _I, _S, _C, _X}),
    # Commits go on while a checkpoint runs: INDEXING is shown while any transaction is open.
    _I: frozenset({_E, _R, _I, _S, _C, _X}),
    _S: frozenset({_E, _R, _I, _C, _X}),
    # Out of CORRUPTED leads only a new handle, after recovery or repair.
    _C: frozenset({_C, _X}),
    _X: frozenset(),
}


_ALLOWED = {
    status._value_: frozenset(to._value_ for to in following) for status, following in TRANSITIONS.items()
}


class StateMachine:
    """Holds the state. `state` may be read from any thread, without a lock: it is one immutable object."""

    def __init__(self) -> None:
        self.state = StoreState(Status.LOADING)
        self._lock = threading.Lock()
        self._saving = False

    def move(self, state: StoreState) -> None:
        """Enter `state`. Raises StateTransitionError where the table has no such transition."""
        with self._lock:
            self._move(state)

    def begin_transaction(self, number: int) -> None:
        """A transaction was opened."""
        with self._lock:
            self._move(StoreState(_I, (*self.state.transactions, number)))

    def end_transaction(self, number: int, *, empty: bool) -> None:
        """A transaction was committed or rolled back."""
        with self._lock:
            if self.state.status is not _I:
                return
            left = tuple(n for n in self.state.transactions if n != number)
            self._move(StoreState(_I, left) if left else self._rest(empty))

    def begin_saving(self) -> None:
        """A checkpoint begins."""
        with self._lock:
            self._saving = True
            if self.state.status in (_R, _E):
                self._move(StoreState(_S))

    def end_saving(self, *, empty: bool) -> None:
        """The checkpoint ended, well or not."""
        with self._lock:
            self._saving = False
            if self.state.status is _S:
                self._move(self._rest(empty))

    def _rest(self, empty: bool) -> StoreState:
        return StoreState(_S if self._saving else _E if empty else _R)

    def _move(self, state: StoreState) -> None:
        # By value: hashing a member of an Enum is a Python call, and this stands on the path of every commit.
        if state.status._value_ not in _ALLOWED[self.state.status._value_]:
            raise StateTransitionError(
                f"a store that is {self.state.status.value} cannot become {state.status.value}"
            )
        self.state = state
