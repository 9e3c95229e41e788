"""The changes of one transaction, and what is at hand of their records."""

from __future__ import annotations

from typing import Generic

from diptych.change import Change, FileIndexed, FileRemoved
from diptych.schema.base import Projection, Record, Schema
from diptych.store.adopted import AdoptedSegment

# Of so many payload bytes, records are kept until the commit, and projections that were made to check a
# packed record: records take some three times the memory, projections ten times.
_RECORD_BYTES = 16 * 1024 * 1024
_PROJECTED_BYTES = 4 * 1024 * 1024


class ChangeSet(Generic[Record]):
    """One change for each key, the newest; and, once it is committed, its LSN."""

    def __init__(self, schema: Schema[Record], metadata: bytes = b"") -> None:
        self.metadata = metadata
        """What the transaction's writer says of it, packed; b"" for nothing."""
        self.is_open = False
        """Whether its transaction was begun, and neither committed nor rolled back."""
        self.lsn = 0
        """0 until it is committed. Set within the commit: an interrupt after that takes nothing back."""
        self.by_key: dict[bytes, Change] = {}
        self.adopted: list[AdoptedSegment] = []
        """The segments to adopt: no key of theirs is in `by_key`, and none in two of them."""
        self._schema = schema
        self._records: dict[bytes, Record] = {}
        self._projections: dict[bytes, Projection] = {}
        self._record_bytes = self._projected_bytes = 0

    def __len__(self) -> int:
        return len(self.by_key) + sum(map(len, self.adopted))

    def segment_of(self, key: bytes) -> AdoptedSegment | None:
        """The segment to adopt that has a record of `key`. Raises CorruptionError."""
        return next((segment for segment in self.adopted if key in segment.records), None)

    def index(self, change: FileIndexed, record: Record) -> None:
        """Add `change`, whose payload `record` was packed into."""
        self._add(change)
        self._record_bytes += len(change.payload)
        if self._record_bytes <= _RECORD_BYTES:
            kept = self._schema.snapshot_of(record)
            if kept is not None:
                self._records[change.key] = kept

    def index_packed(self, change: FileIndexed, projection: Projection) -> None:
        """Add `change`, whose payload has that projection."""
        self._add(change)
        self._projected_bytes += len(change.payload)
        if self._projected_bytes <= _PROJECTED_BYTES:
            self._projections[change.key] = projection

    def remove(self, change: FileRemoved) -> None:
        """Add a removal."""
        self._add(change)

    def project(self, key: bytes, payload: bytes) -> Projection:
        """The projection of a record's payload, the cheapest way there is."""
        projection = self._projections.get(key)
        if projection is not None:
            return projection
        record = self._records.get(key)
        if record is not None:
            return self._schema.project_record(key, payload, record)
        return self._schema.project(key, payload)

    def clear(self) -> None:
        """Forget the changes; `lsn` stays."""
        self.by_key, self.adopted = {}, []
        self._records, self._projections = {}, {}

    def _add(self, change: Change) -> None:
        # In this order: an interrupt must not leave one record's payload beside another's projection.
        self._records.pop(change.key, None)
        self._projections.pop(change.key, None)
        self.by_key[change.key] = change
