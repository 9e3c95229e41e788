"""What a segment adds to formats that exist: sections of `records.msgpack`, and the bundle. Pure.

`records.msgpack` is a snapshot (`diptych.snapshot.format`) with Tantivy's id of the segment in the place
of the store's id, and the LSN 0. An id is the number of the record in the order in which it was given to
Tantivy; there are no gaps. Between the last index and the trailer are the sections, each a msgpack bin:

    0   8  checksum: XXH3-64 of what follows, seeded with the section's number
    8   …  section 0: u32 little-endian …, by id, the number of the record's first Tantivy document
           section 1 + n: the filter of index n over its distinct hashes; index 0 is that of the keys
           section 1 + i + n, of i indexes: the sorted terms of index n (`diptych.segment.terms`)

The documents of a record begin with the one that holds it, and end where the next record's begin.

The bundle is one msgpack map: file name to content (bin), in order of name.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from mmap import mmap

import msgpack
from xxhash import xxh3_64_intdigest

from diptych.errors import CorruptSearchError, CorruptSnapshotError
from diptych.layout import SEARCH_SUFFIXES, search_file_name
from diptych.snapshot.format import (
    BIN32_SIZE,
    OFFSET,
    TRAILER_SIZE,
    Trailer,
    bin_length,
    decode_table,
    encode_bin,
    encode_table,
)

Extent = tuple[int, int]

FIRST_DOCUMENTS = 0
# Tantivy's files of together less than this go into one bundle: one fsync instead of six.
BUNDLE_MAX_BYTES = 1024 * 1024
# What the map adds to its contents.
BUNDLE_OVERHEAD_BYTES = 1_024


def encode_section(number: int, data: bytes) -> bytes:
    """A section with its msgpack head."""
    return encode_bin(len(data) + 8) + OFFSET.pack(xxh3_64_intdigest(data, number)) + data


def encode_first_documents(first_documents: array[int]) -> bytes:
    """Section 0, of a table of u32."""
    return encode_section(FIRST_DOCUMENTS, encode_table(first_documents))


def find_sections(data: mmap, trailer: Trailer, *, where: str) -> list[Extent]:
    """Where the contents of the sections are, checksum included; not checked. Raises CorruptSnapshotError."""
    last = trailer.indexes[-1]
    at = last.ends + (8 << last.bits)
    extents = []
    indexes = len(trailer.indexes)
    for number in range(1 + 2 * indexes):
        if number == 1 + indexes and at == len(data) - TRAILER_SIZE:
            # From before segments had sorted terms.
            break
        length = bin_length(data, at)
        begin, end = at + BIN32_SIZE, at + BIN32_SIZE + length
        if length < 8 or end > len(data) - TRAILER_SIZE:
            raise CorruptSnapshotError(f"{where}: no section {number} at byte {at}", where=where)
        extents.append((begin, end))
        at = end
    if at != len(data) - TRAILER_SIZE:
        raise CorruptSnapshotError(f"{where}: bytes without a meaning at byte {at}", where=where)
    return extents


def decode_section(data: mmap, number: int, extent: Extent, *, where: str) -> bytes:
    """The content of a section, checked. Raises CorruptSnapshotError."""
    begin, end = extent
    content = data[begin + 8 : end]
    if OFFSET.unpack_from(data, begin)[0] != xxh3_64_intdigest(content, number):
        raise CorruptSnapshotError(f"{where}: section {number} fails its checksum", where=where)
    return content


def decode_first_documents(section: bytes, records: int, documents: int, *, where: str) -> array[int]:
    """By id, the first document; then `documents`, the number of all. Raises CorruptSnapshotError."""
    if len(section) != 4 * records:
        raise CorruptSnapshotError(f"{where}: first documents of other records", where=where)
    first_documents = decode_table("I", section)
    first_documents.append(documents)
    rising = all(map(int.__lt__, first_documents, first_documents[1:]))
    if first_documents[0] != 0 or not rising:
        raise CorruptSnapshotError(f"{where}: the first documents are out of order", where=where)
    return first_documents


def encode_bundle(files: Mapping[str, bytes]) -> bytes:
    """Files by name, as one."""
    return bytes(msgpack.packb({name: files[name] for name in sorted(files)}))


def decode_bundle(data: bytes, segment_id: str, *, where: str) -> dict[str, bytes]:
    """The files of the Tantivy segment with that id, by name. Raises CorruptSearchError."""
    try:
        files = msgpack.unpackb(data, strict_map_key=True, use_list=True)
    except Exception as error:
        raise CorruptSearchError(f"{where} does not decode: {error}", where=where) from error
    names = [search_file_name(segment_id, suffix) for suffix in SEARCH_SUFFIXES]
    if (
        not isinstance(files, dict)
        or list(files) != names
        or not all(type(content) is bytes for content in files.values())
    ):
        raise CorruptSearchError(f"{where} holds other files than those of {segment_id}", where=where)
    return files
