"""A piece of work beside its caller's: its outcome arrives, and nobody goes on before it has ended."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from tests.support.invariants import check_search, check_whole
from tests.support.records import numbered

from diptych import CheckpointPolicy, Store, snapshot
from diptych.search.writer import SearchWriter
from diptych.store.aside import Aside


def test_what_the_work_raises_arrives_where_its_result_is_asked_for() -> None:
    def fail() -> None:
        raise ValueError("this")

    aside = Aside(fail)
    aside.start()
    with pytest.raises(ValueError, match="this"):
        aside.result()
    aside.settle()


def test_what_was_not_started_never_begins() -> None:
    begun: list[bool] = []
    aside = Aside(lambda: begun.append(True))
    aside.settle()
    aside.start()
    aside.settle()
    assert begun == []


def test_an_interrupted_wait_ends_when_the_work_has() -> None:
    ended = threading.Event()

    def work() -> None:
        time.sleep(0.2)
        ended.set()

    aside = Aside(work)
    aside.start()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.02)
        with pytest.raises(KeyboardInterrupt):
            aside.settle()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert ended.is_set()


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_where_there_is_no_thread_the_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[bool] = []
    aside = Aside(lambda: done.append(True))
    monkeypatch.setattr(threading.Thread, "start", _no_thread)
    aside.start()
    aside.result()
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
    ended = []
    commit = SearchWriter.commit

    def slow(writer: SearchWriter, watermark: object) -> None:
        time.sleep(0.2)
        commit(writer, watermark)  # type: ignore[arg-type]
        ended.append(True)

    def failing(*_: object) -> None:
        raise OSError(28, "no space left")

    with Store.open(store_path, policy=CheckpointPolicy(automatic=False)) as store:
        with store.transaction() as txn:
            for one in files.values():
                txn.index_file(one)
        with monkeypatch.context() as patch:
            patch.setattr(SearchWriter, "commit", slow)
            patch.setattr(snapshot.writer._Merge, "_write_index", failing)
            with pytest.raises(OSError, match="no space left"):
                store.checkpoint()
        assert ended == [True]
        assert store.checkpoint() == store.lsn
        check_search(store, files)
        check_whole(store_path)
