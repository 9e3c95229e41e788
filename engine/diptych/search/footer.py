"""Tantivy's own footers: what stands at the end of each of its files, read without Tantivy.

    body | JSON | u32 length of the JSON | u32 magic 1337          (little-endian)

The JSON has a "crc" (IEEE CRC-32 of the body) and a "version". Tantivy does not test it when it opens a file;
`verify` and `repair` do, where no manifest is left to compare with.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from typing import BinaryIO, NamedTuple

from diptych.errors import CorruptSearchError
from diptych.fs import open_regular, translated

MAGIC = 1337
_TAIL = struct.Struct("<II")
# Tantivy's footers have some 90 bytes.
_MAX_JSON_BYTES = 50_000
_CHUNK_BYTES = 1 << 20


class Footer(NamedTuple):
    """A footer, and how long the body before it is."""

    crc: int
    body_length: int
    index_format: int
    """The version of the format of Tantivy's files; -1 where the footer has none."""


def encode_footer(crc: int, index_format: int) -> bytes:
    """The footer of a body with that CRC-32, as Tantivy writes it."""
    # The format is what Tantivy compares; the version of the library it only names.
    version = {"major": 0, "minor": 27, "patch": 0, "index_format_version": index_format}
    text = json.dumps({"version": version, "crc": crc}, separators=(",", ":")).encode()
    return text + _TAIL.pack(len(text), MAGIC)


def decode_footer(data: bytes | memoryview, *, where: str) -> Footer:
    """The footer at the end of `data`, the whole of a file. Raises CorruptSearchError."""
    if len(data) < _TAIL.size:
        raise CorruptSearchError(f"{where} is too short for a footer", where=where)
    length, magic = _TAIL.unpack_from(data, len(data) - _TAIL.size)
    begin = len(data) - _TAIL.size - length
    if magic != MAGIC or length > _MAX_JSON_BYTES or begin < 0:
        raise CorruptSearchError(f"{where} does not end in a footer", where=where)
    try:
        fields = json.loads(bytes(data[begin : begin + length]))
        crc = fields["crc"]
        index_format = (fields.get("version") or {}).get("index_format_version", -1)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptSearchError(f"the footer of {where} does not decode: {error}", where=where) from error
    if not isinstance(crc, int) or isinstance(crc, bool):
        raise CorruptSearchError(f"the footer of {where} has no CRC", where=where)
    return Footer(crc, begin, index_format if type(index_format) is int else -1)


def check_footer(data: bytes | memoryview, *, where: str) -> None:
    """Compare the body with the CRC in its footer. Raises CorruptSearchError."""
    footer = decode_footer(data, where=where)
    if zlib.crc32(data[: footer.body_length]) != footer.crc:
        raise CorruptSearchError(f"{where} fails its checksum", where=where)


def read_footer(file: BinaryIO, *, where: str) -> Footer:
    """The footer at the end of an open file of any size. Raises CorruptSearchError, OSError."""
    size_bytes = file.seek(0, os.SEEK_END)
    begin = max(0, size_bytes - _MAX_JSON_BYTES - _TAIL.size)
    file.seek(begin)
    footer = decode_footer(file.read(), where=where)
    return footer._replace(body_length=begin + footer.body_length)


def check_footer_of_file(path: str) -> None:
    """As `check_footer`, of a file of any size within bounded memory. Raises also StorageError."""
    with translated("read", path), open(path, "rb", opener=open_regular) as file:
        footer = read_footer(file, where=path)
        left_bytes = footer.body_length
        crc = 0
        file.seek(0)
        while left_bytes and (chunk := file.read(min(left_bytes, _CHUNK_BYTES))):
            crc = zlib.crc32(chunk, crc)
            left_bytes -= len(chunk)
    if crc != footer.crc:
        raise CorruptSearchError(f"{path} fails its checksum", where=path)
