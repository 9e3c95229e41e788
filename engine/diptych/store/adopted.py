"""Segments that transactions adopt: verified, taken into the store, and read until a generation lists them.

A segment is built elsewhere, in another process or on another machine. A transaction that adopts it has one
entry of it in the journal, SEAL, and its records stay where they are: in the segment, which is moved into the
store before that entry is written. In the overlay each of its records is a change like any other, whose
payload is read from the segment.
"""

from __future__ import annotations

import os
from collections import deque
from functools import cached_property
from typing import Any

from diptych import fs
from diptych.change import Change, FileIndexed, SegmentAdopted, StoredRecord, shown_key
from diptych.errors import (
    CorruptionError,
    CorruptSearchError,
    CorruptSnapshotError,
    DiptychError,
    IncompatibleStoreError,
    InvalidArgumentError,
    InvalidRecordError,
)
from diptych.layout import INDEX_FORMAT, RECORDS, SEAL
from diptych.schema.base import Schema
from diptych.segment.reader import Segment
from diptych.store.agreement import Comparison
from diptych.store.generation import HitCache, open_segment
from diptych.store.healing import Healing
from diptych.store.live import LiveRecords
from diptych.store.live_segment import LiveSegment
from diptych.store.manifest import ListedSegment, listed_seal, listed_sealed
from diptych.store.upgrade import current_record


class AdoptedSegment:
    """An open segment that was adopted, or is about to be. Safe to use from several threads.

    It is the place of its records' payloads: see `diptych.change.PayloadPlace`.
    """

    def __init__(self, segment: Segment, schema: Schema[Any]) -> None:
        self.segment = segment
        self.listed: ListedSegment = listed_seal(segment.seal)
        """As a manifest lists it while all of its records are live."""
        self.member = LiveSegment(segment, self.listed)
        self.healing = Healing()
        """What was found damaged in it: the next checkpoint writes it again."""
        self.records = LiveRecords.of_one(self.member, schema, self.healing)
        self.hits = HitCache()
        self._schema = schema
        self.schema_version = schema.version
        """Of its payloads, as they are read here."""

    def __len__(self) -> int:
        return self.listed.records

    @property
    def digest(self) -> str:
        """The segment's name."""
        return self.segment.digest

    @property
    def entry(self) -> SegmentAdopted:
        """What the journal has of it."""
        return SegmentAdopted(self.listed.sealed)

    @cached_property
    def changes(self) -> list[FileIndexed]:
        """Its records as changes, in key order. Raises CorruptSnapshotError, StorageError."""
        changes = []
        for stored in self.records.stored_in(self.member):
            try:
                record = current_record(self._schema, self.member.version, stored)
            except CorruptionError:
                # Whoever reads it gets that error; the others are read.
                record = stored
            changes.append(FileIndexed(stored.key, record.checksum, self))
        return changes

    @property
    def length(self) -> int:
        """How large one of its payloads is, about."""
        return self.listed.seal.records_bytes // self.listed.records

    def read(self, key: bytes, checksum: int) -> bytes:
        """The payload of a key. Raises CorruptSnapshotError where both halves are damaged, StorageError."""
        record = self.records.get(key)
        if record is None or record.checksum != checksum:
            where = self.segment.directory
            raise CorruptSnapshotError(f"{where}: the record of {key!r:.200} is not there", where=where)
        return record.payload

    def has(self, change: Change | None) -> bool:
        """Whether `change` is one of its records."""
        return isinstance(change, FileIndexed) and change.stored is self

    def find_damaged_search(self) -> None:
        """Have it written again if its search half is not what SEAL says. Raises StorageError."""
        try:
            self.segment.search_files()
        except CorruptSearchError as error:
            self.healing.scan(self.digest, error)


def is_adopted(change: Change) -> bool:
    """Whether a change is a record of an adopted segment."""
    return isinstance(change, FileIndexed) and isinstance(change.stored, AdoptedSegment)


