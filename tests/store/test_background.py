"""A piece of work beside its caller's: its outcome arrives, and nobody goes on before it has ended."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import wait

import pytest
from tests.support.invariants import check_search, check_whole
from tests.support.records import numbered
from tests.support.waiting import wait_for

from diptych import CheckpointPolicy, Store
from diptych.search.writer import SearchWriter
from diptych.snapshot.writer import SnapshotWriter
from diptych.store.checkpoint import background as module
from diptych.store.checkpoint.background import BackgroundTask


def test_what_the_work_raises_arrives_where_its_result_is_asked_for() -> None:
    def fail() -> None:
        raise ValueError("this")

    task = BackgroundTask(fail)
    task.start()
    with pytest.raises(ValueError, match="this"):
        task.result()
    task.settle()


def test_what_was_not_started_never_begins() -> None:
    begun: list[bool] = []
    task = BackgroundTask(lambda: begun.append(True))
    task.settle()
    task.start()
    task.settle()
    assert begun == []


def test_an_interrupted_wait_ends_when_the_work_has(monkeypatch: pytest.MonkeyPatch) -> None:
    leave, ended = threading.Event(), threading.Event()
    waits: list[int] = []

    def work() -> None:
        wait_for(leave)
        ended.set()

    def interrupted(futures: object) -> None:
        waits.append(len(waits))
        if len(waits) == 4:
            leave.set()
            wait(futures)  # type: ignore[arg-type]
            return
        # In the middle of the wait: the signal comes before the work can end.
        signal.raise_signal(signal.SIGALRM)

    monkeypatch.setattr(module, "wait", interrupted)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    task = BackgroundTask(work)
    task.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            task.settle()
    finally:
        leave.set()
        signal.signal(signal.SIGALRM, before)
    assert ended.is_set()
    assert len(waits) == 4


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_where_there_is_no_thread_the_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[bool] = []
    task = BackgroundTask(lambda: done.append(True))
    monkeypatch.setattr(threading.Thread, "start", _no_thread)
    task.start()
    task.result()
    assert done == [True]


def test_a_commit_stands_where_its_checkpoint_gets_no_thread(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {one.path: one for one in numbered(3)}
    with Store.open(store_path, policy=CheckpointPolicy(changes=1)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", _no_thread)
            with store.transaction() as txn:
                for one in files.values():
                    txn.index_file(one)
            assert "can't start new thread" in str(store.stats().checkpoint_error)
        check_search(store, files)
        store.checkpoint()
        check_whole(store_path)


def test_a_checkpoint_that_fails_waits_for_tantivy(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {one.path: one for one in numbered(3)}
    events: list[str] = []
    go_on = threading.Event()
    commit, settle = SearchWriter.commit, BackgroundTask.settle

    def slow(writer: SearchWriter, watermark: object) -> None:
        wait_for(go_on)
        commit(writer, watermark)  # type: ignore[arg-type]
        events.append("committed")

    def failing(*_: object) -> None:
        raise OSError(28, "no space left")

    def settled(task: BackgroundTask) -> None:
        go_on.set()
        settle(task)

    with Store.open(store_path, policy=CheckpointPolicy(automatic=False)) as store:
        with store.transaction() as txn:
            for one in files.values():
                txn.index_file(one)
        with monkeypatch.context() as patch:
            patch.setattr(SearchWriter, "commit", slow)
            patch.setattr(SnapshotWriter, "_write_index", failing)
            patch.setattr(BackgroundTask, "settle", settled)
            with pytest.raises(OSError, match="no space left"):
                store.checkpoint()
            events.append("failed")
            # Where nobody waited, Tantivy goes on only now, and is too late.
            go_on.set()
        assert events == ["committed", "failed"]
        assert store.checkpoint() == store.lsn
        check_search(store, files)
        check_whole(store_path)
