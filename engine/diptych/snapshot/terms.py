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
    written: tuple[list[bytes], ...]
    """For each of the schema's indexes: the terms themselves, as often as they are in it."""


def extract_terms(projection: Projection) -> IndexTerms:
    """What the indexes need of a payload's projection."""
    flat, written = [], []
    for terms in projection.terms:
        pairs, own = array("Q"), []
        for term, item in terms:
            pairs.extend((term_hash(term), item))
            own.append(term)
        flat.append(pairs)
        written.append(own)
    return IndexTerms(projection.counts, tuple(flat), tuple(written))
