"""The records' half of a segment: written once from records in any order, and read with filters."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from diptych.change import StoredRecord, term_hash
from diptych.errors import CorruptSnapshotError, IncompatibleStoreError, InvalidRecordError
from diptych.fs import is_regular, translated
from diptych.layout import RECORDS
from diptych.schema.base import Schema
from diptych.segment.content import record_content, reduced
from diptych.segment.filter import build_filter, may_hold, probe_of
from diptych.segment.format import (
    FIRST_DOCUMENTS,
    decode_first_documents,
    decode_section,
    encode_first_documents,
    encode_section,
    find_sections,
)
from diptych.segment.seal import Seal
from diptych.segment.terms import SortedTerms, encode_sorted_terms
from diptych.snapshot.format import (
    KEY_INDEX,
    IndexPlace,
    Trailer,
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
from diptych.snapshot.terms import IndexTerms

if TYPE_CHECKING:
    from diptych.segment.names import SegmentNames

# Payloads wait in memory up to here, then in a file without a name.
_SPOOL_BYTES = 32 * 1024 * 1024
# About this many hashes to a bucket, as in a snapshot.
_HASHES_WANTED = 8
_LSN = 0


class RecordsWriter:
    """Takes records in any order of their keys, and writes `records.msgpack` with them in key order.

    In memory are the keys, the distinct terms and, up to some tens of megabytes each, the payloads and the
    postings.
    """

    def __init__(self, directory: str, schema: Schema[Any], *, packed: bool = True) -> None:
        """`packed`: with sorted terms as segments have them since they are packed."""
        self._directory, self._packed = directory, packed
        self._keys: dict[bytes, int] = {}
        self._checksums, self._ends = array("Q"), array("Q", [0])
        self._first_documents = array("I")
        self._documents = 0
        self._counts = [0] * len(schema.counters)
        self._content = 0
        # Reading needs none of it.
        import tempfile

        self._payloads = tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=directory)  # noqa: SIM115 - close()
        self._postings = [Postings(directory) for _ in range(1 + len(schema.indexes))]
        self._terms: list[Counter[bytes]] = [Counter() for _ in schema.indexes]
        self._out: HashedFile | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    @property
    def counts(self) -> tuple[int, ...]:
        """The schema's counts over all records so far."""
        return tuple(self._counts)

    @property
    def content(self) -> int:
        """What all records so far are together: see `diptych.segment.content`."""
        return reduced(self._content)

    @property
    def payload_bytes(self) -> int:
        """The size of all payloads so far."""
        return self._ends[-1]

    @property
    def key_range(self) -> tuple[bytes, bytes]:
        """The first and the last key."""
        return min(self._keys), max(self._keys)

    def add(self, record: StoredRecord, terms: IndexTerms, documents: int) -> None:
        """Take a record that Tantivy has in its next `documents` documents.

        Raises InvalidRecordError for a key that is there already, and StorageError.
        """
        key, checksum, payload = record
        record_id = len(self._keys)
        if self._keys.setdefault(key, record_id) != record_id:
            raise InvalidRecordError(f"the segment has a record of {key!r:.200} already")
        with translated("write to", self._directory):
            self._payloads.write(payload)
            high = record_id << 32
            self._postings[KEY_INDEX].add((term_hash(key),), (0,), high)
            indexed = zip(self._postings[1:], terms.hashes, terms.items, strict=True)
            for postings, hashes, items in indexed:
                postings.add(hashes, items, high)
        for counted, written in zip(self._terms, terms.written, strict=True):
            counted.update(written)
        self._checksums.append(checksum)
        self._content += record_content(key, payload)
        self._ends.append(self._ends[-1] + len(payload))
        self._first_documents.append(self._documents)
        self._documents += documents
        for number, count in enumerate(terms.counts):
            self._counts[number] += count

    def writing(self, segment_id: str) -> Generator[None, None, HashedFile]:
        """Write the file in small pieces of work; it is durable when the caller calls `finish`.

        `segment_id`: Tantivy's, by which it is told from those of other segments. Raises StorageError.
        """
        out = self._out = HashedFile(os.path.join(self._directory, RECORDS))
        out.write(encode_head(bytes.fromhex(segment_id), _LSN))
        written = []
        with translated("read back in", self._directory):
            order, offsets = yield from self._write_records(out)
            records_end = out.position
            order_at = _write_table(out, order)
            offsets_at = _write_table(out, offsets)
            for number, postings in enumerate(self._postings):
                written.append((yield from _write_index(out, number, postings)))
        out.write(encode_first_documents(self._first_documents))
        for number, (_, hashes) in enumerate(written, 1):
            out.write(encode_section(number, build_filter(hashes)))
            yield
        from diptych.segment.packed_terms import packing

        # The keys are few, and read one by one.
        out.write(encode_section(1 + len(written), encode_sorted_terms(self._keys)))
        for number, counted in enumerate(self._terms, 2 + len(written)):
            content = (yield from packing(counted)) if self._packed else encode_sorted_terms(counted)
            out.write(encode_section(number, content))
            yield
        places = tuple(place for place, _ in written)
        records = len(order)
        trailer = Trailer(_LSN, records, records, records_end, order_at, offsets_at, places)
        out.write(encode_trailer(trailer))
        out.flush()
        return out

    def close(self) -> None:
        """Close the files."""
        self._payloads.close()
        for postings in self._postings:
            postings.close()
        if self._out is not None:
            self._out.close()

    def _write_records(self, out: HashedFile) -> Generator[None, None, tuple[array[int], array[int]]]:
        """Write the records; returns their ids in key order, and by id where each is."""
        order, offsets = array("I"), array("Q", bytes(8 * len(self._keys)))
        for key in sorted(self._keys):
            record_id = self._keys[key]
            begin, end = self._ends[record_id], self._ends[record_id + 1]
            self._payloads.seek(begin)
            payload = self._payloads.read(end - begin)
            order.append(record_id)
            offsets[record_id] = out.position
            out.write(encode_record(record_id, self._checksums[record_id], key, payload))
            yield
        return order, offsets


