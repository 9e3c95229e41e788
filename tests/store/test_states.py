"""The states of a store, as it is asked."""

from __future__ import annotations

import threading

import pytest
from tests.support.damage import MANUAL
from tests.support.records import record
from tests.support.waiting import join, wait_for

from diptych import Status, Store, StoreState
from diptych.store.checkpoint import publish as publishing


def test_a_store_shows_what_it_does(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(store_path, policy=MANUAL)
    assert store.state == StoreState(Status.EMPTY)
    with store.transaction() as txn:
        assert store.state == StoreState(Status.INDEXING, (txn.number,))
        txn.index_file(record("a.py"))
    assert store.state == StoreState(Status.READY)
    with pytest.raises(ZeroDivisionError), store.transaction():
        raise ZeroDivisionError
    assert store.state.status is Status.READY
    seen: list[StoreState] = []
    real = publishing.build

    def build(*arguments: object) -> object:
        seen.append(store.state)
        with store.transaction() as txn:
            seen.append(store.state)
            txn.index_file(record("b.py"))
        seen.append(store.state)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "build", build)
    store.checkpoint()
    assert [state.status for state in seen] == [Status.SAVING, Status.INDEXING, Status.SAVING]
    assert store.state.status is Status.READY
    store.close()
    assert store.state.status is Status.CLOSED
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.state.status is Status.READY


def test_a_store_is_empty_again_when_its_last_file_went(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        with store.transaction() as txn:
            txn.remove_file("a.py")
        assert store.state.status is Status.EMPTY
        store.checkpoint()
        assert store.state.status is Status.EMPTY
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.state.status is Status.EMPTY


def test_transactions_of_several_threads_are_all_shown(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        inside, leave = threading.Event(), threading.Event()

        def work() -> None:
            with store.transaction():
                inside.set()
                wait_for(leave)

        thread = threading.Thread(target=work)
        thread.start()
        wait_for(inside)
        with store.transaction():
            assert len(store.state.transactions) == 2
        assert store.state.status is Status.INDEXING
        leave.set()
        join(thread)
        assert store.state.status is Status.EMPTY
