"""What a store is doing, as its handle's state and journal say at this moment."""

from __future__ import annotations

from enum import Enum

from diptych.values import Value


class Status(Enum):
    """The states of a store."""

    EMPTY = "empty"
    READY = "ready"
    INDEXING = "indexing"
    SAVING = "saving"
    CORRUPTED = "corrupted"
    CLOSED = "closed"


class StoreState(Value):
    """One state, immutable. `transactions` are those open now, when INDEXING; the rest when CORRUPTED."""

    status: Status
    transactions: tuple[int, ...] = ()
    reason: str = ""
    suggestions: tuple[str, ...] = ()
