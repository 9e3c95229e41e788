"""What the writer of a transaction says of it, such as the commit that it indexes: a small map of JSON.

Packed as msgpack, with invalid bytes of text stored unchanged (by surrogateescape).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgpack

from diptych.errors import CorruptionError, InvalidArgumentError

MAX_METADATA_BYTES = 16 * 1024
_MAX_DEPTH = 16
_I64_LEAST, _U64_MOST = -(2**63), 2**64 - 1


class Metadata(NamedTuple):
    """The newest metadata at some LSN: which transaction it is of, and its bytes; of LSN 0 where none has."""

    lsn: int = 0
    packed: bytes = b""


def pack_metadata(metadata: Mapping[str, Any]) -> bytes:
    """The bytes of a transaction's metadata. Raises InvalidArgumentError."""
    if not isinstance(metadata, Mapping):
        raise _invalid(f"a mapping, not {type(metadata).__name__}")
    plain = _plain(metadata, _MAX_DEPTH)
    try:
        packed = bytes(msgpack.packb(plain, unicode_errors="surrogateescape"))
    except UnicodeEncodeError:
        raise _invalid("text without lone surrogates") from None
    if len(packed) > MAX_METADATA_BYTES:
        raise _invalid(f"at most {MAX_METADATA_BYTES:,} bytes when packed, not {len(packed):,}")
    return packed


def unpack_metadata(packed: bytes, *, where: str) -> dict[str, Any]:
    """The metadata again. Raises CorruptionError for bytes that `pack_metadata` never returns."""
    try:
        if len(packed) > MAX_METADATA_BYTES:
            raise ValueError(f"{len(packed):,} bytes")  # noqa: TRY301
        metadata = msgpack.unpackb(packed, unicode_errors="surrogateescape", max_ext_len=0, max_bin_len=0)
        if type(metadata) is not dict or _plain(metadata, _MAX_DEPTH) != metadata:
            raise ValueError("no map of JSON values")  # noqa: TRY301
    except Exception as error:
        told = str(error).rstrip(".")
        raise CorruptionError(f"{where}: metadata does not decode: {told}", where=where) from error
    return metadata


def _plain(value: Any, depth: int) -> Any:
    """The value with dicts and lists for mappings and tuples. Raises InvalidArgumentError."""
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int and _I64_LEAST <= value <= _U64_MOST:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if depth == 0:
        raise _invalid(f"at most {_MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        if not all(type(name) is str for name in value):
            raise _invalid("a mapping whose names are str, at every level")
        return {name: _plain(one, depth - 1) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, depth - 1) for one in value]
    raise _invalid(f"of JSON values, and {value!r:.100} is none")


def _invalid(rule: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"a transaction's metadata must be {rule}",
        advice="give a small dict of JSON values: None, bool, int, float, str, list, dict",
    )
