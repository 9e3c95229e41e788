"""A view: every read there is, at one LSN, across both stores and the overlay."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self

from diptych import fs
from diptych.change import Change, FileIndexed, StoredRecord
from diptych.errors import InvalidArgumentError, StoreClosedError
from diptych.metadata import Metadata
from diptych.schema.base import Record, Schema
from diptych.schema.terms import Term, encode_term
from diptych.schema.undecodable import counts_of
from diptych.store.generation import Generation
from diptych.store.healing import Healing
from diptych.store.live import LiveRecords, Reading
from diptych.store.overlay import Overlay
from diptych.store.ranges import EVERYTHING, Bounds, Key, bounds_of, check_limit, merged

# Reading records needs nothing of the search: where it is used it is imported.
if TYPE_CHECKING:
    from diptych.search.index import SearchIndex
    from diptych.search.query.filters import Filters
    from diptych.search.query.nodes import Parsed
    from diptych.search.typed import Typed
    from diptych.store.hits import Source
    from diptych.store.results import Found, Hits


# So many hits of a term are kept in memory: as many as are shown to one who types.
_REMEMBERED_MAX = 64


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
        self._prepared_adopted: dict[str, SearchIndex] = {}

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

    def metadata(self) -> Metadata:
        """The newest transaction's metadata, of those that have any."""
        newest = self.overlay.metadata(self.lsn)
        if newest is None and self.generation is not None:
            newest = self.generation.manifest.metadata
        return newest or Metadata()

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

    def records(
        self,
        prefix: Key = "",
        start: Key | None = None,
        stop: Key | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """The records with that prefix, from `start`, before `stop`, in key order, one at a time.

        Without these: all. What is before is not read. Raises CorruptionError, StoreClosedError,
        InvalidArgumentError.
        """
        for record in self._between(bounds_of(prefix, start, stop), reverse=reverse, limit=limit):
            yield self.schema.unpack(record.key, record.payload)

    def keys(
        self,
        prefix: Key = "",
        start: Key | None = None,
        stop: Key | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[bytes]:
        """The keys of `records`, without unpacking any. Raises as `records` does."""
        if self._closed is not None:
            self._refuse()
        check_limit(limit)
        bounds = bounds_of(prefix, start, stop)
        changes = {change.key: change for change in self._changes() if bounds.holds(change.key)}
        found = self._records.keys_between(bounds, reverse=reverse) if self._records is not None else iter(())
        if changes:
            new = [key for key in sorted(changes, reverse=reverse) if isinstance(changes[key], FileIndexed)]
            found = heapq.merge((key for key in found if key not in changes), new, reverse=reverse)
        for key in islice(found, limit):
            if self._closed is not None:
                self._refuse()
            yield key

    def get_many(self, names: Iterable[str]) -> list[Record | None]:
        """The record of each name, or None, in the order of the names. Raises as `get` does."""
        return [self.get(name) for name in names]

    def _between(self, bounds: Bounds, *, reverse: bool, limit: int | None) -> Iterator[StoredRecord]:
        if self._closed is not None:
            self._refuse()
        check_limit(limit)
        changes = [change for change in self._changes() if bounds.holds(change.key)]
        stored = self._records.between(bounds, reverse=reverse) if self._records is not None else iter(())
        found = merged(stored, changes, reverse=reverse)
        for record in islice(found, limit):
            if self._closed is not None:
                self._refuse()
            yield record

    def stored(self) -> Iterator[StoredRecord]:
        """All records as they are stored, in key order."""
        yield from self._between(EVERYTHING, reverse=False, limit=None)

    def lookup(self, index: str, term: Term, *, limit: int | None = None) -> list[Any]:
        """The hits of an exact term in one of the schema's indexes, in key order; `limit` at most.

        A term is a str, bytes or an int of 64 bits: `diptych.encode_term` says how each is written. Raises
        CorruptionError, StoreClosedError, and InvalidArgumentError for an index that the schema does not
        have, or a term of another type.
        """
        check_limit(limit)
        return list(islice(self._lookup(self._index(index), encode_term(term)), limit))

    def lookup_many(self, index: str, terms: Iterable[Term]) -> dict[Term, list[Any]]:
        """The hits of each term, by term. Raises as `lookup` does."""
        return {term: self.lookup(index, term) for term in terms}

    def lookup_count(self, index: str, term: Term) -> int:
        """How many hits `lookup` has. Raises as it does."""
        return sum(1 for _ in self._lookup(self._index(index), encode_term(term)))

    def terms(self, index: str, prefix: Term = "", *, limit: int | None = None) -> list[tuple[bytes, int]]:
        """The terms of an index with a prefix, in their order, each with how many entries it has.

        Raises as `lookup` does.
        """
        check_limit(limit)
        number, bounds = self._index(index), bounds_of(encode_term(prefix), None, None)
        changed = [change.key for change in self._changes()]
        parts: list[Iterator[tuple[bytes, int]]] = []
        if self._records is not None:
            replaced = filter(None, map(self._records.get, changed))
            parts += self._records.terms_between(number, bounds, replaced)
        if changed:
            parts += self.overlay.terms(number, bounds, self.lsn)
        return list(islice(parts[0] if len(parts) == 1 else _added_up(parts), limit))

    def names_like(self, index: str, typed: Typed, most: int) -> list[tuple[int, bytes]]:
        """The terms of an index of names that are like what was typed: the likeliest, then the shortest.
        Each after how it is like that.

        Some of them may be of no record any more. Those with the letters of what was typed in their order are
        looked for where few names begin so. Raises as `lookup` does.
        """
        number = self._index(index)
        if not typed.plain:
            return []
        parts = list(self._records.names(number)) if self._records is not None else []
        if self.overlay.position(self.lsn):
            parts += self.overlay.names(number, self.lsn)
        letters = [part.of_letter(typed.plain[0]) for part in parts]
        found = {name for names in letters for name in islice(names.beginning(typed), most)}
        near = most // 2 if len(found) < most // 2 else 0
        for names in letters:
            candidates = names.with_letters(typed)
            found.update(islice(candidates, near))
            if typed.has_humps:
                found.update(islice(filter(typed.is_by_humps, candidates), most))
        ranked = []
        for term in found:
            name = term.decode("utf-8", "surrogateescape")
            likeness = typed.likeness(name)
            if likeness is not None:
                ranked.append((likeness, len(name), term))
        ranked.sort()
        return [(likeness, term) for likeness, _, term in ranked[:most]]

    def _index(self, name: str) -> int:
        if self._closed is not None:
            self._refuse()
        if name not in self.schema.indexes:
            known = ", ".join(self.schema.indexes) or "none"
            raise InvalidArgumentError(f"there is no index {name!r:.100}", advice=f"the schema has: {known}")
        return self.schema.indexes.index(name)

    def lookup_again(self, index: str, term: bytes, limit: int) -> list[Any]:
        """`lookup` of a term that is likely to be asked for again soon, as those are that a name is typed by.

        Hits of the generation are remembered where they are few. Raises as `lookup` does.
        """
        number = self._index(index)
        generation, overlay, lsn = self.generation, self.overlay, self.lsn
        if generation is None or self._records is None:
            return list(islice(self._lookup(number, term), limit))
        known = generation.terms.get((number, term))
        if known is None:
            known = list(islice(self._hits_of(number, term, self._records), _REMEMBERED_MAX))
            generation.terms.keep((number, term), known)
        has_changes = overlay.position(lsn)
        found = [pair for pair in known if overlay.get(pair[0], lsn) is None] if has_changes else known
        if len(known) == _REMEMBERED_MAX and (limit > len(known) or len(found) < len(known)):
            # What comes after those that are remembered is wanted as well.
            return list(islice(self._lookup(number, term), limit))
        if has_changes:
            for change, items in overlay.lookup(number, term, lsn):
                found_there = self.schema.matches(number, term, change.key, change.payload, items)
                found += [(change.key, hit) for hit in found_there]
            found.sort(key=itemgetter(0))
        return [hit for _, hit in found[:limit]]

    def _hits_of(self, number: int, term: bytes, records: LiveRecords) -> Iterator[tuple[bytes, Any]]:
        """The hits of a term in the generation, in key order, each with its key."""
        for key, reading, items in sorted(records.lookup(number, term), key=itemgetter(0)):
            for hit in self.schema.matches(number, term, key, _read(reading), items):
                yield key, hit

    def _lookup(self, number: int, term: bytes) -> Iterator[Any]:
        """The hits of a term, in key order, decoded one record at a time."""
        found: list[tuple[bytes, Reading, list[int]]]
        found = list(self._records.lookup(number, term)) if self._records is not None else []
        overlay = self.overlay
        if overlay.log:
            found = [one for one in found if overlay.get(one[0], self.lsn) is None]
            for change, items in overlay.lookup(number, term, self.lsn):
                found.append((change.key, partial(_payload_of, change), items))
        if len(found) > 1:
            found.sort(key=itemgetter(0))
        for key, reading, items in found:
            yield from self.schema.matches(number, term, key, _read(reading), items)

    def search(
        self,
        query: str,
        limit: int = 20,
        offset: int = 0,
        *,
        plain: bool = False,
        order_by: str | None = None,
        snippets: str | None = None,
        filters: Filters | None = None,
    ) -> Hits:
        """The best `limit` hits for a query from the one at `offset`, as docs/command-line.md describes.

        Hits of one score are in key order, so that pages of one view have no gaps and no hit twice. With
        `plain` the query is any text, and its words are searched for. `order_by` is a field of numbers or
        dates, with `-` before it for the largest first; such hits have the score 0. `snippets` is a field:
        `.snippets` of the result then has a part of its text for each hit. `filters` are values of exact
        fields, one or several of each, that hits must have.

        Changes since the newest generation are scored among themselves, as the shards of a distributed
        index are. Raises QueryError, CorruptionError, StorageError, StoreClosedError, and
        InvalidArgumentError for a limit below 1, an offset below 0, or a field that cannot do it.
        """
        return self._find(query, plain, filters).page(limit, offset, order_by, snippets)

    def count(self, query: str, *, plain: bool = False, filters: Filters | None = None) -> int:
        """How many hits a query has, without fetching them. Raises as `search` does."""
        return self._find(query, plain, filters).count()

    def facets(
        self, query: str, names: Sequence[str], *, plain: bool = False, filters: Filters | None = None
    ) -> dict[str, dict[str, int]]:
        """How many hits of a query have each value of the fields, or facets of the schema, that are named.

        The most frequent first. Raises InvalidArgumentError for a name that is neither an exact field nor a
        facet, and as `search` does.
        """
        return self._find(query, plain, filters).facets(names)

    def _find(self, query: str, plain: bool, filters: Filters | None) -> Found:
        with fs.importing("diptych.search.query"):
            from diptych.search.query.filters import filtered
            from diptych.search.query.grammar import parse
            from diptych.search.query.plain import parse_plain

        if not isinstance(query, str):
            raise InvalidArgumentError(f"a query is a str, not {type(query).__name__}")
        # An empty store, too, says what is wrong with a query.
        parsed = (parse_plain if plain else parse)(query, self.schema)
        return self.found(filtered(parsed, filters or {}, self.schema))

    def found(self, query: Parsed) -> Found:
        """What a parsed query finds. Raises QueryError, CorruptionError, StorageError, StoreClosedError."""
        with fs.importing("diptych.store.hits"):
            from diptych.store.hits import AdoptedSource, GenerationSource, OverlaySource
            from diptych.store.results import Found

        if self._closed is not None:
            self._refuse()
        memory = self._memory
        if memory is None:
            memory = self._memory = self.overlay.search_index(self.lsn)
        index = self._search_index()
        sources: list[Source] = []
        if index is not None:
            assert self.generation is not None and self._records is not None
            sources.append(
                GenerationSource(
                    index, self.schema, self.overlay, self.lsn, self._records, self.generation.hits
                )
            )
        for segment in self.overlay.adopted_until(self.lsn):
            alone = self._prepared_adopted.get(segment.digest) or segment.member.search()
            sources.append(AdoptedSource(alone, self.schema, self.overlay, self.lsn, segment))
        if memory is not None:
            sources.append(OverlaySource(memory, self.schema, self.overlay, self.lsn))
        return Found(self.schema, sources, query)

    def prepare(self) -> None:
        """Open the search indexes now, and keep them: so the view outlives its segments' directories."""
        self._prepared = self._search_index()
        if self._records is not None:
            self._records.search = self._prepared
        for segment in self.overlay.adopted_until(self.lsn):
            self._prepared_adopted[segment.digest] = segment.member.search()

    def counts(self) -> dict[str, int]:
        """The schema's counters over all records."""
        totals = dict.fromkeys(self.schema.counters, 0)
        if self.generation is not None:
            totals.update(self.generation.manifest.counts)
        for change in self._changes():
            replaced = self._replaced(change.key)
            if replaced is not None:
                for name, count in zip(self.schema.counters, counts_of(self.schema, replaced), strict=True):
                    totals[name] -= count
            if isinstance(change, FileIndexed):
                counts = counts_of(self.schema, change.payload)
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

    def _search_index(self) -> SearchIndex | None:
        if self._prepared is not None:
            return self._prepared
        if self.generation is None:
            return None
        index = self.generation.search()
        for digest, error in self.generation.damaged_tables.items():
            if digest not in self.healing.segments:
                self.healing.scan(digest, error)
        return index

    def _refuse(self) -> NoReturn:
        assert self._closed is not None
        raise self._closed


def _added_up(parts: Iterable[Iterator[tuple[bytes, int]]]) -> Iterator[tuple[bytes, int]]:
    """Counts of terms, in parts that ascend, as one; without those of nothing."""
    for term, same in groupby(heapq.merge(*parts), key=itemgetter(0)):
        total = sum(count for _, count in same)
        if total:
            yield term, total


def _read(reading: Reading) -> Any:
    """The payload: its bytes, or a view of them for a schema that `matches_views`."""
    return reading() if callable(reading) else reading


def _payload_of(change: FileIndexed) -> bytes:
    return change.payload
