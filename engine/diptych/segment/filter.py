"""A filter over the hashes of an index: says of most absent terms that they are absent, in one or two probes.

A Bloom filter of 12 bits a hash. A hash sets two bits, each in a byte of its own: 29 bits of the hash choose
the byte (modulo the filter's size), three more the bit in it. A hash that was never put in passes with a
probability of (1 - exp(-2/12))² = 2.4 %; five of six absent hashes are refused by the first probe.

The probes of a hash do not depend on the filter, so they are made once for a look-up in many segments.
"""

from __future__ import annotations

from collections.abc import Collection

BITS_PER_HASH = 12

_BYTE_MASK = (1 << 29) - 1

Probe = tuple[int, int, int, int]
"""Where a hash is looked for: twice a number to choose the byte by, and the bit in that byte."""


def probe_of(hash_: int) -> Probe:
    """The probe of a term's hash (64 bits)."""
    return hash_ & _BYTE_MASK, 1 << (hash_ >> 29 & 7), hash_ >> 32 & _BYTE_MASK, 1 << (hash_ >> 61)


def build_filter(hashes: Collection[int]) -> bytes:
    """The filter of distinct hashes: at least one byte."""
    size = filter_bytes(len(hashes))
    data = bytearray(size)
    for hash_ in hashes:
        data[(hash_ & _BYTE_MASK) % size] |= 1 << (hash_ >> 29 & 7)
        data[(hash_ >> 32 & _BYTE_MASK) % size] |= 1 << (hash_ >> 61)
    return bytes(data)


def filter_bytes(hashes: int) -> int:
    """The size of the filter of that many distinct hashes."""
    return max(1, (hashes * BITS_PER_HASH + 7) // 8)


def may_hold(data: bytes, probe: Probe) -> bool:
    """Whether the filter may hold the probe's hash; False is certain."""
    size = len(data)
    return bool(data[probe[0] % size] & probe[1] and data[probe[2] % size] & probe[3])
