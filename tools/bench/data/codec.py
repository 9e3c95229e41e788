"""A record as msgpack bytes and back, as anyone would write it: what peers store, and the cache of data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgpack

from diptych.model import FileRecord, Range, Relation, Symbol

_READ_BYTES = 1 << 20


def pack(record: FileRecord) -> bytes:
    """The record's bytes."""
    packed: bytes = msgpack.packb(record, unicode_errors="surrogateescape")
    return packed


def from_plain(plain: tuple) -> FileRecord:  # type: ignore[type-arg]
    """The record of unpacked tuples."""
    path, digest, language, symbols, relations, names = plain
    return FileRecord(
        path, digest, language,
        [Symbol(n, k, Range._make(r), c, s, d, Range._make(w)) for n, k, r, c, s, d, w in symbols],
        [Relation(k, s, t, Range._make(r)) for k, s, t, r in relations],
        names,
    )


def unpack(data: bytes) -> FileRecord:
    """The record of those bytes."""
    return from_plain(msgpack.unpackb(data, use_list=False, unicode_errors="surrogateescape"))


def places(data: bytes) -> tuple[list[tuple[str, int]], list[str]]:
    """The name and the offset of each symbol in a record's bytes, and the relations' targets.

    With its offset a symbol is unpacked without the rest of its file: what a store by hand would do too.
    """
    unpacker = msgpack.Unpacker(use_list=False, unicode_errors="surrogateescape", max_buffer_size=0)
    unpacker.feed(data)
    unpacker.read_array_header()
    for _ in range(3):
        unpacker.skip()
    tell, unpack_next = unpacker.tell, unpacker.unpack
    names = []
    for _ in range(unpacker.read_array_header()):
        offset = tell()
        names.append((unpack_next()[0], offset))
    return names, sorted({relation[2] for relation in unpack_next()})


def symbol_at(data: bytes | memoryview, offset: int) -> Symbol:
    """The symbol at that offset of a record's bytes."""
    unpacker = msgpack.Unpacker(use_list=False, unicode_errors="surrogateescape", max_buffer_size=0)
    unpacker.feed(data[offset:])
    n, k, r, c, s, d, w = unpacker.unpack()
    return Symbol(n, k, Range._make(r), c, s, d, Range._make(w))


def write_records(path: str, records: Iterable[FileRecord]) -> tuple[int, int]:
    """Write records to a file of their own; return how many files and symbols they were."""
    files = symbols = 0
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "wb", buffering=_READ_BYTES) as file:
        for record in records:
            file.write(pack(record))
            files += 1
            symbols += len(record.symbols)
    os.replace(temporary, path)
    return files, symbols


def read_records(path: str) -> Iterator[FileRecord]:
    """The records of such a file, one at a time."""
    with open(path, "rb") as file:
        unpacker = msgpack.Unpacker(
            file, use_list=False, unicode_errors="surrogateescape", read_size=_READ_BYTES, max_buffer_size=0
        )
        for plain in unpacker:
            yield from_plain(plain)
