"""What the indexes of a snapshot need of a record beside its bytes."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from diptych.change import term_hash
from diptych.schema.base import Projection


class IndexTerms(NamedTuple):
    """The schema's counts of a record, and for each of the schema's indexes its terms, in the same order."""

    counts: tuple[int, ...]
    hashes: tuple[array[int], ...]
    items: tuple[array[int], ...]
    written: tuple[list[bytes], ...]
    """The terms themselves, as often as they are in it."""


def extract_terms(projection: Projection) -> IndexTerms:
    """What the indexes need of a payload's projection."""
    hashes, items, written = [], [], []
    for terms in projection.terms:
        pairs = list(terms)
        own = [term for term, _ in pairs]
        written.append(own)
        hashes.append(array("Q", map(term_hash, own)))
        items.append(array("Q", [item for _, item in pairs]))
    return IndexTerms(projection.counts, tuple(hashes), tuple(items), tuple(written))
