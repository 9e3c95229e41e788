"""The best of what a query finds, in the order in which they are shown.

Where a query finds few documents, all of them are weighted. Of many, Tantivy finds the best of a plain query
without scoring everything, but not where scores depend on weights or on what is optional. So it is asked
twice: for the best by words alone, and for the best of those that have a name that is asked for, or are in
something with a word of the query. Both are weighted and put in order, and come before everything else. How
many they are does not depend on how many hits are wanted, so that pages fit together.
"""

from __future__ import annotations

from functools import lru_cache
from math import log2
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import tantivy

BEST = 100
"""How many hits each of the two gives, at most."""

Hit = tuple[float, "tantivy.DocAddress"]


class Prepared(NamedTuple):
    """A query, ready to be run on one index: what it finds, and of that what its words name."""

    plain: tantivy.Query
    first: tantivy.Query | None = None
    """Of that, what has a name that is asked for, or is in something with a word of the query."""
    is_ranked: bool = False
    """Whether the order is the one of many hits, described above; otherwise all are weighted."""
    all: tantivy.Query | None = None
    """What finds the same as `plain`, with what its words name in the scores: of few hits."""

    @property
    def weighted(self) -> tantivy.Query:
        """What is asked where all hits are weighted."""
        return self.plain if self.all is None else self.all


class Best(NamedTuple):
    """The best hits, best first; some twice, of which the first counts."""

    hits: list[Hit]
    is_all: bool
    """Whether there are no others. Others have no higher score by words alone."""


def place(address: tantivy.DocAddress) -> int:
    """The number of a document among all of an index."""
    number: int = address.segment_ord << 32 | address.doc
    return number


def best_of(searcher: tantivy.Searcher, query: Prepared) -> Best:
    """The best hits of a ranked query."""
    plain = searcher.search(query.plain, BEST, count=False).hits
    weights = searcher.fast_field_values("_weight", [address for _, address in plain])
    factors = map(_factor, weights)
    hits: list[Hit] = [(hit[0] * factor, hit[1]) for hit, factor in zip(plain, factors, strict=True)]
    if query.first is not None:
        hits += searcher.search(query.first, BEST, count=False, weight_by_field="_weight").hits
    # What is found twice has the higher score where more was found of it.
    hits.sort(key=itemgetter(0), reverse=True)
    if len(plain) < BEST:
        return Best(hits, is_all=True)
    # A weight lowers no score. What is below the last of the first search has its place among the others.
    last = plain[-1][0]
    return Best([hit for hit in hits if hit[0] >= last], is_all=False)


@lru_cache(maxsize=1_024)
def _factor(weight: int | None) -> float:
    """By what a weight multiplies a score: as Tantivy does it."""
    return log2(2 + (weight or 0))
