"""What is open of a store: the view that reads see, and whether the handle may still be used."""

from __future__ import annotations

import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from diptych.errors import CorruptSearchError, StorageError
from diptych.schema.base import Record, Schema
from diptych.store.current import Current
from diptych.store.generation import Generation
from diptych.store.healing import Healing
from diptych.store.liveness import Liveness
from diptych.store.manifest import Identity
from diptych.store.metrics import StoreMetrics
from diptych.store.opening import Opened
from diptych.store.report import Finding
from diptych.store.state import StoreState
from diptych.store.view import View

Answer = TypeVar("Answer")

# How often a read begins again because the generation that it began with was removed meanwhile.
REMOVED_TRIES = 20


class Handle(ABC, Generic[Record]):
    """A `StoreWriter` or a `StoreReader`. All methods may be called from any thread."""

    def __init__(
        self,
        opened: Opened,
        schema: Schema[Record],
        view_type: type[View[Record]],
        healing: Healing,
    ) -> None:
        self.path = opened.path
        self.schema = schema
        self.identity: Identity = opened.identity
        self.recovery: list[Finding] = opened.findings
        """What recovery found when the store was opened, or when a reader opened it again."""
        self.alive = Liveness(opened.path)
        healing.segments |= opened.damaged
        view = view_type(schema, opened.base, opened.overlay, opened.lsn, healing)
        self.current: Current[Record] = Current(view)
        self._closing = threading.RLock()
        self._is_closed = False
        _HANDLES.add(self)

    @abstractmethod
    def view(self) -> View[Record]:
        """A view of the caller's own. Raises StorageError, CorruptionError, StoreClosedError."""

    def searched(self, ask: Callable[[View[Record]], Answer]) -> Answer:
        """What `ask` answers from the search index of the newest view; see `RecordStore.search`."""
        for _ in range(REMOVED_TRIES):
            view = self.current.view
            try:
                return ask(view)
            except (CorruptSearchError, StorageError):
                if not self.overtaken(view.generation):
                    raise
        return ask(self.current.view)

    @abstractmethod
    def overtaken(self, base: Generation | None) -> bool:
        """Whether a read failed only because `base` was replaced and removed; then a newer view is there."""

    @abstractmethod
    def refresh(self) -> int:
        """Follow the writer's commits; returns the LSN of the view."""

    @abstractmethod
    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError where another store is at the path now, or none."""

    @abstractmethod
    def durable_lsn(self) -> int | None:
        """Up to which LSN transactions are durable, after those were synced that are not; None if unknown."""

    @abstractmethod
    def wait(self, lsn: int, timeout_s: float | None) -> bool:
        """See `RecordStore.wait`."""

    @property
    @abstractmethod
    def state(self) -> StoreState:
        """What the store is doing; never blocks."""

    def metrics(self) -> StoreMetrics:
        """See `RecordStore.metrics`."""
        return StoreMetrics(0, 0, 0, 0, 0.0, 0.0, self.current.healing.reads)

    @property
    @abstractmethod
    def modified_ms(self) -> int:
        """When the newest transaction was committed, as far as known."""

    @property
    @abstractmethod
    def checkpoint_error(self) -> Exception | None:
        """Why the last automatic checkpoint failed."""

    def close(self) -> None:
        """See `RecordStore.close`."""
        if self._is_closed:
            return
        with self._closing:
            if not self._is_closed:
                self._close()
            # Last: a close that was interrupted can be called again, and gives back what is still held.
            self._is_closed = True

    @abstractmethod
    def _close(self) -> None:
        """Close once; again where an interrupt cut the first call short."""

    def fork(self) -> None:
        """In a forked child: what this handle holds is the parent's, and is not touched."""
        self._is_closed = True
        if self.alive.reason is None:
            with suppress(Exception):
                self.current.close(self.alive.fork())


_HANDLES: weakref.WeakSet[Handle[Any]] = weakref.WeakSet()


def _fork_all() -> None:
    for handle in list(_HANDLES):
        handle.fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
