"""Writing a snapshot leaf: the records of the one before as bytes, the changes merged in, the indexes mended.

The Python work grows with what changed; the rest is copied in runs. Where there is no snapshot before, all is
a change.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
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
_LET_GO_CHANGES = 200
# Hashes to a bucket: about this many after a rebuild; rebuilt when the mean leaves the bounds.
_HASHES_WANTED = 8
_HASHES_MOST = 24
_HASHES_LEAST = 2


class IndexTerms(NamedTuple):
    """What a snapshot keeps of a record beside its bytes: the counts, and the terms as hashes."""

    counts: tuple[int, ...]
    terms: tuple[array[int], ...]
    """For each of the schema's indexes: hash, item, hash, item …"""


class Written(NamedTuple):
    """What came of it: size in bytes, BLAKE3, records, and the schema's counts over all of them."""

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
    base: SnapshotReader | None,
    base_counts: Sequence[int],
    changes: Iterable[tuple[Change, IndexTerms]],
    breathe: Callable[[], None] = lambda: None,
    merged: Callable[[int, tuple[int, ...]], None] = lambda *_: None,
) -> Written:
    """Write to `path` the snapshot at `lsn`: `base` with `changes`, which come in key order, each key once.

    `base_counts` are the schema's counts over `base`. `breathe` is called between small pieces of work, to
    let other threads run; `merged` once, when the changes are at an end and the indexes are still to be
    written, with the records and the schema's counts there are now. Removing a key that is not there is
    nothing. The file is fsynced, its name is not.

    Raises CorruptSnapshotError where a part of `base` that is decoded is damaged (bytes that are copied are
    not looked at: see to that before), and StorageError.
    """
    out = HashedFile(path)
    try:
        return _Merge(out, store_id, lsn, schema, base, base_counts, breathe).run(changes, merged)
    finally:
        out.close()


