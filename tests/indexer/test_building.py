"""Workers that build segments: the store is what it would be without them, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.support.children import children, runs
from tests.support.waiting import HANG_S, wait_until

from diptych import CheckpointPolicy, FileRecord, StorageFullError, Store, verify
from diptych.indexer import IndexReport, Settings, index_repository, pool
from diptych.indexer.plan import Job

from .repository import make_repository, write

_FILES = 48
_ALWAYS = Settings(build_bytes=0)
_SABOTAGE = """
import errno, os, signal, sys
from diptych.indexer import building, worker
building._AGE_MOST_S = float(os.environ.get("AGE_MOST_S", "30"))
real = building.parse_record
def parse_record(tree, job, limit):
    if job.path.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(tree, job, limit)
building.parse_record = worker.parse = parse_record
def parse(tree, job, limit):
    return parse_record(tree, job, limit)[0]
worker.parse = parse
real_finish = building.SegmentSeries.finish
def finish(self):
    if os.environ.get("FULL"):
        self.close()
        from diptych.fs import storage_error
        raise storage_error(OSError(errno.ENOSPC, "No space left on device"), "write", "x")
    return real_finish(self)
building.SegmentSeries.finish = finish
worker.main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
"""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_CHUNK_FILES", 8)


@pytest.fixture
def sabotaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_START", _SABOTAGE)


@pytest.fixture
def opened(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store", policy=CheckpointPolicy(automatic=False))


def repository(tmp_path: Path, **more: str | bytes) -> Path:
    files: dict[str, str | bytes] = {f"f{number}.py": f"def f{number}(): g()\n" for number in range(_FILES)}
    return make_repository(tmp_path / "r", files | {f"{name}.py": text for name, text in more.items()})


def build(root: Path, store: Store, processes: int = 2) -> IndexReport:
    return index_repository(root, store, processes=processes, settings=_ALWAYS)


def here(root: Path, path: Path) -> list[FileRecord]:
    """The records as this process makes them."""
    with Store.open(path) as store:
        index_repository(root, store, processes=0)
        return list(store.files())


def check_left(tmp_path: Path) -> None:
    """No process, and nothing half built."""
    assert children() == set()
    incoming = tmp_path / "store/incoming"
    assert not incoming.exists() or os.listdir(incoming) == []


def test_the_store_is_what_it_would_be_without_workers(tmp_path: Path, opened: Store) -> None:
    root = repository(tmp_path, binary=b"\0", broken="def broken(:\n    pass\n")
    with opened as store:
        report = build(root, store)
        assert list(store.files()) == here(root, tmp_path / "other")
        assert (report.indexed, report.skipped, report.symbols) == (_FILES + 1, {"binary": 1}, _FILES + 1)
        assert list(report.syntax_errors) == ["broken.py"]
        assert 1 <= report.transactions <= 3
        assert store.search("f7")[0].symbol.name == "f7"
        assert build(root, store).unchanged == _FILES + 1
    check_left(tmp_path)
    assert verify(tmp_path / "store").ok


def test_changed_files_are_replaced_and_others_removed(tmp_path: Path, opened: Store) -> None:
    root = repository(tmp_path)
    with opened as store:
        build(root, store)
        write(root, {f"f{number}.py": f"def again{number}(): pass\n" for number in range(0, _FILES, 2)})
        write(root, {"f1.py": b"\0", "new.py": "def new(): pass\n"})
        (root / "f3.py").unlink()
        report = build(root, store)
        assert (report.indexed, report.removed) == (_FILES // 2 + 1, 2)
        assert list(store.files()) == here(root, tmp_path / "other")
        assert [hit.path for hit in store.symbols("again2")] == ["f2.py"]
        assert store.symbols("f2") == store.symbols("f1") == store.symbols("f3") == []
    check_left(tmp_path)
    assert verify(tmp_path / "store").ok


@pytest.mark.usefixtures("sabotaged")
def test_each_file_that_kills_its_worker_is_skipped_alone(tmp_path: Path, opened: Store) -> None:
    """Also after so many that workers build no segments any more."""
    root = repository(tmp_path, **{f"kill{number}": "x = 1\n" for number in range(5)})
    with opened as store:
        report = build(root, store)
        assert report.skipped_paths == {f"kill{number}.py": "parser died" for number in range(5)}
        assert report.indexed == len(store) == _FILES
    check_left(tmp_path)


@pytest.mark.usefixtures("sabotaged")
def test_each_file_may_be_a_segment(tmp_path: Path, opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGE_MOST_S", "0")
    root = repository(tmp_path)
    with opened as store:
        report = build(root, store)
        assert report.transactions == store.lsn == _FILES
        assert list(store.files()) == here(root, tmp_path / "other")
        store.checkpoint()
        assert list(store.files()) == here(root, tmp_path / "third")
    check_left(tmp_path)


def test_workers_killed_from_outside_cost_nothing(tmp_path: Path, opened: Store) -> None:
    root = repository(tmp_path)
    jobs = [Job(f"f{number}.py", "python", 10) for number in range(_FILES)]
    with opened as store:
        results = pool.built_in_workers(
            jobs, str(root), store.path, processes=2, max_file_bytes=1000, timeout_s=HANG_S
        )
        next(results)
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        files: list[str] = []
        for result in results:
            if isinstance(result, pool.Sealed):
                files += result.files
                with store.transaction() as txn:
                    txn.adopt(result.path)
        assert sorted(files) == sorted(job.path for job in jobs)
        assert len(store) == _FILES
    check_left(tmp_path)


def test_an_abandoned_run_leaves_nothing(tmp_path: Path, opened: Store) -> None:
    root = repository(tmp_path)
    jobs = [Job(f"f{number}.py", "python", 10) for number in range(_FILES)]
    with opened as store:
        results = pool.built_in_workers(
            jobs, str(root), store.path, processes=2, max_file_bytes=1000, timeout_s=HANG_S
        )
        next(results)
        assert os.listdir(tmp_path / "store/incoming")
        results.close()
        check_left(tmp_path)


@pytest.mark.usefixtures("sabotaged")
def test_a_full_disk_ends_the_run(tmp_path: Path, opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FULL", "1")
    root = repository(tmp_path)
    with opened as store:
        with pytest.raises(StorageFullError):
            build(root, store)
        check_left(tmp_path)
        monkeypatch.delenv("FULL")
        assert build(root, store).indexed == _FILES


def test_a_killed_run_keeps_what_it_committed_and_the_next_goes_on(tmp_path: Path) -> None:
    root = repository(tmp_path)
    path = tmp_path / "store"
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path[:] = {sys.path!r}
        os.environ["AGE_MOST_S"] = "0"
        from diptych import Store
        from diptych.indexer import Settings, index_repository, pipeline, pool
        pool._CHUNK_FILES = 8
        pool._START = {_SABOTAGE!r}
        store = Store.open({str(path)!r})
        commit = pipeline._Run._commit
        def killed(self, batch, stored):
            commit(self, batch, stored)
            if len(store) >= 20:
                print(*[worker.name for worker in os.scandir("/proc/self/task")], flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        pipeline._Run._commit = killed
        index_repository({str(root)!r}, store, processes=2, settings=Settings(build_bytes=0))
        """
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    builders = [int(name.split(".")[0]) for name in os.listdir(path / "incoming")]
    wait_until(lambda: not any(runs(pid) for pid in builders), "the end of the workers")
    with Store.open(path) as store:
        assert 20 <= len(store) < _FILES
        kept = len(store)
        check_left(tmp_path)
        report = build(root, store)
        assert (report.indexed, report.unchanged) == (_FILES - kept, kept)
        assert list(store.files()) == here(root, tmp_path / "other")
