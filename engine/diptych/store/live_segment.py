"""The segments of a generation: each open, without its dead records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from diptych import fs
from diptych.change import StoredRecord
from diptych.errors import CorruptSearchError, CorruptSnapshotError
from diptych.schema.base import Schema
from diptych.schema.undecodable import terms_of
from diptych.search.bounded import PUBLISHED
from diptych.segment.filter import probe_of
from diptych.segment.reader import Segment, ids_in
from diptych.segment.terms import SortedTerms
from diptych.snapshot.format import KEY_INDEX
from diptych.store.healing import Healing
from diptych.store.manifest import ListedSegment, Manifest
from diptych.store.ranges import Bounds
from diptych.store.upgrade import current_record

if TYPE_CHECKING:
    from diptych.search.composed import Component
    from diptych.search.index import SearchIndex
    from diptych.segment.names import SegmentNames

Probed = list[tuple["LiveSegment", bytes, int]]
"""Segments, with the filter of an index of each, and its size."""

# A filter that lets everything pass.
_ANY = b"\xff"


class LiveSegment:
    """An open segment of a generation, and which of its records are dead."""

    __slots__ = (
        *("__weakref__", "_alone", "_dead_terms", "_keys_by_id", "_lookup_hash", "_record"),
        *("counted_names", "dead", "listed", "segment", "version"),
    )

    def __init__(self, segment: Segment, listed: ListedSegment) -> None:
        self.segment = segment
        self.listed = listed
        self.dead = listed.dead
        self.version = segment.seal.schema_version
        """Of the schema, by which its payloads were packed."""
        self.counted_names: dict[int, SegmentNames] = {}
        """By index, the terms that its records were walked for, where it has none that are sorted."""
        self._alone: SearchIndex | None = None
        self._dead_terms: list[Counter[bytes]] | None = None
        self._keys_by_id: list[bytes] | None = None
        # Looked up once: each read needs them.
        self._lookup_hash, self._record = segment.records.lookup_hash, segment.records.record

    def is_live(self, record_id: int) -> bool:
        """Whether the record with that id is."""
        at = record_id >> 3
        return at >= len(self.dead) or not self.dead[at] >> (record_id & 7) & 1

    def find(self, key: bytes) -> int | None:
        """The id of the live record of `key`, or None. Raises CorruptSnapshotError."""
        record_id = self.segment.records.find_unfiltered(key)
        return record_id if record_id is not None and self.is_live(record_id) else None

    def get(self, key: bytes, hash_: int) -> StoredRecord | None:
        """The live record of `key`, whose hash is `hash_`, or None. Raises CorruptSnapshotError."""
        for posting in self._lookup_hash(KEY_INDEX, hash_):
            record_id = posting >> 32
            if not self.dead or self.is_live(record_id):
                record = self._record(record_id)
                if record.key == key:
                    return record
        return None

    def scan(self, after: bytes | None = None) -> Iterator[StoredRecord]:
        """The live records in key order, or those with a key above `after`. Raises CorruptSnapshotError."""
        if not self.dead:
            return self.segment.records.scan(after)
        numbered = self.segment.records.numbered(after)
        return (record for record_id, record in numbered if self.is_live(record_id))

    def record(self, record_id: int) -> StoredRecord:
        """The record with that id. Raises CorruptSnapshotError."""
        return self._record(record_id)

    def keys_by_id(self, terms: SortedTerms) -> list[bytes]:
        """Its sorted keys, by the ids of their records."""
        keys = self._keys_by_id
        if keys is None:
            keys = [b""] * len(terms)
            for key, record_id in terms.between(b"", None):
                keys[record_id] = key
            self._keys_by_id = keys
        return keys

    def between(self, bounds: Bounds, *, reverse: bool) -> Iterator[StoredRecord]:
        """The live records with keys in the bounds, in key order. Raises CorruptSnapshotError."""
        numbered = self.segment.records.between(*bounds, reverse=reverse)
        return (record for record_id, record in numbered if self.is_live(record_id))

    def postings(self, index: int, hash_: int) -> dict[int, list[int]]:
        """The items of a hash in an index, by the id of the live record. Raises CorruptSnapshotError."""
        items: dict[int, list[int]] = {}
        for posting in self._lookup_hash(index, hash_):
            record_id = posting >> 32
            if not self.dead or self.is_live(record_id):
                items.setdefault(record_id, []).append(posting & 0xFFFFFFFF)
        return items

    def dead_terms(self, schema: Schema[Any]) -> list[Counter[bytes]]:
        """The terms of the dead records, for each index of the schema. Raises CorruptSnapshotError.

        `schema` is the one by which the segment was built, or a later version of it.
        """
        counted = self._dead_terms
        if counted is None:
            counted = [Counter() for _ in schema.indexes]
            for record_id in ids_in(self.dead):
                record = self._record(record_id)
                if self.version != schema.version:
                    record = current_record(schema, self.version, record)
                for counter, pairs in zip(counted, terms_of(schema, record.payload), strict=True):
                    counter.update([term for term, _ in pairs])
            self._dead_terms = counted
        return counted

    def component(self) -> Component:
        """What `compose` takes. Raises CorruptSearchError, CorruptSnapshotError, StorageError."""
        return self.segment.component(self.dead)

    def search(self) -> SearchIndex:
        """The search half by itself, to read damaged records from. Raises as `component` does."""
        index = self._alone
        if index is None:
            index = self._alone = self.segment.search_alone(self.dead)
        PUBLISHED.use(self)
        return index

    def release_search(self) -> None:
        """Let go of the search half, unless it is in use."""
        self._alone = None


class SegmentSet:
    """The segments of one generation. Safe to use from several threads."""

    def __init__(self, members: Sequence[LiveSegment]) -> None:
        self.members: Sequence[LiveSegment] = tuple(members)
        self._probed: dict[int, Probed] = {}

    def open_segments(self) -> dict[str, Segment]:
        """The segments by digest, to be shared with another generation."""
        return {member.segment.digest: member.segment for member in self.members}

    def holding(self, index: int, hash_: int, healing: Healing) -> Sequence[LiveSegment]:
        """The segments that may hold a hash in an index."""
        if len(self.members) < 2:
            return self.members
        probed = self._probed.get(index) or self._probe(index, healing)
        first, first_bit, second, second_bit = probe_of(hash_)
        return [
            member
            for member, data, size in probed
            if data[first % size] & first_bit and data[second % size] & second_bit
        ]

    def _probe(self, index: int, healing: Healing) -> Probed:
        # The largest first: there most keys are.
        largest_first = sorted(self.members, key=lambda member: -member.listed.records)
        filters = [(member, _filter_of(member, index, healing)) for member in largest_first]
        probed = self._probed[index] = [(member, data, len(data)) for member, data in filters]
        return probed

    def compose(self, schema: Schema[Any], *, where: str) -> SearchIndex:
        """All live documents as one index. Raises CorruptSearchError, CorruptSnapshotError, StorageError."""
        with fs.importing("diptych.search.composed"):
            from diptych.search.composed import compose

        return compose([member.component() for member in self.members], schema, where=where)

    def damaged_search(self) -> set[str]:
        """The digests of the segments whose search half is not what SEAL says: reads all of it.

        Raises StorageError where it cannot be looked at now.
        """
        damaged = set()
        for member in self.members:
            try:
                member.segment.search_files()
            except CorruptSearchError:
                damaged.add(member.segment.digest)
        return damaged


def open_set(manifest: Manifest, segments: Mapping[str, Segment]) -> SegmentSet:
    """The set of the segments that a manifest lists; `segments` has them open by digest, and maybe others."""
    return SegmentSet([LiveSegment(segments[listed.digest], listed) for listed in manifest.segments])


def _filter_of(member: LiveSegment, index: int, healing: Healing) -> bytes:
    try:
        return member.segment.filter_of(index)
    except CorruptSnapshotError as error:
        healing.filter(member.segment.digest, error)
        return _ANY
