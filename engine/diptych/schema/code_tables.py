"""What a payload of the schema "code" is made of, from version 3 on. All integers are little-endian.

    head       marker u8, widths u64, then where each of what follows `facts` begins, and the end, u32 each
    facts      msgpack: [content hash, language]
    symbols    msgpack: an array of arrays, see `code_symbols`
    tables     the rows of each of TABLES, in turn
    texts      those of the literals, those of the uses
    names      the names part: the rest

A table's rows have one size, so that each is read without those before it. A column takes 1, 2 or 4 bytes:
two bits of `widths` say which; those of the first column are the lowest. A column `end` says where a row's
text ends, in its table's texts; it begins where that of the row before ends.

A symbol's item is the offset of its array in the payload, a relation's item is its number.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from itertools import accumulate
from typing import ParamSpec, TypeVar

import msgpack

from diptych.errors import CorruptionError
from diptych.schema.base import Buffer

# Never in msgpack: so begins no payload of an older version.
MARKER = 0xC1
HEAD = struct.Struct("<BQ9I")

TABLES: dict[str, tuple[str, ...]] = {
    "literals": ("end",),
    "uses": ("end", "kind", "height", "size"),
    "sources": ("literal or symbol", "offset", "line"),
    "relations": ("line", "column", "use", "source"),
}
LITERALS, USES, SOURCES, RELATIONS = range(len(TABLES))
# In the head, after the marker and the widths.
SYMBOLS_AT, LITERALS_AT, USES_AT, SOURCES_AT, RELATIONS_AT = range(2, 7)
LITERAL_TEXTS_AT, USE_TEXTS_AT, NAMES_AT, END_AT = range(7, 11)
TEXTS = {LITERALS: LITERAL_TEXTS_AT, USES: USE_TEXTS_AT}

MAX_COORDINATE = 2**32 - 1

# A relation's kind is one of these by number, or after them one of the literals. Another list is another
# version of the payload.
RELATION_KINDS = ("calls", "references", "imports", "extends", "implements")

# What many relations refer to must not make a small payload a large record.
MAX_SHARED_BYTES = 64 * 1024 * 1024

_CODES = "BHI"
_WIDTHS = {"B": 1, "H": 2, "I": 4}
_BITS = 2

Arguments = ParamSpec("Arguments")
Decoded = TypeVar("Decoded")

UNDECODABLE = (
    *(ValueError, TypeError, LookupError, AttributeError, OverflowError),
    *(struct.error, msgpack.UnpackException),
)
"""The errors of msgpack and struct, and of values in the wrong place."""


def decoding(method: Callable[Arguments, Decoded]) -> Callable[Arguments, Decoded]:
    """Raise a CorruptionError if `method` fails on a malformed payload."""

    @wraps(method)
    def decode(*arguments: Arguments.args, **options: Arguments.kwargs) -> Decoded:
        try:
            return method(*arguments, **options)
        except UNDECODABLE as error:
            raise undecodable(error) from error

    return decode


def undecodable(error: Exception) -> CorruptionError:
    """What is raised for one of UNDECODABLE."""
    return CorruptionError(
        f"a record does not decode: {error!r}",
        advice="index the file again: its packed record was invalid",
    )


def is_packed(payload: Buffer) -> bool:
    """Whether a payload is made of tables: of version 3 or later. Raises IndexError for an empty one."""
    return payload[0] == MARKER


class Tables:
    """The tables of a payload. Raises one of UNDECODABLE for one that is cut off."""

    __slots__ = ("head", "payload", "rows")

    def __init__(self, payload: bytes) -> None:
        self.head = head = HEAD.unpack_from(payload)
        places = [HEAD.size, *head[2:]]
        if head[END_AT] != len(payload) or places != sorted(places):
            raise ValueError("it is cut off")
        self.payload = payload
        self.rows = rows_of(head[1])

    def count(self, table: int) -> int:
        """How many rows a table has."""
        at = LITERALS_AT + table
        return int(self.head[at + 1] - self.head[at]) // self.rows[table].size

    def columns(self, table: int) -> list[Sequence[int]]:
        """All columns of a table, each as a sequence."""
        row = self.rows[table]
        at = LITERALS_AT + table
        data = self.payload[self.head[at] : self.head[at + 1]]
        if len(data) % row.size:
            raise ValueError("a row is cut off")
        if row.size == len(row.format) - 1:
            return [data[at :: row.size] for at in range(row.size)]
        found: list[Sequence[int]] = []
        at = 0
        for code in row.format[1:]:
            width = _WIDTHS[code]
            if width == 1:
                found.append(data[at :: row.size])
            else:
                column = bytearray(len(data) // row.size * width)
                for byte in range(width):
                    column[byte::width] = data[at + byte :: row.size]
                found.append(_numbers(code, column))
            at += width
        return found

    def encoded(self, table: int) -> bytes:
        """The texts of a table as they are stored."""
        at = TEXTS[table]
        return self.payload[self.head[at] : self.head[at + 1]]

    def texts(self, table: int, ends: Sequence[int]) -> list[str]:
        """Its texts, decoded; `ends` is its first column."""
        encoded = self.encoded(table)
        return between(encoded, begins_of(encoded, ends), ends)


def begins_of(encoded: bytes, ends: Sequence[int]) -> list[int]:
    """Where the texts begin that end there: each after the other, without a gap. One more than there are."""
    begins = [0, *ends]
    if begins[-1] != len(encoded) or begins != sorted(begins):
        raise ValueError("texts overlap")
    return begins


def between(encoded: bytes, begins: Iterable[int], ends: Iterable[int]) -> list[str]:
    """The texts that begin and end there."""
    # A byte is a character of Latin-1, so all are cut at once, and few have to be decoded again.
    text = encoded.decode("latin-1")
    found = [text[begin:end] for begin, end in zip(begins, ends, strict=False)]
    if text.isascii():
        return found
    return [
        one if one.isascii() else one.encode("latin-1").decode("utf-8", "surrogateescape") for one in found
    ]


@lru_cache(maxsize=1_024)
def rows_of(widths: int) -> tuple[struct.Struct, ...]:
    """A row of each table."""
    rows = []
    for columns in TABLES.values():
        codes = ""
        for _ in columns:
            codes += _CODES[widths & (1 << _BITS) - 1]
            widths >>= _BITS
        rows.append(struct.Struct(f"<{codes}"))
    if widths:
        raise ValueError("it has more columns than there are")
    return tuple(rows)


def encode_tables(
    facts: bytes,
    symbols: bytes,
    tables: Sequence[Sequence[Sequence[int]]],
    texts: Sequence[bytes],
    names: bytes,
) -> bytes:
    """The payload of tables, each as its columns. Raises OverflowError for a number of more than 32 bits."""
    widths = shift = 0
    parts = [facts, symbols]
    for columns, their_names in zip(tables, TABLES.values(), strict=True):
        packed = [_packed(column) for column in columns]
        for width, _ in packed:
            widths |= (width >> 1) << shift
            shift += _BITS
        parts.append(_interleaved(packed))
        shift += _BITS * (len(their_names) - len(columns))
    parts += (*texts, names)
    ats = accumulate(map(len, parts), initial=HEAD.size)
    next(ats)
    return b"".join((HEAD.pack(MARKER, widths, *ats), *parts))


def _packed(column: Sequence[int]) -> tuple[int, bytes]:
    """A column's width, and its numbers."""
    try:
        return 1, bytes(column)
    except ValueError:
        code = "H" if max(column) <= 0xFFFF else "I"
        numbers = array(code, column)
        if sys.byteorder == "big":
            numbers.byteswap()
        return _WIDTHS[code], numbers.tobytes()


def _interleaved(packed: Sequence[tuple[int, bytes]]) -> bytes:
    """The rows of columns."""
    if len(packed) == 1:
        return packed[0][1]
    size = sum(width for width, _ in packed)
    rows = bytearray(len(packed[0][1]) // packed[0][0] * size if packed else 0)
    at = 0
    for width, numbers in packed:
        for byte in range(width):
            rows[at::size] = numbers[byte::width]
            at += 1
    return bytes(rows)


def _numbers(code: str, column: bytes | bytearray) -> Sequence[int]:
    numbers = array(code, bytes(column))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
