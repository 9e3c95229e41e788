"""An Index on its way: the fields of the outermost message, one at a time, so that no file is in memory.

Protocol Buffers write a field as a varint, `number << 3 | type`, and for type 2 a length and that many bytes.
All fields of an Index are of type 2; others are skipped, as a reader of an older format must.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, NoReturn

from diptych.serving.scip.errors import ScipError

MAX_FIELD_BYTES = 16 * 1024 * 1024
"""Of one document. Those of the largest source files that are indexed have half of it."""

_BYTES, _VARINT, _EIGHT, _FOUR = 2, 0, 1, 5
_MAX_VARINT_BYTES = 10
_MAX_FIELD_NUMBER = 2**29 - 1


class FieldBytes(NamedTuple):
    """A field of the outermost message: its number, its bytes, and where it ends in the file."""

    number: int
    data: bytes
    end: int


class FieldReader:
    """The fields of the file, in order. `where` names it in errors."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        self._file = file
        self._where = where
        self._at = 0

    def __iter__(self) -> Iterator[FieldBytes]:
        """Raises ScipError for bytes that are no message."""
        while (tag := self._varint(at_end=True)) is not None:
            number, kind = tag >> 3, tag & 7
            if not 0 < number <= _MAX_FIELD_NUMBER:
                self._refuse(f"has a field of number {number:,}")
            if kind == _BYTES:
                size = self._required_varint()
                if size > MAX_FIELD_BYTES:
                    self._refuse(f"has a field of {size:,} bytes, more than the {MAX_FIELD_BYTES:,} allowed")
                yield FieldBytes(number, self._read(size), self._at)
            elif kind == _VARINT:
                self._required_varint()
            elif kind in (_EIGHT, _FOUR):
                self._read(8 if kind == _EIGHT else 4)
            else:
                self._refuse(f"has a field of type {kind}")

    def _required_varint(self) -> int:
        number = self._varint(at_end=False)
        assert number is not None
        return number

    def _varint(self, *, at_end: bool) -> int | None:
        """The next number; None at the end of the file, where that may be."""
        value = 0
        for count in range(_MAX_VARINT_BYTES):
            byte = self._file.read(1)
            if not byte:
                if at_end and count == 0:
                    return None
                self._refuse("ends within a field")
            self._at += 1
            value |= (byte[0] & 0x7F) << (7 * count)
            if byte[0] < 0x80:
                return value
        return self._refuse("has a number of more than ten bytes")

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            self._refuse("ends within a field")
        self._at += size
        return data

    def _refuse(self, what: str) -> NoReturn:
        raise ScipError(
            f"{self._where} {what}, at byte {self._at:,}: it is no SCIP index, or cut off",
            advice="make it again with its indexer",
        )


def field_bytes(number: int, data: bytes) -> bytes:
    """A field of bytes, as it is written."""
    return _varint_bytes(number << 3 | _BYTES) + _varint_bytes(len(data)) + data


def _varint_bytes(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
