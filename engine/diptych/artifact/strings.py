"""The strings in what a record packs, whatever they mean."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

import msgpack

_INFLATED_MOST_BYTES = 64 * 1024 * 1024
# What is packed may have more in it that is packed, even itself.
_PACKED_MOST = 32
# A container of so few values is not worth looking through by itself.
_SMALL = 16
_NO_TEXT = {int, float, bool, type(None)}


def strings_in(value: Any) -> set[str]:
    """The strings in a value, packed or compressed as it may be."""
    strings: set[str] = set()
    level: list[Collection[Any]] = [(value,)]
    for _ in range(_PACKED_MOST):
        packed: list[bytes] = []
        while level:
            level = [inner for values in level for inner in _inside(values, strings, packed)]
        if not packed:
            break
        level = [(_content(data),) for data in packed]
    return strings


def _inside(values: Collection[Any], strings: set[str], packed: list[bytes]) -> Iterable[Collection[Any]]:
    """What is inside of these values; texts and bytes among them are added to `strings` and `packed`."""
    # Rows of a table are taken by its columns, each of which has most often values of one type.
    kinds = set(map(type, values))
    if kinds == {str}:
        strings.update(values)
    elif kinds == {tuple} and len(values) > _SMALL:
        is_table = len(set(map(len, values))) == 1
        return zip(*values, strict=True) if is_table else [list(chain.from_iterable(values))]
    elif not kinds <= _NO_TEXT:
        return _parts(values, strings, packed)
    return ()


def _parts(values: Iterable[Any], strings: set[str], packed: list[bytes]) -> Iterator[Collection[Any]]:
    """What is inside of values of many types."""
    inside: list[Any] = []
    for one in values:
        kind = type(one)
        if kind is int:
            continue
        if kind is str:
            strings.add(one)
        # The extension types of msgpack are tuples too.
        elif kind is tuple or isinstance(one, tuple | list):
            if len(one) > _SMALL:
                yield one
            else:
                inside += one
        elif isinstance(one, bytes | bytearray | memoryview):
            packed.append(bytes(one))
        elif isinstance(one, dict):
            yield one.keys()
            yield one.values()
    if inside:
        yield inside


def _content(data: bytes) -> Any:
    """What is packed in the bytes; else their text."""
    unpacked = _unpacked(data)
    return data.decode("utf-8", "replace") if unpacked is None else unpacked


def _unpacked(data: bytes) -> Any:
    """What is packed in the bytes; None where that is nothing."""
    # The names part is a version, then zlib.
    for packed in (data, _inflated(data[1:])):
        try:
            unpacked = msgpack.unpackb(
                packed, strict_map_key=False, unicode_errors="surrogateescape", use_list=False
            )
        except (ValueError, TypeError, msgpack.UnpackException):
            continue
        if not isinstance(unpacked, int):
            return unpacked
    return None


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _INFLATED_MOST_BYTES)
    except zlib.error:
        return b""
