"""The directory, the LOCK or the journal goes away under a writer: it notices, and writes nowhere else."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.damage import MANUAL
from tests.support.records import record
from tests.support.waiting import HANG_S, join

from diptych import (
    CorruptStoreError,
    PoisonedError,
    Status,
    StorageError,
    Store,
    StoreLockedError,
    StoreReplacedError,
    fs,
    repair,
    verify,
)
from diptych.layout import LOCK
from diptych.store.checkpoint import publish as publishing


def add(store: Store, *names: str) -> int:
    with store.transaction() as txn:
        for name in names:
            txn.index_file(record(name))
    return txn.lsn


def paths(store: Store) -> list[str]:
    return [one.path for one in store.files()]


def listed(path: str) -> dict[str, object]:
    """Every file and directory below `path`, with its size, and when it was written."""
    found: dict[str, object] = {}
    for directory, _, names in os.walk(path):
        for name in names:
            status = os.stat(os.path.join(directory, name))
            found[os.path.join(directory, name)] = (status.st_size, status.st_mtime_ns)
        found[directory] = len(names)
    return found


def deleted(path: str) -> None:
    shutil.rmtree(path)


def emptied(path: str) -> None:
    for name in os.listdir(path):
        where = os.path.join(path, name)
        shutil.rmtree(where) if os.path.isdir(where) else os.unlink(where)


def renamed(path: str) -> None:
    os.rename(path, path + "-moved")


def exchanged(path: str) -> None:
    """Another store, with a commit of its own, stands at the path."""
    os.rename(path, path + "-moved")
    with Store.open(path, policy=MANUAL) as other:
        add(other, "of-another.py")
        other.checkpoint()
        add(other, "of-another-too.py")


def lock_deleted(path: str) -> None:
    os.unlink(os.path.join(path, LOCK))


def lock_replaced(path: str) -> None:
    # Made before the old one goes: its number could else be given to the new one.
    Path(path, "new").write_bytes(b"")
    os.replace(os.path.join(path, "new"), os.path.join(path, LOCK))


def journal_deleted(path: str) -> None:
    shutil.rmtree(os.path.join(path, "journal"))


def link_turned(path: str) -> None:
    """The path was a symbolic link, and now leads to another store."""
    os.rename(path, path + "-moved")
    with Store.open(path + "-other", policy=MANUAL) as other:
        add(other, "of-another.py")
    os.symlink(path + "-other", path)


# What each commit notices, and what is noticed by a checkpoint, by a close, or when asked.
AT_ONCE = [deleted, emptied, renamed, exchanged, lock_deleted, lock_replaced, link_turned]
WAYS = [*AT_ONCE, journal_deleted]
Way = Callable[[str], None]


@pytest.fixture
def store(store_path: str) -> Iterator[Store]:
    """With one file in a generation and one in the journal."""
    with Store.open(store_path, policy=MANUAL) as opened:
        add(opened, "a.py")
        opened.checkpoint()
        add(opened, "b.py")
        yield opened


@pytest.mark.parametrize("way", AT_ONCE)
def test_a_commit_is_refused_and_the_handle_poisoned(store: Store, way: Way) -> None:
    way(store.path)
    before = listed(store.path)
    with pytest.raises(StoreReplacedError) as caught:
        add(store, "c.py")
    assert "open" in caught.value.advice
    assert listed(store.path) == before
    for call in (store.transaction, store.checkpoint):
        with pytest.raises(StoreReplacedError):
            call()
    assert store.state.status is Status.CORRUPTED
    # Reads of what was open go on, and show what was acknowledged.
    assert paths(store) == ["a.py", "b.py"]
    store.close()
    assert listed(store.path) == before


@pytest.mark.parametrize("way", AT_ONCE)
@pytest.mark.parametrize("durability", ["journal", "full", "buffered"])
def test_it_is_noticed_with_every_durability(store_path: str, way: Way, durability: str) -> None:
    with Store.open(store_path, policy=MANUAL, durability=durability) as store:
        add(store, "a.py")
        way(store_path)
        with pytest.raises(StoreReplacedError):
            add(store, "b.py")


@pytest.mark.parametrize("way", AT_ONCE)
def test_a_commit_during_whose_sync_it_happens_is_not_acknowledged(
    store: Store, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fs.fdatasync_fd

    def sync_then(fd: int) -> None:
        real(fd)
        monkeypatch.undo()
        way(store.path)

    monkeypatch.setattr(fs, "fdatasync_fd", sync_then)
    with pytest.raises(StoreReplacedError):
        add(store, "c.py")
    assert paths(store) == ["a.py", "b.py"]
    with pytest.raises(StoreReplacedError):
        store.transaction()


@pytest.mark.parametrize("way", WAYS)
def test_a_checkpoint_is_refused_before_it_writes(store: Store, way: Way) -> None:
    way(store.path)
    before = listed(store.path)
    with pytest.raises(StoreReplacedError):
        store.checkpoint()
    assert listed(store.path) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_checkpoint_under_which_it_happens_publishes_nothing(
    store: Store, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publishing.build
    before: dict[str, object] = {}

    def build_then(*arguments: object) -> object:
        built = real(*arguments)
        monkeypatch.undo()
        way(store.path)
        before.update(listed(store.path))
        return built

    monkeypatch.setattr(publishing, "build", build_then)
    with pytest.raises(StoreReplacedError):
        store.checkpoint()
    if way in (exchanged, link_turned):
        assert listed(store.path) == before
    generations = os.path.join(store.path, "generations")
    if os.path.isdir(generations) and way in (lock_deleted, lock_replaced, journal_deleted):
        assert [name for name in os.listdir(generations) if not name.endswith(".tmp")] == [
            "00000000000000000001"
        ]


@pytest.mark.parametrize("way", WAYS)
def test_a_close_says_so_once_and_marks_nothing(store: Store, way: Way) -> None:
    way(store.path)
    before = listed(store.path)
    with pytest.raises(StoreReplacedError):
        store.close()
    store.close()
    assert store.state.status is Status.CLOSED
    assert listed(store.path) == before


@pytest.mark.parametrize("way", WAYS)
def test_one_that_waits_can_ask(store: Store, way: Way) -> None:
    store.refuse_replaced()
    way(store.path)
    with pytest.raises(StoreReplacedError):
        store.refuse_replaced()


@pytest.mark.parametrize("way", [renamed, exchanged, link_turned])
def test_what_was_acknowledged_is_in_the_store_that_was_moved(store: Store, way: Way) -> None:
    way(store.path)
    with pytest.raises(StoreReplacedError):
        add(store, "c.py")
    store.close()
    with Store.open(store.path + "-moved", policy=MANUAL) as moved:
        assert paths(moved) == ["a.py", "b.py"]
    assert verify(store.path + "-moved").ok
    if way is not renamed:
        assert verify(store.path).ok


@pytest.mark.parametrize("call", ["commit", "checkpoint", "search", "close", "refuse_replaced"])
def test_nothing_makes_a_second_store_where_the_first_was_moved_from(store: Store, call: str) -> None:
    renamed(store.path)
    with pytest.raises(StoreReplacedError):
        if call == "commit":
            add(store, "c.py")
        else:
            getattr(store, call)(*(["b_0_0"] if call == "search" else []))
    assert store.recovery == []
    store.close()
    assert not os.path.lexists(store.path)


def test_deleting_the_lock_does_not_let_a_second_writer_in(store: Store) -> None:
    """Where the directory itself can be locked."""
    lock_deleted(store.path)
    with pytest.raises(StoreLockedError):
        Store.open(store.path, policy=MANUAL)
    with pytest.raises(StoreReplacedError):
        add(store, "c.py")
    store.close()
    with Store.open(store.path, policy=MANUAL) as again:
        assert paths(again) == ["a.py", "b.py"]
        add(again, "c.py")
    assert verify(store.path).ok


def test_the_first_writer_is_refused_where_directories_cannot_be_locked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def refuse_directories(fd: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(fd, operation)

    store.close()
    monkeypatch.setattr(fcntl, "flock", refuse_directories)
    first = Store.open(store.path, policy=MANUAL)
    add(first, "c.py")
    lock_deleted(store.path)
    with Store.open(store.path, policy=MANUAL) as second:
        add(second, "d.py")
        with pytest.raises(StoreReplacedError):
            add(first, "e.py")
        first.close()
        add(second, "f.py")
    with Store.open(store.path, policy=MANUAL) as again:
        assert paths(again) == ["a.py", "b.py", "c.py", "d.py", "f.py"]
    assert verify(store.path).ok


def test_a_writer_that_was_killed_leaves_the_directory_free_though_its_child_lives(store_path: str) -> None:
    """A forked child has the descriptor too."""
    program = (
        "import os, sys, time, signal; from diptych import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "if os.fork() == 0:\n"
        "    os.close(1)\n"
        "    sys.stdin.read()\n"
        "    os._exit(0)\n"
        "print('open', flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, store_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        process.kill()
        process.wait()
        # The child of the killed one still waits for its input to end.
        Store.open(store_path, lock_timeout_s=HANG_S).close()


def test_a_waiting_second_writer_gets_in_when_the_first_is_closed(store: Store) -> None:
    got: list[Store] = []
    waiting = threading.Thread(
        target=lambda: got.append(Store.open(store.path, policy=MANUAL, lock_timeout_s=600))
    )
    waiting.start()
    store.close()
    join(waiting)
    assert paths(got[0]) == ["a.py", "b.py"]
    got[0].close()


def test_a_handle_that_is_forgotten_lets_go_of_the_directory(store_path: str) -> None:
    store = Store.open(store_path, policy=MANUAL)
    del store
    gc.collect()
    Store.open(store_path, policy=MANUAL).close()


def test_a_failure_to_look_is_no_replacement(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refuse)
        with pytest.raises(StorageError) as caught:
            add(store, "c.py")
        assert not isinstance(caught.value, (StoreReplacedError, PoisonedError))
    assert add(store, "c.py") == 3


@pytest.mark.parametrize("refreshed", [False, True], ids=["of-one-generation", "of-the-journal"])
@pytest.mark.parametrize("way", [deleted, emptied, renamed, exchanged, link_turned])
def test_a_reader_says_so_and_mixes_nothing(store: Store, way: Way, refreshed: bool) -> None:
    with Store.open(store.path, read_only=True) as reader:
        if refreshed:
            add(store, "c.py")
            reader.refresh()
        store.close()
        seen = paths(reader)
        way(store.path)
        for ask in (reader.refresh, reader.refuse_replaced, lambda: reader.search("a_0_0")):
            with pytest.raises(StoreReplacedError):
                ask()
        # What it had is still there to be read.
        assert paths(reader) == seen
        assert reader.lsn == len(seen)


def test_a_reader_follows_a_store_that_was_moved_away_and_back(store: Store) -> None:
    with Store.open(store.path, read_only=True) as reader:
        store.close()
        renamed(store.path)
        with pytest.raises(StoreReplacedError):
            reader.refresh()
        os.rename(store.path + "-moved", store.path)
        with Store.open(store.path, policy=MANUAL) as again:
            add(again, "c.py")
        assert reader.refresh() == 3
        assert paths(reader) == ["a.py", "b.py", "c.py"]


def test_a_reader_notices_another_store_with_generations_of_the_same_names(store: Store) -> None:
    """Nothing but the journal's file and what it says tells the one from the other."""
    with Store.open(store.path, read_only=True) as reader:
        store.close()
        exchanged(store.path)
        assert os.listdir(os.path.join(store.path, "generations")) == ["00000000000000000001"]
        with pytest.raises(StoreReplacedError, match="another store"):
            reader.refresh()
        with pytest.raises(StoreReplacedError):
            reader.view()


