"""Building a segment: records in any order in, a directory with both halves and their SEAL out."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Generator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

from diptych import fs
from diptych.change import StoredRecord, record_checksum
from diptych.errors import (
    InvalidArgumentError,
    InvalidRecordError,
    RecordTooLargeError,
    StorageError,
    StoreClosedError,
)
from diptych.layout import BUNDLE, INDEX_FORMAT, RECORDS, SEAL
from diptych.schema.base import Projection, Record, Schema
from diptych.schema.documents import Documents
from diptych.search.one_segment import OneSegmentWriter, WrittenSegment
from diptych.segment.format import BUNDLE_MAX_BYTES, encode_bundle
from diptych.segment.records import RecordsWriter
from diptych.segment.seal import Seal, digest_of, encode_seal
from diptych.snapshot.format import MAX_RECORD_BYTES
from diptych.snapshot.hashed import HashedFile
from diptych.snapshot.terms import extract_terms

_WORK = "work"

Result = TypeVar("Result")


class BuiltSegment(NamedTuple):
    """A sealed segment, durable at `path`."""

    path: str
    digest: str
    """Its name: BLAKE3 of its SEAL, 64 hexadecimal digits."""
    records: int


class SegmentBuilder(Generic[Record]):
    """Builds one segment of records of `schema` in a new directory. One thread at a time.

    It needs no store: a segment may be built in another process, or on another machine, and a transaction of
    any store of the same schema takes it in with `adopt`.

        with SegmentBuilder(schema, "segment-1") as builder:
            for record in records:
                builder.add(record)
            built = builder.finish()

    Records come in any order of their keys, each key once: a second record of a key is refused, since the
    first is in Tantivy already, and a segment has no dead documents. Tantivy gets a record's documents when
    it is added, and indexes them in a thread beside the caller's; payloads wait, above 32 MB in a file
    without a name, for their place in key order. Some 120,000 documents or 64 MB of payloads make a segment
    of a good size: see `documents` and `payload_bytes`.

    Use it in a `with` block: what is not sealed at its end is removed, and so is everything on an error.
    """

    def __init__(
        self,
        schema: Schema[Record],
        directory: str | os.PathLike[str],
        *,
        work: str | None = None,
        held: int = 0,
    ) -> None:
        """Make `directory`, which must not exist, in one that does.

        `work`: an existing, empty directory in which Tantivy writes until the segment is sealed, where it is
        to be another than one below `directory`. In memory, a small segment is sealed without Tantivy's own
        fsyncs. `held`: about so many documents are given to Tantivy at once, which takes less time; what is
        wrong with one is then said when a later one is added, or at the end. Raises StorageError,
        CorruptSearchError.
        """
        self.schema, self.directory = schema, os.fspath(directory)
        directory = self.directory
        self._documents = 0
        self._closed = False
        with fs.translated("make the directory", directory):
            os.mkdir(directory)
        self._records: RecordsWriter | None = None
        try:
            self._records = RecordsWriter(directory, schema)
            self._index = OneSegmentWriter(work or make_work(directory), schema, held=held)
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> SegmentBuilder[Record]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._open_records())

    @property
    def documents(self) -> int:
        """How many documents Tantivy has so far: one for each record, and the schema's."""
        return self._documents

    @property
    def payload_bytes(self) -> int:
        """The size of all payloads so far."""
        return self._open_records().payload_bytes

    @property
    def content(self) -> int:
        """What all records so far are together: see `diptych.segment.content`."""
        return self._open_records().content

    def add(self, record: Record) -> None:
        """Add a record.

        Raises InvalidRecordError (also for a key that was added before; nothing was changed then), and
        StorageError or CorruptSearchError, after which the builder is closed.
        """
        self._open_records()
        key, payload = self.schema.key_of(record), self.schema.pack(record)
        stored = StoredRecord(key, record_checksum(key, payload), payload)
        self.add_stored(stored, self.schema.project_record(key, payload, record))

    def add_packed(self, key: bytes, payload: bytes) -> None:
        """Add a record that the schema's `pack` made `payload` of. Raises as `add` does."""
        self._open_records()
        self.schema.check_key(key)
        if type(payload) is not bytes:
            raise InvalidRecordError(f"a payload is bytes, not {type(payload).__name__}")
        stored = StoredRecord(key, record_checksum(key, payload), payload)
        self.add_stored(stored, self.schema.project(key, payload))

    def __contains__(self, key: bytes) -> bool:
        return key in self._open_records()

    def finish(self) -> BuiltSegment:
        """Complete the segment: its files, its directory and the directory's name are durable.

        The builder is closed. Raises InvalidArgumentError where no record was added; StorageError, or
        CorruptSearchError, after which nothing is left.
        """
        seal = self.seal()
        fs.fsync_dir(os.path.dirname(os.path.abspath(self.directory)))
        return BuiltSegment(self.directory, digest_of(encode_seal(seal)), seal.records)

    def seal(self) -> Seal:
        """Write, complete and fsync the segment; its name is not durable before the caller made it so.

        The builder is closed. Raises InvalidArgumentError where no record was added; StorageError, or
        CorruptSearchError, after which nothing is left.
        """
        return finished(self.sealing())

    def sealing(self) -> Generator[None, None, Seal]:
        """`seal` in small pieces of work, between which the caller can let other threads run."""
        records = self._open_records()
        if not len(records):
            raise InvalidArgumentError("a segment has at least one record")
        try:
            # Tantivy first: its files are written by a thread that has most of them done.
            index = self._index.commit()
            return (yield from _completing(self.directory, self.schema, records, index))
        except BaseException:
            self._discard()
            raise
        finally:
            self._closed = True
            records.close()

    def close(self) -> None:
        """Remove what was made, unless it is sealed. Never raises for what cannot be removed."""
        if not self._closed:
            self._discard()

    def add_stored(self, record: StoredRecord, projection: Projection) -> None:
        """Add a record as a store has it, with what its payload projects to. Raises as `add` does."""
        key, payload = record.key, record.payload
        records = self._open_records()
        if len(payload) > MAX_RECORD_BYTES:
            raise RecordTooLargeError(f"the record of {key!r:.200} has {len(payload):,} bytes")
        if key in records:
            raise InvalidRecordError(f"the segment has a record of {key!r:.200} already")
        # All that the schema does comes before the first change: a record it cannot project changes nothing.
        terms, documents = extract_terms(projection), Documents.of(projection.documents)
        try:
            count = self._index.add(record, documents)
            records.add(record, terms, count)
        except BaseException:
            # One half may have it, and the other not.
            self._discard()
            raise
        self._documents += count

    def _open_records(self) -> RecordsWriter:
        if self._closed or self._records is None:
            raise StoreClosedError(f"the builder of {self.directory} was closed", advice="make a new one")
        return self._records

    def _discard(self) -> None:
        self._closed = True
        if self._records is not None:
            self._records.close()
        with suppress(StorageError):
            fs.remove_tree(self.directory)


