"""What can be opened and what cannot, each refused with its own error and a sentence that says why."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.damage import MANUAL
from tests.support.files import tree
from tests.support.notes import NOTES
from tests.support.processes import other, run
from tests.support.records import numbered, record
from tests.support.waiting import HANG_S, SHORT_S

from diptych import (
    CheckpointPolicy,
    CodeView,
    ForkedProcessError,
    IncompatibleStoreError,
    InvalidArgumentError,
    NotAStoreError,
    ReadOnlyError,
    StorageError,
    StorageFullError,
    Store,
    StoreLockedError,
    StoreNotFoundError,
    StoreReplacedError,
    repair,
    verify,
)
from diptych.schema.code import CODE
from diptych.sealed import seal
from diptych.store.manifest import IDENTITY_MAGIC


def make(path: str, count: int = 3, *, checkpoint: bool = True) -> None:
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in numbered(count):
                txn.index_file(one)
        if checkpoint:
            store.checkpoint()


def test_a_store_is_made_on_first_use_with_the_directories_above_it(memory_path: Path) -> None:
    path = memory_path / "a" / "b" / "store"
    with Store.open(path) as store:
        assert (store.lsn, len(store), store.path) == (0, 0, str(path))
        assert len(store.store_id) == 32
    assert sorted(os.listdir(path)) == ["IDENTITY", "LOCK", "generations", "journal"]


def test_what_is_not_there_is_not_found(memory_path: Path) -> None:
    path = memory_path / "none"
    for call in (
        lambda: Store.open(path, create=False),
        lambda: Store.open(path, read_only=True),
        lambda: verify(path),
        lambda: repair(path),
    ):
        with pytest.raises(StoreNotFoundError, match="no store at"):
            call()
    assert not path.exists()
    path.mkdir()
    with pytest.raises(StoreNotFoundError):
        Store.open(path, create=False)
    assert os.listdir(path) == []


def test_a_file_is_no_store(memory_path: Path) -> None:
    path = memory_path / "file"
    path.write_text("x")
    for call in (lambda: Store.open(path), lambda: Store.open(path, read_only=True), lambda: verify(path)):
        with pytest.raises(NotAStoreError, match="is a file"):
            call()
    assert path.read_text() == "x"


def test_below_a_file_is_no_place_for_a_store(memory_path: Path) -> None:
    (memory_path / "file").write_text("x")
    with pytest.raises(StorageError):
        Store.open(memory_path / "file" / "store")


def test_a_directory_of_something_else_is_left_alone(memory_path: Path) -> None:
    path = memory_path / "project"
    path.mkdir()
    (path / "main.py").write_text("x")
    before = tree(path)
    with pytest.raises(NotAStoreError, match="belongs to something else"):
        Store.open(path)
    with pytest.raises((NotAStoreError, StoreNotFoundError)):
        Store.open(path, read_only=True)
    assert tree(path) == before


def test_a_newer_format_is_refused_and_left_alone(memory_path: Path) -> None:
    path = memory_path / "store"
    make(str(path))
    (path / "IDENTITY").write_bytes(seal(IDENTITY_MAGIC, {"all": "different"}, version=3))
    before = {name: data for name, data in tree(path).items() if name != "LOCK"}
    for call in (
        lambda: Store.open(path),
        lambda: Store.open(path, read_only=True),
        lambda: verify(path),
        lambda: repair(path),
    ):
        with pytest.raises(IncompatibleStoreError, match="format 3") as caught:
            call()
        assert "newer" in caught.value.advice
    assert {name: data for name, data in tree(path).items() if name != "LOCK"} == before


def test_another_schema_is_refused_and_left_alone(memory_path: Path) -> None:
    path = str(memory_path / "store")
    make(path)
    for call in (
        lambda: Store.open(path, schema=NOTES),
        lambda: Store.open(path, schema=NOTES, read_only=True),
        lambda: verify(path, schema=NOTES),
        lambda: repair(path, schema=NOTES),
    ):
        with pytest.raises(IncompatibleStoreError, match=f"schema 'code' version {CODE.version}"):
            call()
    os.unlink(os.path.join(path, "IDENTITY"))
    with pytest.raises(IncompatibleStoreError):
        repair(path, schema=NOTES)


@pytest.mark.parametrize("durability", ["fast", "", None])
def test_a_durability_that_is_none_is_refused(memory_path: Path, durability: str) -> None:
    with pytest.raises(InvalidArgumentError, match="durability is journal, full or buffered"):
        Store.open(memory_path / "store", durability=durability)  # type: ignore[arg-type]
    assert not (memory_path / "store").exists()


NAN = float("nan")


@pytest.mark.parametrize(
    "bad",
    [{"keep_generations": 1}, {"changes": 0}, {"interval_s": 0}, {"interval_s": NAN}, {"journal_share": NAN}],
)
def test_a_policy_that_keeps_too_little_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="checkpoint policy"):
        CheckpointPolicy(**bad)


@pytest.mark.parametrize("timeout_s", [NAN, -1.0])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(memory_path: Path, timeout_s: float) -> None:
    with pytest.raises(InvalidArgumentError, match="seconds"):
        Store.open(memory_path / "store", lock_timeout_s=timeout_s)


def test_a_reader_tells_that_another_store_took_the_place_of_its_own(memory_path: Path) -> None:
    path = memory_path / "store"
    for number in range(2):
        with Store.open(path) as store:
            for name in ("a.py", "b.py")[: number + 1]:
                with store.transaction() as txn:
                    txn.index_file(record(name))
        if number == 0:
            reader = Store.open(path, read_only=True)
            shutil.rmtree(path)
    with reader:
        for _ in range(2):
            with pytest.raises(StoreReplacedError):
                reader.refresh()
        assert "a.py" in reader, "what was opened can still be read"


def test_a_reader_tells_that_its_store_was_deleted(memory_path: Path) -> None:
    path = memory_path / "store"
    with Store.open(path) as store, store.transaction() as txn:
        txn.index_file(record("a.py"))
    with Store.open(path, read_only=True) as reader:
        shutil.rmtree(path)
        with pytest.raises(StoreReplacedError):
            reader.refresh()


def test_a_second_writer_learns_who_the_first_is(store_path: str) -> None:
    with Store.open(store_path) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        for _ in range(2):
            with pytest.raises(StoreLockedError) as caught:
                Store.open(store_path)
            assert caught.value.pid == os.getpid()
            assert "this process" in str(caught.value)
        with other() as process:
            process.do("import os")
            for _ in range(2):
                answer = process.do(f"Store.open({store_path!r})")
                assert answer.startswith("StoreLockedError")
                assert f"process {os.getpid()}" in answer
            assert process.do(f"repair({store_path!r})").startswith("StoreLockedError")
        with store.transaction() as txn:
            txn.index_file(record("b.py"))
    with Store.open(store_path) as store:
        assert len(store) == 2


def test_a_second_writer_may_wait_for_the_first(store_path: str) -> None:
    with other() as process:
        assert process.do(f"store = Store.open({store_path!r})") == ""
        with pytest.raises(StoreLockedError) as caught:
            Store.open(store_path, lock_timeout_s=SHORT_S)
        assert caught.value.pid == process.process.pid
        process.do("import threading; threading.Timer(0.2, store.close).start()")
        with Store.open(store_path, lock_timeout_s=HANG_S) as store:
            assert store.lsn == 0


def test_the_lock_of_a_killed_writer_is_free(store_path: str) -> None:
    with other() as process:
        process.do(f"store = Store.open({store_path!r})")
        process.do("with store.transaction() as txn: txn.index_file(record('a.py'))")
        process.kill()
    with Store.open(store_path) as store:
        assert store.file("a.py") == record("a.py")


FORK = """
import os, sys
from diptych import *
from tests.support.records import record
store = Store.open(sys.argv[1])
with store.transaction() as txn:
    txn.index_file(record("a.py"))
