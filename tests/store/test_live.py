"""A record that was replaced or removed is dead in its segment, which stays as it is: no read shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.damage import MANUAL, segments
from tests.support.files import overwrite
from tests.support.invariants import check_counts, check_reads, check_search, check_whole
from tests.support.records import numbered, record

from diptych import Store
from diptych.change import term_hash
from diptych.layout import RECORDS
from diptych.schema.code import CODE
from diptych.segment.filter import may_hold, probe_of
from diptych.segment.format import encode_first_documents
from diptych.segment.reader import Segment
from diptych.store.healing import Healing


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


def test_of_several_segments_those_are_asked_whose_filter_may_hold_a_hash(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for version in range(3):
            with store.transaction() as txn:
                for one in numbered(5 + version, version, first=10 * version):
                    txn.index_file(one)
            store.checkpoint()
        base = store._handle.current.base
        assert base is not None
        for index, terms in enumerate(
            [[b"pkg/001.py", b"pkg/021.py", b"none"], [b"001_0_1", b"025_2_0", b"none"]]
        ):
            for hash_ in map(term_hash, terms):
                held = base.segments.holding(index, hash_, Healing())
                expected = [
                    member
                    for member in base.segments.members
                    if may_hold(member.segment.filter_of(index), probe_of(hash_))
                ]
                assert sorted(map(id, held)) == sorted(map(id, expected))


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


def test_a_damaged_table_of_first_documents_is_healed_by_the_next_checkpoint(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in numbered(20):
                txn.index_file(one)
        store.checkpoint()
        with store.transaction() as txn:
            txn.remove_file("pkg/003.py")
        store.checkpoint()
    (segment,) = segments(store_path)
    records = Path(segment, RECORDS)
    table = encode_first_documents(Segment(segment, CODE).records.first_documents()[:-1])
    overwrite(records, records.read_bytes().index(table) + len(table) - 1, b"\xff")
    files = {one.path: one for one in numbered(20) if one.path != "pkg/003.py"}
    for read_only in (True, False):
        with Store.open(store_path, policy=MANUAL, read_only=read_only) as store:
            check_search(store, files)
            if not read_only:
                store.checkpoint()
                check_search(store, files)
                assert segment not in segments(store_path)
                # It is in the other generation that is kept, until the next checkpoint.
                with store.transaction() as txn:
                    txn.index_file(record("last.py"))
                store.checkpoint()
    check_whole(store_path)
