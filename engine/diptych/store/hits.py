"""What a match of a search index stands for: in the generation's, and in that of the overlay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diptych.change import Change, FileIndexed, term_hash
from diptych.errors import CorruptSearchError
from diptych.schema.base import Buffer, Schema
from diptych.store.adopted import AdoptedSegment
from diptych.store.generation import HitCache
from diptych.store.live import LiveRecords
from diptych.store.overlay import Overlay

if TYPE_CHECKING:
    from diptych.search.index import SearchIndex


class Source(ABC):
    """A search index, and the records that its matches are about, as of one LSN."""

    def __init__(self, index: SearchIndex, schema: Schema[Any], overlay: Overlay, lsn: int) -> None:
        self.index = index
        self._schema = schema
        self._overlay = overlay
        self._lsn = lsn
        # Hits often are in the same few records.
        self._records: dict[int, Sequence[tuple[bytes, Buffer]]] = {}

    @abstractmethod
    def items(self, key_hash: int, item: int) -> list[tuple[bytes, Any]]:
        """The key of a match, and what `Schema.item` makes of it; none if the record was replaced."""

    @abstractmethod
    def keys(self, key_hash: int) -> list[bytes]:
        """The keys that a match may be about: one, but for a collision; none if it was replaced."""

    @abstractmethod
    def hidden(self) -> list[bytes]:
        """The keys whose documents in the index no longer count."""

    def text(self, key: bytes, item: int, field: str) -> str:
        """What a field of a hit's document has; "" for nothing."""
        for found, payload in self._records_of(term_hash(key)):
            if found == key:
                for other, document in self._schema.documents(key, bytes(payload)):
                    if other == item:
                        text = document.get(field) or ""
                        return text if isinstance(text, str) else " ".join(text)
        return ""

    def _records_of(self, key_hash: int) -> Sequence[tuple[bytes, Buffer]]:
        """The keys and payloads of the records with that hash of their key."""
        records = self._records.get(key_hash)
        if records is None:
            records = self._records[key_hash] = self._read(key_hash)
        return records

    @abstractmethod
    def _read(self, key_hash: int) -> Sequence[tuple[bytes, Buffer]]:
        """The same, not from memory."""

    def _items_in(self, records: Sequence[tuple[bytes, Buffer]], item: int) -> list[tuple[bytes, Any]]:
        # In doubt only where two keys have one hash.
        schema, certain = self._schema, len(records) == 1
        return [
            (key, schema.item(key, payload, item))
            for key, payload in records
            if certain or any(other == item for other, _ in schema.documents(key, bytes(payload)))
        ]


class SegmentSource(Source):
    """The search index of segments, without what the overlay overrides."""

    def __init__(
        self,
        index: SearchIndex,
        schema: Schema[Any],
        overlay: Overlay,
        lsn: int,
        records: LiveRecords,
        hits: HitCache,
    ) -> None:
        super().__init__(index, schema, overlay, lsn)
        self._live = records
        self._hits = hits

    def items(self, key_hash: int, item: int) -> list[tuple[bytes, Any]]:
        """See `Source`. Raises CorruptSearchError for what the snapshot has no record of."""
        known, overlay, lsn = self._hits, self._overlay, self._lsn
        found = known.get((key_hash, item))
        if found is None:
            found = self._items_in(self._records_of(key_hash), item)
            known.keep((key_hash, item), found)
        return [pair for pair in found if self._counts(overlay.get(pair[0], lsn))]

    def keys(self, key_hash: int) -> list[bytes]:
        """See `Source`. Raises CorruptSearchError for what the snapshot has no record of."""
        keys = self._hits.keys(key_hash)
        if keys is None:
            keys = self._live.keys_by_hash(key_hash)
            if not keys:
                raise _missing()
            self._hits.keep_keys(key_hash, keys)
        return [key for key in keys if self._counts(self._overlay.get(key, self._lsn))]

    @abstractmethod
    def _counts(self, change: Change | None) -> bool:
        """Whether a record is the newest of its key, of which the overlay has this change."""

    def _read(self, key_hash: int) -> Sequence[tuple[bytes, Buffer]]:
        found = self._live.by_key_hash(key_hash)
        if not found:
            raise _missing()
        return found


class GenerationSource(SegmentSource):
    """The search index of a generation."""

    def hidden(self) -> list[bytes]:
        """See `Source`."""
        return [entry.change.key for entry in self._overlay.changes(self._lsn)]

    def _counts(self, change: Change | None) -> bool:
        return change is None


class AdoptedSource(SegmentSource):
    """The search index of a segment that no generation lists yet."""

    def __init__(
        self, index: SearchIndex, schema: Schema[Any], overlay: Overlay, lsn: int, segment: AdoptedSegment
    ) -> None:
        super().__init__(index, schema, overlay, lsn, segment.records, segment.hits)
        self._segment = segment

    def hidden(self) -> list[bytes]:
        """See `Source`."""
        get, lsn = self._overlay.get, self._lsn
        return [one.key for one in self._segment.changes if get(one.key, lsn) is not one]

    def _counts(self, change: Change | None) -> bool:
        return self._segment.has(change)


class OverlaySource(Source):
    """The search index in memory, of what the overlay has."""

    def items(self, key_hash: int, item: int) -> list[tuple[bytes, Any]]:
        """See `Source`."""
        return self._items_in(self._records_of(key_hash), item)

    def keys(self, key_hash: int) -> list[bytes]:
        """See `Source`."""
        found = self._overlay.keys_of(key_hash)
        return [key for key in found if isinstance(self._overlay.get(key, self._lsn), FileIndexed)]

    def _read(self, key_hash: int) -> Sequence[tuple[bytes, Buffer]]:
        changes = [self._overlay.get(key, self._lsn) for key in self._overlay.keys_of(key_hash)]
        return [(change.key, change.payload) for change in changes if isinstance(change, FileIndexed)]

    def hidden(self) -> list[bytes]:
        """None: the index has the newest of each."""
        return []


def _missing() -> CorruptSearchError:
    return CorruptSearchError("the search index has a record that the snapshot has not")
