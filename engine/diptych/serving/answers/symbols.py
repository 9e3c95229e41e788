"""The symbols of all files whose names are like what one types."""

from __future__ import annotations

from collections.abc import Iterator

from diptych.errors import QueryError
from diptych.model import FileRecord, SymbolHit, occurrences
from diptych.search.names import split_qualified
from diptych.search.typed import Typed
from diptych.serving.source import StoreSource
from diptych.store.symbols import ranked

SYMBOLS_MAX = 64

_FEW = 20
"""Where fewer names are like what was typed, words are looked for as well: so many symbols."""


def workspace_symbols(source: StoreSource, query: str, *, limit: int = SYMBOLS_MAX) -> list[SymbolHit]:
    """The best `limit` symbols for what was typed, each where it is now; own code before vendored.

    By name, as `CodeView.symbols_like`; where that finds few, then by the words of names, signatures and
    documentation. Without a query: nothing.
    """
    source.begin()
    if not query.strip():
        return []
    named = source.view.symbols_like(query, limit=limit)
    changed = set(source.changed_documents())
    changed |= source.changed_among(hit.path for hit in named)
    if changed:
        likeness = Typed(split_qualified(query)[1]).likeness
        hits = [hit for hit in named if hit.path not in changed]
        for path in changed:
            record = source.record_now(path)
            hits += _symbols_of(record) if record is not None else ()
        places = [ranked(hit, like) for hit in hits if (like := likeness(hit.symbol.name)) is not None]
        places.sort(key=lambda one: one[:5])
        named = [one.hit for one in places[:limit]]
    if len(named) < min(limit, _FEW):
        known = {(hit.path, hit.id) for hit in named}
        named += [hit for hit in _by_words(source, query, _FEW) if (hit.path, hit.id) not in known]
    return named[:limit]


def _by_words(source: StoreSource, query: str, limit: int) -> Iterator[SymbolHit]:
    try:
        hits = source.view.search(query, limit, plain=True)
    except QueryError:
        # What was typed is more than the index takes in a query.
        return
    for hit in hits:
        if source.is_as_recorded(hit.path):
            yield SymbolHit(hit.path, hit.symbol, hit.occurrence)


def _symbols_of(record: FileRecord) -> Iterator[SymbolHit]:
    for symbol, count in zip(record.symbols, occurrences(record.symbols), strict=True):
        yield SymbolHit(record.path, symbol, count)