def open_adopted(store: str, entry: SegmentAdopted, schema: Schema[Any]) -> AdoptedSegment:
    """Open the segment that an entry of the journal names.

    Raises CorruptSnapshotError, IncompatibleStoreError, StorageError.
    """
    return AdoptedSegment(open_segment(store, listed_sealed(entry.sealed), schema), schema)


def verified(path: str, schema: Schema[Any], *, trusted: bool = False) -> AdoptedSegment:
    """The segment in directory `path`, compared with its SEAL to the last byte.

    Unless it is `trusted`, its records are decoded, and its two halves compared: SEAL says only that both are
    what its builder wrote. Raises InvalidArgumentError where there is no segment, InvalidRecordError for a
    record that does not decode, CorruptSnapshotError or CorruptSearchError for a damaged one,
    IncompatibleStoreError for one of another schema or format, StorageError.
    """
    if not fs.is_directory(path):
        raise InvalidArgumentError(
            f"there is no segment at {path}: it is no directory", advice="build one with SegmentBuilder"
        )
    segment = Segment(path, schema)
    seal = segment.seal
    if seal.fingerprint != schema.fingerprint():
        raise IncompatibleStoreError(
            f"{path} is of version {seal.schema_version} of schema {schema.name!r}, not {schema.version}",
            advice="build the segment again, with the schema of the store",
        )
    if seal.index_format != INDEX_FORMAT:
        raise IncompatibleStoreError(
            f"{path} has a search index of format {seal.index_format}, not {INDEX_FORMAT}",
            advice="build the segment again, with the same version of tantivy as here",
        )
    with fs.translated("list", path):
        others = set(fs.list_directory(path)) - {SEAL, *seal.files}
    if others:
        problem = f"{path} has files that its SEAL does not name: {min(others)!r:.200}"
        raise CorruptSnapshotError(problem, where=path)
    for name, digests in seal.files.items():
        file = os.path.join(path, name)
        if not fs.is_regular(file) or fs.digest_stable_file(file) != digests:
            error = CorruptSnapshotError if name == RECORDS else CorruptSearchError
            raise error(f"{file} is not what SEAL says", where=file)
    adopted = AdoptedSegment(segment, schema)
    for change in adopted.changes:
        schema.check_key(change.key)
    if not trusted:
        _refuse_undecodable(adopted, schema)
    return adopted


class _Decoding(Comparison):
    """Decodes each record once: to compare the halves, and to count what SEAL counts."""

    def __init__(self, adopted: AdoptedSegment, schema: Schema[Any]) -> None:
        super().__init__(adopted.segment, adopted.member.search(), schema)
        self.totals = (0,) * len(schema.counters)
        self._path, self._schema_of_records = adopted.segment.directory, schema

    def first_items(self, stored: StoredRecord) -> list[int]:
        """The items of its documents. Raises InvalidRecordError for a record that does not decode."""
        try:
            counts, terms, documents = self._schema_of_records.project(stored.key, stored.payload)
            for part in terms:
                deque(part, maxlen=0)
            items = [item for item, _ in documents]
        except Exception as error:
            reason = error.message if isinstance(error, DiptychError) else repr(error)
            raise InvalidRecordError(
                f"the segment at {self._path} has a record of {shown_key(stored.key)} that cannot be read: "
                f"{reason}",
                advice="build the segment again without it: its payload is none that the schema packed",
            ) from error
        self.totals = tuple(total + count for total, count in zip(self.totals, counts, strict=True))
        return items


def _refuse_undecodable(adopted: AdoptedSegment, schema: Schema[Any]) -> None:
    """Raise InvalidRecordError for a record that the schema does not decode.

    CorruptSearchError where a search would find other things than the records have, CorruptSnapshotError
    where SEAL counts other things than there are.
    """
    path, comparison = adopted.segment.directory, _Decoding(adopted, schema)
    for problem in comparison.disagreements():
        raise CorruptSearchError(problem, where=path)
    if comparison.totals != tuple(adopted.listed.counts):
        raise CorruptSnapshotError(f"{path} has other counts in its SEAL than its records", where=path)
