"""A fixed course of commits, checkpoints, reads, closes and opens, which goes on after every error."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from diptych import CheckpointPolicy, DiptychError, SegmentBuilder, Store
from diptych.schema.code import CODE

from .ledger import Event, changes, log_path, shared_to_remove

MANUAL = CheckpointPolicy(automatic=False)
_COURSE = "tatcttacrtcxtacrtx"
_OPENS_MOST = 3
# What a fault that is not the operating system's may raise.
_INTERRUPTS = (KeyboardInterrupt, MemoryError)
# After these the handle must write no more.
_REFUSING = ("PoisonedError", "CommitInDoubtError", "TransactionError")


class Course:
    """Runs the course on a store, and tells `emit` what happened."""

    def __init__(self, path: str, emit: Callable[[Event], object], course: str = _COURSE) -> None:
        """`course`: t a transaction, a one that adopts, c a checkpoint, r reads, x close and open again."""
        self.path, self.emit, self.course = path, emit, course
        self.store: Store | None = None
        self.acked: dict[int, Any] = {}
        self.refusing = False
        self.k = 0

    def run(self) -> None:
        """All of it. Lets through only what is neither Diptych's error nor an interrupt."""
        acts = {
            "t": self._transaction,
            "a": self._adoption,
            "c": self._checkpoint,
            "r": self._reads,
            "x": self._again,
        }
        for step in self.course:
            if self.store is None and not self._open():
                return
            self._guarded(acts[step])
            if self.refusing:
                self._guarded(self._transaction)
                self._guarded(self._checkpoint)
                self._guarded(self._again)
        self._guarded(self._close)

    def _guarded(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except _INTERRUPTS as error:
            self.emit(Event("met", text=type(error).__name__))
        except DiptychError as error:
            self.emit(Event("met", text=type(error).__name__))
        else:
            return True
        return False

    def _open(self) -> bool:
        for _ in range(_OPENS_MOST):
            if self._guarded(self._open_once):
                self.refusing = False
                return True
            # What an interrupted opening holds is given back when it is collected.
            gc.collect()
        return False

    def _open_once(self) -> None:
        self.store = Store.open(self.path, policy=MANUAL)

    def _adoption(self) -> None:
        self._transaction(adopts=True)

    def _transaction(self, *, adopts: bool = False) -> None:
        store = self.store
        if store is None:
            return
        self.k += 1
        k = self.k
        txn = None
        removed = shared_to_remove(k)
        if removed and removed not in store:
            removed = ""
        try:
            self.emit(Event("begin", k, text=removed))
            wanted = changes(k, removed)
            built = self._built(k, wanted) if adopts else ""
            with store.transaction() as txn:
                if adopts:
                    txn.adopt(built)
                for path, record in wanted.items():
                    if record is None:
                        txn.remove_file(path)
                    elif not adopts:
                        txn.index_file(record)
        except (DiptychError, *_INTERRUPTS) as error:
            name = type(error).__name__
            if txn is None:
                self.emit(Event("refused", k, text=name))
            else:
                self.emit(Event("failed", k, txn.lsn, name))
            self.refusing = self.refusing or name in _REFUSING
            return
        if self.refusing:
            self.emit(Event("violation", text=f"transaction {k} went through after the handle was poisoned"))
        self.emit(Event("acked", k, txn.lsn))
        self.acked[k] = changes(k, "")[log_path(k)]

    def _built(self, k: int, wanted: dict[str, Any]) -> str:
        """A segment of the records, beside the store."""
        with SegmentBuilder(CODE, f"{self.path}.built{k}") as builder:
            for record in filter(None, wanted.values()):
                builder.add(record)
            return builder.finish().path

    def _checkpoint(self) -> None:
        if self.store is not None:
            self.store.checkpoint()

    def _reads(self) -> None:
        """What was acknowledged is there, by every way of reading; an error is an answer too."""
        store = self.store
        if store is None:
            return
        for k, record in self.acked.items():
            if store.file(log_path(k)) != record:
                self.emit(Event("violation", text=f"the record of transaction {k} reads otherwise"))
        paths = {file.path for file in store.files()}
        hits = {hit.path for hit in store.search("kind:function", limit=1_000)}
        for k, record in self.acked.items():
            has_function = any(symbol.kind == "function" for symbol in record.symbols)
            if log_path(k) not in paths or has_function != (log_path(k) in hits):
                self.emit(Event("violation", text=f"transaction {k} is not found by files() or search()"))
            for symbol in record.symbols[:1]:
                if log_path(k) not in {hit.path for hit in store.symbols(symbol.name)}:
                    self.emit(Event("violation", text=f"transaction {k} is not found by symbols()"))

    def _again(self) -> None:
        self._guarded(self._close)
        self._open()

    def _close(self) -> None:
        store, self.store = self.store, None
        if store is not None:
            try:
                store.close()
            finally:
                del store
                gc.collect()
