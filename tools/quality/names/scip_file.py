"""Where each symbol is written, as an index in SCIP's format has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Numbers of fields in https://github.com/sourcegraph/scip/blob/main/scip.proto
_DOCUMENTS = 2
_PATH, _OCCURRENCES = 1, 2
_RANGE, _SYMBOL, _ROLES = 1, 2, 3
_DEFINITION_ROLE = 1

# Types on the wire, of protocol buffers.
_VARINT, _FIXED_64, _BYTES = 0, 1, 2


class Occurrence(NamedTuple):
    """A symbol, written on one row between two columns, which are counted as the producer counts them."""

    path: str
    row: int
    start: int
    end: int
    symbol: str
    is_definition: bool


def occurrences_in(index: Path) -> Iterator[Occurrence]:
    """All occurrences that are on one row, in the order of the file."""
    for number, document in _fields(index.read_bytes()):
        if number == _DOCUMENTS:
            yield from _of_document(document)


def _of_document(document: bytes) -> Iterator[Occurrence]:
    fields = list(_fields(document))
    path = next(text.decode() for number, text in fields if number == _PATH)
    for number, body in fields:
        if number == _OCCURRENCES:
            found = dict(_fields(body))
            place, roles = list(_numbers(found[_RANGE])), next(_numbers(found.get(_ROLES, b"\0")))
            if len(place) == 3:
                yield Occurrence(path, *place, found[_SYMBOL].decode(), bool(roles & _DEFINITION_ROLE))


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message; a number as the bytes that it is written with."""
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        kind = key & 7
        if kind == _VARINT:
            _, end = _number(message, at)
        elif kind == _BYTES:
            length, at = _number(message, at)
            end = at + length
        else:
            end = at + (8 if kind == _FIXED_64 else 4)
        yield key >> 3, message[at:end]
        at = end


def _numbers(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _number(data, at)
        yield value


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
