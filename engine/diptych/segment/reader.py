"""An open segment: its records checked as they are read, its search half before its first use."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from diptych import fs
from diptych.change import StoredRecord
from diptych.errors import CorruptionError, CorruptSearchError, CorruptSnapshotError, StorageError
from diptych.layout import BUNDLE, INDEX_FORMAT, RECORDS, SEAL, SEARCH_SUFFIXES, search_file_name
from diptych.schema.base import Schema
from diptych.sealed import MAX_SIZE_BYTES
from diptych.segment.format import BUNDLE_MAX_BYTES, BUNDLE_OVERHEAD_BYTES, decode_bundle
from diptych.segment.records import SegmentRecords
from diptych.segment.seal import Seal, decode_seal, digest_of

# Reading records needs nothing of the search: where it is used it is imported.
if TYPE_CHECKING:
    from diptych.search.composed import Component
    from diptych.search.index import SearchIndex

Stats = list[tuple[int, ...]]


def read_seal(directory: str, *, digest: str | None = None) -> tuple[Seal, str]:
    """The SEAL of the segment in `directory`, and its digest, which must be `digest` where that is given.

    A directory without SEAL is what a crash left of a segment being built. Raises CorruptSnapshotError,
    IncompatibleStoreError for a newer format, or StorageError.
    """
    where = os.path.join(directory, SEAL)
    with fs.translated("read", where):
        try:
            data = fs.read_bounded(where, MAX_SIZE_BYTES)
        except FileNotFoundError:
            raise CorruptSnapshotError(f"{where} is gone: the segment is not complete", where=where) from None
    found = digest_of(data)
    if digest is not None and found != digest:
        raise CorruptSnapshotError(f"{where} is that of segment {found}, not of {digest}", where=where)
    return decode_seal(data, where=where), found


def verify_file(directory: str, name: str, seal: Seal) -> None:
    """Compare a file with the size and XXH3-128 that SEAL has of it. Raises CorruptionError, StorageError.

    The error is a CorruptSnapshotError for the records' half, a CorruptSearchError for the other.
    """
    path = os.path.join(directory, name)
    error: type[CorruptionError] = CorruptSnapshotError if name == RECORDS else CorruptSearchError
    if not fs.is_regular(path):
        raise error(f"{path} is gone, or no regular file", where=path)
    size_bytes, xxh3_128, _ = seal.files[name]
    if fs.checksum_stable_file(path, expected_bytes=size_bytes) != xxh3_128:
        raise error(f"{path} is not what SEAL says", where=path)


def search_files(directory: str, seal: Seal, *, verify: bool = True) -> dict[str, str | bytes]:
    """Tantivy's files by suffix, compared with SEAL: their paths, or their bytes from the bundle.

    With `verify=False` they are not compared. Raises CorruptSearchError, or StorageError.
    """
    if seal.index_format != INDEX_FORMAT:
        raise CorruptSearchError(
            f"{directory} has a search index of format {seal.index_format}, not {INDEX_FORMAT}",
            where=directory,
            advice="rebuild its search index from its records",
        )
    names = {suffix: search_file_name(seal.segment_id, suffix) for suffix in SEARCH_SUFFIXES}
    if not seal.is_bundled:
        for name in names.values() if verify else ():
            verify_file(directory, name, seal)
        return {suffix: os.path.join(directory, name) for suffix, name in names.items()}
    path = os.path.join(directory, BUNDLE)
    most_bytes = BUNDLE_MAX_BYTES + BUNDLE_OVERHEAD_BYTES
    if seal.files[BUNDLE].size_bytes > most_bytes:
        raise CorruptSearchError(f"{path} has more than {most_bytes:,} bytes", where=path)
    if verify:
        verify_file(directory, BUNDLE, seal)
    with fs.translated("read", path):
        data = fs.read_bounded(path, most_bytes)
    files = decode_bundle(data, seal.segment_id, where=path)
    return {suffix: files[name] for suffix, name in names.items()}


class Segment:
    """A sealed segment, open for reading. Safe to use from several threads.

    The records stay readable after the directory was deleted; the search half must still be there when it is
    first asked for.
    """

    def __init__(
        self,
        directory: str,
        schema: Schema[Any],
        *,
        digest: str | None = None,
        known: tuple[Seal, str] | None = None,
        records_path: str | None = None,
    ) -> None:
        """Open the segment in `directory`, whose SEAL must have `digest` where that is given.

        `known`: its SEAL and the digest of that, where they are known from elsewhere; no file is read then.
        `records_path`: where its records are, if they had to be rebuilt elsewhere.

        Records, index buckets, filters and the table of first documents are checked when they are read; the
        search half is compared with SEAL when it is first asked for. Raises CorruptSnapshotError,
        IncompatibleStoreError (another schema, a newer format), StorageError.
        """
        self.directory = directory
        self.seal, self.digest = known or read_seal(directory, digest=digest)
        seal = self.seal
        seal.refuse_other(schema, directory)
        if tuple(seal.counts) != tuple(schema.counters):
            raise CorruptSnapshotError(f"{directory} counts other things than its schema", where=directory)
        self._schema = schema
        self.records = SegmentRecords(records_path or os.path.join(directory, RECORDS), schema, seal)
        self._first_documents: Sequence[int] | None = None
        self.table_problem: CorruptSnapshotError | None = None
        """Why the first documents had to be found in the search half, where they had."""
        self._verified_stats: Stats | None = None
        """Of the search half's files, once they were found to be what SEAL says."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.records)

    @property
    def schema(self) -> Schema[Any]:
        """What it was opened with."""
        return self._schema

    @property
    def indexes(self) -> int:
        """How many indexes it has, that of the keys included."""
        return 1 + len(self._schema.indexes)

    def find(self, key: bytes) -> int | None:
        """The id of the record of `key`, or None. Raises CorruptSnapshotError."""
        return self.records.find(key)

    def get(self, key: bytes) -> StoredRecord | None:
        """The record of `key`, or None. Raises CorruptSnapshotError."""
        record_id = self.find(key)
        return None if record_id is None else self.record(record_id)

    def record(self, record_id: int) -> StoredRecord:
        """The record with that id. Raises CorruptSnapshotError."""
        return self.records.record(record_id)

    def scan(self, after: bytes | None = None) -> Iterator[StoredRecord]:
        """All records in key order, or those with a key above `after`. Raises CorruptSnapshotError."""
        return self.records.scan(after)

    def lookup_hash(self, index: int, hash_: int) -> Sequence[int]:
        """The postings (`id << 32 | item`) of a term's hash in one of the schema's indexes.

        Index 0 is that of the keys, 1 the schema's first. The filter is not asked: for many segments at once
        `diptych.segment.filter.which_may_hold` does that. Raises CorruptSnapshotError.
        """
        return self.records.lookup_hash(index, hash_)

    def filter_of(self, index: int) -> bytes:
        """The filter over an index's hashes. Raises CorruptSnapshotError."""
        return self.records.filter_of(index)

    def documents_of(self, record_id: int) -> tuple[int, int]:
        """A record's documents: the first, and the first of the next record. Raises CorruptSnapshotError."""
        if not 0 <= record_id < len(self):
            raise CorruptSnapshotError(
                f"{self.directory}: no record has the id {record_id}", where=self.directory
            )
        table = self._first_documents
        if table is None:
            table = self.records.first_documents()
        return table[record_id], table[record_id + 1]

    def search_files(self) -> dict[str, str | bytes]:
        """Tantivy's files by suffix: paths, or bytes. Raises CorruptSearchError, StorageError.

        They are compared with SEAL unless this was done since they last changed.
        """
        with self._lock:
            # Before the bytes are read: what is replaced meanwhile has other stats than these.
            stats = self._search_stats()
            verified = stats is not None and stats == self._verified_stats
            files = search_files(self.directory, self.seal, verify=not verified)
            self._verified_stats = stats
        return files

    def moved(self, directory: str) -> None:
        """Its directory was renamed to `directory`."""
        self.directory = directory
        self.records.moved(os.path.join(directory, RECORDS))

    def trust_search(self) -> None:
        """Take the search half's files for verified as they are: they were hashed when they were made."""
        self._verified_stats = self._search_stats()

    def component(self, dead: bytes = b"") -> Component:
        """What `diptych.search.composed.compose` takes, without the documents of dead records.

        `dead` is a bitmap of record ids, bit `id & 7` of byte `id >> 3`; it may be shorter than the ids. The
        search half is compared with SEAL the first time. Where the table of first documents is damaged, they
        are found in the search half: see `table_problem`. Raises CorruptSearchError, CorruptSnapshotError for
        a bitmap with ids that there are not, and StorageError.
        """
        from diptych.search.composed import Component

        files = self.search_files()
        if dead and self._first_documents is None:
            try:
                self._first_documents = self.records.first_documents()
            except CorruptSnapshotError as error:
                self.table_problem = error
                self._first_documents = self._first_documents_found(files)
        ranges = [self.documents_of(record_id) for record_id in ids_in(dead)]
        return Component(self.seal.segment_id, self.seal.documents, files, ranges)

    def search_alone(self, dead: bytes = b"") -> SearchIndex:
        """The search half by itself. Raises as `component` does."""
        from diptych.search.composed import compose

        return compose([self.component(dead)], self._schema, where=self.directory)

    def _first_documents_found(self, files: Mapping[str, str | bytes]) -> list[int]:
        """The table of first documents, from the search half."""
        from diptych.search.composed import Component, compose

        seal = self.seal
        complete = Component(seal.segment_id, seal.documents, files)
        index = compose([complete], self._schema, where=self.directory)
        table = sorted(number for number, _ in index.numbered_records())
        return [*table, seal.documents]

    def _search_stats(self) -> Stats | None:
        """By which a file that was replaced or written to since is told."""
        stats: Stats = []
        try:
            for name in self.seal.files:
                if name != RECORDS:
                    path = os.path.join(self.directory, name)
                    with fs.translated("examine", path):
                        status = os.lstat(path)
                    times = (status.st_mtime_ns, status.st_ctime_ns)
                    stats.append((status.st_ino, status.st_dev, status.st_size, *times))
        except StorageError:
            # What is wrong is said by whoever reads them.
            return None
        return stats


def ids_in(bitmap: bytes) -> Iterator[int]:
    """The ids whose bits are set, ascending."""
    for number, byte in enumerate(bitmap):
        while byte:
            lowest = byte & -byte
            yield number << 3 | lowest.bit_length() - 1
            byte ^= lowest


def bitmap_of(ids: Sequence[int]) -> bytes:
    """The bitmap with the bits of `ids` set; `ids_in` is its inverse."""
    bitmap = bytearray((max(ids) >> 3) + 1 if ids else 0)
    for record_id in ids:
        bitmap[record_id >> 3] |= 1 << (record_id & 7)
    return bytes(bitmap)
