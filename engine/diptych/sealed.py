"""A small checksummed msgpack document: the identity, a manifest, SEAL, the clean-shutdown marker.

    [magic: str, format: int, body: bin, checksum: uint64]

`checksum` is XXH3-64 of the body, seeded with that of the magic and the format, so that a body with another
head does not pass. The body is msgpack too, so any decoder can read all of it.
"""

from __future__ import annotations

from typing import Any

import msgpack
from xxhash import xxh3_64_intdigest

from diptych.errors import CorruptionError, IncompatibleStoreError

# Far larger than any of them. A longer file is damaged; do not allocate for it.
MAX_SIZE_BYTES = 16 * 1024 * 1024


class OlderFormatError(IncompatibleStoreError):
    """A store of an older format, which the first writer that opens it migrates."""

    code = "older-format"
    default_advice = "run `diptych checkpoint` once, or open the store for writing: that migrates it"


def seal(magic: str, body: dict[str, Any], *, version: int = 1) -> bytes:
    """`body` as checksummed bytes, of that version of the format."""
    packed = msgpack.packb(body)
    return bytes(msgpack.packb([magic, version, packed, _checksum(magic, version, packed)]))


def unseal(magic: str, data: bytes, *, where: str, version: int = 1) -> dict[str, Any]:
    """The body of a document that `seal` made of that version.

    Raises IncompatibleStoreError for a newer format, OlderFormatError for an older one, and CorruptionError,
    with `where`, for any other problem.
    """
    found, packed = _open(magic, data, where)
    if found > version:
        raise IncompatibleStoreError(
            f"{where} is of format {found}, and this Diptych reads up to format {version}",
            advice="open it with a newer Diptych",
        )
    if found < version:
        raise OlderFormatError(f"{where} is of format {found}, and this Diptych reads format {version}")
    try:
        # Lists, and only strings as keys: tuples can be crafted so that their hashes collide, and then a
        # map of a few hundred kilobytes takes minutes.
        body = msgpack.unpackb(packed, strict_map_key=True, use_list=True)
    except Exception as error:
        raise CorruptionError(f"{where} does not decode: {str(error).rstrip('.')}", where=where) from error
    if not isinstance(body, dict):
        raise CorruptionError(f"{where} does not hold a map", where=where)
    return body


def require(holds: object, what: str) -> None:
    """Raise ValueError, naming `what`, unless it holds: a checksum lets a stranger's document through."""
    if not holds:
        raise ValueError(f"{what} makes no sense")


def require_number(value: object, most: int) -> int:
    """`value`, if it is an int from 0 to `most`. Raises ValueError."""
    require(type(value) is int and 0 <= value <= most, f"number {value!r:.200}")
    assert isinstance(value, int)
    return value


def _open(magic: str, data: bytes, where: str) -> tuple[int, bytes]:
    """Verify the checksum; return the format and the packed body."""
    if len(data) > MAX_SIZE_BYTES:
        raise CorruptionError(f"{where} is too long to be valid", where=where)
    try:
        parts = msgpack.unpackb(data, strict_map_key=True, use_list=True)
    except Exception as error:
        raise CorruptionError(f"{where} does not decode: {str(error).rstrip('.')}", where=where) from error
    if not isinstance(parts, list) or len(parts) != 4 or parts[0] != magic:
        raise CorruptionError(f"{where} does not begin with {magic}", where=where)
    _, version, packed, checksum = parts
    if not isinstance(version, int) or not isinstance(packed, bytes):
        raise CorruptionError(f"{where} has fields of the wrong type", where=where)
    if checksum != _checksum(magic, version, packed):
        raise CorruptionError(f"{where} fails its checksum", where=where)
    return version, packed


def _checksum(magic: str, version: int, packed: bytes) -> int:
    return xxh3_64_intdigest(packed, xxh3_64_intdigest(f"{magic} {version}".encode()))