def make_work(directory: str) -> str:
    """A directory for Tantivy to write in, below `directory`. Raises StorageError."""
    work = os.path.join(directory, _WORK)
    with fs.translated("make the directory", work):
        os.mkdir(work)
    return work


def finished(
    steps: Generator[None, None, Result], after_each: Callable[[], object] | None = None
) -> Result:
    """What a piece of work returns; `after_each` of its steps lets others run."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        if after_each is not None:
            after_each()


def complete(directory: str, schema: Schema[Any], records: RecordsWriter, index: WrittenSegment) -> Seal:
    """Write the records, take Tantivy's files, write SEAL, and fsync all of it. Raises StorageError."""
    return finished(_completing(directory, schema, records, index))


def _completing(
    directory: str, schema: Schema[Any], records: RecordsWriter, index: WrittenSegment
) -> Generator[None, None, Seal]:
    """`complete` in small pieces of work."""
    written = [(yield from records.writing(index.segment_id))]
    try:
        digests = {RECORDS: written[0].flush()}
        taken = _take_files(directory, index)
        if isinstance(taken, HashedFile):
            written.append(taken)
            digests[BUNDLE] = taken.flush()
        else:
            digests |= {os.path.basename(path): fs.digest_stable_file(path) for path in taken}
        first_key, last_key = records.key_range
        seal = Seal(
            schema=schema.name,
            schema_version=schema.version,
            fingerprint=schema.fingerprint(),
            records=len(records),
            counts=dict(zip(schema.counters, records.counts, strict=True)),
            documents=index.documents,
            segment_id=index.segment_id,
            index_format=INDEX_FORMAT,
            first_key=first_key,
            last_key=last_key,
            files=digests,
        )
        written.append(write_unsynced(os.path.join(directory, SEAL), encode_seal(seal)))
        # All is written before the first fsync: the system writes it in one go. A crash on the way leaves a
        # directory without SEAL, or a SEAL whose files are not what it says; both are seen when it is opened.
        for file in written:
            # A crash after the caller's rename must not find a file empty or torn under its final name.
            file.finish()
        for path in [] if isinstance(taken, HashedFile) else taken:
            # As above. Tantivy's own fsyncs are not what the segment rests on.
            fs.fsync_file(path)
        # The names in the directory: a crash after the rename must not show it without one of its files.
        fs.fsync_dir(directory)
    finally:
        for file in written:
            file.close()
    return seal


def write_unsynced(path: str, data: bytes) -> HashedFile:
    """A new file with `data`, in the system's hands; durable when the caller calls `finish`."""
    file = HashedFile(path)
    try:
        file.write(data)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _take_files(directory: str, index: WrittenSegment) -> HashedFile | list[str]:
    """Put Tantivy's files into `directory`: the bundle, or their paths; and remove where they were."""
    work = os.path.dirname(index.files["store"])
    with fs.translated("examine", work):
        size_bytes = sum(os.stat(path).st_size for path in index.files.values())
    taken: HashedFile | list[str]
    if size_bytes < BUNDLE_MAX_BYTES:
        with fs.translated("read", work):
            contents = {
                os.path.basename(path): fs.read_bounded(path, BUNDLE_MAX_BYTES)
                for path in index.files.values()
            }
        taken = write_unsynced(os.path.join(directory, BUNDLE), encode_bundle(contents))
    else:
        taken = [_move(path, directory) for path in index.files.values()]
    if os.path.dirname(work) == directory:
        fs.remove_tree(work)
    return taken


def _move(source: str, directory: str) -> str:
    """Move a file to `directory`, or copy it where that is of another file system; returns its path."""
    target = os.path.join(directory, os.path.basename(source))
    try:
        # No fsync before it: no reader trusts the name until SEAL says what is in the file.
        fs.rename(source, target)
    except StorageError as error:
        if error.errno != errno.EXDEV:
            raise
        with fs.translated("copy to", target):
            fs.copy_regular(source, target)
    return target
