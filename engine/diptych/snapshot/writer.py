"""Writing a snapshot: the records of the one before as bytes, the changes merged in, the indexes updated.

The Python work grows with what changed; the rest is copied in runs. Where there is no snapshot before, all is
a change.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from diptych.change import Change, FileIndexed, FileRemoved, StoredRecord, term_hash
from diptych.schema.base import Projection, Schema
from diptych.snapshot.format import (
    BIN32_SIZE,
    KEY_INDEX,
    IndexPlace,
    Trailer,
    bucket_length,
    bucket_of,
    decode_bucket,
    encode_bin,
    encode_bucket,
    encode_head,
    encode_record,
    encode_table,
    encode_trailer,
)
from diptych.snapshot.hashed import HashedFile
from diptych.snapshot.postings import Postings
from diptych.snapshot.reader import SnapshotReader

_COPY_BYTES = 1024 * 1024
# So many changes leave some 20 MB of the base mapped.
_DROP_PAGES_CHANGES = 200
# Hashes to a bucket: about this many after a rebuild; rebuilt when the mean leaves the bounds.
_HASHES_WANTED = 8
_HASHES_MOST = 24
_HASHES_LEAST = 2


class IndexTerms(NamedTuple):
    """What a snapshot keeps of a record beside its bytes: the counts, and the terms as hashes."""

    counts: tuple[int, ...]
    terms: tuple[array[int], ...]
    """For each of the schema's indexes: hash, item, hash, item …"""


class SnapshotInfo(NamedTuple):
    """Of a snapshot: size in bytes, BLAKE3, records, and the schema's counts over all of them."""

    size: int
    blake3: str
    records: int
    counts: tuple[int, ...]


# Those of a removal.
NO_TERMS = IndexTerms((), ())


def extract_terms(projection: Projection) -> IndexTerms:
    """What the snapshot needs of a payload's projection."""
    flat = []
    for terms in projection.terms:
        pairs = array("Q")
        for term, item in terms:
            pairs.extend((term_hash(term), item))
        flat.append(pairs)
    return IndexTerms(projection.counts, tuple(flat))


def with_terms(schema: Schema[Any], records: Iterable[StoredRecord]) -> Iterator[tuple[Change, IndexTerms]]:
    """Each record as a change, with its terms."""
    for record in records:
        yield FileIndexed(*record), extract_terms(schema.project(record.key, record.payload))


def write_snapshot(
    path: str,
    *,
    store_id: bytes,
    lsn: int,
    schema: Schema[Any],
    changes: Iterable[tuple[Change, IndexTerms]],
    base: SnapshotReader | None = None,
    base_counts: Sequence[int] = (),
) -> SnapshotInfo:
    """Write a snapshot in one go; see `SnapshotWriter`."""
    writer = SnapshotWriter(
        path, store_id=store_id, lsn=lsn, schema=schema, base=base, base_counts=base_counts
    )
    try:
        for _ in writer.write_records(changes):
            pass
        for _ in writer.write_indexes():
            pass
        return writer.finish()
    finally:
        writer.close()


class _Window:
    """Reads a snapshot's bytes front to back, a mebibyte at a time, and hands them out in pieces.

    A read for each bucket would release the GIL for each, and wait for it after those that commit.
    """

    def __init__(self, base: SnapshotReader, limit: int) -> None:
        self._base, self._limit = base, limit
        self._begin = 0
        self._data = memoryview(b"")

    def pieces(self, begin: int, end: int) -> Iterator[memoryview]:
        """The bytes from `begin` to `end`, which are not before those that were asked for last."""
        while begin < end:
            at = begin - self._begin
            if not 0 <= at < len(self._data):
                self._data = memoryview(self._base.raw(begin, min(begin + _COPY_BYTES, self._limit)))
                self._begin, at = begin, 0
            piece = self._data[at : at + end - begin]
            yield piece
            begin += len(piece)


