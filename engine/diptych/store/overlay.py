"""The overlay: what was committed since the newest generation, held as places in the journal.

The records of an adopted segment are in it too, held as places in the segment, which also is what finds them
by a term or a query.

It is ordered by LSN and only grows, so that a view at an older LSN reads the same object as the store does. A
checkpoint does not shrink it either: the store goes on with a new one, and the old lives as long as a view.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from diptych.change import Change, FileIndexed, FileRemoved, term_hash
from diptych.errors import CorruptionError
from diptych.metadata import Metadata
from diptych.schema.base import Schema
from diptych.search.bounded import IN_MEMORY
from diptych.store.adopted import AdoptedSegment, is_adopted
from diptych.store.ranges import Bounds

if TYPE_CHECKING:
    from diptych.search.index import SearchIndex
    from diptych.search.memory import MemorySearch
    from diptych.segment.names import SegmentNames


class OverlayEntry:
    """A change, with its LSN. `older` is the change to the same key before it."""

    __slots__ = ("change", "lsn", "older")

    def __init__(self, lsn: int, change: Change, older: OverlayEntry | None) -> None:
        self.lsn = lsn
        self.change = change
        self.older = older


class Overlay:
    """Changes in LSN order. Appended to by one thread at a time, read by any."""

    def __init__(self, schema: Schema[Any]) -> None:
        self.schema = schema
        self._newest: dict[bytes, OverlayEntry] = {}
        self.log: list[OverlayEntry] = []
        self.adopted: list[tuple[int, AdoptedSegment]] = []
        """The segments that were adopted, each after the LSN of its transaction."""
        self._adopted_records = 0
        self._described: list[Metadata] = []
        self._lock = threading.Lock()
        self._terms: list[dict[bytes, list[tuple[FileIndexed, int]]]] = [{} for _ in schema.indexes]
        self._termed = 0
        self._names: dict[int, tuple[int, SegmentNames]] = {}
        self._unreadable: list[FileIndexed] = []
        self._memory: MemorySearch | None = None
        self._searchable = 0
        self._index: SearchIndex | None = None
        self._keys_by_hash: dict[int, list[bytes]] = {}

    def append(self, lsn: int, change: Change) -> None:
        """Add a change of transaction `lsn`; a record's payload is in the journal, not in memory."""
        newest = self._newest
        entry = OverlayEntry(lsn, change, newest.get(change.key))
        newest[change.key] = entry
        self.log.append(entry)

    def adopt(self, lsn: int, segment: AdoptedSegment) -> None:
        """Add the records of a segment that transaction `lsn` adopted. Raises CorruptSnapshotError."""
        for change in segment.changes:
            self.append(lsn, change)
        # Last: a reader that sees the segment finds its records.
        self.adopted.append((lsn, segment))
        self._adopted_records += len(segment)

    def adopted_until(self, lsn: int) -> list[AdoptedSegment]:
        """The segments that were adopted at or before `lsn`."""
        return [segment for adopted_lsn, segment in self.adopted if adopted_lsn <= lsn]

    def describe(self, lsn: int, metadata: bytes) -> None:
        """Add the metadata of transaction `lsn`, b"" where it has none."""
        if metadata:
            self._described.append(Metadata(lsn, metadata))

    def metadata(self, lsn: int) -> Metadata | None:
        """The newest metadata at or before `lsn`; None where the generation's counts."""
        return next((one for one in reversed(self._described) if one.lsn <= lsn), None)

    def get(self, key: bytes, lsn: int) -> Change | None:
        """The newest change to `key` at or before `lsn`; None where the generation's record counts."""
        entry = self._newest.get(key)
        while entry is not None and entry.lsn > lsn:
            entry = entry.older
        return entry.change if entry is not None else None

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
        return any(
            isinstance(entry.change, FileIndexed) and newest[entry.change.key] is entry
            for entry in reversed(self.log)
        )

    def changes(self, lsn: int) -> list[OverlayEntry]:
        """The newest change to each key at or before `lsn`, in key order."""
        newest = {entry.change.key: entry for entry in self.log[: self.position(lsn)]}
        return [newest[key] for key in sorted(newest)]

    def between(self, after: int, lsn: int) -> list[OverlayEntry]:
        """The newest change to each key among those after `after` and at or before `lsn`."""
        entries = self.log[self.position(after) : self.position(lsn)]
        return list({entry.change.key: entry for entry in entries}.values())

    def since(self, lsn: int, schema: Schema[Any]) -> Overlay:
        """A new overlay of what is newer than `lsn`."""
        rest = Overlay(schema)
        for entry in self.log[self.position(lsn) :]:
            rest.append(entry.lsn, entry.change)
        rest.adopted = [(adopted_lsn, segment) for adopted_lsn, segment in self.adopted if adopted_lsn > lsn]
        rest._adopted_records = sum(len(segment) for _, segment in rest.adopted)
        rest._described = [one for one in self._described if one.lsn > lsn]
        return rest

    def lookup(self, index: int, term: bytes, lsn: int) -> Iterator[tuple[FileIndexed, list[int]]]:
        """The records current at `lsn` that have `term` in an index, each with its items."""
        with self._lock:
            self._extract_new_terms(lsn)
            found = list(self._terms[index].get(term, ()))
        items: dict[int, tuple[FileIndexed, list[int]]] = {}
        for change, item in found:
            if self.get(change.key, lsn) is change:
                items.setdefault(id(change), (change, []))[1].append(item)
        yield from items.values()
        for segment in self.adopted_until(lsn):
            for key, _, some in segment.records.lookup(index, term):
                current = self.get(key, lsn)
                if isinstance(current, FileIndexed) and segment.has(current):
                    yield current, some

    def terms(self, index: int, bounds: Bounds, lsn: int) -> list[Iterator[tuple[bytes, int]]]:
        """The terms of an index in the records current at `lsn`, each with how many entries it has.

        In parts, as `LiveRecords.terms_between`.
        """
        with self._lock:
            self._extract_new_terms(lsn)
            known = self._terms[index].items()
            found = [(term, list(some)) for term, some in known if bounds.holds(term)]
        counted = [
            (term, sum(self.get(change.key, lsn) is change for change, _ in some)) for term, some in found
        ]
        parts = [iter(sorted(counted))]
        for segment in self.adopted_until(lsn):
            replaced = [
                record
                for change in segment.changes
                if not self._is_current(segment, change.key, lsn)
                and (record := segment.records.get(change.key)) is not None
            ]
            parts += segment.records.terms_between(index, bounds, replaced)
        return parts

    def names(self, index: int, lsn: int) -> Iterator[SegmentNames]:
        """The terms of an index in the records since the generation, of replaced ones too, in parts."""
        from diptych.segment.names import names_of_terms

        with self._lock:
            self._extract_new_terms(lsn)
            made = self._names.get(index)
            if made is None or made[0] != self._termed:
                # Each with no number: who asks counts nothing.
                made = self._names[index] = self._termed, names_of_terms(dict.fromkeys(self._terms[index], 0))
        yield made[1]
        for segment in self.adopted_until(lsn):
            yield from segment.records.names(index)

    def _is_current(self, segment: AdoptedSegment, key: bytes, lsn: int) -> bool:
        current = self.get(key, lsn)
        return isinstance(current, FileIndexed) and segment.has(current)

    def _extract_new_terms(self, lsn: int) -> None:
        """Take in the terms of what was appended since the last time. The caller holds the lock."""
        for entry in self.log[self._termed : len(self.log)]:
            change = entry.change
            if isinstance(change, FileIndexed) and not is_adopted(change):
                try:
                    self._extract_terms(change)
                except CorruptionError:
                    self._unreadable.append(change)
            self._termed += 1
        # Ignore superseded changes; if a current one cannot be read, fail: it may have the term.
        for change in [change for change in self._unreadable if self.get(change.key, lsn) is change]:
            self._extract_terms(change)
            self._unreadable.remove(change)

    def _extract_terms(self, change: FileIndexed) -> None:
        indexes = [list(pairs) for pairs in self.schema.terms(change.payload)]
        for terms, pairs in zip(self._terms, indexes, strict=True):
            for some, item in pairs:
                terms.setdefault(some, []).append((change, item))

    def search_index(self, lsn: int) -> SearchIndex | None:
        """The records current at `lsn`, searchable; None where there are none to search.

        Without those of adopted segments, which have search indexes of their own.
        """
        position = self.position(lsn)
        if not position or len(self.log) == self._adopted_records:
            return None
        from diptych.search.memory import MemorySearch

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
        newest = {entry.change.key: entry.change for entry in self.log[begin:end]}
        for key, change in newest.items():
            if is_adopted(change):
                if key not in self.keys_of(term_hash(key)):
                    continue
                # What the index has of it was replaced.
                change = FileRemoved(key)
            keys = self._keys_by_hash.setdefault(term_hash(key), [])
            if key not in keys:
                keys.append(key)
            memory.apply(change)
        return memory.commit()


def _lsn_of(entry: OverlayEntry) -> int:
    return entry.lsn
