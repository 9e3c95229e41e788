"""Tantivy's document store (the file `.store`), read without Tantivy: what it says may be damaged.

Tantivy believes its files. A flipped bit has it ask for more memory than there is, and the process is ended.
Here every length is compared with what there is before it is used, and a damaged block costs itself alone.
Everything that is yielded is only what the file says: records have checksums of their own.

    blocks | skip index | u32 version, u64 where the skip index begins, u8 compression, 15 zeros | footer
    a block:     u32 size, then LZ4 of so many bytes: documents, u32 where each begins, u32 how many they are
    a document:  the number of its fields, then u32 field, u8 type, length and bytes of each
    skip index:  the number of layers, where each ends; layers, that of the blocks last
    a layer:     runs of: length of the run, first document, first byte, then documents and bytes of each

Numbers without a type have 7 bits a byte, lowest first; their last byte has its highest bit set.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

from diptych.errors import CorruptSearchError
from diptych.fs import open_regular, translated
from diptych.search.footer import read_footer

_SIZE = struct.Struct("<I")
_TAIL = struct.Struct("<IQB15x")
_VERSION = 2
_LZ4 = 1
_BYTES_TYPE = 4
_EMPTY = b"\x80"
# Tantivy ends a block after 16 KiB of documents; the last of them may be as large as a record can be.
_BLOCK_BYTES_MOST = 80 * 1024 * 1024
# It takes some five bytes for each block.
_INDEX_BYTES_MOST = 256 * 1024 * 1024
_DAMAGED = (IndexError, ValueError, struct.error)

Block = tuple[int, int, int]
"""Where it begins and ends, and how many documents it has."""


def stored_documents(file: str | bytes, documents: int) -> Iterator[bytes | None]:
    """What each document of a store has in its only field, in their order: b"" where it has none.

    `file`: its path, or its bytes; `documents`: how many it had. None stands for any number of documents that
    cannot be read. Raises StorageError.
    """
    if isinstance(file, bytes):
        yield from _documents(io.BytesIO(file), "a bundle", documents)
        return
    with translated("read", file), open(file, "rb", opener=open_regular) as opened:
        yield from _documents(opened, file, documents)


def _documents(file: BinaryIO, where: str, documents: int) -> Iterator[bytes | None]:
    try:
        blocks = _blocks(file, where, documents)
    except (CorruptSearchError, *_DAMAGED):
        yield from _without_index(file, documents)
        return
    for begin, end, count in blocks:
        try:
            block, _ = _block(file, begin, end - begin)
            offsets = _offsets(block, count)
        except _DAMAGED:
            yield None
        else:
            yield from _fields(block, offsets)


def _without_index(file: BinaryIO, documents: int) -> Iterator[bytes | None]:
    """From front to back: a block ends where it has as many bytes as it says."""
    at = 0
    while documents > 0:
        try:
            block, at = _block(file, at, None)
            offsets = _offsets(block, None)
        except _DAMAGED:
            yield None
            return
        yield from _fields(block, offsets[: documents + 1])
        documents -= len(offsets) - 1


def _blocks(file: BinaryIO, where: str, documents: int) -> list[Block]:
    """The blocks by the skip index. Raises CorruptSearchError or one of `_DAMAGED` where it is damaged."""
    end = read_footer(file, where=where).body_length - _TAIL.size
    version, begin, compression = _TAIL.unpack(_read(file, end, _TAIL.size))
    if version != _VERSION or compression != _LZ4 or not 0 < end - begin <= _INDEX_BYTES_MOST:
        raise ValueError
    index = _read(file, begin, end - begin)
    layers, at = _number(index, 0)
    if not 0 < layers <= 64:
        raise ValueError
    first = last = 0
    for _ in range(layers):
        first = last
        last, at = _number(index, at)
    if at + last != len(index):
        raise ValueError
    return _of_layer(index, at + first, documents, begin)


def _of_layer(index: bytes, at: int, documents: int, end: int) -> list[Block]:
    """The blocks of a layer from `at` on. Raises one of `_DAMAGED` unless they are all of them."""
    blocks: list[Block] = []
    document = offset = 0
    while at < len(index):
        run, at = _number(index, at)
        # Where its first block begins follows from those before.
        _, at = _number(index, at)
        _, at = _number(index, at)
        for _ in range(run):
            count, at = _number(index, at)
            size, at = _number(index, at)
            blocks.append((offset, offset + size, count))
            document += count
            offset += size
    if (document, offset) != (documents, end):
        raise ValueError
    return blocks


def _block(file: BinaryIO, begin: int, length: int | None) -> tuple[bytearray, int]:
    """The content of the block that begins there, and where it ends. Raises one of `_DAMAGED`.

    `length`: of the block with its size, None where that is not known.
    """
    (size,) = _SIZE.unpack(_read(file, begin, _SIZE.size))
    # What cannot be compressed takes a little more.
    most = size + size // 255 + 16
    if size > _BLOCK_BYTES_MOST or (length is not None and not 0 < length - _SIZE.size <= most):
        raise ValueError
    packed = file.read(most if length is None else length - _SIZE.size)
    block, used = _unpacked(packed, size)
    return block, begin + _SIZE.size + used


def _unpacked(packed: bytes, size: int) -> tuple[bytearray, int]:
    """`size` bytes out of LZ4, and how many bytes were read for them. Raises IndexError, ValueError.

    `out` never becomes larger than `size`.
    """
    out = bytearray()
    at = 0
    while True:
        token = packed[at]
        at += 1
        literals = token >> 4
        if literals == 15:
            more, at = _more(packed, at)
            literals += more
        if at + literals > len(packed) or len(out) + literals > size:
            raise ValueError
        out += packed[at : at + literals]
        at += literals
        # The last bytes are always literals.
        if len(out) == size:
            return out, at
        distance = packed[at] | packed[at + 1] << 8
        at += 2
        length = token & 15
        if length == 15:
            more, at = _more(packed, at)
            length += more
        length += 4
        begin = len(out) - distance
        if not distance or begin < 0 or len(out) + length > size:
            raise ValueError
        if distance >= length:
            out += out[begin : begin + length]
        else:
            # It overlaps what it makes.
            out += (out[begin:] * (length // distance + 1))[:length]


def _more(packed: bytes, at: int) -> tuple[int, int]:
    """The rest of a length, and what follows it."""
    more = 0
    while packed[at] == 255:
        more += 255
        at += 1
    return more + packed[at], at + 1


def _offsets(block: bytearray, count: int | None) -> list[int]:
    """Where each document begins, and where the last ends. Raises one of `_DAMAGED`.

    `count`: how many there must be, None where that is not known.
    """
    (found,) = _SIZE.unpack_from(block, len(block) - _SIZE.size)
    end = len(block) - (found + 1) * _SIZE.size
    if end < 0 or not found or count not in (None, found):
        raise ValueError
    offsets = [*struct.unpack_from(f"<{found}I", block, end), end]
    if offsets[0] or any(begin > following for begin, following in pairwise(offsets)):
        raise ValueError
    return offsets


def _fields(block: bytearray, offsets: list[int]) -> Iterator[bytes | None]:
    """The field of each document of a block."""
    for begin, end in pairwise(offsets):
        document = bytes(block[begin:end])
        if document == _EMPTY:
            yield b""
            continue
        try:
            yield _field(document)
        except _DAMAGED:
            yield None


def _field(document: bytes) -> bytes:
    """The bytes of a document's only field. Raises IndexError, ValueError."""
    count, at = _number(document, 0)
    length, begin = _number(document, at + 5)
    if count != 1 or document[at + 4] != _BYTES_TYPE or begin + length != len(document):
        raise ValueError
    return document[begin:]


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and what follows it. Raises IndexError, ValueError."""
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte & 128:
            return value, at
    raise ValueError


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    """So many bytes from there. Raises ValueError where there are fewer, or `at` is below 0."""
    if at < 0:
        raise ValueError
    file.seek(at)
    data = file.read(size)
    if len(data) != size:
        raise ValueError
    return data
