"""Writing exactly one Tantivy segment: one writer thread, one commit, documents in the order they came in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from diptych import fs
from diptych.change import StoredRecord
from diptych.errors import CorruptSearchError
from diptych.layout import INDEX_FORMAT, SEARCH_META, SEARCH_SUFFIXES, is_segment_id, search_file_name
from diptych.schema.base import Schema
from diptych.schema.documents import Documents
from diptych.search.documents import (
    document_adder,
    documents_of_records,
    record_document,
    tantivy_schema,
)
from diptych.search.footer import decode_footer
from diptych.search.guard import guarded
from diptych.search.words import register_words

# What one thread may hold before it writes a second segment: Tantivy's maximum is 4 GiB, less a margin. It is
# a limit, not a reservation.
_HEAP_BYTES = 4_000_000_000
# A segment takes some 400 bytes there, the schema some thousands.
_META_BYTES_MAX = 16 * 1024 * 1024


class WrittenSegment(NamedTuple):
    """A Tantivy segment in a directory: its id (32 hexadecimal digits), `max_doc`, its files by suffix."""

    segment_id: str
    documents: int
    files: dict[str, str]


class OneSegmentWriter:
    """A Tantivy index of one segment, written in an empty directory. One thread at a time."""

    def __init__(self, directory: str, schema: Schema[Any], *, held: int = 0) -> None:
        """`held`: so many documents are held back, and given to Tantivy at once.

        Raises CorruptSearchError, or StorageError.
        """
        with fs.importing("tantivy"):
            import tantivy

        self._directory = directory
        self._schema = schema
        self._held_most = held
        self._held: list[tuple[StoredRecord, Documents]] = []
        self._held_documents = 0
        self._fields = tantivy_schema(schema)
        with guarded("open", directory):
            index = tantivy.Index(self._fields, directory)
            index.config_reader("manual")
            register_words(index)
            self._writer = index.writer(_HEAP_BYTES, 1)
            self._add = document_adder(self._writer, schema, self._fields)

    def add(self, record: StoredRecord, documents: Iterable[Any]) -> int:
        """Write a record's document, then its items'; returns how many that were.

        What is wrong with documents that are held back is said when they are written. After an error the
        writer must not be reused. Raises InvalidRecordError, CorruptSearchError, or StorageError.
        """
        with guarded("write to", self._directory):
            found = Documents.of(documents)
        self._held.append((record, found))
        count = 1 + len(found)
        self._held_documents += count
        if self._held_documents > self._held_most:
            self._write()
        return count

    def _write(self) -> None:
        """Write what is held back."""
        from tantivy import Document

        held, self._held, self._held_documents = self._held, [], 0
        with guarded("write to", self._directory):
            written = documents_of_records(self._schema, [(record.key, found) for record, found in held])
            add, at = self._add, 0
            for record, found in held:
                self._writer.add_document(Document.from_dict(record_document(*record), self._fields))
                end = at + len(found)
                for document in written[at:end]:
                    add(document)
                at = end

    def commit(self) -> WrittenSegment:
        """Write the files. The writer must not be reused.

        Raises InvalidRecordError, CorruptSearchError, StorageError.
        """
        self._write()
        with guarded("commit to", self._directory):
            self._writer.commit()
            # Its threads end: nothing writes to the files any more.
            self._writer.wait_merging_threads()
        return read_written(self._directory)


def read_written(directory: str) -> WrittenSegment:
    """The one segment of the index in `directory`. Raises CorruptSearchError where it has not exactly one."""
    where = os.path.join(directory, SEARCH_META)
    with fs.translated("read", where):
        meta = fs.read_bounded(where, _META_BYTES_MAX)
    try:
        [segment] = json.loads(meta)["segments"]
        segment_id, documents = segment["segment_id"].replace("-", ""), segment["max_doc"]
        deletes = segment["deletes"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptSearchError(f"{where} does not list one segment: {error}", where=where) from error
    if not is_segment_id(segment_id) or type(documents) is not int or deletes is not None:
        raise CorruptSearchError(f"{where} lists another segment than was written", where=where)
    files = {
        suffix: os.path.join(directory, search_file_name(segment_id, suffix)) for suffix in SEARCH_SUFFIXES
    }
    with fs.translated("list", directory):
        present = {name for name in fs.list_directory(directory) if name.startswith(segment_id)}
    if present != set(map(os.path.basename, files.values())):
        raise CorruptSearchError(f"{directory} has other files than those of one segment", where=directory)
    with fs.translated("read", directory):
        tail = _tail(files["fieldnorm"])
    index_format = decode_footer(tail, where=directory).index_format
    if index_format != INDEX_FORMAT:
        raise CorruptSearchError(f"{directory} is of index format {index_format}", where=directory)
    return WrittenSegment(segment_id, documents, files)


def _tail(path: str) -> bytes:
    """The end of a file, with its footer."""
    with open(path, "rb", opener=fs.open_regular) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        file.seek(max(0, size_bytes - 4_096))
        return file.read()
