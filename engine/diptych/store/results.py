"""Hits of a query: merged from the generation and the overlay, in pages, counted, grouped.

The order is that of scores, or of a field; hits that agree in that are in the order of their keys, and
within a record in that of their items. So each page begins where the one before it ended.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

from diptych.errors import InvalidArgumentError
from diptych.schema.base import Schema
from diptych.schema.fields import TEXT_KINDS, VALUE_KINDS
from diptych.search.index import Match, Order
from diptych.search.query.nodes import Parsed
from diptych.search.ranked import Prepared
from diptych.search.snippets import Snippet
from diptych.store.hits import Source

# Matches are read in batches of what is wanted and a little more, for hidden ones, and to see where those
# with the last one's score end.
_SLACK = 8
# So many hits of one score are decoded at once, wanted or not.
_FEW = 32


class Hits(list[Any]):
    """The hits of one page, best first, and how many there are in all."""

    def __init__(self, hits: Iterable[Any], found: Found, *, ends_at: int | None = None) -> None:
        """`ends_at`: the number of all hits, where this page reached their end."""
        super().__init__(hits)
        self._found = found
        self._total = ends_at
        self.snippets: list[Snippet] = []
        """For each hit a part of its text, where they were asked for."""

    @property
    def total(self) -> int:
        """How many hits there are beside this page. Counted when it is first asked for."""
        if self._total is None:
            self._total = self._found.count()
        return self._total


_new = tuple.__new__


class _Placed(NamedTuple):
    rank: tuple[bool, float]
    key: bytes
    item: int
    found: Any
    source: Source


class Found:
    """What a query finds in the sources of one view. It may be used after the view was closed."""

    def __init__(self, schema: Schema[Any], sources: Sequence[Source], query: Parsed) -> None:
        """Raises QueryError, CorruptSearchError."""
        self._schema = schema
        self._sources = [(source, source.index.compile(query)) for source in sources]

    def page(self, limit: int, offset: int, order_by: str | None, snippets: str | None) -> Hits:
        """`limit` hits from the one at `offset`. Raises InvalidArgumentError, QueryError, CorruptionError."""
        _check_whole("limit", limit, 1)
        _check_whole("offset", offset, 0)
        order = None if order_by is None else self._order(order_by)
        if snippets is not None:
            self._check_text(snippets)
        # No more can be held.
        wanted = min(offset + limit, sys.maxsize - _SLACK)
        merged = self._merged(wanted + _SLACK, order)
        placed = list(islice(merged, min(offset, wanted), wanted))
        hits = Hits(
            [self._schema.hit(one.found, 0.0 if order else -one.rank[1]) for one in placed],
            self,
            # A short page that is not beyond the end reached it.
            ends_at=offset + len(placed) if len(placed) < limit and (placed or not offset) else None,
        )
        if snippets is not None:
            hits.snippets = self._snippets(placed, snippets)
        return hits

    def each(self) -> Iterator[Any]:
        """All hits, best first, one at a time. Raises QueryError, CorruptionError."""
        for one in self._merged(_SLACK, None):
            yield self._schema.hit(one.found, -one.rank[1])

    def _merged(self, wanted: int, order: Order | None) -> Iterator[_Placed]:
        """The hits of all sources in their order, read in batches that begin with `wanted`."""
        ordered = [
            self._ordered(source, source.index.batches(query, wanted, order), order)
            for source, query in self._sources
        ]
        return ordered[0] if len(ordered) == 1 else heapq.merge(*ordered, key=_place)

    def count(self) -> int:
        """How many hits there are. Raises QueryError, CorruptSearchError."""
        return sum(
            source.index.count(source.index.without(query.plain, source.hidden()))
            for source, query in self._sources
        )

    def facets(self, names: Sequence[str]) -> dict[str, dict[str, int]]:
        """For each name, how many hits have each value: the most frequent first.

        Raises InvalidArgumentError, QueryError, CorruptionError.
        """
        exact = [field.name for field in self._schema.fields if field.tokens == "exact"]
        for name in names:
            if name not in exact and name not in self._schema.facets:
                known = ", ".join([*exact, *self._schema.facets]) or "none"
                raise InvalidArgumentError(f"hits are not counted by {name!r:.100}", advice=f"use: {known}")
        counted: dict[str, Counter[str]] = {name: Counter() for name in names}
        for source, query in self._sources:
            visible = source.index.without(query.plain, source.hidden())
            for name in names:
                if name in exact:
                    counted[name].update(dict(source.index.term_counts(name, visible)))
            by_key = [name for name in names if name not in exact]
            if by_key:
                hashes = Counter(match.key_hash for match in source.index.matches(Prepared(visible), 1_000))
                for key_hash, count in hashes.items():
                    for key in source.keys(key_hash)[:1]:
                        for name in by_key:
                            counted[name][self._schema.facet(name, key)] += count
        return {
            name: dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
            for name, counts in counted.items()
        }

    def _ordered(
        self, source: Source, batches: Iterator[list[Match]], order: Order | None
    ) -> Iterator[_Placed]:
        """The hits of a source, in their order."""
        waiting: list[Match] = []
        for batch in batches:
            ready = waiting + batch
            # Those with the score of the last one may go on in the next batch.
            end = len(ready)
            while end and ready[end - 1][0] == ready[-1][0]:
                end -= 1
            waiting = ready[end:]
            yield from self._placed(source, ready[:end], order)
        yield from self._placed(source, waiting, order)

    def _placed(self, source: Source, matches: list[Match], order: Order | None) -> Iterator[_Placed]:
        """The hits of matches, in the order of their scores, then of their keys and items.

        Read one by one, as they are asked for: most matches have a score of their own.
        """
        for value, group in groupby(matches, key=_value):
            rank, same = _rank(value, order), list(group)
            if len(same) > _FEW:
                yield from self._ordered_by_keys(source, rank, same)
                continue
            placed = [
                _new(_Placed, (rank, key, item, one, source))
                for _, key_hash, item in same
                for key, one in source.items(key_hash, item)
            ]
            if len(placed) > 1:
                placed.sort(key=_place)
            yield from placed

    def _ordered_by_keys(
        self, source: Source, rank: tuple[bool, float], same: list[Match]
    ) -> Iterator[_Placed]:
        """Hits of one rank. Their keys are cheaper than what they stand for, and there may be very many."""
        places = {(key, item, key_hash) for _, key_hash, item in same for key in source.keys(key_hash)}
        for key, item, key_hash in sorted(places):
            for other, found in source.items(key_hash, item):
                if other == key:
                    yield _Placed(rank, key, item, found, source)

    def _order(self, order_by: str) -> Order:
        name = order_by.removeprefix("-")
        known = [field.name for field in self._schema.fields if field.tokens in VALUE_KINDS]
        if name not in known:
            raise InvalidArgumentError(
                f"hits cannot be ordered by {order_by!r:.100}",
                advice=f"order by {', '.join(known)}, with - before it for the largest first"
                if known
                else "the schema has no field of numbers or dates: leave it out, for the best first",
            )
        return Order(name, descending=order_by.startswith("-"))

    def _check_text(self, name: str) -> None:
        known = [field.name for field in self._schema.fields if field.tokens in TEXT_KINDS]
        if name not in known:
            raise InvalidArgumentError(
                f"there are no snippets of {name!r:.100}", advice=f"use: {', '.join(known) or 'none'}"
            )

    def _snippets(self, placed: Sequence[_Placed], field: str) -> list[Snippet]:
        makers = {
            id(source): source.index.snippet_maker(query.plain, field) for source, query in self._sources
        }
        snippets = []
        for one in placed:
            text = one.source.text(one.key, one.item, field)
            snippets.append(makers[id(one.source)].snippet(text))
        return snippets


def _check_whole(name: str, value: Any, least: int) -> None:
    if not hasattr(value, "__index__") or value < least:
        raise InvalidArgumentError(f"{name} is a whole number of {least} or more, not {value!r:.100}")


def _value(match: Match) -> Any:
    return match[0]


def _place(placed: _Placed) -> tuple[tuple[bool, float], bytes, int]:
    return placed[:3]


def _rank(value: Any, order: Order | None) -> tuple[bool, float]:
    """What sorts as the hits do: the best score, or the first value of a field, is the smallest."""
    if value is None:
        return True, 0
    return False, value if order is not None and not order.descending else -value
