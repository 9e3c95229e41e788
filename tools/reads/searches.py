"""Searches, and Tantivy alone that is asked the same words in an index of the same symbols.

Tantivy alone reads the path and the place of each hit; the store returns the symbols.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from diptych import Store
from diptych.search.words import words_of
from tools.bench.peers import tantivy_index
from tools.reads.timing import Times, time_each

LIMIT = 20
_FIELDS = ["name", "signature", "documentation"]
_BOOSTS = {"name": 4.0}


def index_alone(store: Store, path: str) -> Any:
    """An index of Tantivy's own of the symbols of a store."""
    index = tantivy_index.create(path)
    writer = tantivy_index.writer(index)
    for record in store.files():
        tantivy_index.add(writer, record, b"")
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def single_words(store: Store, count: int, seed: int) -> list[str]:
    """Words of all frequencies: their ranks are drawn so that each order of magnitude has as many."""
    frequencies: Counter[str] = Counter()
    for words in _texts(store):
        frequencies.update(set(words))
    ordered = [word for word, _ in sorted(frequencies.items(), key=lambda pair: (-pair[1], pair[0]))]
    draw = random.Random(seed)
    ranks = (int(math.exp(draw.uniform(0, math.log(len(ordered))))) - 1 for _ in range(20 * count))
    return [ordered[rank] for rank in list(dict.fromkeys(ranks))[:count]]


def several_words(store: Store, count: int, seed: int) -> list[str]:
    """Two or three words of one symbol."""
    draw = random.Random(seed)
    texts = [found for words in _texts(store) if len(found := list(dict.fromkeys(words))) >= 3]
    return [" ".join(draw.sample(draw.choice(texts), draw.choice((2, 3)))) for _ in range(count)]


def measure(store: Store, alone: Any, queries: list[str]) -> tuple[Times, Times]:
    """Tantivy alone, and the store."""

    def ask_alone(query: str) -> list[tuple[Any, Any]]:
        parsed = alone.parse_query(query, _FIELDS, field_boosts=_BOOSTS)
        searcher = alone.searcher()
        documents = [searcher.doc(at) for _, at in searcher.search(parsed, LIMIT, count=False).hits]
        return [(document.get_first("path"), document.get_first("position")) for document in documents]

    with store.view() as view:
        tantivy_times, times = time_each(queries, [ask_alone, lambda query: view.search(query, LIMIT)])
    return tantivy_times, times


def _texts(store: Store) -> Iterator[tuple[str, ...]]:
    """The words of each symbol that has documentation."""
    for record in store.files():
        for symbol in record.symbols:
            if symbol.documentation:
                words = words_of(f"{symbol.name} {symbol.signature} {symbol.documentation}")
                # What Tantivy alone drops, and what is an operator, is no fair question.
                yield tuple(word for word in words if len(word) < 40 and word.isascii())
