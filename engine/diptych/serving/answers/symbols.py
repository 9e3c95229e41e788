"""The symbols of all files whose names are like what one types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from diptych.errors import QueryError
from diptych.model import FileRecord, SymbolHit, occurrences
from diptych.schema.code_weights import place_weight
from diptych.search.names import alike
from diptych.serving.source import StoreSource

SYMBOLS_MAX = 200

EXACT, SAME_LETTERS, BEGINS, BEGINS_IN_ANY_CASE, HUMPS, LETTERS_IN_ORDER, WORDS = range(7)
"""How a name is like a query, the likeliest first."""

_HUMPS = re.compile(r"[A-Z][a-z0-9]*")
_FEWEST_HUMPS = 2
_ENOUGH = 50
"""So many of one likeness, and the next is not looked for."""


class Ranked(NamedTuple):
    """A symbol, how it is like the query, and what decides between those that are alike in that."""

    likeness: int
    is_elsewhere: float
    length: int
    path: str
    row: int
    hit: SymbolHit


def workspace_symbols(source: StoreSource, query: str, *, limit: int = SYMBOLS_MAX) -> list[SymbolHit]:
    """The best `limit` symbols for what was typed, each where it is now; own code before vendored.

    By name: exactly, as a beginning, by humps ("HS" for HTTPServer), with these letters in this order; then
    by the words of names, signatures and documentation. Without a query: nothing.
    """
    source.begin()
    if not query.strip():
        return []
    ranked: dict[tuple[str, str], Ranked] = {}
    for hit in _candidates(source, query, limit):
        ranked.setdefault((hit.path, hit.id), _ranked(hit, query))
    changed = set(source.changed_documents())
    changed |= {path for path in {hit.path for hit in _hits(ranked)} if not source.is_as_recorded(path)}
    found = [one for one in ranked.values() if one.hit.path not in changed]
    for path in changed:
        record = source.record_now(path)
        named = (_ranked(hit, query) for hit in _symbols_of(record)) if record is not None else ()
        found += [one for one in named if one.likeness != WORDS]
    found.sort(key=lambda one: one[:5])
    return [one.hit for one in found[:limit]]


def _hits(ranked: dict[tuple[str, str], Ranked]) -> Iterable[SymbolHit]:
    return (one.hit for one in ranked.values())


def _symbols_of(record: FileRecord) -> Iterator[SymbolHit]:
    for symbol, count in zip(record.symbols, occurrences(record.symbols), strict=True):
        yield SymbolHit(record.path, symbol, count)


def _candidates(source: StoreSource, query: str, limit: int) -> Iterator[SymbolHit]:
    """Recorded symbols, from one stage of likeness after the other until there are enough."""
    yield from source.view.symbols(query)
    count = 0
    for stage in (_beginning, _with_humps, _with_letters, _with_words):
        try:
            for hit in stage(source, query, limit):
                count += 1
                yield hit
        except QueryError:
            # What was typed is more than the index takes in such a query.
            continue
        if count >= min(limit, _ENOUGH):
            return


def _beginning(source: StoreSource, query: str, limit: int) -> list[SymbolHit]:
    return source.view.find_symbols(query, "prefix", limit=limit)


def _with_humps(source: StoreSource, query: str, limit: int) -> list[SymbolHit]:
    humps = _HUMPS.findall(query)
    if "".join(humps) != query or len(humps) < _FEWEST_HUMPS:
        return []
    return source.view.symbols_like("=_*" + "[a-z0-9_]*".join(humps) + ".*", limit=limit)


def _with_letters(source: StoreSource, query: str, limit: int) -> list[SymbolHit]:
    letters = alike(query)
    if not letters.isascii() or len(letters) < _FEWEST_HUMPS:
        return []
    return source.view.symbols_like("[=~]" + ".*".join(letters) + ".*", limit=limit)


def _with_words(source: StoreSource, query: str, limit: int) -> list[SymbolHit]:
    hits = source.view.search(query, limit, plain=True)
    return [SymbolHit(hit.path, hit.symbol, hit.occurrence) for hit in hits]


def _ranked(hit: SymbolHit, query: str) -> Ranked:
    symbol = hit.symbol
    place = -place_weight(hit.path)
    return Ranked(
        likeness(symbol.name, query), place, len(symbol.name), hit.path, symbol.range.start_line, hit
    )


def likeness(name: str, query: str) -> int:
    """How a name is like a query; `WORDS` where it is not."""
    if name == query:
        return EXACT
    plain, wanted = alike(name), alike(query)
    if plain == wanted:
        return SAME_LETTERS
    if name.startswith(query):
        return BEGINS
    if plain.startswith(wanted):
        return BEGINS_IN_ANY_CASE
    if "".join(re.findall(r"[A-Z]|(?:^|_)[a-z]", name)).replace("_", "").lower().startswith(wanted):
        return HUMPS
    rest = iter(plain)
    return LETTERS_IN_ORDER if wanted and all(letter in rest for letter in wanted) else WORDS
