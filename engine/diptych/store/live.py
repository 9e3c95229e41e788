"""The live records of a generation: its segments without their dead records, read as one."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from diptych import fs
from diptych.change import StoredRecord, term_hash
from diptych.errors import CorruptSearchError, CorruptSnapshotError, StorageError
from diptych.schema.base import Buffer, Schema
from diptych.schema.undecodable import terms_of
from diptych.segment.terms import SortedTerms
from diptych.snapshot.format import KEY_INDEX
from diptych.store.healing import Healing
from diptych.store.live_segment import LiveSegment, SegmentSet
from diptych.store.ranges import EVERYTHING, Bounds
from diptych.store.upgrade import current_record, upgraded

if TYPE_CHECKING:
    from diptych.search.index import SearchIndex
    from diptych.segment.names import SegmentNames

Reading = Buffer | Callable[[], Buffer]
"""A payload, or what reads it."""

# Of so many records the payloads are read at once: to put that off takes as long.
_FEW = 16


class LiveRecords:
    """Reads of the live records; what is damaged in the snapshot is read from the search index."""

    __slots__ = ("_healing", "_schema", "_set", "search")

    def __init__(self, segments: SegmentSet, schema: Schema[Any], healing: Healing) -> None:
        self._set, self._schema, self._healing = segments, schema, healing
        self.search: SearchIndex | None = None
        """The search index of all segments, where it is kept open: their files may be removed."""

    @classmethod
    def of_one(cls, member: LiveSegment, schema: Schema[Any], healing: Healing) -> LiveRecords:
        """Those of one segment."""
        return cls(SegmentSet([member]), schema, healing)

    def get(self, key: bytes) -> StoredRecord | None:
        """The record of `key`, or None. Raises CorruptSnapshotError where both halves are damaged."""
        hash_, members = term_hash(key), self._set.members
        if len(members) > 1:
            members = self._set.holding(KEY_INDEX, hash_, self._healing)
        for member in members:
            try:
                record = member.get(key, hash_)
            except CorruptSnapshotError as error:
                record = self._from_search(member, key, error)
            if record is not None:
                return self._current(member, record)
        return None

    def __contains__(self, key: bytes) -> bool:
        for member in self._set.holding(KEY_INDEX, term_hash(key), self._healing):
            try:
                found = member.find(key) is not None
            except CorruptSnapshotError as error:
                found = self._from_search(member, key, error) is not None
            if found:
                return True
        return False

    def scan(self) -> Iterator[StoredRecord]:
        """All records in key order. Raises CorruptSnapshotError."""
        scans = [self.scan_member(member) for member in self._set.members]
        return scans[0] if len(scans) == 1 else heapq.merge(*scans)

    def scan_member(self, member: LiveSegment, without: Container[bytes] = ()) -> Iterator[StoredRecord]:
        """The live records of one segment but for those keys, in key order. Raises CorruptSnapshotError."""
        stored = self.stored_in(member, without)
        if member.version == self._schema.version:
            return stored
        return (current_record(self._schema, member.version, record) for record in stored)

    def stored_in(self, member: LiveSegment, without: Container[bytes] = ()) -> Iterator[StoredRecord]:
        """The same as they were written, of the segment's version of the schema."""
        last: bytes | None = None
        count, expected = 0, member.listed.records
        path = member.segment.records.path
        try:
            for stored in member.scan():
                last = stored.key
                count += 1
                if last not in without:
                    yield stored
            if count != expected:
                raise CorruptSnapshotError(f"{path} lacks records", where=path)  # noqa: TRY301
        except CorruptSnapshotError as error:
            # Records of one damaged byte are rare enough to sort all keys for.
            try:
                searched = self._searched(member)
                rest = sorted(record for record in searched if last is None or record.key > last)
            except CorruptSearchError as second:
                raise error from second
            self._healing.scan(member.segment.digest, error)
            if count + len(rest) != expected:
                # What came so far was out of order: some of what follows was passed by.
                raise
            for stored in rest:
                if stored.key not in without:
                    yield stored

    def between(self, bounds: Bounds, *, reverse: bool = False) -> Iterator[StoredRecord]:
        """The records with keys in the bounds, in key order. Raises CorruptSnapshotError."""
        if bounds == EVERYTHING and not reverse:
            return self.scan()
        parts = [
            self._between_in(member, bounds, reverse=reverse)
            for member in self._set.members
            if bounds.meets(member.listed.seal.first_key, member.listed.seal.last_key)
        ]
        return parts[0] if len(parts) == 1 else heapq.merge(*parts, reverse=reverse)

    def keys_between(self, bounds: Bounds, *, reverse: bool = False) -> Iterator[bytes]:
        """The keys in the bounds, in their order. Raises CorruptSnapshotError."""
        parts = [
            self._keys_between_in(member, bounds, reverse=reverse)
            for member in self._set.members
            if bounds.meets(member.listed.seal.first_key, member.listed.seal.last_key)
        ]
        return parts[0] if len(parts) == 1 else heapq.merge(*parts, reverse=reverse)

    def _keys_between_in(self, member: LiveSegment, bounds: Bounds, *, reverse: bool) -> Iterator[bytes]:
        keys = self._terms_of(member, KEY_INDEX)
        if keys is None:
            return (record.key for record in self._between_in(member, bounds, reverse=reverse))
        found = keys.between(*bounds, reverse=reverse)
        if not member.dead:
            return (key for key, _ in found)
        return (key for key, record_id in found if member.is_live(record_id))

    def terms_between(
        self, index: int, bounds: Bounds, replaced: Iterable[StoredRecord]
    ) -> list[Iterator[tuple[bytes, int]]]:
        """The terms of one of the schema's indexes (from 0), each with how many entries it has.

        In parts, in each of which they ascend: to be added up. A negative count is of what does not count:
        the entries of dead records, and of `replaced` ones. Raises CorruptSnapshotError.
        """
        without: Counter[bytes] = Counter()
        parts: list[Iterator[tuple[bytes, int]]] = []
        for member in self._set.members:
            terms = self._terms_of(member, 1 + index)
            if terms is not None:
                try:
                    if member.dead:
                        without.update(member.dead_terms(self._schema)[index])
                    parts.append(terms.between(*bounds))
                    continue
                except CorruptSnapshotError as error:
                    self._healing.scan(member.segment.digest, error)
            counted = self._count_terms(self.scan_member(member), index)
            parts.append(iter(sorted((term, count) for term, count in counted.items() if bounds.holds(term))))
        without.update(self._count_terms(replaced, index))
        if without:
            negative = ((term, -count) for term, count in without.items() if bounds.holds(term))
            parts.append(iter(sorted(negative)))
        return parts

    def names(self, index: int) -> Iterator[SegmentNames]:
        """The terms of one of the schema's indexes (from 0), of dead records too, in parts.

        Raises CorruptSnapshotError where both halves are damaged.
        """
        from diptych.segment.names import names_of_terms

        for member in self._set.members:
            try:
                names = member.segment.records.names_of(1 + index)
            except CorruptSnapshotError as error:
                self._healing.scan(member.segment.digest, error)
                names = None
            if names is None:
                names = member.counted_names.get(index)
            if names is None:
                counted = self._count_terms(self.scan_member(member), index)
                names = member.counted_names[index] = names_of_terms(counted)
            yield names

    def _count_terms(self, records: Iterable[StoredRecord], index: int) -> Counter[bytes]:
        counted: Counter[bytes] = Counter()
        for record in records:
            counted.update([term for term, _ in terms_of(self._schema, record.payload)[index]])
        return counted

    def _terms_of(self, member: LiveSegment, index: int) -> SortedTerms | None:
        """The sorted terms; None where the segment has none, or they are damaged."""
        try:
            return member.segment.records.terms_of(index)
        except CorruptSnapshotError as error:
            self._healing.scan(member.segment.digest, error)
            return None

    def _between_in(self, member: LiveSegment, bounds: Bounds, *, reverse: bool) -> Iterator[StoredRecord]:
        last: bytes | None = None
        try:
            for record in member.between(bounds, reverse=reverse):
                yield self._current(member, record)
                last = record.key
        except CorruptSnapshotError as error:
            # Walk all of them, with the search index's help.
            found = [record for record in self.scan_member(member) if bounds.holds(record.key)]
            self._healing.scan(member.segment.digest, error)
            for record in reversed(found) if reverse else found:
                if last is None or (record.key < last if reverse else record.key > last):
                    yield record

    def lookup(self, index: int, term: bytes) -> Iterator[tuple[bytes, Reading, list[int]]]:
        """The records that have a term's hash in one of the schema's indexes (from 0), each with its items.

        The key of each, and its payload, or what reads that: many are not read before they are wanted. Of a
        schema that `matches_views` a payload may be a view of the file. Both raise CorruptSnapshotError.
        """
        hash_ = term_hash(term)
        for member in self._set.holding(1 + index, hash_, self._healing):
            try:
                postings = member.postings(1 + index, hash_)
                if len(postings) > _FEW and (keys := self._keys_of(member)) is not None:
                    for record_id, some in postings.items():
                        key = keys[record_id]
                        yield key, partial(self._read, member, record_id, key), some
                    continue
                found = [(*self._payload(member, record_id), some) for record_id, some in postings.items()]
            except CorruptSnapshotError as error:
                # These are of the current version already: a payload is not upgraded twice.
                healed = list(self._with_term(member, index, term))
                self._healing.scan(member.segment.digest, error)
                yield from ((record.key, record.payload, some) for record, some in healed)
                continue
            yield from found

    def _keys_of(self, member: LiveSegment) -> list[bytes] | None:
        """The keys by id; None where they are damaged, or the segment has none that are sorted."""
        terms = self._terms_of(member, KEY_INDEX)
        return None if terms is None else member.keys_by_id(terms)

    def _payload(self, member: LiveSegment, record_id: int) -> tuple[bytes, Buffer]:
        """The key and the payload of a record."""
        if self._schema.matches_views and member.version == self._schema.version:
            # A hit is a small part of most records: to copy a large one takes longer than the rest.
            return member.segment.records.view(record_id)
        record = self._current(member, member.record(record_id))
        return record.key, record.payload

    def _read(self, member: LiveSegment, record_id: int, key: bytes) -> Buffer:
        """The payload of a record whose key is known."""
        try:
            actual, payload = self._payload(member, record_id)
            if actual != key:
                path = member.segment.records.path
                raise CorruptSnapshotError(f"{path}: record {record_id} has another key", where=path)  # noqa: TRY301
        except CorruptSnapshotError as error:
            found = self._from_search(member, key, error)
            if found is None:
                raise
            payload = self._current(member, found).payload
        return payload

    def by_key_hash(self, key_hash: int) -> list[tuple[bytes, Buffer]]:
        """`(key, payload)` of the records whose key has that hash: one, but for a collision.

        Raises CorruptSnapshotError.
        """
        found: list[tuple[bytes, Buffer]] = []
        for member in self._set.holding(KEY_INDEX, key_hash, self._healing):
            view, version = member.segment.records.view, member.version
            try:
                views = [view(record_id) for record_id in member.postings(KEY_INDEX, key_hash)]
                if version == self._schema.version:
                    found += views
                else:
                    found += [
                        (key, upgraded(self._schema, version, key, bytes(payload))) for key, payload in views
                    ]
            except CorruptSnapshotError as error:
                found += self._by_hash_from_search(member, key_hash, error)
        return found

    def keys_by_hash(self, key_hash: int) -> list[bytes]:
        """The keys with that hash: one, but for a collision. Raises CorruptSnapshotError."""
        found: list[bytes] = []
        for member in self._set.holding(KEY_INDEX, key_hash, self._healing):
            key = member.segment.records.key
            try:
                found += [key(record_id, key_hash) for record_id in member.postings(KEY_INDEX, key_hash)]
            except CorruptSnapshotError as error:
                found += [key for key, _ in self._by_hash_from_search(member, key_hash, error)]
        return found

    def _by_hash_from_search(
        self, member: LiveSegment, key_hash: int, error: CorruptSnapshotError
    ) -> list[tuple[bytes, Buffer]]:
        found: list[tuple[bytes, Buffer]] = [
            (record.key, self._current(member, record).payload)
            for record in self._searched(member)
            if term_hash(record.key) == key_hash
        ]
        self._healing.scan(member.segment.digest, error)
        return found

    def _current(self, member: LiveSegment, record: StoredRecord) -> StoredRecord:
        if member.version == self._schema.version:
            return record
        return current_record(self._schema, member.version, record)

    def _with_term(
        self, member: LiveSegment, index: int, term: bytes
    ) -> Iterator[tuple[StoredRecord, list[int]]]:
        """The same where the way to the records is damaged: walk all of them."""
        for record in self.scan_member(member):
            some = [item for other, item in terms_of(self._schema, record.payload)[index] if other == term]
            if some:
                yield record, some

    def _from_search(
        self, member: LiveSegment, key: bytes, error: CorruptSnapshotError
    ) -> StoredRecord | None:
        """The record from the search index. Raises CorruptSnapshotError where that is damaged too."""
        try:
            found = self._search_of(member).record(key)
        except CorruptSearchError as second:
            raise error from second
        self._healing.records(member.segment.digest, error)
        return found

    def _searched(self, member: LiveSegment) -> Iterator[StoredRecord]:
        """The live records of one segment, from its search half. Raises CorruptSearchError, StorageError."""
        index = self._search_of(member)
        if index is not self.search:
            return index.records()
        others = [other for other in self._set.members if other is not member]
        return (
            record
            for record in index.records()
            if not any(other.find(record.key) is not None for other in others)
        )

    def _search_of(self, member: LiveSegment) -> SearchIndex:
        """The search half of a segment; that of all segments where its own files were removed."""
        try:
            return member.search()
        except (CorruptSearchError, StorageError):
            if self.search is None or fs.exists(member.segment.directory):
                raise
            return self.search
