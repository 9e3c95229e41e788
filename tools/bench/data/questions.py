"""What is asked of every contestant about a data set: the same paths, names and words."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass

from tools.bench.data.dataset import Dataset

_WORD = re.compile(r"[^\W_]+")
_PLAIN = re.compile(r"[a-z]{3,16}")
# What the longest of texts are indexed by; a scan must look no further.
_INDEXED_CHARACTERS = 4_096
Query = tuple[str, ...]


@dataclass(frozen=True)
class Questions:
    """`rare_names` have one symbol each, `shared_names` two to fifty. `matches` counts, for each query, the
    symbols whose name, signature or documentation hold every term as a whole word."""

    paths: list[str]
    rare_names: list[str]
    shared_names: list[str]
    queries: list[Query]
    matches: dict[Query, int]


def words_of(symbol: tuple) -> set[str]:  # type: ignore[type-arg]
    """The words a search for this symbol may use, as a text index splits them."""
    words: set[str] = set()
    for text in (symbol[0], symbol[4], symbol[5]):
        words.update(_WORD.findall(text[:_INDEXED_CHARACTERS].lower()))
    return words


def ask(data: Dataset, lookups: int, searches: int) -> Questions:
    """Choose questions from the data itself, the same for the same data."""
    rng = random.Random(7)
    names: Counter[str] = Counter()
    paths = []
    sampled: list[tuple] = []  # type: ignore[type-arg]
    keep = min(1.0, searches * 40 / max(data.symbols, 1))
    for record in data.stream():
        paths.append(record.path)
        names.update(symbol[0] for symbol in record.symbols)
        sampled.extend(symbol for symbol in record.symbols if rng.random() < keep)
    queries = _queries(rng, sampled, searches)
    matches = dict.fromkeys(queries, 0)
    by_first_term: dict[str, list[Query]] = {}
    for query in queries:
        by_first_term.setdefault(query[0], []).append(query)
    for record in data.stream():
        for symbol in record.symbols:
            words = words_of(symbol)
            for term in words & by_first_term.keys():
                for query in by_first_term[term]:
                    if words.issuperset(query):
                        matches[query] += 1
    rare = sorted(name for name, count in names.items() if count == 1)
    shared = sorted(name for name, count in names.items() if 1 < count <= 50)
    return Questions(
        [rng.choice(paths) for _ in range(lookups)],
        [rng.choice(rare) for _ in range(lookups)] if rare else [],
        [rng.choice(shared) for _ in range(lookups)] if shared else [],
        queries,
        matches,
    )


def _queries(rng: random.Random, sampled: list[tuple], searches: int) -> list[Query]:  # type: ignore[type-arg]
    """One, two and three words of one symbol each, in turn: every query has a match."""
    rng.shuffle(sampled)
    queries: dict[Query, None] = {}
    for symbol in sampled:
        if len(queries) >= searches:
            break
        plain = sorted(word for word in words_of(symbol) if _PLAIN.fullmatch(word) and word not in _OPERATORS)
        count = len(queries) % 3 + 1
        if len(plain) >= count:
            queries[tuple(rng.sample(plain, count))] = None
    return list(queries)


# Words that mean something to one query language or another.
_OPERATORS = frozenset({"and", "or", "not", "near", "in", "to"})
