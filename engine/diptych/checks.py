"""The two hashes that all three stores share."""

from __future__ import annotations

from xxhash import xxh3_64_intdigest

# XXH3-64 of a term or a key: where it is found.
term_hash = xxh3_64_intdigest


def check_of(key: bytes, payload: bytes) -> int:
    """A record's check: XXH3-64 of its payload, seeded with that of its key.

    It is computed once, when the transaction is made, and travels with the record through the journal and
    both leaves, so that a payload damaged anywhere on the way, or given under another key, does not pass.
    """
    return xxh3_64_intdigest(payload, xxh3_64_intdigest(key))
