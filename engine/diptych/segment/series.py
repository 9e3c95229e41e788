"""Building one segment after the other, each completed when it is large enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self

from diptych.change import StoredRecord
from diptych.schema.base import Projection, Record, Schema
from diptych.segment.builder import SegmentBuilder

# So many documents are given to Tantivy at once: it takes a tenth less of processor time than one by one.
_DOCUMENTS_HELD = 500


class SegmentSeries(Generic[Record]):
    """Takes any number of records. One thread at a time; use it in a `with` block.

    A segment that was not finished at the block's end is removed. What `finish` returned is the caller's.
    """

    def __init__(
        self,
        schema: Schema[Record],
        new_directory: Callable[[], str],
        *,
        documents_most: int,
        payload_bytes_most: int,
        age_most_s: float,
    ) -> None:
        """`new_directory` gives the path of each segment, which is not there yet.

        The limits are those by which `is_full` says that a segment is to be finished.
        """
        self._schema, self._new_directory = schema, new_directory
        self._documents_most, self._payload_bytes_most = documents_most, payload_bytes_most
        self._age_most_s = age_most_s
        self._builder: SegmentBuilder[Record] | None = None
        self._begun_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __contains__(self, key: bytes) -> bool:
        """Whether the segment that is being built has a record of that key."""
        return self._builder is not None and key in self._builder

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to finish."""
        return self._builder is None or not len(self._builder)

    @property
    def is_full(self) -> bool:
        """Whether the segment that is being built is large enough, or old enough, to be finished."""
        builder = self._builder
        return builder is not None and (
            builder.documents >= self._documents_most
            or builder.payload_bytes >= self._payload_bytes_most
            or time.monotonic() - self._begun_s >= self._age_most_s
        )

    def add(self, record: StoredRecord, projection: Projection) -> None:
        """Add a record, whose key the segment does not have. Raises as `SegmentBuilder.add_stored` does."""
        builder = self._builder
        if builder is None:
            builder = self._builder = SegmentBuilder(
                self._schema, self._new_directory(), held=_DOCUMENTS_HELD
            )
            self._begun_s = time.monotonic()
        builder.add_stored(record, projection)

    def finish(self) -> str:
        """Complete the segment, durable; returns its path, "" where there was no record.

        Raises StorageError, CorruptSearchError.
        """
        builder, self._builder = self._builder, None
        if builder is None:
            return ""
        with builder:
            return builder.finish().path if len(builder) else ""

    def close(self) -> None:
        """Remove what is not finished."""
        if self._builder is not None:
            self._builder.close()
            self._builder = None
