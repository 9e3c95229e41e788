"""Rebuilding the records of a segment from its search half."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

from diptych import fs
from diptych.change import StoredRecord
from diptych.errors import CorruptionError, CorruptSearchError
from diptych.layout import RECORDS
from diptych.schema.base import Projection, Schema
from diptych.schema.undecodable import projection_of
from diptych.search.composed import Component, compose
from diptych.segment.builder import finished
from diptych.segment.reader import search_files
from diptych.segment.records import RecordsWriter
from diptych.segment.seal import Seal
from diptych.snapshot.terms import extract_terms

_OTHER_RECORDS = "the search index of {} holds other records than its SEAL says"

Numbered = tuple[int, StoredRecord]
"""A record after the number of its document."""


def rebuild_records(
    damaged: str, schema: Schema[Any], seal: Seal, directory: str, *, indexed: bool = True
) -> str:
    """Write the records of the segment `damaged` to a new file in `directory`; returns its path.

    They are the same records under the same ids. Where the segment is of the current version of its schema
    the file is the same, byte for byte; from records of an older version other terms may be extracted.
    Without `indexed` no terms are extracted and nothing is counted: for a schema that cannot, where another
    writes the records again.

    Raises CorruptSearchError where the search half is not what `seal` says, or has other records;
    IncompatibleStoreError, StorageError.
    """
    seal.refuse_other(schema, damaged)
    files = search_files(damaged, seal)
    index = compose([Component(seal.segment_id, seal.documents, files)], schema, where=damaged)
    path = os.path.join(directory, RECORDS)
    # SEAL does not say in which layout the terms were: in one of them the file is the same.
    for packed in (True, False):
        records = RecordsWriter(directory, schema, packed=packed)
        try:
            _add(records, index.numbered_records(), schema, seal, damaged, indexed=indexed)
            if not _is_same(records, seal, indexed=indexed):
                break
            digests = finished(records.writing(seal.segment_id)).flush()
        finally:
            records.close()
        if not indexed or seal.schema_version != schema.version or digests == seal.files[RECORDS]:
            return path
        fs.remove_file(path)
    raise CorruptSearchError(_OTHER_RECORDS.format(damaged), where=damaged)


def _add(
    records: RecordsWriter,
    numbered: Iterator[Numbered],
    schema: Schema[Any],
    seal: Seal,
    damaged: str,
    *,
    indexed: bool,
) -> None:
    """Add all records, in the order of their documents. Raises CorruptSearchError where one is missing."""
    end = (seal.documents, None)
    next_document = 0
    nothing = Projection((0,) * len(schema.counters), [()] * len(schema.indexes), ())
    for (document, record), (following, _) in pairwise(chain(numbered, [end])):
        if record is None or document != next_document or following <= document or record.key in records:
            raise CorruptSearchError(f"{damaged} has no record at {next_document}", where=damaged)
        # The documents of a record begin with the one that holds it. How many they are is asked of the index:
        # an older version of the schema may have made others.
        projection = _projection(schema, seal, record) if indexed else nothing
        records.add(record, extract_terms(projection), following - document)
        next_document = following


def _projection(schema: Schema[Any], seal: Seal, record: StoredRecord) -> Projection:
    """What a record projects to, as one of the current version of the schema; nothing where it is none."""
    payload = record.payload
    if seal.schema_version != schema.version:
        try:
            payload = schema.upgrade(seal.schema_version, payload)
        except CorruptionError:
            return Projection((0,) * len(schema.counters), [()] * len(schema.indexes), ())
    return projection_of(schema, record.key, payload)


def _is_same(records: RecordsWriter, seal: Seal, *, indexed: bool) -> bool:
    """Whether these are as many records, of the same counts and keys."""
    if len(records) != seal.records:
        return False
    counts = tuple(seal.counts.values()) if indexed else records.counts
    return (records.counts, records.key_range) == (counts, (seal.first_key, seal.last_key))
