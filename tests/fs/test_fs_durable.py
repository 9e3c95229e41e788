"""Files are complete or absent, and system errors have advice."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest
from blake3 import blake3
from tests.support.waiting import SHORT_S

from diptych import fs
from diptych.errors import StorageError, StorageFullError, StoreLockedError, StoreNotFoundError
from diptych.fs import durable


def test_an_atomic_write_replaces_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"one", b"", b"three" * 100_000):
        fs.atomic_write(path, data)
        assert path.read_bytes() == data
        assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["write_file", "rename"])
def test_an_atomic_write_that_fails_leaves_the_old_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    fs.atomic_write(path, b"old")

    def fail(*arguments: object) -> None:
        raise fs.storage_error(OSError(errno.ENOSPC, "No space left on device"), "write", path)

    with monkeypatch.context() as patch:
        patch.setattr(durable, step, fail)
        with pytest.raises(StorageFullError):
            fs.atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_bytes_are_on_disk_before_their_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order after which a crash at any point leaves the old or the new contents, never a part."""
    done: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(fd: int) -> None:
        done.append("directory" if os.path.isdir(f"/proc/self/fd/{fd}") else "file")
        real_fsync(fd)

    def replace(source: str, target: str) -> None:
        done.append("rename")
        real_replace(source, target)

    monkeypatch.setattr(durable.os, "fsync", fsync)
    monkeypatch.setattr(durable.os, "replace", replace)
    fs.atomic_write(tmp_path / "file", b"data")
    assert done == ["file", "rename", "directory"]


def test_a_new_file_never_overwrites(tmp_path: Path) -> None:
    fs.write_file(tmp_path / "file", b"one")
    with pytest.raises(StorageError, match="exists"):
        fs.write_file(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"one"


def test_directories_are_made_with_those_above_them(tmp_path: Path) -> None:
    fs.make_dir(tmp_path / "a" / "b" / "c")
    fs.make_dir(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError):
            fs.make_dir(path)


@pytest.mark.parametrize("links", [True, False])
def test_a_second_name_or_a_durable_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    (tmp_path / "one").write_bytes(b"data")
    synced: list[object] = []
    monkeypatch.setattr(durable, "fsync_file", synced.append)
    if not links:

        def fail(source: object, target: object) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(durable.os, "link", fail)
    assert fs.link_or_copy(tmp_path / "one", tmp_path / "two") is links
    assert (tmp_path / "two").read_bytes() == b"data"
    assert os.path.samefile(tmp_path / "one", tmp_path / "two") is links
    assert synced == ([] if links else [tmp_path / "two"])
    with pytest.raises(StorageError) as caught:
        fs.link_or_copy(tmp_path / "none", tmp_path / "three")
    assert caught.value.errno == errno.ENOENT


def test_removing_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    fs.remove_file(tmp_path / "none")
    fs.remove_tree(tmp_path / "none")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x")
    fs.remove_tree(tmp_path / "a")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "kind", "advice"),
    [
        (errno.ENOSPC, StorageFullError, "space"),
        (errno.EDQUOT, StorageFullError, "quota"),
        (errno.EMFILE, StorageError, "ulimit"),
        (errno.EACCES, StorageError, "right"),
        (errno.EROFS, StorageError, "read-only"),
        (errno.EIO, StorageError, "verify"),
        (errno.ENOTDIR, StorageError, ""),
    ],
)
def test_each_refusal_has_its_error_and_advice(number: int, kind: type[StorageError], advice: str) -> None:
    with pytest.raises(StorageError) as caught, fs.translated("write", "/some/where"):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is kind
    assert caught.value.errno == number
    assert str(caught.value) == f"cannot write /some/where: {os.strerror(number)}"
    assert advice in caught.value.advice


def test_an_error_of_ones_own_passes_untouched() -> None:
    """Some of them are an OSError for the caller's sake."""
    with pytest.raises(StoreNotFoundError, match="none here"), fs.translated("list", "x"):
        raise StoreNotFoundError("none here")


def test_files_are_hashed_with_their_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for size in (0, 1, 4_095, 4_096, 3_000_001):
        data = bytes(range(256)) * (size // 256) + bytes(size % 256)
        path.write_bytes(data)
        assert fs.hash_stable_file(str(path)) == (size, blake3(data).digest())


def test_a_lock_is_held_by_one_and_names_it(tmp_path: Path) -> None:
    path = str(tmp_path / "LOCK")
    first = fs.WriterLock(path)
    assert fs.holder(path) == os.getpid()
    for _ in range(2):
        with pytest.raises(StoreLockedError) as caught:
            fs.WriterLock(path, timeout_s=SHORT_S)
        assert caught.value.pid == os.getpid()
    first.release()
    first.release()
    fs.WriterLock(path).release()
    assert os.path.exists(path)


def test_a_directory_is_locked_by_one_while_it_is_at_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "made")
    os.mkdir(path)
    first = fs.DirectoryLock(path)
    assert first.is_held
    assert os.listdir(path) == []
    with pytest.raises(StoreLockedError):
        fs.DirectoryLock(path)
    # As a writer's lock is: each keeps the other out.
    with pytest.raises(StoreLockedError):
        fs.WriterLock(os.path.join(path, "LOCK"))
    first.release()
    first.release()
    assert not first.is_held
    fs.DirectoryLock(path).release()
    # Replaced between the opening and the lock: what is there now is not locked.
    with monkeypatch.context() as patched:
        flock = fcntl.flock

        def replace_and_lock(fd: int, operation: int) -> None:
            if operation != fcntl.LOCK_UN:
                os.rename(path, f"{path}-moved")
                os.mkdir(path)
            flock(fd, operation)

        patched.setattr(fcntl, "flock", replace_and_lock)
        with pytest.raises(StoreLockedError):
            fs.DirectoryLock(path)
    with monkeypatch.context() as patched:

        def refuse(_: int, __: int) -> None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

        patched.setattr(fcntl, "flock", refuse)
        assert not fs.DirectoryLock(path).is_held


@pytest.mark.parametrize("content", [b"", b"no number", b"\xff" * 30, b"  12  \n"])
def test_a_lock_file_with_anything_in_it_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "LOCK").write_bytes(content)
    assert fs.holder(str(tmp_path / "LOCK")) in (0, 12)
    assert fs.holder(str(tmp_path / "none")) == 0
    fs.WriterLock(str(tmp_path / "LOCK")).release()


def test_a_file_is_replaced_when_its_successor_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), fs.replacing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert (os.listdir(tmp_path), path.read_bytes()) == (["given"], b"old")
    with fs.replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert (os.listdir(tmp_path), path.read_bytes()) == (["given"], b"new")
    with pytest.raises(StorageError), fs.replacing(tmp_path / "missing" / "given"):
        pass
