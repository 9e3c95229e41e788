"""The filter: never says no of a hash that it holds, and seldom yes of one that it does not."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from diptych.segment.filter import build_filter, filter_bytes, may_hold, probe_of

HASHES = st.integers(0, 2**64 - 1)


@given(st.sets(HASHES, max_size=200))
def test_what_was_put_in_passes(hashes: set[int]) -> None:
    data = build_filter(hashes)
    assert len(data) == filter_bytes(len(hashes)) > 0
    assert all(may_hold(data, probe_of(hash_)) for hash_ in hashes)


@given(HASHES)
def test_an_empty_filter_holds_nothing(hash_: int) -> None:
    assert not may_hold(build_filter(()), probe_of(hash_))


def test_one_absent_hash_in_forty_passes() -> None:
    source = random.Random(7)
    for count in (1, 10, 1_000, 30_000):
        filters = [
            build_filter({source.getrandbits(64) for _ in range(count)})
            for _ in range(max(1, 1_000 // count))
        ]
        tries = [(data, probe_of(source.getrandbits(64))) for data in filters for _ in range(40)]
        tries += [(filters[0], probe_of(source.getrandbits(64))) for _ in range(20_000 if count > 100 else 0)]
        passed = sum(may_hold(data, probe) for data, probe in tries)
        assert passed / len(tries) < 0.03 if count > 100 else passed / len(tries) < 0.05
