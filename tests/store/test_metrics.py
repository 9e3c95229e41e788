"""Totals of a handle: they count what happened, and only rise."""

from __future__ import annotations

import threading

from tests.support.damage import segments
from tests.support.files import overwrite
from tests.support.records import record
from tests.support.waiting import join

from diptych import CheckpointPolicy, Store, StoreMetrics

MANUAL = CheckpointPolicy(automatic=False)


def put(store: Store, *names: str) -> None:
    with store.transaction() as txn:
        for name in names:
            txn.index_file(record(name))


def test_commits_syncs_and_checkpoints_are_counted(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.metrics() == StoreMetrics(0, 0, 0, 0, 0.0, 0.0, 0)
        put(store, "a.py", "b.py")
        put(store, "c.py")
        with store.transaction():
            pass
        metrics = store.metrics()
        assert (metrics.commits, metrics.changes, metrics.journal_syncs) == (2, 3, 2)
        store.checkpoint()
        store.checkpoint()
        metrics = store.metrics()
        assert metrics.checkpoints == 1
        assert metrics.checkpoint_ms_total == metrics.checkpoint_ms_last > 0
        put(store, "d.py")
        store.checkpoint()
        last = store.metrics()
        assert last.checkpoint_ms_total == metrics.checkpoint_ms_total + last.checkpoint_ms_last
    assert store.metrics().commits == 3


def test_commits_of_threads_are_all_counted(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:

        def commit(number: int) -> None:
            for one in range(25):
                put(store, f"{number}/{one}.py")

        threads = [threading.Thread(target=commit, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        join(*threads)
        metrics = store.metrics()
        assert (metrics.commits, metrics.changes) == (100, 100)
        assert metrics.journal_syncs <= 100


def test_healed_reads_are_counted_across_generations(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, "a.py")
        put(store, "b.py")
        store.checkpoint()
    path = f"{segments(store_path)[0]}/records.msgpack"
    with open(path, "rb") as file:
        at = file.read().index(b"a_0_1")
    overwrite(path, at, b"X")
    for read_only in (True, False):
        with Store.open(store_path, read_only=read_only, policy=MANUAL) as store:
            assert store.metrics().healed == 0
            assert store.file("a.py") == record("a.py")
            assert store.metrics().healed == 1
            if not read_only:
                # The checkpoint reads past the damage once more, and heals it.
                store.checkpoint()
                healed = store.metrics().healed
                assert healed >= 1
                assert store.file("a.py") == record("a.py")
                assert store.metrics().healed == healed
