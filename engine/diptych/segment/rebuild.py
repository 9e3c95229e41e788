"""Rebuilding a damaged half of a segment from its other half.

A segment is immutable: what is rebuilt goes into a new directory, with the intact half beside it. Where the
same versions of Diptych and Tantivy rebuild what they once built, the bytes are the same, and so is the
segment's name; else the segment has a new name, and the same records.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from diptych import fs
from diptych.errors import CorruptSearchError, CorruptSnapshotError, StorageError
from diptych.layout import RECORDS, SEARCH_SUFFIXES, search_file_name
from diptych.schema.base import Schema
from diptych.search.composed import Component, compose
from diptych.search.one_segment import OneSegmentWriter, WrittenSegment
from diptych.segment.builder import complete, make_work
from diptych.segment.reader import Segment, read_seal, search_files, verify_file
from diptych.segment.records import RecordsWriter
from diptych.segment.seal import Seal
from diptych.snapshot.terms import extract_terms


def rebuild_records(
    damaged: str, schema: Schema[Any], directory: str, *, seal: Seal | None = None
) -> Seal:
    """Make in `directory`, which must not exist, the segment `damaged` with its records rebuilt.

    They come from the search half, which must be as SEAL says: `seal`, where it is known from elsewhere.
    Raises CorruptSearchError where it is not, CorruptSnapshotError for a damaged SEAL,
    IncompatibleStoreError, StorageError; then nothing is left.
    """
    seal = seal or read_seal(damaged)[0]
    seal.refuse_other(schema, damaged)
    files = search_files(damaged, seal)
    index = compose([Component(seal.segment_id, seal.documents, files)], schema, where=damaged)
    with new_directory(directory), records_writer(directory, schema) as records:
        next_document = 0
        for document, record in index.numbered_records():
            if document != next_document:
                raise CorruptSearchError(f"{damaged} has no record at {next_document}", where=damaged)
            projection = schema.project(record.key, _current(schema, seal, record.payload))
            count = 1 + len(list(projection.documents))
            records.add(record, extract_terms(projection), count)
            next_document += count
        if next_document != seal.documents or not _is_same(records, seal):
            raise CorruptSearchError(f"{damaged} holds other records than its SEAL says", where=damaged)
        return complete(directory, schema, records, linked_search(directory, seal, files))


def rebuild_search(damaged: str, schema: Schema[Any], directory: str) -> Seal:
    """Make in `directory`, which must not exist, the segment `damaged` with its search half rebuilt.

    It comes from the records, which must be as SEAL says. Raises CorruptSnapshotError where they are not,
    IncompatibleStoreError, StorageError, CorruptSearchError; then nothing is left.
    """
    segment = Segment(damaged, schema)
    verify_file(damaged, RECORDS, segment.seal)
    with new_directory(directory), records_writer(directory, schema) as records:
        writer = OneSegmentWriter(make_work(directory), schema)
        for record_id in range(len(segment)):
            record = segment.record(record_id)
            projection = schema.project(record.key, _current(schema, segment.seal, record.payload))
            count = writer.add(record, projection.documents)
            records.add(record, extract_terms(projection), count)
        if not _is_same(records, segment.seal):
            raise CorruptSnapshotError(f"{damaged} holds other records than its SEAL says", where=damaged)
        return complete(directory, schema, records, _renamed(writer.commit(), segment.seal.segment_id))


def _current(schema: Schema[Any], seal: Seal, payload: bytes) -> bytes:
    """A payload as one of the current version of the schema, to project it."""
    version = seal.schema_version
    return payload if version == schema.version else schema.upgrade(version, payload)


@contextmanager
def new_directory(directory: str) -> Iterator[None]:
    """Make a directory, and remove it where the body raises. Raises StorageError."""
    with fs.translated("make the directory", directory):
        os.mkdir(directory)
    try:
        yield
    except BaseException:
        with suppress(StorageError):
            fs.remove_tree(directory)
        raise


@contextmanager
def records_writer(directory: str, schema: Schema[Any]) -> Iterator[RecordsWriter]:
    """A writer of the records' half, closed at the end. Raises StorageError."""
    records = RecordsWriter(directory, schema)
    try:
        yield records
    finally:
        records.close()


def _is_same(records: RecordsWriter, seal: Seal) -> bool:
    """Whether these are as many records, of the same counts and keys."""
    counts = tuple(seal.counts.values())
    keys = (seal.first_key, seal.last_key)
    return (len(records), records.counts, records.key_range) == (seal.records, counts, keys)


def linked_search(
    directory: str, seal: Seal, files: dict[str, str | bytes], *, segment_id: str = ""
) -> WrittenSegment:
    """The intact files of the search half, in a place from which they can be taken.

    `segment_id`: under another id, which Tantivy's files do not hold themselves.
    """
    work = make_work(directory)
    segment_id = segment_id or seal.segment_id
    paths = {}
    for suffix in SEARCH_SUFFIXES:
        paths[suffix] = os.path.join(work, search_file_name(segment_id, suffix))
        file = files[suffix]
        if isinstance(file, str):
            fs.link_or_copy(file, paths[suffix])
        else:
            with fs.translated("write", paths[suffix]), open(paths[suffix], "xb") as copy:
                copy.write(file)
    return WrittenSegment(segment_id, seal.documents, paths)


def _renamed(written: WrittenSegment, segment_id: str) -> WrittenSegment:
    """The same files under the id that the segment had: Tantivy's files do not hold their own name."""
    paths = {}
    for suffix, path in written.files.items():
        paths[suffix] = os.path.join(os.path.dirname(path), search_file_name(segment_id, suffix))
        fs.rename(path, paths[suffix])
    return WrittenSegment(segment_id, written.documents, paths)
