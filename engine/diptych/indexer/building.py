"""Building segments of parsed files, in a worker, for the store to adopt."""

from __future__ import annotations

from functools import partial

from diptych import fs
from diptych.change import StoredRecord, record_checksum
from diptych.errors import InvalidRecordError, RecordTooLargeError
from diptych.indexer.parse import Parsed, parse_record
from diptych.indexer.plan import Job
from diptych.schema.code import CODE
from diptych.segment.series import SegmentSeries
from diptych.store.checkpoint.folding import LARGE_BYTES, LARGE_DOCUMENTS
from diptych.store.generation import new_incoming_directory

# What is not in a complete segment is lost when a run is interrupted: no more than this time's work.
_AGE_MOST_S = 30.0


class Building:
    """Parses files and puts their records into segments, one after the other."""

    def __init__(self, store: str, max_file_bytes: int) -> None:
        self._max_file_bytes = max_file_bytes
        self._series = SegmentSeries(
            CODE,
            partial(new_incoming_directory, store),
            documents_most=LARGE_DOCUMENTS,
            payload_bytes_most=LARGE_BYTES,
            age_most_s=_AGE_MOST_S,
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to complete."""
        return self._series.is_empty

    @property
    def is_full(self) -> bool:
        """Whether the segment is to be completed before the next file."""
        return self._series.is_full

    def parse(self, tree: fs.Beneath, job: Job) -> Parsed:
        """As `diptych.indexer.parse.parse`, with the record in the segment. Raises StorageError."""
        parsed, record = parse_record(tree, job, self._max_file_bytes)
        if record is None:
            return parsed
        payload, key = parsed.payload, job.path.encode("utf-8", "surrogateescape")
        try:
            CODE.check_key(key)
            stored = StoredRecord(key, record_checksum(key, payload), payload)
            self._series.add(stored, CODE.project_record(key, payload, record))
        except (InvalidRecordError, RecordTooLargeError):
            return parsed._replace(payload=b"", skipped="not storable")
        return parsed._replace(payload=b"")

    def complete(self) -> str:
        """Complete the segment, durable; returns its path. Raises StorageError, CorruptSearchError."""
        return self._series.finish()
