"""A commit that fails: what is reported, what is still there, and what reopening tells."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.support.damage import MANUAL
from tests.support.records import numbered, record
from tests.support.waiting import HANG_S, join

from diptych import (
    CommitInDoubtError,
    CommitNotPublishedError,
    PoisonedError,
    Status,
    StorageError,
    StorageFullError,
    Store,
    fs,
)
from diptych.journal import writer as writer_module
from diptych.store.checkpoint import publish as publishing


@pytest.fixture
def store(store_path: str) -> Iterator[Store]:
    """With one file in a generation and one in the journal."""
    with Store.open(store_path, policy=MANUAL) as store:
        add(store, "a.py")
        store.checkpoint()
        add(store, "b.py")
        yield store


def add(store: Store, path: str) -> int:
    with store.transaction() as txn:
        txn.index_file(record(path))
    return txn.lsn


def paths(store: Store) -> list[str]:
    return [one.path for one in store.files()]


def refuse(*arguments: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_after_a_failed_fsync_nothing_more_is_written_and_reads_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(fs, "fdatasync_fd", refuse)
        with pytest.raises(CommitInDoubtError, match="LSN 3") as caught:
            add(store, "doubt.py")
        assert caught.value.errno == errno.EIO
        assert "reopen" in caught.value.advice or "open it again" in caught.value.advice
    for call in (store.transaction, store.checkpoint):
        with pytest.raises(PoisonedError):
            call()
    assert store.state.status is Status.CORRUPTED
    assert store.state.reason
    assert store.state.suggestions
    assert store.lsn == 2
    assert paths(store) == ["a.py", "b.py"]
    assert store.search("b_0_0")
    with store.view() as view:
        assert "doubt.py" not in view
    store.close()
    with Store.open(store.path, policy=MANUAL) as again:
        # The bytes were written; that their fsync failed, the file system here forgot.
        assert paths(again) in (["a.py", "b.py"], ["a.py", "b.py", "doubt.py"])
        assert add(again, "c.py") == again.lsn


def test_a_commit_in_doubt_is_not_marked_by_the_close(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLOSED would claim an LSN that the disk may not have."""
    with monkeypatch.context() as patch:
        patch.setattr(fs, "fdatasync_fd", refuse)
        with pytest.raises(CommitInDoubtError):
            add(store, "doubt.py")
    store.close()
    assert not os.path.exists(os.path.join(store.path, "journal", "CLOSED"))


def test_all_who_wait_for_a_failed_fsync_are_in_doubt(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    started = threading.Barrier(4, timeout=HANG_S)
    errors: list[BaseException] = []

    def fdatasync(fd: int) -> None:
        refuse()

    def work(number: int) -> None:
        try:
            with store.transaction() as txn:
                txn.index_file(record(f"t{number}.py"))
                started.wait()
        except StorageError as error:
            errors.append(error)

    monkeypatch.setattr(fs, "fdatasync_fd", fdatasync)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    join(*threads)
    assert len(errors) == 4
    assert {type(error) for error in errors} <= {CommitInDoubtError, PoisonedError}
    assert any(isinstance(error, CommitInDoubtError) for error in errors)
    assert paths(store) == ["a.py", "b.py"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), MemoryError()], ids=repr)
