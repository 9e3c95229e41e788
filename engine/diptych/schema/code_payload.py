"""Reading a payload of the schema "code" in part: where its symbols and relations begin, and one of them.

An item is the offset of its array in the payload, so that one is decoded without the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import msgpack

from diptych.errors import CorruptionError
from diptych.model import Range, Symbol, start_of
from diptych.schema.base import Buffer

# So many objects of one record are unpacked from a copy of it: one at a time, each costs an exception.
_MANY_ITEMS = 4

_new = tuple.__new__

Arguments = ParamSpec("Arguments")
Decoded = TypeVar("Decoded")

UNDECODABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, msgpack.UnpackException)
"""The errors of msgpack, and of values in the wrong place."""


def unpacker_of(payload: Buffer) -> msgpack.Unpacker:
    """Of a payload that may be malformed."""
    # Reject a length beyond the payload before anything is allocated for it.
    return msgpack.Unpacker(
        use_list=False, unicode_errors="surrogateescape", max_buffer_size=max(len(payload), 1)
    )


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


def items_of(payload: bytes, symbols: int, relations: int) -> tuple[list[int], list[int]]:
    """Where each symbol and each relation of a payload begins."""
    unpacker = unpacker_of(payload)
    unpacker.feed(payload)
    tell, skip = unpacker.tell, unpacker.skip
    unpacker.read_array_header()
    skip()
    skip()
    found: tuple[list[int], list[int]] = ([], [])
    for items, count in zip(found, (symbols, relations), strict=True):
        unpacker.read_array_header()
        for _ in range(count):
            items.append(tell())
            skip()
    return found


def stored_at(payload: Buffer, item: int) -> Any:
    """The array that begins at an item."""
    # Most symbols and relations are shorter than this. Only a longer one is decoded twice.
    stored = _first_of(payload[item : item + 2_048]) or _first_of(payload[item:])
    if stored is None:
        raise ValueError(f"what begins at byte {item} is cut off")
    return stored


def all_stored_at(payload: Buffer, items: Sequence[int]) -> list[Any]:
    """What begins at each of these bytes, in the order of the record."""
    if len(items) < _MANY_ITEMS:
        return [stored_at(payload, item) for item in items]
    unpacker = unpacker_of(payload)
    unpacker.feed(payload)
    unpack, pass_over = unpacker.unpack, unpacker.read_bytes
    found, at = [], 0
    for item in sorted(items):
        if item < at:
            raise ValueError(f"what begins at byte {item} is within another")
        pass_over(item - at)
        found.append(unpack())
        at = unpacker.tell()
    return found


def symbol_at(payload: Buffer, item: int) -> tuple[Symbol, int]:
    """The symbol at an item, and its occurrence."""
    stored = stored_at(payload, item)
    return symbol_of(stored), stored[6] if len(stored) > 6 else 0


def symbol_of(stored: tuple[Any, ...]) -> Symbol:
    """The symbol of its array."""
    name, kind, place, container, signature, documentation = stored[:6]
    if len(place) == 4:
        place = _new(Range, place)
        named = start_of(place)
    elif len(place) == 7:
        a, b, c, d, line, column, size = place
        place, named = _new(Range, (a, b, c, d)), _new(Range, (a + line, column, a + line, column + size))
    else:
        # Any other length is damage, and raises ValueError.
        a, b, c, d, line, column, end_line, end_column = place
        place, named = _new(Range, (a, b, c, d)), _new(Range, (a + line, column, a + end_line, end_column))
    return _new(Symbol, (name, kind, place, container, signature, documentation, named))


def _first_of(data: Buffer) -> Any:
    """The object at the beginning of `data`, or None if `data` ends before it does.

    It takes the object from the error for extra data: an Unpacker costs twice as much.
    """
    try:
        return msgpack.unpackb(data, use_list=False, unicode_errors="surrogateescape")
    except msgpack.ExtraData as error:
        return error.unpacked
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        return None
