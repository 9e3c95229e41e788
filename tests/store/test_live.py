"""A record that was replaced or removed is dead in its segment, which stays as it is: no read shows it."""

from __future__ import annotations

import pytest
from tests.support.damage import MANUAL, segments
from tests.support.invariants import check_counts, check_reads, check_search, check_whole
from tests.support.records import numbered, record

from diptych import Store


@pytest.mark.parametrize("generations", [1, 3])
def test_no_read_shows_what_was_replaced_or_removed(store_path: str, generations: int) -> None:
    """With one segment, whose filters are not asked, and with several."""
    files = {}
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(generations):
            with store.transaction() as txn:
                for one in numbered(9, first=10 * number):
                    txn.index_file(one)
                    files[one.path] = one
            store.checkpoint()
        with store.transaction() as txn:
            for number in range(generations):
                removed, replaced = f"pkg/{10 * number + 3:03d}.py", f"pkg/{10 * number + 5:03d}.py"
                txn.remove_file(removed)
                files[replaced] = record(replaced, 1)
                txn.index_file(files[replaced])
                del files[removed]
        store.checkpoint()
        assert len(segments(store_path)) == generations + 1
        _check(store, files)
        # Once more: the dead ids of before are kept, and a record that is dead does not die twice.
        with store.transaction() as txn:
            txn.index_file(record("pkg/003.py", 2))
            txn.index_file(record("pkg/005.py", 2))
            files |= {one.path: one for one in (record("pkg/003.py", 2), record("pkg/005.py", 2))}
        store.checkpoint()
        _check(store, files)
    for read_only in (True, False):
        with Store.open(store_path, read_only=read_only) as store:
            _check(store, files)
    check_whole(store_path)


def _check(store: Store, files: dict) -> None:
    check_reads(store, files)
    check_search(store, files)
    check_counts(store, files)
    gone = "pkg/003.py"
    if gone not in files:
        assert gone not in store
        assert store.file(gone) is None
    for name in ("003_0_0", "005_0_0"):
        assert store.symbols(name) == []
        assert list(store.search(f"name:{name}")) == []
