"""The search index over the life of a store: short-lived writers, folded segments, compaction, threads."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.damage import segments
from tests.support.invariants import check_search, check_whole
from tests.support.records import numbered, record
from tests.support.waiting import wait_until

from diptych import CheckpointPolicy, Store, verify
from diptych.search.one_segment import OneSegmentWriter
from diptych.store.checkpoint.folding import SEGMENTS_MOST

MANUAL = CheckpointPolicy(automatic=False)


def write(path: str, version: int, count: int = 3) -> None:
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in numbered(count, version):
                txn.index_file(one)
            txn.index_file(record(f"only{version}.py", version))
        store.checkpoint()


def test_many_short_lived_writers_leave_few_segments(store_path: str) -> None:
    for version in range(30):
        write(store_path, version)
        assert len(segments(store_path)) <= SEGMENTS_MOST
    assert verify(store_path).findings == []


def test_both_stores_hold_the_same_after_each_of_many_writers(store_path: str) -> None:
    """What each writer replaces first was written four writers ago; segments are folded in between."""
    live = {}
    for turn in range(60):
        with Store.open(store_path, policy=MANUAL) as store:
            with store.transaction() as txn:
                paths = [f"a{turn % 4}.py", f"b{turn % 3}.py", f"m{turn}.py"]
                for path in paths if turn else [f"c{number}.py" for number in range(20)]:
                    live[path] = record(path, turn)
                    txn.index_file(live[path])
            store.checkpoint()
            check_search(store, live)
    check_whole(store_path)


def test_compaction_leaves_one_segment_and_the_same_answers(store_path: str) -> None:
    for version in range(5):
        write(store_path, version)
    with Store.open(store_path, policy=MANUAL) as store:
        before = sorted(hit.symbol.name for hit in store.search("kind:function", 1_000))
        assert store.checkpoint() == store.checkpoint(compact=True)
        assert len(segments(store_path)) == 1
        assert sorted(hit.symbol.name for hit in store.search("kind:function", 1_000)) == before
        with store.transaction() as txn:
            txn.remove_file("pkg/000.py")
        store.checkpoint()
        assert len(store.search("kind:function", 1_000)) == len(before) - 2
    assert verify(store_path).findings == []


def test_text_that_was_removed_is_gone_after_compaction(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("secret.py", documentation="hunter2"))
            txn.index_file(record("other.py"))
        store.checkpoint()
        with store.transaction() as txn:
            txn.remove_file("secret.py")
        store.checkpoint()
        store.checkpoint(compact=True)
    (segment,) = segments(store_path)
    assert all(b"hunter2" not in file.read_bytes() for file in Path(segment).iterdir())


def test_compacting_an_empty_store_publishes_nothing(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.checkpoint(compact=True) == 0
    assert os.listdir(f"{store_path}/generations") == []


def test_a_document_that_is_missing_is_found(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        real = OneSegmentWriter.add

        def without_one(self: OneSegmentWriter, record: Any, documents: Any) -> int:
            return real(self, record, list(documents)[1:] if record.key == b"pkg/001.py" else documents)

        patch.setattr(OneSegmentWriter, "add", without_one)
        write(store_path, 0)
    (finding,) = verify(store_path).findings
    assert "lacks 1 documents of b'pkg/001.py'" in finding.message


def threads_named(name: str) -> int:
    count = 0
    for task in os.listdir("/proc/self/task"):
        # A thread may end meanwhile.
        with suppress(OSError):
            count += Path(f"/proc/self/task/{task}/comm").read_text().startswith(name)
    return count


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_many_open_stores_are_not_as_many_threads(memory_path: Path) -> None:
    for number in range(64):
        write(str(memory_path / str(number)), number, count=1)
    stores = [Store.open(str(memory_path / str(number)), read_only=True) for number in range(64)]
    for number, store in enumerate(stores):
        assert store.search(f"name:only{number}")
    # Tantivy's thread ends half a second after its index is released.
    wait_until(lambda: len(os.listdir("/proc/self/task")) < 32, "the end of threads")
    for number, store in enumerate(stores):
        assert store.search(f"name:only{number}")
        store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_many_writing_stores_share_a_few_writers_of_tantivys(memory_path: Path) -> None:
    stores = [Store.open(str(memory_path / str(number)), policy=MANUAL) for number in range(16)]
    for version in range(3):
        for number, store in enumerate(stores):
            with store.transaction() as txn:
                txn.index_file(record(f"v{version}.py", number))
            assert len(store.search("kind:function", 100)) == 2 * (version + 1)
            if version:
                store.checkpoint()
        wait_until(lambda: threads_named("segment_updater") <= 6, "the end of threads")
    for store in stores:
        store.close()
    assert all(verify(store.path).findings == [] for store in stores)
