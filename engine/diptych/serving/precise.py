"""What imported indexes say of the files, from the store of precise answers inside the index's own.

It is read beside a running import, as any store is. Where it cannot be opened, there are no precise answers.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from functools import cached_property

from diptych import layout
from diptych.errors import DiptychError, NotAStoreError
from diptych.schema.precise import DEFINITION, PRECISE, Occurrence, PreciseRecord, SymbolInformation
from diptych.store.healing import log
from diptych.store.store import RecordStore

_FILES = 256


def precise_path(store_path: str) -> str:
    """Where the precise answers of the index at `store_path` are."""
    return os.path.join(store_path, layout.PRECISE)


def refuse_link(path: str) -> None:
    """Raise NotAStoreError where the folder of precise answers is a link, which may lead anywhere."""
    if os.path.islink(path):
        raise NotAStoreError(f"{path} is a symbolic link, which is not followed", advice="remove the link")


class PreciseFile:
    """The imported facts of one file, ready for look-ups."""

    def __init__(self, record: PreciseRecord) -> None:
        self.record = record

    def at(self, row: int, column: int) -> list[Occurrence]:
        """The narrowest at a place, or just before it; several where one name means several."""
        place = (row, column)
        around = [one for one in self._by_row.get(row, ()) if one.range[:2] <= place <= one.range[2:]]
        around = [one for one in around if place < one.range[2:]] or around
        if not around:
            return []
        narrowest = min(one.range[3] - one.range[1] for one in around)
        return [one for one in around if one.range[3] - one.range[1] == narrowest]

    def occurrences_of(self, symbol: str) -> list[Occurrence]:
        """Where the file mentions a symbol, in order."""
        return self._by_symbol.get(symbol, [])

    def definitions_of(self, symbol: str) -> list[Occurrence]:
        """Where the file defines a symbol."""
        return [one for one in self.occurrences_of(symbol) if one.roles & DEFINITION]

    def information(self, symbol: str) -> SymbolInformation | None:
        """What is said of a symbol."""
        return self._informations.get(symbol)

    @cached_property
    def _informations(self) -> dict[str, SymbolInformation]:
        return {one.symbol: one for one in self.record.symbols}

    @cached_property
    def _by_row(self) -> dict[int, list[Occurrence]]:
        """Those of one row that are not empty: what a person points at."""
        found: dict[int, list[Occurrence]] = {}
        for one in self.record.occurrences:
            row, start, end_row, end = one.range
            if row == end_row and start < end:
                found.setdefault(row, []).append(one)
        return found

    @cached_property
    def _by_symbol(self) -> dict[str, list[Occurrence]]:
        found: dict[str, list[Occurrence]] = {}
        for one in self.record.occurrences:
            found.setdefault(one.symbol, []).append(one)
        return found


class Precise:
    """The precise answers beside an index, as of the newest import. Not thread-safe. Close it."""

    def __init__(self, store_path: str) -> None:
        self._path = precise_path(store_path)
        self._identity = os.path.join(self._path, layout.IDENTITY)
        self._store: RecordStore[PreciseRecord] | None = None
        self._files: OrderedDict[str, PreciseFile | None] = OrderedDict()

    def close(self) -> None:
        """Read no more from it."""
        self._files.clear()
        if self._store is not None:
            self._store.close()
            self._store = None

    def __len__(self) -> int:
        """How many files have imported facts. As of the last `begin`."""
        return len(self._store) if self._store is not None else 0

    @property
    def state(self) -> str:
        """Which imports it has, as of the last `begin`: the same words for the same ones. "" for none."""
        return f"{self._store.store_id}@{self._store.lsn}" if self._store is not None else ""

    @property
    def is_there(self) -> bool:
        """Whether anything was imported. As of the last `begin`."""
        return self._store is not None

    def begin(self) -> None:
        """A new question: what was imported since is seen. Never raises for the state of the store."""
        try:
            if self._store is not None:
                self._store.refuse_replaced()
                before = self._store.lsn
                if self._store.refresh() != before:
                    self._files.clear()
            elif os.path.lexists(self._identity):
                refuse_link(self._path)
                self._store = RecordStore.open_with(self._path, PRECISE, read_only=True)
        except DiptychError as error:
            log.warning("there are no precise answers: %s", error)
            self.close()

    def file(self, path: str, digest: str) -> PreciseFile | None:
        """What was imported of a file with that content hash, or None. Raises CorruptionError."""
        if path not in self._files:
            record = self._store.get(path) if self._store is not None else None
            self._files[path] = PreciseFile(record) if record is not None else None
            while len(self._files) > _FILES:
                self._files.popitem(last=False)
        found = self._files[path]
        return found if found is not None and found.record.content_hash == digest else None

    def defining(self, symbol: str) -> list[str]:
        """The files that define a symbol, whether they have changed since or not; in path order."""
        return self._paths("definitions", symbol)

    def mentioning(self, symbol: str) -> list[str]:
        """The files that mention a symbol, whether they have changed since or not; in path order."""
        return self._paths("occurrences", symbol)

    def _paths(self, index: str, symbol: str) -> list[str]:
        return self._store.lookup(index, symbol) if self._store is not None else []
