"""ORIGIN: where a store comes from that was made of another's generation. A sealed document.

It is for people and for programs that share indexes; nothing that a store answers rests on it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from diptych import fs
from diptych.errors import InvalidArgumentError
from diptych.layout import ORIGIN, is_lsn
from diptych.sealed import MAX_SIZE_BYTES, require, require_number, seal
from diptych.store.manifest import MS_MOST, decode, now_ms
from diptych.values import Value, as_dict, field

MAGIC = "DIPTYCHO"
_U64_MOST = 2**64 - 1
_ID_DIGITS = 32
_CONTENT_ID_DIGITS = 64


class Origin(Value):
    """What a store was made from."""

    source: str
    """Where that was, for people: a path, or the address of an artifact."""
    store_id: str
    """Its id, 32 hexadecimal digits."""
    lsn: int
    chain: int
    """The checksum of its journal's last frame at `lsn`: stores that share it have one history so far."""
    content_id: str
    """That of the generation at `lsn`; "" where that is not known, or where changes followed it."""
    details: dict[str, Any] = field(default_factory=dict)
    """What its maker says of it, such as the commit that it is an index of."""
    made_ms: int = field(default_factory=now_ms)


def write_origin(store: str, origin: Origin) -> None:
    """Write ORIGIN into a store that is being made. Raises StorageError, InvalidArgumentError."""
    try:
        data = seal(MAGIC, as_dict(origin))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"what is said of the origin cannot be stored: {error}") from error
    if len(data) > MAX_SIZE_BYTES:
        raise InvalidArgumentError(f"what is said of the origin takes {len(data):,} bytes")
    fs.write_file(os.path.join(store, ORIGIN), data)


def read_origin(store: str) -> Origin | None:
    """What a store was made from; None where it was not. Raises CorruptStoreError, StorageError."""
    where = os.path.join(store, ORIGIN)
    with fs.translated("read", where):
        try:
            data = fs.read_bounded(where, MAX_SIZE_BYTES)
        except FileNotFoundError:
            return None
    return decode(MAGIC, data, 1, where, _origin)


def _origin(body: Mapping[str, Any]) -> Origin:
    origin = Origin(**body)
    require(type(origin.source) is str and type(origin.details) is dict, "its source")
    _require_digits(origin.store_id, _ID_DIGITS)
    if origin.content_id != "":
        _require_digits(origin.content_id, _CONTENT_ID_DIGITS)
    require(is_lsn(origin.lsn), f"LSN {origin.lsn!r}")
    require_number(origin.chain, _U64_MOST)
    require_number(origin.made_ms, MS_MOST)
    return origin


def _require_digits(value: object, count: int) -> None:
    is_hex = type(value) is str and len(value) == count and set(value) <= set("0123456789abcdef")
    require(is_hex, f"id {value!r:.200}")
