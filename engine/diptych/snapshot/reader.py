"""Reading a snapshot through a memory map. Every record and bucket is checked when it is read."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence

from diptych.change import StoredRecord, record_checksum, term_hash
from diptych.errors import CorruptSnapshotError
from diptych.fs import drop_pages, open_regular, translated
from diptych.snapshot.format import (
    BIN32_SIZE,
    EXTENT,
    KEY_INDEX,
    OFFSET,
    TRAILER_SIZE,
    RecordPlace,
    bin_length,
    check_bucket,
    check_places,
    decode_head,
    decode_record_place,
    decode_trailer,
    encode_head,
    find_postings,
)

# So much of what a scan has read stays mapped.
_KEPT_BYTES = 1 << 20


class SnapshotReader:
    """One snapshot file, open. Safe to use from several threads; unaffected when the file is deleted.

    Opening reads the head and the trailer only, so that it costs the same for any number of records.
    """

    def __init__(self, path: str) -> None:
        """Open `path`. Raises CorruptSnapshotError, IncompatibleStoreError, or StorageError."""
        self.path = path
        with translated("open", path), open(path, "rb", opener=open_regular) as file:
            actual = os.fstat(file.fileno()).st_size
            if actual < TRAILER_SIZE:
                raise CorruptSnapshotError(f"{path} ends after {actual:,} bytes", where=path)
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._view = memoryview(self.map)
        self.size = actual
        self.trailer = decode_trailer(self.map[-TRAILER_SIZE:], where=path)
        check_places(self.trailer, actual, where=path)
        self.store_id, self.lsn = decode_head(self.map[:64], where=path)
        self.records_begin = len(encode_head(self.store_id, self.lsn))
        # Looked up once: each read needs them.
        self._offsets, self._ids = self.trailer.offsets, self.trailer.ids
        self._records_end = self.trailer.records_end
        self._buckets = [(place.ends - 8, 64 - place.bits) for place in self.trailer.indexes]

    def __len__(self) -> int:
        return self.trailer.records

    def find(self, key: bytes) -> int | None:
        """The id of the record of `key`, or None. Raises CorruptSnapshotError."""
        for posting in self.lookup_hash(KEY_INDEX, term_hash(key)):
            place = self._place(posting >> 32)
            if place.key == key:
                return place.id
            # Another key of the same hash, or this one damaged: only the checksum tells.
            self._checked(place)
        return None

    def lookup_hash(self, index: int, hash_: int) -> Sequence[int]:
        """The postings (`id << 32 | item`) of a term's hash in index `index`; 0 is that of the keys.

        Raises CorruptSnapshotError.
        """
        return find_postings(self.bucket(index, hash_ >> self._buckets[index][1]), hash_)

    def record(self, record_id: int) -> StoredRecord:
        """The record with that id. Raises CorruptSnapshotError."""
        return self._checked(self._place(record_id))

    def view(self, record_id: int) -> tuple[bytes, memoryview]:
        """`(key, payload)` of the record with that id. Raises CorruptSnapshotError.

        The payload is a view of the file's bytes, checked but not copied: a search that hits a symbol of a
        large record wants no more than that symbol's bytes.
        """
        place = self._place(record_id)
        payload = self._view[place.payload : place.end]
        self._check(place, payload)
        return place.key, payload

    def key(self, record_id: int, hash_: int) -> bytes:
        """The key of the record with that id, which has that hash. Raises CorruptSnapshotError."""
        place = self._place(record_id)
        # What has another hash is damaged: only the record's checksum covers its key.
        if term_hash(place.key) != hash_:
            raise CorruptSnapshotError(
                f"{self.path}: the key of record {record_id} is damaged", where=f"{self.path}@{place.payload}"
            )
        return place.key

    def bucket(self, index: int, bucket: int) -> bytes:
        """The bytes of a bucket, checked, without its msgpack head. Raises CorruptSnapshotError."""
        begin, end = EXTENT.unpack_from(self.map, self._buckets[index][0] + 8 * bucket)
        data = b""
        # The extent stands in a table without a checksum: look at what it points to before reading it.
        if begin < end and bin_length(self.map, begin) == end - begin - BIN32_SIZE:
            data = self.map[begin + BIN32_SIZE : end]
        if not check_bucket(data, index, bucket):
            raise CorruptSnapshotError(
                f"{self.path}: bucket {bucket} of index {index} fails its checksum",
                where=f"{self.path}@{begin}",
            )
        return data

    def scan(self, after: bytes | None = None) -> Iterator[StoredRecord]:
        """All records in key order, or those with a key above `after`. Raises CorruptSnapshotError."""
        for _, record in self.numbered(after):
            yield record

    def numbered(self, after: bytes | None = None) -> Iterator[tuple[int, StoredRecord]]:
        """As `scan`, each record after its id."""
        offset = self.records_begin if after is None else self.seek(after)[1]
        return self._forwards(offset, after)

    def between(
        self, start: bytes, stop: bytes | None, *, reverse: bool = False
    ) -> Iterator[tuple[int, StoredRecord]]:
        """The records with keys from `start`, before `stop` (None: to the end), in key order.

        Each after its id. What is before is not read. Raises CorruptSnapshotError.
        """
        if reverse:
            yield from self._backwards(start, stop)
            return
        for record_id, record in self._forwards(self._split(start)[1], None):
            if stop is not None and record.key >= stop:
                return
            yield record_id, record

    def _forwards(self, offset: int, previous: bytes | None) -> Iterator[tuple[int, StoredRecord]]:
        """The records from `offset` to the end, with keys above `previous`."""
        records_end = self.trailer.records_end
        kept = offset
        while offset < records_end:
            place = decode_record_place(self.map, offset, records_end, where=self.path)
            record = self._checked(place)
            if previous is not None and record.key <= previous:
                raise self._disorder(offset)
            previous, offset = record.key, place.end
            if offset - kept >= _KEPT_BYTES or offset == records_end:
                # Else who reads all segments has all of their records in memory, as far as the system counts.
                drop_pages(self.map, kept, offset)
                kept = offset
            yield place.id, record

    def _backwards(self, start: bytes, stop: bytes | None) -> Iterator[tuple[int, StoredRecord]]:
        position, end = self.trailer.records, self.trailer.records_end
        if stop is not None:
            position, end = self._split(stop)
        while position:
            position -= 1
            place = self._place(self._id_at(position))
            record = self._checked(place)
            # The table of ids in key order has no checksum: what it leads to must adjoin.
            if place.end != end:
                raise self._disorder(place.end)
            if record.key < start:
                return
            yield place.id, record
            end = self.offset_of(place.id)

    def _split(self, key: bytes) -> tuple[int, int]:
        """How many records have a key below `key`, and where the first of the others begins."""
        low, high = 0, self.trailer.records
        while low < high:
            middle = (low + high) // 2
            if self._place(self._id_at(middle)).key < key:
                low = middle + 1
            else:
                high = middle
        begin, end = self.records_begin, self.trailer.records_end
        # Neither the table nor a key that was passed is checked: the records on both sides are, and adjoin.
        if low:
            before = self._place(self._id_at(low - 1))
            if self._checked(before).key >= key:
                raise self._disorder(before.end)
            begin = before.end
        if low < self.trailer.records:
            after = self._place(self._id_at(low))
            if self._checked(after).key < key:
                raise self._disorder(begin)
            end = self.offset_of(after.id)
        if begin != end:
            raise self._disorder(begin)
        return low, begin

    def _disorder(self, offset: int) -> CorruptSnapshotError:
        return CorruptSnapshotError(f"{self.path}: disorder at byte {offset}", where=self.path)

    def seek(self, key: bytes) -> tuple[int, int, bool]:
        """`(position, offset, found)`: the first record above `key` in key order; whether `key` is there."""
        low, high = 0, self.trailer.records
        found = False
        while low < high:
            middle = (low + high) // 2
            place = self._place(self._id_at(middle))
            if place.key <= key:
                found = found or place.key == key
                low = middle + 1
            else:
                high = middle
        offset = self.trailer.records_end
        if low < self.trailer.records:
            offset = self.offset_of(self._id_at(low))
        return low, offset, found

    def offset_of(self, record_id: int) -> int:
        """Where the record with that id stands. Raises CorruptSnapshotError."""
        if record_id >= self._ids:
            raise CorruptSnapshotError(f"{self.path}: no record has the id {record_id}", where=self.path)
        offset: int = OFFSET.unpack_from(self.map, self._offsets + 8 * record_id)[0]
        return offset

    def _id_at(self, position: int) -> int:
        at = self.trailer.order + 4 * position
        return int.from_bytes(self.map[at : at + 4], "little")

    def _place(self, record_id: int) -> RecordPlace:
        offset = self.offset_of(record_id)
        place = decode_record_place(self.map, offset, self._records_end, where=self.path)
        if place.id != record_id:
            raise CorruptSnapshotError(
                f"{self.path}: record {place.id} stands in the place of {record_id}",
                where=f"{self.path}@{offset}",
            )
        return place

    def _checked(self, place: RecordPlace) -> StoredRecord:
        payload = self.map[place.payload : place.end]
        self._check(place, payload)
        return StoredRecord(place.key, place.checksum, payload)

    def _check(self, place: RecordPlace, payload: bytes | memoryview) -> None:
        if record_checksum(place.key, payload) != place.checksum:
            raise CorruptSnapshotError(
                f"{self.path}: the record of {place.key!r} fails its checksum",
                where=f"{self.path}@{place.payload}",
            )
