"""Segments to test with, and what a dict says that they hold."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.notes import NOTES, Note

from diptych.change import term_hash
from diptych.schema.base import Schema
from diptych.search.composed import compose
from diptych.search.index import SearchIndex
from diptych.segment.builder import SegmentBuilder
from diptych.segment.filter import may_hold, probe_of
from diptych.segment.reader import Segment

Model = dict[bytes, bytes]
"""Key to payload."""


def note(number: int, *tags: str, text: str = "") -> Note:
    """A note of its own: one word of its text is in no other."""
    return Note(f"note-{number:05d}", tags, f"unique{number} {text}")


def build(
    path: str | os.PathLike[str],
    records: Iterable[Any],
    schema: Schema[Any] = NOTES,
    *,
    work: str | None = None,
) -> Segment:
    """A segment of these records, open."""
    with SegmentBuilder(schema, os.fspath(path), work=work) as builder:
        for one in records:
            builder.add(one)
        builder.seal()
    return Segment(os.fspath(path), schema)


def packed(records: Iterable[Any], schema: Schema[Any] = NOTES) -> Model:
    """The records as a segment holds them."""
    return {schema.key_of(one): schema.pack(one) for one in records}


def check_records(segment: Segment, model: Model, schema: Schema[Any]) -> None:
    """Everything that the records' half answers, compared with the dict."""
    assert len(segment) == segment.seal.records == len(model)
    assert [(r.key, r.payload) for r in segment.scan()] == sorted(model.items())
    by_term: list[dict[bytes, set[tuple[bytes, int]]]] = [{} for _ in schema.indexes]
    spans = []
    for key, payload in model.items():
        stored = segment.get(key)
        assert stored is not None
        assert (stored.key, stored.payload) == (key, payload)
        record_id = segment.find(key)
        assert record_id is not None
        assert segment.record(record_id) == stored
        assert segment.get(key + b"\0no") is None
        first, end = segment.documents_of(record_id)
        assert end - first == 1 + len(list(schema.documents(key, payload)))
        spans.append((first, end))
        for number, terms in enumerate(schema.terms(payload)):
            for term, item in terms:
                by_term[number].setdefault(term, set()).add((key, item))
    spans.sort()
    assert [first for first, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == segment.seal.documents
    for number, expected in enumerate(by_term, 1):
        for term, places in expected.items():
            postings = segment.lookup_hash(number, term_hash(term))
            assert {(segment.record(p >> 32).key, p & 0xFFFFFFFF) for p in postings} == places
            assert may_hold(segment.filter_of(number), probe_of(term_hash(term)))
        assert not segment.lookup_hash(number, term_hash(b"a term that nothing has"))
        counted = {term: len(places) for term, places in expected.items()}
        assert dict(sorted_terms(segment, number)) == counted
        assert [term for term, _ in sorted_terms(segment, number)] == sorted(counted)
    assert sorted_terms(segment, 0) == [(key, segment.find(key)) for key in sorted(model)]
    counts = [schema.counts(payload) for payload in model.values()]
    assert tuple(segment.seal.counts.values()) == tuple(map(sum, zip(*counts, strict=True)))


def sorted_terms(segment: Segment, index: int) -> list[tuple[bytes, int]]:
    """The terms of an index, each with its number."""
    terms = segment.records.terms_of(index)
    assert terms is not None
    return list(terms.between(b"", None))


def opened(segments: Iterable[tuple[Segment, bytes]], schema: Schema[Any] = NOTES) -> SearchIndex:
    """The segments with their bitmaps as one index."""
    return compose([segment.component(dead) for segment, dead in segments], schema, where="composed")


def check_search(index: SearchIndex, models: Iterable[Model], schema: Schema[Any]) -> None:
    """Everything that the search half holds, compared with the dicts of its segments' live records."""
    live = [(key, payload) for model in models for key, payload in model.items()]
    assert sorted((key, payload) for key, _, payload in index.records()) == sorted(live)
    expected = sum(1 + len(list(schema.documents(key, payload))) for key, payload in live)
    assert index.documents == expected
    items = index.items(0, 2**64 - 1)
    assert len(items) == expected - len(live)
    for key, payload in live:
        found = index.record(key)
        assert found is not None
        assert found.payload == payload


def children(path: Path) -> list[str]:
    """The names in a directory."""
    return sorted(entry.name for entry in path.iterdir())
