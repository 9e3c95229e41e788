"""Many Tantivy segments, and which of their documents are dead, opened as one index.

Nothing of Tantivy's own bookkeeping is stored with a segment. `meta.json`, `.managed.json` and the bitmaps of
alive documents are written into a private directory, beside links to the segments' files, each time an index
is opened; the format rests on these three, which have tests of their own. Once Tantivy has opened the files,
the directory is not needed any more.

The bitmap of a segment is the file `<id>.<opstamp>.del`: u32 max_doc, u64 words with 1 for alive, a footer.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from diptych import fs
from diptych.errors import CorruptSearchError, StorageError
from diptych.layout import (
    INDEX_FORMAT,
    SEARCH_MANAGED,
    SEARCH_META,
    SEARCH_SUFFIXES,
    is_segment_id,
    search_file_name,
)
from diptych.schema.base import Schema
from diptych.search.documents import tantivy_schema
from diptych.search.footer import encode_footer
from diptych.search.guard import guarded
from diptych.search.index import SearchIndex

# A commit whose opstamp equals that of a bitmap writes its own under the same name, and takes the deletes for
# applied: they are lost. So the index is later than every bitmap in it, and a writer's first commit as well.
_BITMAP_OPSTAMP = 1
_INDEX_OPSTAMP = 2
_MAX_DOC = struct.Struct("<I")
# Tantivy's documents have numbers below this.
_DOCUMENTS_MOST = 2**31 - 1

Range = tuple[int, int]


class Component(NamedTuple):
    """A Tantivy segment to compose, its files verified by the caller."""

    segment_id: str
    """32 hexadecimal digits."""
    documents: int
    """All of them, dead or alive: Tantivy's `max_doc`."""
    files: Mapping[str, str | bytes]
    """By suffix (all of SEARCH_SUFFIXES): the path of a file, or its bytes."""
    dead: Sequence[Range] = ()
    """The dead documents: `(first, end)` ranges, `end` excluded, ascending and apart."""


def compose(components: Iterable[Component], schema: Schema[Any], *, where: str) -> SearchIndex:
    """Open segments as one index, without their dead documents. `where` names it in errors.

    Raises CorruptSearchError, also for a segment that is listed twice, and StorageError.
    """
    listed = list(components)
    _refuse_wrong(listed, where)
    with fs.importing("tantivy"):
        import tantivy

    for in_memory in (True, False):
        with fs.private_directory(in_memory=in_memory) as private:
            try:
                _fill(private, listed, schema, or_copy=not in_memory)
                with guarded("open", where):
                    index = tantivy.Index.open(private)
                    index.config_reader("manual")
                    return SearchIndex(index, schema, where)
            except StorageError:
                # There may be no room in memory, not even for names.
                if not in_memory:
                    raise
    raise AssertionError