def _write_table(out: HashedFile, values: array[int]) -> int:
    """Write a table; returns where its bytes begin."""
    data = encode_table(values)
    out.write(encode_bin(len(data)))
    begin = out.position
    out.write(data)
    return begin


def _write_index(
    out: HashedFile, number: int, postings: Postings
) -> Generator[None, None, tuple[IndexPlace, array[int]]]:
    """Write an index, bucket by bucket; returns its place, and its distinct hashes."""
    bits = (postings.distinct() // _HASHES_WANTED).bit_length()
    shift = 64 - bits
    ends, all_hashes = array("Q", [out.position]), array("Q")
    hashes: list[int] = []
    posted: list[list[int]] = []
    bucket = 0
    for hash_, some in postings.grouped():
        while hash_ >> shift != bucket:
            out.write(encode_bucket(number, bucket, hashes, posted))
            ends.append(out.position)
            hashes, posted = [], []
            bucket += 1
            yield
        hashes.append(hash_)
        posted.append(some)
        all_hashes.append(hash_)
    while bucket < 1 << bits:
        out.write(encode_bucket(number, bucket, hashes, posted))
        ends.append(out.position)
        hashes, posted = [], []
        bucket += 1
    # The section's begin comes before the ends, so that bucket 0 is no exception.
    at = _write_table(out, ends)
    return IndexPlace(bits, at + 8, len(all_hashes)), all_hashes


class SegmentRecords:
    """`records.msgpack`, open: each record, bucket and section is checked when it is read.

    Safe to use from several threads.
    """

    def __init__(self, path: str, schema: Schema[Any], seal: Seal) -> None:
        """Open `path`, which must have the records that SEAL says.

        Costs the same for any number of records. Raises CorruptSnapshotError, or StorageError.
        """
        self.path = path
        if not is_regular(path):
            raise CorruptSnapshotError(f"{path} is gone, or no regular file", where=path)
        try:
            self._reader = reader = SnapshotReader(path)
        except IncompatibleStoreError as error:
            # SEAL would be of a newer format too.
            raise CorruptSnapshotError(error.message, where=path) from error
        trailer = reader.trailer
        if (
            (reader.store_id.hex(), reader.lsn, trailer.lsn) != (seal.segment_id, _LSN, _LSN)
            or (trailer.records, trailer.ids) != (seal.records, seal.records)
            or len(trailer.indexes) != 1 + len(schema.indexes)
        ):
            raise CorruptSnapshotError(f"{path} holds other records than its SEAL says", where=path)
        self._sections = find_sections(reader.map, trailer, where=path)
        self._documents = seal.documents
        self._first_documents: array[int] | None = None
        self._filters: list[bytes | None] = [None] * len(trailer.indexes)
        self._terms: list[SortedTerms | None] = [None] * len(trailer.indexes)
        self._names: list[SegmentNames | None] = [None] * len(trailer.indexes)
        self.record, self.view, self.bucket = reader.record, reader.view, reader.bucket
        self.scan, self.numbered, self.between = reader.scan, reader.numbered, reader.between
        self.key = reader.key
        self.lookup_hash = reader.lookup_hash
        """The postings (`id << 32 | item`) of a hash in an index; the filter is not asked."""

    def __len__(self) -> int:
        return self._reader.trailer.records

    def moved(self, path: str) -> None:
        """The file, which stays open, is at `path` now."""
        self.path = self._reader.path = path

    def first_documents(self) -> array[int]:
        """By id, the record's first document; one more entry is the number of all documents.

        Raises CorruptSnapshotError.
        """
        table = self._first_documents
        if table is None:
            section = self._section(FIRST_DOCUMENTS)
            table = decode_first_documents(section, len(self), self._documents, where=self.path)
            self._first_documents = table
        return table

    def filter_of(self, index: int) -> bytes:
        """The filter over the hashes of an index. Raises CorruptSnapshotError."""
        found = self._filters[index]
        if found is None:
            found = self._section(1 + index)
            if not found:
                raise CorruptSnapshotError(f"{self.path} has an empty filter", where=self.path)
            self._filters[index] = found
        return found

    def terms_of(self, index: int) -> SortedTerms | None:
        """The terms of an index in their order; of index 0, the keys with the ids of their records.

        None in a segment from before segments had them. Raises CorruptSnapshotError.
        """
        indexes = len(self._terms)
        if len(self._sections) <= 1 + indexes:
            return None
        found = self._terms[index]
        if found is None:
            # Only a listing needs it.
            from diptych.segment.packed_terms import open_sorted_terms

            found = open_sorted_terms(self._section(1 + indexes + index), where=self.path)
            self._terms[index] = found
        return found

    def names_of(self, index: int) -> SegmentNames | None:
        """`terms_of`, to be found by how a name is typed. Raises CorruptSnapshotError."""
        from diptych.segment.names import SegmentNames

        found = self._names[index]
        if found is None and (terms := self.terms_of(index)) is not None:
            found = self._names[index] = SegmentNames(terms)
        return found

    def buckets_of(self, index: int) -> int:
        """How many buckets an index has."""
        return 1 << self._reader.trailer.indexes[index].bits

    def find(self, key: bytes) -> int | None:
        """The id of the record of `key`, or None. Raises CorruptSnapshotError."""
        if not may_hold(self.filter_of(KEY_INDEX), probe_of(term_hash(key))):
            return None
        return self._reader.find(key)

    def find_unfiltered(self, key: bytes) -> int | None:
        """`find`, for those who have asked the filter already. Raises CorruptSnapshotError."""
        return self._reader.find(key)

    def _section(self, number: int) -> bytes:
        return decode_section(self._reader.map, number, self._sections[number], where=self.path)
