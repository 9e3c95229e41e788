"""Records whose payload does not decode under their schema, in place of an exception for all the others.

Nobody writes one through a transaction, but a segment that was adopted by an earlier release may hold one.
The record stays as it is: it is found by its key, and has no term and no document. Whoever reads it gets the
schema's error; `verify` names it, until it is written again or removed.

Only CorruptionError says that a payload does not decode. What else a schema raises is a fault of the schema,
and is not taken for damage of every record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from diptych.change import shown_key
from diptych.errors import CorruptionError
from diptych.lazy import logger
from diptych.schema.base import Projection, Schema
from diptych.schema.documents import Documents

log = logger("diptych")


def projection_of(schema: Schema[Any], key: bytes, payload: bytes) -> Projection:
    """What the schema derives from a payload, evaluated; its counts alone where it does not decode."""
    try:
        counts, terms, documents = schema.project(key, payload)
        return Projection(counts, [list(pairs) for pairs in terms], Documents.of(documents))
    except CorruptionError as error:
        log.warning("the record of %s gets no terms and documents: %s", shown_key(key), error.message)
        return Projection(counts_of(schema, payload), [()] * len(schema.indexes), ())


def counts_of(schema: Schema[Any], payload: bytes) -> tuple[int, ...]:
    """How many of each counter are in a payload; 0 where it does not say."""
    try:
        return schema.counts(payload)
    except CorruptionError:
        return (0,) * len(schema.counters)


def terms_of(schema: Schema[Any], payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
    """The terms of a payload, for each index; none where it does not decode."""
    try:
        return [list(pairs) for pairs in schema.terms(payload)]
    except CorruptionError:
        return [()] * len(schema.indexes)