@pytest.mark.parametrize("name", ["IDENTITY", "journal", "generations", "LOCK"])
def test_opening_never_puts_an_empty_store_in_the_place_of_a_damaged_one(store: Store, name: str) -> None:
    store.close()
    where = os.path.join(store.path, name)
    shutil.rmtree(where) if os.path.isdir(where) else os.unlink(where)
    try:
        with Store.open(store.path, policy=MANUAL) as again:
            assert paths(again) == ["a.py", "b.py"]
    except CorruptStoreError:
        assert name in ("journal", "generations")
    repair(store.path)
    with Store.open(store.path, policy=MANUAL) as again:
        # What is gone with the journal is b.py, and with the generations a.py's generation, not its journal.
        assert "a.py" in again
        assert len(again) == (1 if name == "journal" else 2)


def test_opening_without_identity_and_generations_is_refused_not_made_new(store: Store) -> None:
    store.close()
    os.unlink(os.path.join(store.path, "IDENTITY"))
    shutil.rmtree(os.path.join(store.path, "generations"))
    before = listed(store.path)
    with pytest.raises(CorruptStoreError):
        Store.open(store.path, policy=MANUAL)
    after = listed(store.path)
    lock = os.path.join(store.path, LOCK)
    assert {**after, lock: None} == {**before, lock: None}
