"""What the indexes of a snapshot need of a record beside its bytes."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from diptych.change import term_hash
from diptych.schema.base import Projection


class IndexTerms(NamedTuple):
    """The schema's counts of a record, and its terms as hashes."""

    counts: tuple[int, ...]
    terms: tuple[array[int], ...]
    """For each of the schema's indexes: hash, item, hash, item …"""


def extract_terms(projection: Projection) -> IndexTerms:
    """What the indexes need of a payload's projection."""
    flat = []
    for terms in projection.terms:
        pairs = array("Q")
        for term, item in terms:
            pairs.extend((term_hash(term), item))
        flat.append(pairs)
    return IndexTerms(projection.counts, tuple(flat))
