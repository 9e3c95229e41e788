"""Checkpoints by themselves: when they are due, that they come, and what happens when they fail."""

from __future__ import annotations

import threading

import pytest
from tests.support.invariants import check_search, check_whole
from tests.support.records import numbered, record
from tests.support.waiting import wait_for, wait_until

from diptych import CheckpointPolicy, StorageFullError, Store
from diptych.store.checkpoint import publish as publishing
from diptych.store.checkpoint import scheduler as module

DUE = {"changes": 0, "records": 0, "waited_s": 0.0, "journal": 0, "snapshot": 0}


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ({}, False),
        ({"waited_s": 1e9, "journal": 10**12}, False),
        ({"changes": 1}, False),
        ({"changes": 999}, False),
        ({"changes": 1_000}, True),
        ({"changes": 1_000, "records": 20_000}, True),
        ({"changes": 1_000, "records": 20_020}, False),
        ({"changes": 5_000, "records": 100_000}, True),
        ({"changes": 1, "waited_s": 299.9}, False),
        ({"changes": 1, "waited_s": 300.0}, True),
        ({"changes": 1, "journal": 64 * 2**20}, True),
        ({"changes": 1, "journal": 64 * 2**20, "snapshot": 65 * 2**20}, False),
        ({"changes": 1, "journal": 65 * 2**20, "snapshot": 65 * 2**20}, True),
    ],
)
def test_when_a_checkpoint_is_due(facts: dict[str, int], due: bool) -> None:
    assert CheckpointPolicy().due(**{**DUE, **facts}) is due  # type: ignore[arg-type]


def test_enough_changes_bring_a_checkpoint(store_path: str) -> None:
    with Store.open(store_path, policy=CheckpointPolicy(changes=10)) as store:
        for one in numbered(9):
            with store.transaction() as txn:
                txn.index_file(one)
        assert store.stats().generation_lsn == 0
        with store.transaction() as txn:
            txn.index_file(record("tenth.py"))
        wait_until(lambda: store.stats().generation_lsn == 10)
        assert store.stats().changes == 0
        assert len(store) == 10


def test_time_brings_a_checkpoint_while_changes_wait(store_path: str) -> None:
    with Store.open(store_path, policy=CheckpointPolicy(interval_s=0.05)) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        wait_until(lambda: store.stats().generation_lsn == 1)
        with store.transaction() as txn:
            txn.index_file(record("b.py"))
        wait_until(lambda: store.stats().generation_lsn == 2)


def test_changes_that_a_crash_left_in_the_journal_bring_one_too(store_path: str) -> None:
    with Store.open(store_path, policy=CheckpointPolicy(automatic=False)) as store:
        for one in numbered(20):
            with store.transaction() as txn:
                txn.index_file(one)
    with Store.open(store_path, policy=CheckpointPolicy(changes=10)) as store:
        wait_until(lambda: store.stats().generation_lsn == 20)


def test_a_checkpoint_that_failed_is_told_and_tried_again(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.02)
    failures = threading.Event()
    real = publishing.build
    left = [3]

    def build(*arguments: object) -> object:
        if left[0]:
            left[0] -= 1
            raise StorageFullError("no space left", errno=28)
        wait_for(failures)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "build", build)
    with Store.open(store_path, policy=CheckpointPolicy(changes=1)) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        wait_until(lambda: left[0] == 0 and "no space" in store.stats().checkpoint_error)
        with store.transaction() as txn:
            txn.index_file(record("b.py"))
        failures.set()
        wait_until(lambda: store.stats().generation_lsn == 2 and not store.stats().checkpoint_error)


def no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_commit_stays_where_its_checkpoint_gets_no_thread(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {one.path: one for one in numbered(3)}
    with Store.open(store_path, policy=CheckpointPolicy(changes=1)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", no_thread)
            with store.transaction() as txn:
                for one in files.values():
                    txn.index_file(one)
            assert "can't start new thread" in str(store.stats().checkpoint_error)
        check_search(store, files)
        store.checkpoint()
        check_whole(store_path)


def test_close_waits_for_the_checkpoint_that_runs(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    running, closing = threading.Event(), threading.Event()
    events: list[str] = []
    real, real_stop = publishing.build, module.Scheduler.stop

    def build(*arguments: object) -> object:
        running.set()
        wait_for(closing)
        built = real(*arguments)  # type: ignore[arg-type]
        events.append("built")
        return built

    def stop(self: module.Scheduler) -> None:
        closing.set()
        real_stop(self)

    monkeypatch.setattr(publishing, "build", build)
    monkeypatch.setattr(module.Scheduler, "stop", stop)
    store = Store.open(store_path, policy=CheckpointPolicy(changes=1))
    with store.transaction() as txn:
        txn.index_file(record("a.py"))
    wait_for(running)
    store.close()
    assert events == ["built"]
    with Store.open(store_path, create=False) as again:
        assert again.file("a.py") == record("a.py")
