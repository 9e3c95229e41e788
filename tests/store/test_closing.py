"""Closing beside other threads: what passed the entry ends or writes nothing, and then the lock goes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.damage import MANUAL
from tests.support.records import record

from diptych import Status, Store, StoreClosedError, StoreLockedError, fs, verify
from diptych.layout import CLOSED
from diptych.store.checkpoint import publish as publishing
from diptych.store.writer import StoreWriter

# A bound for what never happens: a thread that waits for ever fails the test, however slow the machine is.
_NEVER_S = 600.0


def add(store: Store, path: str) -> int:
    with store.transaction() as txn:
        txn.index_file(record(path))
    return txn.lsn


def listed(path: str) -> dict[str, bytes]:
    """Every file below `path` but the lock, with its bytes."""
    found = {}
    for directory, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(directory, name), "rb") as file:
                found[os.path.join(directory, name)] = file.read()
    return found


class Stop:
    """A call that stops in one thread until it is let go."""

    def __init__(self, real: Callable[..., Any], applies: Callable[..., bool] = lambda *_: True) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self._real, self._applies = real, applies

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self._applies(*arguments) and not self.reached.is_set():
            self.reached.set()
            assert self.go.wait(_NEVER_S)
        return self._real(*arguments, **options)


class Beside:
    """A call in a thread of its own: what it returned or raised."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.error: BaseException | None = None
        self.returned: Any = None
        self._call = call
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.returned = self._call()
        except BaseException as error:
            self.error = error

    def end(self) -> Beside:
        self._thread.join(_NEVER_S)
        assert not self._thread.is_alive()
        return self


@pytest.fixture
def store(store_path: str) -> Iterator[Store]:
    """With one file in a generation and one in the journal."""
    with Store.open(store_path, policy=MANUAL) as opened:
        add(opened, "a.py")
        opened.checkpoint()
        add(opened, "b.py")
        yield opened


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, bytes]]:
    """All files, as they were each time that a lock was released."""
    seen: list[dict[str, bytes]] = []
    real = fs.WriterLock.release

    def release(lock: fs.WriterLock) -> None:
        seen.append(listed(lock._directory))
        real(lock)

    monkeypatch.setattr(fs.WriterLock, "release", release)
    return seen


def is_second_writer_refused(path: str) -> bool:
    try:
        Store.open(path, policy=MANUAL).close()
    except StoreLockedError:
        return True
    return False


@pytest.mark.parametrize("point", ["build", "rename", "fsync_dir", "remove_file", "write_file"])
def test_a_close_waits_for_a_checkpoint(
    store: Store, monkeypatch: pytest.MonkeyPatch, released: list[dict[str, bytes]], point: str
) -> None:
    place = publishing if point == "build" else fs
    stop = Stop(getattr(place, point))
    monkeypatch.setattr(place, point, lambda *arguments: stop(*arguments))
    checkpoint = Beside(store.checkpoint)
    assert stop.reached.wait(_NEVER_S)
    close = Beside(store.close)
    assert is_second_writer_refused(store.path)
    assert released == []
    stop.go.set()
    assert checkpoint.end().returned == 2
    assert close.end().error is None
    assert released == [listed(store.path)]
    assert verify(store.path).ok
    with Store.open(store.path, policy=MANUAL) as again:
        assert [one.path for one in again.files()] == ["a.py", "b.py"]


@pytest.mark.parametrize("durability", ["journal", "full", "buffered"])
def test_a_close_waits_for_a_commit(
    store: Store, monkeypatch: pytest.MonkeyPatch, released: list[dict[str, bytes]], durability: Any
) -> None:
    store._handle.durability = durability
    stop = Stop(os.write)
    monkeypatch.setattr(os, "write", stop)
    commit = Beside(lambda: add(store, "c.py"))
    assert stop.reached.wait(_NEVER_S)
    close = Beside(store.close)
    assert is_second_writer_refused(store.path)
    stop.go.set()
    commit.end()
    assert close.end().error is None
    assert released == [listed(store.path)]
    with Store.open(store.path, policy=MANUAL) as again:
        # It was written before the close took the journal: the close made it durable.
        assert [one.path for one in again.files()] == ["a.py", "b.py", "c.py"]


