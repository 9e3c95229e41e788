"""Building again what a change of the schema affects in a segment: one half, beside the other as it is."""

from __future__ import annotations

import secrets
from typing import Any

from diptych.schema.base import Schema
from diptych.search.one_segment import OneSegmentWriter
from diptych.segment.builder import complete, make_work
from diptych.segment.reader import Segment
from diptych.segment.rebuild import linked_search, new_directory, records_writer
from diptych.segment.seal import Seal
from diptych.snapshot.terms import extract_terms


def reindex(source: Segment, schema: Schema[Any], directory: str, *, search: bool) -> Seal:
    """Make in `directory`, which must not exist, a segment of the same records, ids and payloads.

    `source` is open with the schema that it was built with. Its exact-match indexes and counts are built
    again by `schema`, which reads its payloads as they are. With `search` so is the search half; otherwise
    that is linked. Raises CorruptSnapshotError, CorruptSearchError, StorageError; then nothing is left.
    """
    first_documents = source.records.first_documents()
    with new_directory(directory), records_writer(directory, schema) as records:
        writer = OneSegmentWriter(make_work(directory), schema) if search else None
        for record_id in range(len(source)):
            record = source.record(record_id)
            projection = schema.project(record.key, record.payload)
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
            written = linked_search(directory, source.seal, files, segment_id=segment_id)
        return complete(directory, schema, records, written)
