"""The strings in what a record packs, whatever they mean."""

from __future__ import annotations

import zlib
from itertools import chain
from typing import Any

import msgpack

_INFLATED_MOST_BYTES = 64 * 1024 * 1024
_NESTING_MOST = 32


def strings_in(value: Any) -> set[str]:
    """The strings in a value, packed or compressed as it may be."""
    strings: set[str] = set()
    level: list[Any] = [(value,)]
    add = strings.add
    for _ in range(_NESTING_MOST):
        inner: list[Any] = []
        for one in chain.from_iterable(level):
            kind = type(one)
            if kind is str:
                add(one)
            elif kind is int:
                continue
            elif kind is tuple or isinstance(one, tuple | list):
                inner.append(one)
            elif isinstance(one, bytes | bytearray | memoryview):
                data = bytes(one)
                unpacked = _unpacked(data)
                inner.append((data.decode("utf-8", "replace") if unpacked is None else unpacked,))
            elif isinstance(one, dict):
                inner += (one.keys(), one.values())
        if not inner:
            break
        level = inner
    return strings


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
