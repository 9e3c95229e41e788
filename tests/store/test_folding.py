"""Which segments a checkpoint folds, and what it shares with the generation before."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.damage import MANUAL, segments
from tests.support.invariants import check_reads, check_search, check_whole
from tests.support.records import numbered

from diptych import Store
from diptych.store.checkpoint import build, folding
from diptych.store.checkpoint.folding import SEGMENTS_MOST, Size, segments_to_fold

SIZES = st.lists(
    st.builds(
        Size,
        st.just(""),
        st.integers(1, 10**6),
        st.integers(1, 10**6),
        st.integers(1, 2**27),
        st.floats(0, 1),
    ),
    max_size=20,
).map(lambda sizes: [size._replace(digest=f"{number}") for number, size in enumerate(sizes)])


def is_small(size: Size) -> bool:
    return size.documents < folding.SMALL_DOCUMENTS and size.payload_bytes < folding.SMALL_BYTES


@given(SIZES, st.integers(0, 5_000))
def test_few_small_segments_are_left_and_large_ones_stay(sizes: list[Size], new_records: int) -> None:
    folded = segments_to_fold(sizes, new_records)
    left = [size for size in sizes if size.digest not in folded]
    small = [size for size in left if is_small(size)]
    written = new_records > 0 or bool(folded)
    if len([size for size in sizes if is_small(size)]) <= SEGMENTS_MOST:
        assert len(small) + written <= SEGMENTS_MOST + 1
    for size in sizes:
        if not is_small(size) and size.dead_share <= 0.5:
            assert size.digest not in folded
        if size.dead_share > 0.5:
            assert size.digest in folded


def test_a_record_is_written_again_a_few_times_while_many_come_after_it() -> None:
    sizes: list[Size] = []
    written = 0
    for number in range(1_000):
        folded = segments_to_fold(sizes, 10)
        records = 10 + sum(size.records for size in sizes if size.digest in folded)
        sizes = [size for size in sizes if size.digest not in folded]
        sizes.append(Size(str(number), records, records, records, 0.0))
        assert len(sizes) <= SEGMENTS_MOST
        written += records
    assert sum(size.records for size in sizes) == 10_000
    assert written < 10_000 * 12


def test_segments_that_a_load_sealed_are_not_written_again_for_a_few_dead_records() -> None:
    """Each had just as many documents as make it large; of 20 more, each checkpoint replaces a few."""
    loaded = 20
    live = [1_200] * loaded
    sizes: list[Size] = []
    written = 0
    for number in range(120):
        live[number % loaded] -= 50
        sizes = [size for size in sizes if size.digest not in map(str, range(loaded))]
        sizes += [
            Size(str(place), left, left * 100, left * 1_000, 1 - left / 1_200)
            for place, left in enumerate(live)
        ]
        folded = segments_to_fold(sizes, 50)
        records = 50 + sum(size.records for size in sizes if size.digest in folded)
        sizes = [size for size in sizes if size.digest not in folded]
        sizes.append(Size(f"new {number}", records, records * 100, records * 1_000, 0.0))
        assert not folded & set(map(str, range(loaded)))
        written += records
    assert written < 120 * 50 * 6


def test_a_checkpoint_writes_what_changed_and_shares_the_rest(store_path: str) -> None:
    files = {one.path: one for one in numbered(300)}
    with Store.open(store_path, policy=MANUAL) as store:
        for some in (numbered(300), numbered(3, 1)):
            with store.transaction() as txn:
                for one in some:
                    txn.index_file(one)
                    files[one.path] = one
            store.checkpoint()
        old, new = segments(store_path)
        assert segments(store_path, 1) == [old]
        sizes = [
            sum(os.path.getsize(os.path.join(path, name)) for name in os.listdir(path)) for path in (old, new)
        ]
        assert sizes[1] < sizes[0] / 20
        check_reads(store, files)
        check_search(store, files)
    check_whole(store_path)


def test_what_is_loaded_at_once_becomes_segments_of_a_bounded_size(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "LARGE_DOCUMENTS", 30)
    files = {one.path: one for one in numbered(45)}
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in files.values():
                txn.index_file(one)
        store.checkpoint()
        assert len(segments(store_path)) == 5
        check_reads(store, files)
        check_search(store, files)
        store.checkpoint(compact=True)
        assert len(segments(store_path)) == 1
        check_reads(store, files)
        # However much there is, no segment takes more memory to build than there is.
        monkeypatch.setattr(build, "COMPACT_DOCUMENTS", 60)
        store.checkpoint(compact=True)
        assert len(segments(store_path)) == 3
        check_reads(store, files)
        check_search(store, files)
    check_whole(store_path)