class SnapshotWriter:
    """Writes to `path` the snapshot at `lsn`: `base` with changes; first the records, then the indexes.

    `base_counts` are the schema's counts over `base`. `write_records` and `write_indexes` are to be iterated
    to their end; they yield between small pieces of work, so that the caller can let other threads run.
    """

    def __init__(
        self,
        path: str,
        *,
        store_id: bytes,
        lsn: int,
        schema: Schema[Any],
        base: SnapshotReader | None,
        base_counts: Sequence[int],
    ) -> None:
        """Raises StorageError."""
        self._schema, self._base, self._lsn = schema, base, lsn
        self._counts = list(base_counts) if base is not None else [0] * len(schema.counters)
        self._order, self._offsets = array("I"), array("Q")
        self._base_order, self._base_offsets = array("I"), array("Q")
        if base is not None:
            self._base_order, self._base_offsets = base.order(), base.offsets()
            self._offsets = self._base_offsets[:]
        self._next_free = 0
        self._changed_ids: set[int] = set()
        self._added = [Postings(os.path.dirname(path)) for _ in range(1 + len(schema.indexes))]
        self._touched: list[set[int]] = [set() for _ in self._added]
        self._records_end = 0
        self._places: list[IndexPlace] = []
        self._out = HashedFile(path)
        self._out.write(encode_head(store_id, lsn))

    @property
    def records(self) -> int:
        """How many records there are, once they are written."""
        return len(self._order)

    @property
    def counts(self) -> tuple[int, ...]:
        """The schema's counts over all records, once they are written."""
        return tuple(self._counts)

    def write_records(self, changes: Iterable[tuple[Change, IndexTerms]]) -> Iterator[None]:
        """Write the records: those of `base` as bytes, the changes merged in.

        The changes come in key order, each key once; removing a key that is not there does nothing. Raises
        CorruptSnapshotError where a part of `base` that is decoded is damaged (bytes that are copied are not
        verified: do that before), and StorageError.
        """
        position = 0
        for number, (change, terms) in enumerate(changes, 1):
            position = yield from self._merge(change, terms, position)
            if self._base is not None and number % _DROP_PAGES_CHANGES == 0:
                self._base.drop_pages()
            yield
        yield from self._copy_records(position, len(self._base_order))
        self._records_end = self._out.position

    def write_indexes(self) -> Iterator[None]:
        """Write the tables of the records and the indexes. Raises as `write_records`."""
        self._order_begin = self._write_table(self._order)
        self._offsets_begin = self._write_table(self._offsets)
        for number in range(len(self._added)):
            place = yield from self._write_index(number)
            self._places.append(place)

    def finish(self) -> SnapshotInfo:
        """Write the trailer, and make the file's bytes durable; its name is not. Raises StorageError."""
        out = self._out
        trailer = Trailer(
            self._lsn,
            len(self._order),
            len(self._offsets),
            self._records_end,
            self._order_begin,
            self._offsets_begin,
            tuple(self._places),
        )
        out.write(encode_trailer(trailer))
        return SnapshotInfo(out.position, out.finish(), self.records, self.counts)

    def close(self) -> None:
        """Close what is open; the file is of no use unless `finish` returned."""
        self._out.close()
        for postings in self._added:
            postings.close()

    def _merge(self, change: Change, terms: IndexTerms, position: int) -> Generator[None, None, int]:
        """Write what comes before the change, and the change; returns the position in the base after it."""
        key = change.key
        record_id = -1
        if self._base is not None:
            after, _, found = self._base.seek(key)
            yield from self._copy_records(position, after - 1 if found else after)
            position = after
            if found:
                record_id = self._base_order[after - 1]
                self._forget(self._base, record_id)
        if isinstance(change, FileRemoved):
            if record_id >= 0:
                self._offsets[record_id] = 0
            return position
        if record_id < 0:
            record_id = self._new_id()
        self._offsets[record_id] = self._out.position
        self._order.append(record_id)
        self._out.write(encode_record(record_id, change.checksum, key, change.payload))
        self._add(record_id, key, terms)
        return position

    def _forget(self, base: SnapshotReader, record_id: int) -> None:
        """Take the base's record out of the counts, and mark the buckets its terms are in."""
        old = base.record(record_id)
        self._changed_ids.add(record_id)
        for number, count in enumerate(self._schema.counts(old.payload)):
            self._counts[number] -= count
        of_key: tuple[Iterable[tuple[bytes, int]]] = (((old.key, 0),),)
        for number, terms in enumerate((*of_key, *self._schema.terms(old.payload))):
            bits = base.trailer.indexes[number].bits
            self._touched[number].update([bucket_of(term_hash(term), bits) for term, _ in terms])

    def _add(self, record_id: int, key: bytes, terms: IndexTerms) -> None:
        for number, count in enumerate(terms.counts):
            self._counts[number] += count
        high = record_id << 32
        self._added[KEY_INDEX].add((term_hash(key), 0), high)
        for postings, pairs in zip(self._added[1:], terms.terms, strict=True):
            postings.add(pairs, high)

    def _new_id(self) -> int:
        """The lowest id that no record has."""
        try:
            self._next_free = self._offsets.index(0, self._next_free)
        except ValueError:
            self._next_free = len(self._offsets)
            self._offsets.append(0)
        return self._next_free

    def _copy_records(self, first: int, last: int) -> Iterator[None]:
        """Copy the base's records at positions `first` to `last` of its order, as bytes."""
        base = self._base
        if base is None or first >= last:
            return
        ids = self._base_order[first:last]
        begin = self._base_offsets[ids[0]]
        end = base.trailer.records_end
        if last < len(self._base_order):
            end = self._base_offsets[self._base_order[last]]
        shift = self._out.position - begin
        for at in range(begin, end, _COPY_BYTES):
            self._out.write(base.raw(at, min(at + _COPY_BYTES, end)))
            yield
        self._order.extend(ids)
        if shift:
            offsets = self._offsets
            for number, record_id in enumerate(ids):
                offsets[record_id] += shift
                if not number & 0xFFF:
                    yield

    def _write_table(self, values: array[int]) -> int:
        """Write a table; returns where its bytes begin."""
        data = encode_table(values)
        self._out.write(encode_bin(len(data)))
        begin = self._out.position
        self._out.write(data)
        return begin

    def _write_index(self, number: int) -> Generator[None, None, IndexPlace]:
        base = self._base
        if base is None:
            return (yield from self._build_index(number))
        place = base.trailer.indexes[number]
        most = place.hashes + self._added[number].count
        dense = place.hashes >= _HASHES_LEAST << place.bits or not place.bits
        if place.hashes and dense and most <= _HASHES_MOST << place.bits:
            return (yield from self._update_index(number, base, place))
        for bucket in range(1 << place.bits if place.hashes else 0):
            kept = decode_bucket(base.bucket(number, bucket), self._changed_ids)
            for hash_, some in kept.items():
                for posting in some:
                    self._added[number].add((hash_, posting), 0)
            yield
        return (yield from self._build_index(number))

    def _build_index(self, number: int) -> Generator[None, None, IndexPlace]:
        """All buckets, from the added postings."""
        added = self._added[number]
        bits = (added.distinct() // _HASHES_WANTED).bit_length()
        shift = 64 - bits
        ends, total = array("Q"), 0
        begin = self._out.position
        hashes: list[int] = []
        postings: list[list[int]] = []
        for hash_, some in added.grouped():
            while len(ends) < hash_ >> shift:
                self._write_bucket(number, ends, hashes, postings)
                hashes, postings = [], []
                yield
            hashes.append(hash_)
            postings.append(some)
            total += 1
        while len(ends) < 1 << bits:
            self._write_bucket(number, ends, hashes, postings)
            hashes, postings = [], []
            yield
        return self._write_ends(bits, begin, ends, total)

    def _write_bucket(
        self, number: int, ends: array[int], hashes: Sequence[int], postings: list[list[int]]
    ) -> None:
        """Write the bucket after those that `ends` has."""
        self._out.write(encode_bucket(number, len(ends), hashes, postings))
        ends.append(self._out.position)

    def _update_index(
        self, number: int, base: SnapshotReader, place: IndexPlace
    ) -> Generator[None, None, IndexPlace]:
        """The touched buckets written again, the others copied in runs."""
        bits, total = place.bits, place.hashes
        added: dict[int, list[tuple[int, list[int]]]] = {}
        for hash_, some in self._added[number].grouped():
            added.setdefault(bucket_of(hash_, bits), []).append((hash_, some))
        # With the section's begin before it, so that bucket 0 is no exception.
        bounds = array("Q", [base.bucket_extent(number, 0)[0]]) + base.ends(number)
        window = _Window(base, bounds[-1])
        ends = array("Q")
        begin = self._out.position
        # After the last bucket, the copies end too.
        for bucket in [*sorted(self._touched[number].union(added)), 1 << bits]:
            position = len(ends)
            shift = self._out.position - bounds[position]
            for piece in window.pieces(bounds[position], bounds[bucket]):
                self._out.write(piece)
                yield
            ends.extend([end + shift for end in bounds[position + 1 : bucket + 1]])
            if bucket == 1 << bits:
                break
            data = b"".join(window.pieces(bounds[bucket], bounds[bucket + 1]))
            old = base.checked_bucket(number, bucket, data[BIN32_SIZE:])
            new = decode_bucket(old, self._changed_ids)
            hashes: Sequence[int] = list(new)
            if bucket in added:
                for hash_, some in added[bucket]:
                    new.setdefault(hash_, []).extend(some)
                hashes = sorted(new)
            total += len(hashes) - bucket_length(old)
            self._write_bucket(number, ends, hashes, [new[hash_] for hash_ in hashes])
            yield
        return self._write_ends(bits, begin, ends, total)

    def _write_ends(self, bits: int, begin: int, ends: array[int], total: int) -> IndexPlace:
        """Write the table of ends, the section's begin before it, so that bucket 0 is no exception."""
        at = self._write_table(array("Q", [begin]) + ends)
        return IndexPlace(bits, at + 8, total)