def test_what_interrupts_the_write_rolls_back(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def write(fd: int, data: bytes) -> int:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(writer_module.os, "write", write)
        with pytest.raises(type(error)):
            add(store, "gone.py")
    assert paths(store) == ["a.py", "b.py"]
    assert add(store, "c.py") == 3


def test_what_interrupts_the_fsync_leaves_doubt(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fdatasync(fd: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fs, "fdatasync_fd", fdatasync)
        with pytest.raises((CommitInDoubtError, KeyboardInterrupt)):
            add(store, "doubt.py")
    with pytest.raises(PoisonedError):
        add(store, "c.py")


def test_with_full_durability_a_failed_checkpoint_is_never_reported_as_rolled_back(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is in the journal: StorageFullError would say that it was rolled back."""

    def no_space(*arguments: object) -> None:
        raise StorageFullError("no space", errno=errno.ENOSPC)

    with Store.open(store_path, policy=MANUAL, durability="full") as store:
        add(store, "a.py")
        with monkeypatch.context() as patch:
            patch.setattr(publishing, "build", no_space)
            with pytest.raises(CommitNotPublishedError):
                add(store, "b.py")
        assert paths(store) == ["a.py", "b.py"]
        assert add(store, "c.py") == 3
    with Store.open(store_path, policy=MANUAL) as store:
        assert paths(store) == ["a.py", "b.py", "c.py"]


def test_with_full_durability_each_commit_is_a_generation(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL, durability="full") as store:
        for number in range(4):
            add(store, f"{number}.py")
            assert store.stats().generation_lsn == number + 1
        # All of it is in the newest generation: the journal behind it holds nothing.
        assert store.stats().changes == 0
        assert len(store.stats().generations) == 2


def test_buffered_commits_are_seen_at_once_and_synced_in_groups(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    real = fs.fdatasync_fd
    monkeypatch.setattr(fs, "fdatasync_fd", lambda fd: syncs.append(fd) or real(fd))
    with Store.open(store_path, policy=MANUAL, durability="buffered") as store:
        for one in numbered(600):
            with store.transaction() as txn:
                txn.index_file(one)
            assert store.lsn == txn.lsn
        assert 1 <= len(syncs) <= 3
        assert list(store.files()) == numbered(600)
    with Store.open(store_path, policy=MANUAL) as store:
        assert list(store.files()) == numbered(600)


def test_a_power_cut_takes_buffered_commits_back_in_order(store_path: str) -> None:
    """Of what was not synced, any prefix may survive; here the file ends in the middle of it."""
    with Store.open(store_path, policy=MANUAL, durability="buffered") as store:
        for one in numbered(20):
            with store.transaction() as txn:
                txn.index_file(one)
        copy = store_path + "-cut"
        shutil.copytree(store_path, copy)
    name = os.path.join(copy, "journal", "00000000000000000001.wal")
    size = os.path.getsize(name)
    for length in range(size, 64, -size // 9):
        os.truncate(name, length)
        with Store.open(copy, policy=MANUAL) as store:
            assert list(store.files()) == numbered(len(store))
        # The next cut is that of a crash, too.
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(copy, "journal", "CLOSED"))


def test_a_failed_checkpoint_leaves_the_generation_before_and_no_rubbish(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*arguments: object) -> None:
        raise StorageFullError("no space", errno=errno.ENOSPC)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "build", no_space)
        for _ in range(2):
            with pytest.raises(StorageFullError):
                store.checkpoint()
    assert sorted(os.listdir(os.path.join(store.path, "generations"))) == [f"{1:020d}"]
    add(store, "c.py")
    assert store.checkpoint() == 3
    assert paths(store) == ["a.py", "b.py", "c.py"]


@pytest.mark.parametrize("call", ["rename", "fsync_dir", "write_file"])
def test_a_checkpoint_may_fail_at_any_of_its_steps(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    from diptych.store import generation as module

    real = getattr(fs, call)
    for failing in range(1, 5):
        calls = []

        def maybe(*arguments: object, failing: int = failing, calls: list[int] = calls) -> object:
            calls.append(1)
            if len(calls) == failing:
                raise fs.storage_error(OSError(errno.EIO, "I/O error"), call, "x")
            return real(*arguments)

        add(store, f"{call}{failing}.py")
        before = paths(store)
        with monkeypatch.context() as patch:
            patch.setattr(module.fs, call, maybe)
            try:
                store.checkpoint()
            except StorageError:
                assert len(calls) >= failing
        try:
            add(store, "after.py")
        except PoisonedError:
            # Whether a directory's fsync came through is not known: reopening tells.
            return
        assert paths(store) == sorted({*before, "after.py"})
    expected = paths(store)
    store.checkpoint()
    store.close()
    with Store.open(store.path, policy=MANUAL) as again:
        assert paths(again) == expected