def test_a_commit_whose_sync_a_close_did_is_acknowledged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diptych.journal.writer import JournalWriter

    stop = Stop(JournalWriter.sync)
    monkeypatch.setattr(JournalWriter, "sync", lambda *arguments: stop(*arguments))
    commit = Beside(lambda: add(store, "c.py"))
    assert stop.reached.wait(_NEVER_S)
    store.close()
    stop.go.set()
    assert commit.end().error is None
    assert commit.returned == 3
    with Store.open(store.path, policy=MANUAL) as again:
        assert "c.py" in again


def _search_that_heals(store: Store) -> Any:
    store._handle.current.healing.segments.add("a segment")
    return store.checkpoint()


CALLS: dict[str, Callable[[Store], Any]] = {
    "commit": lambda store: add(store, "c.py"),
    "checkpoint": lambda store: store.checkpoint(),
    "rewrite": lambda store: store._handle.rewrite(),
    "heal": _search_that_heals,
    "view": lambda store: store._handle.current.hold(),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("durability", ["journal", "full", "buffered"])
def test_what_had_passed_the_entry_writes_nothing_while_the_close_ends(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    released: list[dict[str, bytes]],
    call: str,
    durability: Any,
) -> None:
    store._handle.durability = durability
    stop = Stop(fs.atomic_write, lambda path, _data: os.path.basename(path) == CLOSED)
    monkeypatch.setattr(fs, "atomic_write", stop)
    close = Beside(store.close)
    assert stop.reached.wait(_NEVER_S)
    # As if it had looked a moment before the close began.
    monkeypatch.setattr(StoreWriter, "writer", lambda writer: writer)
    before = listed(store.path)
    late = Beside(lambda: CALLS[call](store)).end()
    assert isinstance(late.error, StoreClosedError)
    assert listed(store.path) == before
    stop.go.set()
    assert close.end().error is None
    late = Beside(lambda: CALLS[call](store)).end()
    assert isinstance(late.error, StoreClosedError)
    assert released == [listed(store.path)]


def test_a_transaction_begun_before_the_close_is_refused_after_it(store: Store) -> None:
    with pytest.raises(StoreClosedError), store.transaction() as txn:
        txn.index_file(record("c.py"))
        store.close()
        before = listed(store.path)
    assert txn.lsn == 0
    assert listed(store.path) == before


def test_with_full_durability_a_close_between_journal_and_generation_is_no_rollback(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diptych import CommitNotPublishedError

    store._handle.durability = "full"
    stop = Stop(store._handle._publisher.committed)  # type: ignore[union-attr]
    monkeypatch.setattr(store._handle._publisher, "committed", stop)
    commit = Beside(lambda: add(store, "c.py"))
    assert stop.reached.wait(_NEVER_S)
    store.close()
    stop.go.set()
    assert isinstance(commit.end().error, CommitNotPublishedError)
    with Store.open(store.path, policy=MANUAL) as again:
        assert "c.py" in again


def test_two_closes_at_once_are_one(
    store: Store, monkeypatch: pytest.MonkeyPatch, released: list[dict[str, bytes]]
) -> None:
    stop = Stop(fs.atomic_write)
    monkeypatch.setattr(fs, "atomic_write", stop)
    closes = [Beside(store.close)]
    assert stop.reached.wait(_NEVER_S)
    closes += [Beside(store.close) for _ in range(3)]
    assert is_second_writer_refused(store.path)
    assert released == []
    stop.go.set()
    assert [close.end().error for close in closes] == [None] * 4
    assert len(released) == 1
    store.close()
    assert store.state.status is Status.CLOSED
    with pytest.raises(StoreClosedError):
        store.file("a.py")


def test_nothing_read_after_a_close_opens_the_store_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that ends after the close must not show a view that is open."""
    stop = Stop(store._handle.current.advance)
    monkeypatch.setattr(store._handle.current, "advance", stop)
    commit = Beside(lambda: add(store, "c.py"))
    assert stop.reached.wait(_NEVER_S)
    store.close()
    stop.go.set()
    assert commit.end().returned == 3
    for read in (lambda: store.file("a.py"), lambda: list(store.files()), store.view):
        with pytest.raises(StoreClosedError):
            read()
