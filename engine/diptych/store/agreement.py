"""Whether the two halves of a segment hold the same: every record, and every search document of each.

Documents are summed up in parts, by the hash of their key, so that memory grows little with the store; only a
part that differs is gone through document by document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_intdigest

from diptych.change import StoredRecord, term_hash
from diptych.errors import CorruptionError, IncompatibleStoreError
from diptych.schema.base import Schema
from diptych.segment.reader import Segment
from diptych.snapshot.format import KEY_INDEX
from diptych.store.upgrade import current_record, upgrades

if TYPE_CHECKING:
    from diptych.search.index import SearchIndex

_HASHES = 1 << 64
_PART_DOCUMENTS = 4_096
_PARTS_MAX = 1_024


class Comparison:
    """Compares the halves of a segment, once."""

    def __init__(self, snapshot: Segment, index: SearchIndex, schema: Schema[Any]) -> None:
        self._snapshot, self._index, self._schema = snapshot, index, schema
        self.undecodable: dict[bytes, str] = {}
        """By key, why a record does not decode, of those that were met: both halves have it, and agree."""

    def disagreements(self) -> Iterator[str]:
        """A sentence for each record on which the two halves differ. Raises CorruptionError."""
        yield from _records(self._snapshot, self._index)
        version = self._snapshot.seal.schema_version
        if version == self._schema.version:
            yield from self._document_disagreements()
        elif upgrades(self._schema):
            # The older version of the schema may have made other documents of the same records.
            self._find_not_upgraded(version)

    def _find_not_upgraded(self, version: int) -> None:
        for stored in self._snapshot.scan():
            try:
                current_record(self._schema, version, stored)
            except (CorruptionError, IncompatibleStoreError) as error:
                self.undecodable[stored.key] = error.message

    def _document_disagreements(self) -> Iterator[str]:
        snapshot, index = self._snapshot, self._index
        parts = min(index.documents // _PART_DOCUMENTS + 1, _PARTS_MAX)
        expected = [0] * parts
        for stored in snapshot.scan():
            key_hash = term_hash(stored.key)
            part = key_hash * parts // _HASHES
            for item in self.first_items(stored):
                expected[part] += _mixed(key_hash, item)
        for part, sum_expected in enumerate(expected):
            # The hashes h with h * parts // _HASHES == part.
            first, last = -(-part * _HASHES // parts), -(-(part + 1) * _HASHES // parts) - 1
            found = index.items(first, last)
            if sum(_mixed(key_hash, item) for key_hash, item in found) != sum_expected:
                yield from self._in_part(Counter(found), first, last)

    def _in_part(self, found: Counter[tuple[int, int]], first: int, last: int) -> Iterator[str]:
        snapshot, where = self._snapshot, self._index.where
        for stored in snapshot.scan():
            key_hash = term_hash(stored.key)
            if first <= key_hash <= last:
                wanted = Counter((key_hash, item) for item in self._items_of(stored))
                missing = (wanted - found).total()
                found -= wanted
                if missing:
                    yield f"{where} lacks {missing:,} documents of {stored.key!r}"
        by_hash: Counter[int] = Counter()
        for (key_hash, _), times in found.items():
            by_hash[key_hash] += times
        for key_hash, times in by_hash.items():
            ids = [posting >> 32 for posting in snapshot.lookup_hash(KEY_INDEX, key_hash)]
            keys = [snapshot.record(record_id).key for record_id in ids]
            if any(key in self.undecodable for key in keys):
                # Whoever made the segment made documents of it: what they should be, nobody knows.
                continue
            names = " or ".join(map(repr, keys)) or "no record"
            yield f"{where} has {times:,} documents too many, of {names}: a replaced record came back"

    def first_items(self, stored: StoredRecord) -> list[int]:
        """`_items_of` where each record is first looked at, in key order; for who wants more of it."""
        return self._items_of(stored)

    def _items_of(self, stored: StoredRecord) -> list[int]:
        """The items of a record's documents; none where it does not decode."""
        try:
            record = current_record(self._schema, self._snapshot.seal.schema_version, stored)
            return [item for item, _ in self._schema.documents(record.key, record.payload)]
        except CorruptionError as error:
            self.undecodable[stored.key] = error.message
            return []


def _records(snapshot: Segment, index: SearchIndex) -> Iterator[str]:
    found: Counter[int] = Counter()
    for record in index.records():
        found[term_hash(record.key)] += 1
        stored = snapshot.get(record.key)
        if stored is None:
            yield f"{index.where} has {record.key!r}, and the snapshot does not"
        elif stored.checksum != record.checksum:
            yield f"the snapshot and the search index differ on {record.key!r}"
    for stored in snapshot.scan():
        times = found[term_hash(stored.key)]
        if times == 0:
            yield f"{index.where} does not have {stored.key!r}, and the snapshot does"
        elif times > 1:
            yield f"{index.where} has {stored.key!r} {times} times"


def _mixed(key_hash: int, item: int) -> int:
    """A number for one document; the sum of these tells apart what documents there are, and how often."""
    return xxh3_64_intdigest(item.to_bytes(8, "little"), key_hash)
