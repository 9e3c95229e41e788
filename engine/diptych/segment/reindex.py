"""Building again what a change of the schema affects in a segment: one half, beside the other as it is."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from diptych import fs
from diptych.errors import StorageError
from diptych.layout import SEARCH_SUFFIXES, search_file_name
from diptych.schema.base import Schema
from diptych.schema.undecodable import projection_of
from diptych.search.one_segment import OneSegmentWriter, WrittenSegment
from diptych.segment.builder import complete, make_work
from diptych.segment.reader import Segment
from diptych.segment.records import RecordsWriter
from diptych.segment.seal import Seal
from diptych.snapshot.terms import extract_terms


def reindex(source: Segment, schema: Schema[Any], directory: str, *, search: bool) -> Seal:
    """Make in `directory`, which must not exist, a segment of the same records, ids and payloads.

    `source` is open with the schema that it was built with. Its exact-match indexes and counts are built
    again by `schema`, which reads its payloads as they are. With `search` so is the search half; otherwise
    that is linked. Raises CorruptSnapshotError, CorruptSearchError, StorageError; then nothing is left.
    """
    first_documents = source.records.first_documents()
    with _new_directory(directory), _records_writer(directory, schema) as records:
        writer = OneSegmentWriter(make_work(directory), schema) if search else None
        for record_id in range(len(source)):
            record = source.record(record_id)
            projection = projection_of(schema, record.key, record.payload)
            if writer is not None:
                count = writer.add(record, projection.documents)
            else:
                count = first_documents[record_id + 1] - first_documents[record_id]
            records.add(record, extract_terms(projection), count)
        if writer is not None:
            written = writer.commit()
        else:
            # A new id, so a new name: what a crash left of this may have the name of the same segment.
            files, segment_id = source.search_files(), secrets.token_hex(16)
            written = _linked_search(directory, source.seal, files, segment_id=segment_id)
        return complete(directory, schema, records, written)


@contextmanager
def _new_directory(directory: str) -> Iterator[None]:
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
def _records_writer(directory: str, schema: Schema[Any]) -> Iterator[RecordsWriter]:
    """A writer of the records' half, closed at the end. Raises StorageError."""
    records = RecordsWriter(directory, schema)
    try:
        yield records
    finally:
        records.close()


def _linked_search(
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
