"""Worker processes that die, hang or are abandoned: one file is lost at most, and it is named."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.children import children, runs
from tests.support.waiting import HANG_S, wait_until

from diptych.indexer import Settings, pool
from diptych.indexer.parse import Parsed
from diptych.indexer.plan import Job

from .fake_store import FakeStore
from .repository import index, make_repository, write

_FILES = 60


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_CHUNK_FILES", 8)


@pytest.fixture
def sabotaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers die of a file named `kill…`, and never end with one named `hang…`."""
    script = textwrap.dedent(
        """
        import os, signal, sys
        from diptych.indexer import parse, worker
        real = parse.parse
        def parsed(root, job, limit):
            if job.path.startswith("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            if job.path.startswith("hang"):
                open(os.environ["TOLD_BY_HANG"], "w").close()
                signal.pause()
            return real(root, job, limit)
        worker.parse = parsed
        worker.main(sys.argv[1], int(sys.argv[2]))
        """
    )
    monkeypatch.setattr(pool, "_START", script)


class HangsOnly:
    """A clock that goes on while a worker says that it hangs, and only then: a slow one takes no time."""

    def __init__(self, told: Path) -> None:
        self._told, self._now_s = told, 0.0

    def monotonic(self) -> float:
        if self._told.exists():
            self._now_s += 1000.0
        return self._now_s


def repository(tmp_path: Path, **more: str) -> Path:
    files: dict[str, str | bytes] = {f"f{number}.py": f"def f{number}(): pass\n" for number in range(_FILES)}
    return make_repository(tmp_path / "r", files | {f"{name}.py": text for name, text in more.items()})


def test_workers_give_what_this_process_would(tmp_path: Path) -> None:
    root = repository(tmp_path, binary="\0")
    alone, together = FakeStore(str(tmp_path / "s1")), FakeStore(str(tmp_path / "s2"))
    first, second = index(root, alone), index(root, together, processes=3)
    assert alone.payloads == together.payloads
    assert (first.indexed, first.skipped) == (second.indexed, second.skipped) == (_FILES, {"binary": 1})
    assert children() == set()


def test_a_module_in_the_repository_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = f"open({str(tmp_path / 'run')!r}, 'w')\n"
    root = repository(tmp_path, gc=trap, msgpack=trap, diptych=trap, tree_sitter=trap)
    monkeypatch.chdir(root)
    store = FakeStore(str(tmp_path / "store"))
    assert index(root, store, processes=2).indexed == _FILES + 4
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("sabotaged")
def test_a_file_that_kills_its_worker_is_skipped_and_named(tmp_path: Path) -> None:
    root = repository(tmp_path, kill1="x = 1\n", kill2="x = 2\n")
    store = FakeStore(str(tmp_path / "store"))
    report = index(root, store, processes=2)
    assert report.skipped_paths == {"kill1.py": "parser died", "kill2.py": "parser died"}
    assert report.indexed == len(store) == _FILES
    assert children() == set()


@pytest.mark.usefixtures("sabotaged")
def test_a_file_that_killed_its_worker_is_not_tried_again_until_it_changes(tmp_path: Path) -> None:
    root = repository(tmp_path, kill1="x = 1\n")
    store = FakeStore(str(tmp_path / "store"))
    index(root, store, processes=2)
    # In this process, where the file does no harm: were it parsed, it would be indexed.
    again = index(root, store, processes=0)
    assert again.skipped_paths == {"kill1.py": "parser died"}
    assert again.indexed == 0
    write(root, {"kill1.py": "x = 2\n"})
    assert index(root, store, processes=0).indexed == 1


@pytest.mark.usefixtures("sabotaged")
def test_a_file_that_hangs_its_worker_is_skipped_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path, hang="x = 1\n")
    store = FakeStore(str(tmp_path / "store"))
    told = tmp_path / "told"
    monkeypatch.setenv("TOLD_BY_HANG", str(told))
    monkeypatch.setattr(pool, "time", HangsOnly(told))
    failed = pool._Pool._failed

    def noticed(self: object, worker: object, reason: str) -> object:
        told.unlink()
        return failed(self, worker, reason)  # type: ignore[arg-type]

    monkeypatch.setattr(pool._Pool, "_failed", noticed)
    report = index(root, store, processes=1, settings=Settings(worker_timeout_s=1.0))
    assert report.skipped_paths == {"hang.py": "parser hung"}
    assert report.indexed == _FILES
    assert children() == set()


def test_a_worker_killed_from_outside_costs_nothing(tmp_path: Path) -> None:
    root = repository(tmp_path)
    jobs = [Job(f"f{number}.py", "python", 10) for number in range(_FILES)]
    results = pool.parsed_in_workers(jobs, str(root), processes=2, max_file_bytes=1000, timeout_s=HANG_S)
    done = [next(results)]
    for pid in children():
        os.kill(pid, signal.SIGKILL)
    done += results
    assert {parsed.path for parsed in done} == {job.path for job in jobs}
    assert all(parsed.payload for parsed in done)


def test_workers_end_with_an_abandoned_run(tmp_path: Path) -> None:
    root = repository(tmp_path)
    jobs = [Job(f"f{number}.py", "python", 10) for number in range(_FILES)]
    results = pool.parsed_in_workers(jobs, str(root), processes=2, max_file_bytes=1000, timeout_s=HANG_S)
    next(results)
    assert len(children()) == 2
    results.close()
    assert children() == set()


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    root = repository(tmp_path)
    script = textwrap.dedent(
        f"""
        import signal, sys
        sys.path[:] = {sys.path!r}
        from diptych.indexer import pool
        from diptych.indexer.plan import Job
        jobs = [Job(f"f{{number}}.py", "python", 10) for number in range({_FILES})]
        pool._CHUNK_FILES = 8
        results = pool.parsed_in_workers(
            jobs, {str(root)!r}, processes=2, max_file_bytes=1000, timeout_s={HANG_S}
        )
        next(results)
        print("started", flush=True)
        signal.pause()
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline() == "started\n"
            workers = children(parent.pid)
            assert len(workers) == 2
        finally:
            parent.kill()
    wait_until(lambda: not any(runs(pid) for pid in workers), "the end of the workers")


def test_one_whose_answers_were_not_read_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that came while the run was stopped, or committed for longer than a worker may be silent."""
    root = repository(tmp_path)
    jobs = [Job(f"f{number}.py", "python", 10) for number in range(16)]
    clock = HangsOnly(tmp_path / "told")
    monkeypatch.setattr(pool, "time", clock)
    with closing(pool._Pool(jobs, str(root), 1, 1_000_000, 60.0, None, "")) as running:
        results = running.results()
        first = next(results)
        (worker,) = running._workers
        if worker.waiting:
            assert select.select([worker.answers], [], [], HANG_S)[0]
        (tmp_path / "told").touch()
        clock.monotonic()
        (tmp_path / "told").unlink()
        paths = {one.path for one in (first, *results) if isinstance(one, Parsed) and not one.skipped}
        assert paths == {job.path for job in jobs}
        assert running._deaths == 0
