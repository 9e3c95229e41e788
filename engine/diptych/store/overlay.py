"""The overlay: what was committed since the newest generation, held as places in the journal.

It is ordered by LSN and only grows, so that a view at an older LSN reads the same object as the store does. A
checkpoint does not shrink it either: the store goes on with a new one, and the old lives as long as a view.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from diptych.checks import check_of, term_hash
from diptych.errors import CorruptionError, CorruptJournalError
from diptych.journal.segment import Segment
from diptych.schema.base import Schema
from diptych.search.bounded import IN_MEMORY
from diptych.search.index import SearchIndex
from diptych.search.memory import MemorySearch


class Entry:
    """One change to one key. `segment` is None for a removal; `older` is the change to the key before."""

    __slots__ = ("check", "key", "length", "lsn", "offset", "older", "segment")

    def __init__(
        self, lsn: int, key: bytes, check: int, segment: Segment | None, offset: int, length: int, older: Any
    ) -> None:
        self.lsn = lsn
        self.key = key
        self.check = check
        self.segment = segment
        self.offset = offset
        self.length = length
        self.older: Entry | None = older

    def payload(self) -> bytes:
        """The record's bytes, checked. Raises CorruptJournalError."""
        assert self.segment is not None
        payload = self.segment.read_exactly(self.offset, self.length)
        if check_of(self.key, payload) != self.check:
            where = f"{self.segment.path}@{self.offset}"
            raise CorruptJournalError(f"{where}: the record of {self.key!r} fails its check", where=where)
        return payload


class Overlay:
    """Changes in LSN order. Appended to by one thread at a time, read by any."""

    def __init__(self, schema: Schema[Any]) -> None:
        self.schema = schema
        self._newest: dict[bytes, Entry] = {}
        self.log: list[Entry] = []
        self._lock = threading.Lock()
        self._terms: list[dict[bytes, list[tuple[Entry, int]]]] = [{} for _ in schema.indexes]
        self._termed = 0
        self._unreadable: list[Entry] = []
        self._memory: MemorySearch | None = None
        self._searchable = 0
        self._index: SearchIndex | None = None
        self._keys_by_hash: dict[int, list[bytes]] = {}

    def put(self, lsn: int, key: bytes, check: int, segment: Segment, offset: int, length: int) -> None:
        """A record whose payload stands at `offset` of `segment`."""
        newest = self._newest
        entry = Entry(lsn, key, check, segment, offset, length, newest.get(key))
        newest[key] = entry
        self.log.append(entry)

    def remove(self, lsn: int, key: bytes) -> None:
        """A removal."""
        entry = Entry(lsn, key, 0, None, 0, 0, self._newest.get(key))
        self._newest[key] = entry
        self.log.append(entry)

    def get(self, key: bytes, lsn: int) -> Entry | None:
        """The newest change to `key` at or before `lsn`; None where the generation's record stands."""
        entry = self._newest.get(key)
        while entry is not None and entry.lsn > lsn:
            entry = entry.older
        return entry

    def position(self, lsn: int) -> int:
        """How many entries of the log are at or before `lsn`."""
        log = self.log
        # The length once: another thread may append meanwhile.
        length = len(log)
        if not length or log[length - 1].lsn <= lsn:
            return length
        return bisect_right(log, lsn, hi=length, key=_lsn_of)

    def has_records(self) -> bool:
        """Whether any newest change is a record; the newest of all most often is."""
        newest = self._newest
        return any(entry.segment is not None and newest[entry.key] is entry for entry in reversed(self.log))

    def changes(self, lsn: int) -> list[Entry]:
        """The newest change to each key at or before `lsn`, in key order."""
        newest = {entry.key: entry for entry in self.log[: self.position(lsn)]}
        return [newest[key] for key in sorted(newest)]

    def between(self, after: int, lsn: int) -> list[Entry]:
        """The newest change to each key among those after `after` and at or before `lsn`."""
        entries = self.log[self.position(after) : self.position(lsn)]
        return list({entry.key: entry for entry in entries}.values())

    def since(self, lsn: int, schema: Schema[Any]) -> Overlay:
        """A new overlay of what is newer than `lsn`."""
        rest = Overlay(schema)
        for entry in self.log[self.position(lsn) :]:
            if entry.segment is None:
                rest.remove(entry.lsn, entry.key)
            else:
                rest.put(entry.lsn, entry.key, entry.check, entry.segment, entry.offset, entry.length)
        return rest

    def lookup(self, index: int, term: bytes, lsn: int) -> Iterator[tuple[Entry, list[int]]]:
        """The records current at `lsn` that have `term` in an index, each with its items."""
        with self._lock:
            position = len(self.log)
            for entry in self.log[self._termed : position]:
                try:
                    self._learn_terms(entry)
                except CorruptionError:
                    self._unreadable.append(entry)
                self._termed += 1
            # One that was replaced is nobody's concern; one that counts may have the term, and not to know
            # that is no answer.
            for entry in [entry for entry in self._unreadable if self.get(entry.key, lsn) is entry]:
                self._learn_terms(entry)
                self._unreadable.remove(entry)
            found = list(self._terms[index].get(term, ()))
        items: dict[int, tuple[Entry, list[int]]] = {}
        for entry, item in found:
            if entry.lsn <= lsn and self.get(entry.key, lsn) is entry:
                items.setdefault(id(entry), (entry, []))[1].append(item)
        yield from items.values()

    def _learn_terms(self, entry: Entry) -> None:
        if entry.segment is None:
            return
        indexes = [list(pairs) for pairs in self.schema.terms(entry.payload())]
        for terms, pairs in zip(self._terms, indexes, strict=True):
            for some, item in pairs:
                terms.setdefault(some, []).append((entry, item))

    def search_index(self, lsn: int) -> SearchIndex | None:
        """The records current at `lsn`, searchable; None where there are none to search."""
        position = self.position(lsn)
        if not position:
            return None
        with self._lock:
            if self._searchable > position:
                # A view older than what the shared index has come to: it gets one of its own.
                return self._feed(MemorySearch(self.schema), 0, position)
            if self._memory is None:
                self._memory = MemorySearch(self.schema)
            if self._searchable < position or self._index is None:
                try:
                    self._index = self._feed(self._memory, self._searchable, position)
                    self._searchable = position
                except BaseException:
                    # A writer of Tantivy's that failed once may fail for ever.
                    self._memory, self._index, self._searchable = None, None, 0
                    raise
            index = self._index
        IN_MEMORY.use(self)
        return index

    def release_search(self) -> None:
        """Let go of the index in memory, unless it is in use; views that searched in it still have it."""
        if self._lock.acquire(blocking=False):
            try:
                self._memory, self._index, self._searchable = None, None, 0
            finally:
                self._lock.release()

    def keys_of(self, hash_: int) -> list[bytes]:
        """The keys whose hash is `hash_`, among those made searchable."""
        return self._keys_by_hash.get(hash_, [])

    def _feed(self, memory: MemorySearch, begin: int, end: int) -> SearchIndex:
        newest = {entry.key: entry for entry in self.log[begin:end]}
        for key, entry in newest.items():
            keys = self._keys_by_hash.setdefault(term_hash(key), [])
            if key not in keys:
                keys.append(key)
            memory.replace(key, entry.payload() if entry.segment is not None else None)
        return memory.commit()


def _lsn_of(entry: Entry) -> int:
    return entry.lsn