view = store.view()
pid = os.fork()
if pid == 0:
    errors = []
    read = lambda: store.file("a.py")
    for call in (store.transaction, store.view, store.checkpoint, read, lambda: len(view)):
        try:
            call()
        except ForkedProcessError:
            errors.append(1)
    store.close()
    again = Store.open(sys.argv[1], read_only=True)
    ok = again.file("a.py") == record("a.py") and len(errors) == 5
    del store, view, txn, call, read
    import gc; gc.collect()
    sys.exit(0 if ok else 3)
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
with store.transaction() as txn:
    txn.index_file(record("b.py"))
import subprocess
script = "import sys; from diptych import *; Store.open(sys.argv[1])"
locked = subprocess.run([sys.executable, "-c", script, sys.argv[1]], capture_output=True, text=True)
assert "StoreLockedError" in locked.stderr, "the child let the parent's lock go"
print(len(store))
"""


def test_a_forked_child_can_use_nothing_of_the_parents_handle(store_path: str) -> None:
    """And its end does not let the parent's lock go."""
    assert run(FORK, store_path).strip() == "2"
    assert ForkedProcessError.__mro__[1].__name__ == "CallerError"


def test_a_reader_writes_nothing_and_refuses_to(store_path: str) -> None:
    make(store_path)
    before = tree(store_path)
    with Store.open(store_path, read_only=True) as store:
        assert store.read_only
        assert len(store) == 3
        assert store.search("kind:function")
        with store.view() as view:
            assert isinstance(view, CodeView)
        for call in (store.transaction, store.checkpoint):
            with pytest.raises(ReadOnlyError):
                call()
    verify(store_path)
    assert tree(store_path) == before


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 8 MB."""
    path = tmp_path / "mounted"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs the rights of root")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_read_only_file_system_can_be_read_and_verified(tmpfs: Path) -> None:
    path = str(tmpfs / "store")
    make(path)
    with Store.open(path, policy=MANUAL) as store, store.transaction() as txn:
        txn.index_file(record("later.py"))
    subprocess.run(["mount", "-o", "remount,ro", str(tmpfs)], check=True)
    with Store.open(path, read_only=True) as store:
        assert len(store) == 4
        assert store.file("later.py") == record("later.py")
        assert len(store.search("kind:function", limit=100)) == 8
        assert store.refresh() == 2
    assert verify(path).ok
    assert repair(path, dry_run=True).findings == []
    with pytest.raises(StorageError, match="Read-only") as caught:
        Store.open(path)
    assert caught.value.advice


def test_a_full_disk_rolls_the_transaction_back_and_reads_go_on(tmpfs: Path) -> None:
    path = str(tmpfs / "store")
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in numbered(20):
                txn.index_file(one)
        store.checkpoint()
        (tmpfs / "ballast").write_bytes(bytes(5_000_000))
        with pytest.raises(StorageFullError) as caught, store.transaction() as txn:
            for number in range(20):
                txn.index_file(record(f"big/{number}.py", documentation="x" * 300_000))
        assert caught.value.errno == 28
        assert "space" in caught.value.advice
        assert store.lsn == 1
        assert list(store.files()) == numbered(20)
        with store.transaction() as txn:
            txn.index_file(record("small.py"))
        assert txn.lsn == 2
        with pytest.raises(StorageError):
            fill(tmpfs)
            store.checkpoint()
        assert store.file("small.py") == record("small.py")
        (tmpfs / "ballast").unlink()
        (tmpfs / "filler").unlink()
        assert store.checkpoint() == 2
    assert verify(path).findings == []
    with Store.open(path) as store:
        assert len(store) == 21


def fill(directory: Path) -> None:
    """Take all the space that is left but a few kilobytes."""
    free = os.statvfs(directory)
    (directory / "filler").write_bytes(bytes(max(free.f_bavail * free.f_frsize - 8_192, 0)))


FILE_LIMIT = """
import resource, sys
from diptych import *
from tests.support.records import record
store = Store.open(sys.argv[1], policy=CheckpointPolicy(automatic=False))
with store.transaction() as txn:
    txn.index_file(record("a.py"))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    with store.transaction() as txn:
        txn.index_file(record("big.py", documentation="x" * 500_000))