def encode_alive(documents: int, dead: Iterable[Range]) -> tuple[bytes, int]:
    """The bitmap's file, and how many documents are dead. `dead` as in a Component; raises ValueError."""
    # Bits after the last document are zero: Tantivy counts the ones.
    alive = bytearray(((1 << documents) - 1).to_bytes((documents + 63) // 64 * 8, "little"))
    count, before = 0, 0
    for first, end in dead:
        if not before <= first < end <= documents:
            raise ValueError(f"dead documents {first} to {end} of {documents}, after {before}")
        _clear(alive, first, end)
        count, before = count + end - first, end
    body = _MAX_DOC.pack(documents) + alive
    return body + encode_footer(zlib.crc32(body), INDEX_FORMAT), count


def _clear(bits: bytearray, first: int, end: int) -> None:
    """Set the bits from `first` up to `end` to zero."""
    begin_byte, end_byte = first >> 3, (end - 1) >> 3
    keep_below = (1 << (first & 7)) - 1
    keep_above = 0xFF << ((end - 1 & 7) + 1) & 0xFF
    if begin_byte == end_byte:
        bits[begin_byte] &= keep_below | keep_above
        return
    bits[begin_byte] &= keep_below
    bits[begin_byte + 1 : end_byte] = bytes(end_byte - begin_byte - 1)
    bits[end_byte] &= keep_above


def _refuse_wrong(components: Sequence[Component], where: str) -> None:
    """Raise CorruptSearchError for what Tantivy would take, and answer wrongly from."""
    seen = set()
    for segment_id, documents, files, _ in components:
        if not is_segment_id(segment_id) or set(files) != set(SEARCH_SUFFIXES):
            raise CorruptSearchError(f"{where}: {segment_id!r:.200} is no complete segment", where=where)
        # Twice the same: its documents would count double.
        if segment_id in seen:
            raise CorruptSearchError(f"{where}: segment {segment_id} is listed twice", where=where)
        seen.add(segment_id)
        # A byte for each document is in one of its files, so that the bitmap is no larger than the segment.
        if not 0 < documents <= min(_DOCUMENTS_MOST, _size_bytes(files["fieldnorm"])):
            raise CorruptSearchError(f"{where}: {segment_id} has no {documents:,} documents", where=where)


def _size_bytes(file: str | bytes) -> int:
    if isinstance(file, bytes):
        return len(file)
    with fs.translated("examine", file):
        return os.stat(file).st_size


def _fill(private: str, components: Sequence[Component], schema: Schema[Any], *, or_copy: bool) -> None:
    """Make `private` an index of Tantivy's. Raises CorruptSearchError, StorageError."""
    segments, names = [], []
    for segment_id, documents, files, dead in components:
        deletes = None
        if dead:
            try:
                bitmap, count = encode_alive(documents, dead)
            except ValueError as error:
                raise CorruptSearchError(f"segment {segment_id}: {error}", where=segment_id) from error
            if count == documents:
                continue
            name = f"{segment_id}.{_BITMAP_OPSTAMP}.del"
            _write(os.path.join(private, name), bitmap)
            names.append(name)
            deletes = {"num_deleted_docs": count, "opstamp": _BITMAP_OPSTAMP}
        for suffix in SEARCH_SUFFIXES:
            name = search_file_name(segment_id, suffix)
            _place(files[suffix], os.path.join(private, name), or_copy=or_copy)
            names.append(name)
        segments.append({"segment_id": _dashed(segment_id), "max_doc": documents, "deletes": deletes})
    meta = json.loads(_empty_meta(schema))
    meta["segments"], meta["opstamp"] = segments, _INDEX_OPSTAMP
    _write(os.path.join(private, SEARCH_MANAGED), json.dumps([*names, SEARCH_META]).encode())
    _write(os.path.join(private, SEARCH_META), json.dumps(meta).encode())


def _place(file: str | bytes, target: str, *, or_copy: bool) -> None:
    """Give a file, or its bytes, a name in the private directory. Raises CorruptSearchError, StorageError."""
    if isinstance(file, bytes):
        _write(target, file)
        return
    source = os.path.abspath(file)
    if not fs.is_regular(source):
        # Tantivy would wait for the writer of a named pipe.
        raise CorruptSearchError(f"{source} is gone, or no regular file", where=source)
    with fs.translated("link to", source):
        try:
            os.symlink(source, target)
        except OSError:
            if not or_copy:
                raise
            # Windows allows symbolic links to some users only.
            fs.copy_regular(source, target)


def _write(path: str, data: bytes) -> None:
    # Not durable: the directory is gone when the index is open.
    with fs.translated("write", path), open(path, "xb") as file:
        file.write(data)


@lru_cache(maxsize=16)
def _empty_meta(schema: Schema[Any]) -> bytes:
    """`meta.json` of an empty index with the schema's fields, as Tantivy writes it."""
    import tantivy

    with fs.private_directory(in_memory=True) as private:
        with guarded("make", private):
            tantivy.Index(tantivy_schema(schema), private)
        path = os.path.join(private, SEARCH_META)
        with fs.translated("read", path), open(path, "rb") as file:
            return file.read()


def _dashed(segment_id: str) -> str:
    """The id as `meta.json` has it."""
    parts = (segment_id[:8], segment_id[8:12], segment_id[12:16], segment_id[16:20], segment_id[20:])
    return "-".join(parts)