class _Window:
    """Reads a snapshot's bytes front to back, a mebibyte at a time, and hands them out in pieces.

    A read for each bucket would let go of Python's lock for each, and wait for it behind those that commit.
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


class _Merge:
    def __init__(
        self,
        out: HashedFile,
        store_id: bytes,
        lsn: int,
        schema: Schema[Any],
        base: SnapshotReader | None,
        base_counts: Sequence[int],
        breathe: Callable[[], None],
    ) -> None:
        self.out, self.schema, self.base, self.lsn, self.breathe = out, schema, base, lsn, breathe
        self.counts = list(base_counts) if base is not None else [0] * len(schema.counters)
        self.order, self.offsets = array("I"), array("Q")
        self.base_order, self.base_offsets = array("I"), array("Q")
        if base is not None:
            self.base_order, self.base_offsets = base.order(), base.offsets()
            self.offsets = self.base_offsets[:]
        self.next_free = 0
        self.changed_ids: set[int] = set()
        directory = os.path.dirname(out.path)
        self.added = [Postings(directory) for _ in range(1 + len(schema.indexes))]
        self.touched: list[set[int]] = [set() for _ in self.added]
        out.write(encode_head(store_id, lsn))

    def run(
        self, changes: Iterable[tuple[Change, IndexTerms]], merged: Callable[[int, tuple[int, ...]], None]
    ) -> Written:
        position = 0
        for number, (change, terms) in enumerate(changes, 1):
            position = self._merge(change, terms, position)
            if self.base is not None and number % _LET_GO_CHANGES == 0:
                self.base.let_go()
            self.breathe()
        self._copy_records(position, len(self.base_order))
        merged(len(self.order), tuple(self.counts))
        out = self.out
        records_end = out.position
        order = self._write_table(self.order)
        offsets = self._write_table(self.offsets)
        places = tuple(self._write_index(number) for number in range(len(self.added)))
        out.write(
            encode_trailer(
                Trailer(self.lsn, len(self.order), len(self.offsets), records_end, order, offsets, places)
            )
        )
        for postings in self.added:
            postings.close()
        return Written(out.position, out.finish(), len(self.order), tuple(self.counts))

    def _merge(self, change: Change, terms: IndexTerms, position: int) -> int:
        """Write what comes before the change, and the change; the position in the base after it."""
        key = change.key
        record_id = -1
        if self.base is not None:
            behind, _, found = self.base.seek(key)
            self._copy_records(position, behind - 1 if found else behind)
            position = behind
            if found:
                record_id = self.base_order[behind - 1]
                self._forget(record_id)
        if isinstance(change, FileRemoved):
            if record_id >= 0:
                self.offsets[record_id] = 0
            return position
        if record_id < 0:
            record_id = self._new_id()
        self.offsets[record_id] = self.out.position
        self.order.append(record_id)
        self.out.write(encode_record(record_id, change.checksum, key, change.payload))
        self._add(record_id, key, terms)
        return position

    def _forget(self, record_id: int) -> None:
        """Take the base's record out of the counts, and mark the buckets its terms are in."""
        assert self.base is not None
        old = self.base.record(record_id)
        self.changed_ids.add(record_id)
        for number, count in enumerate(self.schema.counts(old.payload)):
            self.counts[number] -= count
        of_key: tuple[Iterable[tuple[bytes, int]]] = (((old.key, 0),),)
        for number, terms in enumerate((*of_key, *self.schema.terms(old.payload))):
            bits = self.base.trailer.indexes[number].bits
            self.touched[number].update([bucket_of(term_hash(term), bits) for term, _ in terms])

    def _add(self, record_id: int, key: bytes, terms: IndexTerms) -> None:
        for number, count in enumerate(terms.counts):
            self.counts[number] += count
        high = record_id << 32
        self.added[KEY_INDEX].add((term_hash(key), 0), high)
        for postings, pairs in zip(self.added[1:], terms.terms, strict=True):
            postings.add(pairs, high)

    def _new_id(self) -> int:
        """The lowest id that no record has."""
        try:
            self.next_free = self.offsets.index(0, self.next_free)
        except ValueError:
            self.next_free = len(self.offsets)
            self.offsets.append(0)
        return self.next_free

    def _copy_records(self, first: int, last: int) -> None:
        """Copy the base's records at positions `first` to `last` of its order, as bytes."""
        if first >= last:
            return
        assert self.base is not None
        ids = self.base_order[first:last]
        begin = self.base_offsets[ids[0]]
        end = self.base.trailer.records_end
        if last < len(self.base_order):
            end = self.base_offsets[self.base_order[last]]
        shift = self.out.position - begin
        self._copy_bytes(begin, end)
        self.order.extend(ids)
        if shift:
            offsets = self.offsets
            for number, record_id in enumerate(ids):
                offsets[record_id] += shift
                if not number & 0xFFF:
                    self.breathe()

    def _copy_bytes(self, begin: int, end: int) -> None:
        assert self.base is not None
        for at in range(begin, end, _COPY_BYTES):
            self.out.write(self.base.raw(at, min(at + _COPY_BYTES, end)))
            self.breathe()

    def _write_table(self, values: array[int]) -> int:
        """Write a table; returns where its bytes begin."""
        data = encode_table(values)
        self.out.write(encode_bin(len(data)))
        begin = self.out.position
        self.out.write(data)
        return begin

    def _write_index(self, number: int) -> IndexPlace:
        place = self.base.trailer.indexes[number] if self.base is not None else IndexPlace(0, 0, 0)
        most = place.hashes + self.added[number].count
        dense = place.hashes >= _HASHES_LEAST << place.bits or not place.bits
        if place.hashes and dense and most <= _HASHES_MOST << place.bits:
            return self._mend_index(number, place)
        return self._build_index(number, place)

    def _build_index(self, number: int, place: IndexPlace) -> IndexPlace:
        """All buckets anew, from the base's postings and the added ones."""
        added = self.added[number]
        if place.hashes:
            assert self.base is not None
            for bucket in range(1 << place.bits):
                kept = decode_bucket(self.base.bucket(number, bucket), self.changed_ids)
                for hash_, some in kept.items():
                    for posting in some:
                        added.add((hash_, posting), 0)
                self.breathe()
        bits = (added.distinct() // _HASHES_WANTED).bit_length()
        ends, total = array("Q"), 0
        begin = self.out.position
        bucket = 0
        hashes: list[int] = []
        postings: list[list[int]] = []
        shift = 64 - bits

        def flush() -> None:
            nonlocal hashes, postings
            self.out.write(encode_bucket(number, bucket, hashes, postings))
            ends.append(self.out.position)
            hashes, postings = [], []
            self.breathe()

        for hash_, some in added.grouped():
            while hash_ >> shift != bucket:
                flush()
                bucket += 1
            hashes.append(hash_)
            postings.append(some)
            total += 1
        while bucket < 1 << bits:
            flush()
            bucket += 1
        return self._write_ends(bits, begin, ends, total)

    def _mend_index(self, number: int, place: IndexPlace) -> IndexPlace:
        """The touched buckets anew, the others copied in runs."""
        base = self.base
        assert base is not None
        bits, total = place.bits, place.hashes
        added: dict[int, list[tuple[int, list[int]]]] = {}
        for hash_, some in self.added[number].grouped():
            added.setdefault(bucket_of(hash_, bits), []).append((hash_, some))
        base_ends, ends = base.ends(number), array("Q")
        section = base.bucket_extent(number, 0)[0]
        window = _Window(base, base_ends[-1])
        begin = self.out.position
        position = 0

        def copy(last: int) -> None:
            first_byte = base_ends[position - 1] if position else section
            last_byte = base_ends[last - 1] if last else section
            shift = self.out.position - first_byte
            for piece in window.pieces(first_byte, last_byte):
                self.out.write(piece)
                self.breathe()
            ends.extend([end + shift for end in base_ends[position:last]])

        for bucket in sorted(self.touched[number].union(added)):
            copy(bucket)
            position = bucket + 1
            first_byte = base_ends[bucket - 1] if bucket else section
            data = b"".join(window.pieces(first_byte, base_ends[bucket]))
            old = base.checked_bucket(number, bucket, data[BIN32_SIZE:])
            new = decode_bucket(old, self.changed_ids)
            hashes: Sequence[int] = list(new)
            if bucket in added:
                for hash_, some in added[bucket]:
                    new.setdefault(hash_, []).extend(some)
                hashes = sorted(new)
            total += len(hashes) - bucket_length(old)
            self.out.write(encode_bucket(number, bucket, hashes, [new[hash_] for hash_ in hashes]))
            ends.append(self.out.position)
            self.breathe()
        copy(1 << bits)
        return self._write_ends(bits, begin, ends, total)

    def _write_ends(self, bits: int, begin: int, ends: array[int], total: int) -> IndexPlace:
        """Write the table of ends, the section's begin before it, so that bucket 0 is no exception."""
        at = self._write_table(array("Q", [begin]) + ends)
        return IndexPlace(bits, at + 8, total)