except StorageError as error:
    print(type(error).__name__, error.errno)
with store.transaction() as txn:
    txn.index_file(record("b.py"))
print(txn.lsn, len(store))
"""


def test_a_file_that_may_not_grow_rolls_the_transaction_back(store_path: str) -> None:
    assert run(FILE_LIMIT, store_path).split() == ["StorageError", "27", "2", "2"]
    with Store.open(store_path) as store:
        assert [one.path for one in store.files()] == ["a.py", "b.py"]


OPEN_FILES = """
import os, resource, sys
from diptych import *
from tests.support.records import record
store = Store.open(sys.argv[1], policy=CheckpointPolicy(automatic=False))
with store.transaction() as txn:
    txn.index_file(record("a.py"))
store.search("a")
limit = max(map(int, os.listdir("/proc/self/fd"))) + 1
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
for extra in range(60):
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit + 2 * extra, most))
    try:
        store.checkpoint()
        break
    except DiptychError as error:
        assert str(error)
    with store.transaction() as txn:
        txn.index_file(record(f"n{extra}.py"))
print(extra, len(store))
"""


def test_too_many_open_files_fail_a_checkpoint_and_lose_nothing(store_path: str) -> None:
    extra, count = map(int, run(OPEN_FILES, store_path).split())
    assert extra > 2
    assert verify(store_path).findings == []
    with Store.open(store_path) as store:
        assert len(store) == count == extra + 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_is_not_writable_is_refused(memory_path: Path) -> None:
    path = memory_path / "store"
    make(str(path))
    path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    (path / "LOCK").chmod(stat.S_IRUSR)
    with pytest.raises(StorageError, match="denied"):
        Store.open(path)
    with Store.open(path, read_only=True) as store:
        assert len(store) == 3
    path.chmod(stat.S_IRWXU)


def test_stats_say_what_there_is(store_path: str) -> None:
    make(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("later.py", symbols=5))
            txn.remove_file("pkg/000.py")
        stats = store.stats()
        assert (stats.lsn, stats.records, stats.generation_lsn, stats.changes) == (2, 3, 1, 2)
        assert stats.counts == {"symbols": 2 * 2 + 5, "relations": 3}
        assert stats.snapshot_bytes > 0
        assert stats.search_bytes > 0
        assert stats.journal_bytes > 0
        assert (stats.store_id, stats.schema, stats.path) == (store.store_id, "code", store_path)
        assert stats.modified_ms >= stats.created_ms
        assert (stats.recovery, stats.checkpoint_error) == ((), "")
