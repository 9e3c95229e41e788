"""What records are together, as one number: the same for the same records, whatever their order and segments.

The number is the sum of a hash of each record, modulo 2^4096. A record that comes is added, one that goes is
subtracted, so that a change costs what changed. Keys are unique, so that no record counts twice. Why nobody
can make two sets of records with the same sum is in docs/decisions/0011-lineage.md.
"""

from __future__ import annotations

from blake3 import blake3

CONTENT_BYTES = 512
_MASK = (1 << 8 * CONTENT_BYTES) - 1
_LENGTH_BYTES = 4


def record_content(key: bytes, payload: bytes | memoryview) -> int:
    """What one record adds to the sum: 4,096 bits of BLAKE3 of the key's length, the key and the payload."""
    hasher = blake3(len(key).to_bytes(_LENGTH_BYTES, "little") + key)
    hasher.update(payload)
    return int.from_bytes(hasher.digest(length=CONTENT_BYTES), "little")


def reduced(content: int) -> int:
    """A sum or difference of contents, as it is stored."""
    return content & _MASK


def content_bytes(content: int) -> bytes:
    """A content as bytes."""
    return content.to_bytes(CONTENT_BYTES, "little")
