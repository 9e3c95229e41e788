"""A view: every read there is, at one LSN, across both stores and the overlay."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, NoReturn, Self

from diptych.change import Change, FileIndexed, StoredRecord
from diptych.errors import CorruptSearchError, InvalidArgumentError, StoreClosedError
from diptych.schema.base import Buffer, Record, Schema
from diptych.search.index import Match, SearchIndex
from diptych.search.query import parse
from diptych.store.generation import Generation
from diptych.store.healing import Healing
from diptych.store.live import LiveRecords
from diptych.store.overlay import Overlay

# Search hits are read in batches of the limit and a little more, so that a few hidden ones cost nothing.
_SEARCH_SLACK = 8

# From a match, by its key's hash and its item, to what `Schema.item` makes of it.
ItemsOf = Callable[[int, int], list[Any]]


class View(Generic[Record]):
    """What a reader sees: one LSN. Unaffected by later commits and checkpoints, here and in other processes.

    Close it, or use it in a `with` statement: an open view keeps its generation from being removed.
    """

    def __init__(
        self,
        schema: Schema[Record],
        generation: Generation | None,
        overlay: Overlay,
        lsn: int,
        healing: Healing,
    ) -> None:
        self.schema = schema
        self.generation = generation
        self.overlay = overlay
        self.lsn = lsn
        self.healing = healing
        self._records = LiveRecords(generation.segments, schema, healing) if generation is not None else None
        self._closed: Exception | None = None
        self._count: int | None = None
        self._memory: SearchIndex | None = None
        self._prepared: SearchIndex | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def at(self, lsn: int) -> Self:
        """Another view of the same generation and overlay, at `lsn`."""
        return type(self)(self.schema, self.generation, self.overlay, lsn, self.healing)

    def close(self, reason: Exception | None = None) -> None:
        """Reads raise StoreClosedError (or `reason`) from now on. Closing twice is nothing."""
        if self._closed is None:
            self._closed = reason or StoreClosedError("the view is closed")

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed is not None

    def get(self, name: str) -> Record | None:
        """The record of that name, or None. Raises InvalidRecordError, CorruptionError, StoreClosedError."""
        key = self.schema.key(name)
        payload = self.payload(key)
        return None if payload is None else self.schema.unpack(key, payload)

    def payload(self, key: bytes) -> bytes | None:
        """The payload of a key, or None. Raises CorruptionError, StoreClosedError."""
        if self._closed is not None:
            self._refuse()
        change = self.overlay.get(key, self.lsn)
        if change is not None:
            return change.payload if isinstance(change, FileIndexed) else None
        stored = self._records.get(key) if self._records is not None else None
        return None if stored is None else stored.payload

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if self._closed is not None:
            self._refuse()
        return self.has_key(self.schema.key(name))

    def has_key(self, key: bytes) -> bool:
        """Whether there is a record of that key. Raises CorruptionError."""
        change = self.overlay.get(key, self.lsn)
        if change is not None:
            return isinstance(change, FileIndexed)
        return self._in_generation(key)

    def __len__(self) -> int:
        """How many records there are."""
        if self._closed is not None:
            self._refuse()
        if self._count is None:
            count = self.generation.manifest.records if self.generation is not None else 0
            for change in self._changes():
                count += isinstance(change, FileIndexed) - self._in_generation(change.key)
            self._count = count
        return self._count

    def records(self) -> Iterator[Record]:
        """All records, in key order, one at a time. Raises CorruptionError, StoreClosedError."""
        for record in self.stored():
            yield self.schema.unpack(record.key, record.payload)

    def stored(self) -> Iterator[StoredRecord]:
        """All records as they are stored, in key order."""
        if self._closed is not None:
            self._refuse()
        changes = self._changes()
        position = 0
        for record in self._records.scan() if self._records is not None else ():
            while position < len(changes) and changes[position].key < record.key:
                yield from _stored(changes[position])
                position += 1
            if position < len(changes) and changes[position].key == record.key:
                continue
            if self._closed is not None:
                self._refuse()
            yield record
        for change in changes[position:]:
            yield from _stored(change)

    def lookup(self, index: str, term: str) -> list[Any]:
        """The hits of an exact term in one of the schema's indexes, in key order.

        Raises CorruptionError, StoreClosedError, and InvalidArgumentError for an index that the schema
        does not have.
        """
        if self._closed is not None:
            self._refuse()
        if index not in self.schema.indexes:
            known = ", ".join(self.schema.indexes) or "none"
            raise InvalidArgumentError(f"there is no index {index!r}", advice=f"the schema has: {known}")
        number = self.schema.indexes.index(index)
        try:
            encoded = term.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return []
        found: list[tuple[bytes, list[Any]]] = []
        for record, items in self._records.lookup(number, encoded) if self._records is not None else ():
            if self.overlay.get(record.key, self.lsn) is None:
                hits = self.schema.matches(number, encoded, record.key, record.payload, items)
                found.append((record.key, hits))
        for change, items in self.overlay.lookup(number, encoded, self.lsn):
            hits = self.schema.matches(number, encoded, change.key, change.payload, items)
            found.append((change.key, hits))
        if len(found) == 1:
            return found[0][1]
        found.sort(key=lambda pair: pair[0])
        return [hit for _, hits in found for hit in hits]

    def search(self, query: str, limit: int = 20) -> list[Any]:
        """The best `limit` hits for a query, best first; for its language see docs/command-line.md.

        Changes since the newest generation are scored among themselves, as the shards of a distributed
        index are. Raises QueryError, CorruptionError, StorageError, StoreClosedError,
        and InvalidArgumentError for a limit below 1.
        """
        if self._closed is not None:
            self._refuse()
        if not hasattr(limit, "__index__") or limit < 1:
            raise InvalidArgumentError(f"limit is a whole number of 1 or more, not {limit!r}")
        memory = self._memory
        if memory is None:
            memory = self._memory = self.overlay.search_index(self.lsn)
        leaf = self._search_leaf()
        # An empty store, too, says what is wrong with a query.
        parsed = parse(query, self.schema)
        hits: list[Any] = []
        if memory is None and leaf is not None:
            # Nothing of the leaf is hidden: what Tantivy answers is the answer.
            for _, hit in self._hits(leaf.matches(leaf.compile(parsed), limit), self._generation_items()):
                hits.append(hit)
                if len(hits) == limit:
                    break
            return hits
        sources: list[Iterator[Any]] = []
        if leaf is not None:
            matches = leaf.matches(leaf.compile(parsed), limit + _SEARCH_SLACK)
            sources.append(self._hits(matches, self._generation_items()))
        if memory is not None:
            matches = memory.matches(memory.compile(parsed), limit + _SEARCH_SLACK)
            sources.append(self._hits(matches, self._overlay_items()))
        for _, hit in heapq.merge(*sources, key=_worse):
            hits.append(hit)
            if len(hits) == limit:
                break
        return hits

    def prepare(self) -> None:
        """Open the search index now, and keep it: so the view outlives its generation's directory."""
        self._prepared = self._search_leaf()

    def counts(self) -> dict[str, int]:
        """The schema's counters over all records."""
        totals = dict.fromkeys(self.schema.counters, 0)
        if self.generation is not None:
            totals.update(self.generation.manifest.counts)
        for change in self._changes():
            replaced = self._replaced(change.key)
            if replaced is not None:
                for name, count in zip(self.schema.counters, self.schema.counts(replaced), strict=True):
                    totals[name] -= count
            if isinstance(change, FileIndexed):
                counts = self.schema.counts(change.payload)
                for name, count in zip(self.schema.counters, counts, strict=True):
                    totals[name] += count
        return totals

    def _changes(self) -> list[Change]:
        """The overlay's change to each key, in key order."""
        return [entry.change for entry in self.overlay.changes(self.lsn)]

    def _replaced(self, key: bytes) -> bytes | None:
        """The generation's payload of a key that the overlay overrides."""
        stored = self._records.get(key) if self._records is not None else None
        return None if stored is None else stored.payload

    def _in_generation(self, key: bytes) -> bool:
        return self._records is not None and key in self._records

    def _search_leaf(self) -> SearchIndex | None:
        if self._prepared is not None:
            return self._prepared
        return self.generation.search() if self.generation is not None else None

    def _hits(self, matches: Iterator[Match], items: ItemsOf) -> Iterator[tuple[float, Any]]:
        """Each match's score and the schema's hit, best first."""
        hit = self.schema.hit
        for score, key_hash, item in matches:
            for found in items(key_hash, item):
                yield score, hit(found, score)

    def _generation_items(self) -> ItemsOf:
        """What a match of the search index stands for, unless the overlay overrides its record."""
        assert self.generation is not None
        known, overlay, lsn = self.generation.hits, self.overlay, self.lsn
        # Hits are often in the same few records.
        resolved: dict[int, Sequence[tuple[bytes, Buffer]]] = {}

        def items(key_hash: int, item: int) -> list[Any]:
            found = known.get((key_hash, item))
            if found is None:
                records = resolved.get(key_hash)
                if records is None:
                    records = resolved[key_hash] = self._by_key_hash(key_hash)
                found = self._items_in(records, item)
                known.keep((key_hash, item), found)
            return [one for key, one in found if overlay.get(key, lsn) is None]

        return items

    def _items_in(self, records: Sequence[tuple[bytes, Buffer]], item: int) -> list[tuple[bytes, Any]]:
        # In doubt only where two keys have one hash.
        schema, certain = self.schema, len(records) == 1
        return [
            (key, schema.item(key, payload, item))
            for key, payload in records
            if certain or any(other == item for other, _ in schema.documents(key, bytes(payload)))
        ]

    def _by_key_hash(self, key_hash: int) -> Sequence[tuple[bytes, Buffer]]:
        assert self._records is not None
        found = self._records.by_key_hash(key_hash)
        if not found:
            raise CorruptSearchError("the search index has a record that the snapshot has not")
        return found

    def _overlay_items(self) -> ItemsOf:
        resolved: dict[int, list[tuple[bytes, Buffer]]] = {}

        def items(key_hash: int, item: int) -> list[Any]:
            if key_hash not in resolved:
                changes = [self.overlay.get(key, self.lsn) for key in self.overlay.keys_of(key_hash)]
                resolved[key_hash] = [
                    (change.key, change.payload) for change in changes if isinstance(change, FileIndexed)
                ]
            return [found for _, found in self._items_in(resolved[key_hash], item)]

        return items

    def _refuse(self) -> NoReturn:
        assert self._closed is not None
        raise self._closed


def _worse(scored: tuple[float, Any]) -> float:
    return -scored[0]


def _stored(change: Change) -> Iterator[StoredRecord]:
    if isinstance(change, FileIndexed):
        yield StoredRecord(change.key, change.checksum, change.payload)
