"""A worker kept between runs: used again, replaced when it is gone, never outliving its host."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.children import children, runs
from tests.support.processes import run
from tests.support.waiting import HANG_S, wait_until

from diptych import Store
from diptych.indexer import index_repository, pool
from diptych.indexer.parse import Parsed
from diptych.indexer.plan import Job
from diptych.indexer.pool import WarmWorkers

from .repository import make_repository, write

_FILES = 60
_LARGE = "# long\n" * 1_000
_MAIN = "worker.main(sys.argv[1], int(sys.argv[2]))"
_SABOTAGE = """
import os, re, signal, sys
from diptych.indexer import worker
real = worker.parse
def parsed(tree, job, limit):
    if job.path.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if job.path.startswith("spin"):
        # As a parser in one long step: Python's lock is held, and no code of Python's runs.
        re.match("(a+)+$", "a" * 64 + "b")
    return real(tree, job, limit)
worker.parse = parsed
"""
# A worker that ends by itself after its first request, with the next perhaps on its way.
_ONE_REQUEST = """
import sys
from diptych.indexer import worker
real, served = worker._comes, []
def comes(*arguments, **options):
    served.append(1)
    return len(served) == 1 and real(*arguments, **options)
worker._comes = comes
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files: dict[str, str | bytes] = {f"f{number}.py": f"def f{number}(): pass\n" for number in range(_FILES)}
    return make_repository(tmp_path / "r", {**files, "kill.py": "x = 1\n", "spin.py": "x = 1\n"})


def parse(
    workers: WarmWorkers, root: Path, *names: str, processes: int = 1, most: int = 10_000
) -> dict[str, Parsed]:
    jobs = [Job(name, "python", 10) for name in names]
    results = pool.parsed_in_workers(
        jobs, str(root), processes=processes, max_file_bytes=most, timeout_s=HANG_S, workers=workers
    )
    return {parsed.path: parsed for parsed in results}


def test_the_next_run_uses_the_same_process(root: Path) -> None:
    with WarmWorkers() as workers:
        assert parse(workers, root, "f0.py")["f0.py"].symbols == 1
        first = children()
        assert len(first) == 1
        write(root, {"f0.py": "def a(): pass\ndef b(): pass\n"})
        assert parse(workers, root, "f0.py")["f0.py"].symbols == 2
        assert children() == first
    assert children() == set()


def test_runs_of_the_indexer_use_the_same_process(root: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store, WarmWorkers() as workers:
        index_repository(root, store, processes=2, workers=workers)
        first = children()
        assert len(first) == 1
        for number in range(3):
            write(root, {"f1.py": f"def edited_{number}(): pass\n{_LARGE}"})
            assert index_repository(root, store, processes=2, workers=workers).indexed == 1
            assert [hit.path for hit in store.symbols(f"edited_{number}")] == ["f1.py"]
            assert children() == first
        # It holds neither the store's lock nor any other file.
        (worker,) = first
        open_files = {os.readlink(entry) for entry in Path(f"/proc/{worker}/fd").iterdir()}
        assert {name for name in open_files if not name.startswith("pipe:")} == {os.devnull}


def test_a_worker_started_ahead_is_the_one_that_is_used(root: Path) -> None:
    with WarmWorkers() as workers:
        workers.warm(str(root), max_file_bytes=10_000)
        workers.warm(str(root), max_file_bytes=10_000)
        ahead = children()
        assert len(ahead) == 1
        assert parse(workers, root, "f0.py")["f0.py"].symbols == 1
        assert children() == ahead


def test_of_many_workers_one_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_CHUNK_FILES", 8)
    names = [f"f{number}.py" for number in range(_FILES)]
    with WarmWorkers() as workers:
        assert len(parse(workers, root, *names, processes=3)) == _FILES
        wait_until(lambda: len(children()) == 1)


def test_an_abandoned_run_leaves_no_worker_that_is_at_work(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_START", _SABOTAGE + _MAIN)
    monkeypatch.setattr(pool, "_CHUNK_FILES", 1)
    jobs = [Job("f0.py", "python", 10), Job("spin.py", "python", 10)]
    with WarmWorkers() as workers:
        results = pool.parsed_in_workers(
            jobs, str(root), processes=1, max_file_bytes=1000, timeout_s=HANG_S, workers=workers
        )
        next(results)
        results.close()
        assert children() == set()


def test_other_settings_or_another_root_take_another_worker(root: Path, tmp_path: Path) -> None:
    other = make_repository(tmp_path / "other", {"f0.py": "def a(): pass\ndef b(): pass\n"})
    seen: set[int] = set()
    with WarmWorkers() as workers:
        for where, most, symbols in ((root, 10_000, 1), (root, 4, 0), (other, 10_000, 2)):
            parsed = parse(workers, where, "f0.py", most=most)["f0.py"]
            assert (parsed.symbols, parsed.skipped) == (symbols, "" if symbols else "too large")
            (worker,) = children()
            seen.add(worker)
    assert len(seen) == 3


@pytest.mark.parametrize("noticed", [True, False])
def test_a_worker_killed_while_it_waits_costs_no_file(
    root: Path, monkeypatch: pytest.MonkeyPatch, noticed: bool
) -> None:
    """`noticed`: before it is asked; otherwise it is killed just after that."""
    with WarmWorkers() as workers:
        parse(workers, root, "f0.py")
        (first,) = children()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not runs(first))
        if not noticed:
            monkeypatch.setattr(pool._Worker, "is_usable_for", lambda *_: True)
        assert parse(workers, root, "f1.py")["f1.py"].symbols == 1
        assert children() != {first}


def test_a_file_that_kills_a_kept_worker_is_skipped_and_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_START", _SABOTAGE + _MAIN)
    with WarmWorkers() as workers:
        parse(workers, root, "f0.py")
        assert parse(workers, root, "kill.py")["kill.py"].skipped == "parser died"
        both = parse(workers, root, "f1.py", "kill.py", "f2.py")
        assert {name: parsed.skipped for name, parsed in both.items()} == {
            "f1.py": "",
            "kill.py": "parser died",
            "f2.py": "",
        }
        assert len(children()) <= 1


def test_what_a_worker_that_ends_by_itself_did_not_begin_another_does(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_START", _ONE_REQUEST + _MAIN)
    monkeypatch.setattr(pool, "_CHUNK_FILES", 8)
    names = [f"f{number}.py" for number in range(_FILES)]
    with WarmWorkers() as workers:
        for _ in range(2):
            results = parse(workers, root, *names, processes=2)
            assert sorted(results) == sorted(names)
            assert all(parsed.symbols == 1 for parsed in results.values())


def test_a_worker_without_work_ends_by_itself(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pool, "_START", f"import sys; from diptych.indexer import worker; worker._IDLE_S = 0.0; {_MAIN}"
    )
    with WarmWorkers() as workers:
        workers.warm(str(root), max_file_bytes=10_000)
        (first,) = children()
        wait_until(lambda: not runs(first))
        assert parse(workers, root, "f0.py")["f0.py"].symbols == 1


def test_a_worker_that_is_worn_ends_sooner(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for worn in ("_WORN_FILES = 1", "_WORN_BYTES = 1", "_WORN_RESIDENT_BYTES = 1"):
        script = f"import sys; from diptych.indexer import worker; worker.{worn}; worker._WORN_IDLE_S = 0.0"
        monkeypatch.setattr(pool, "_START", f"{script}; {_MAIN}")
        with WarmWorkers() as workers:
            assert parse(workers, root, "f0.py")["f0.py"].symbols == 1
            wait_until(lambda: not any(runs(pid) for pid in children()))
            assert parse(workers, root, "f1.py")["f1.py"].symbols == 1


def test_ctrl_c_reaches_no_worker(root: Path) -> None:
    with WarmWorkers() as workers:
        workers.warm(str(root), max_file_bytes=10_000)
        (worker,) = children()
        assert os.getpgid(worker) != os.getpgid(0)


def test_after_the_end_of_its_owner_nothing_is_kept(root: Path) -> None:
    workers = WarmWorkers()
    workers.close()
    assert parse(workers, root, "f0.py")["f0.py"].symbols == 1
    assert children() == set()


_HOST = """
import os, signal, sys
sys.path[:] = {path!r}
from diptych.indexer import pool
from diptych.indexer.plan import Job
pool._START = {start!r}
workers = pool.WarmWorkers()
def parse(name):
    jobs = [Job(name, "python", 10)]
    return list(pool.parsed_in_workers(
        jobs, {root!r}, processes=1, max_file_bytes=1000, timeout_s={limit}, workers=workers
    ))
parse("f0.py")
"""


@contextmanager
def host(root: Path, script: str, start: str = _SABOTAGE) -> Iterator[tuple[int, str]]:
    """Another process that has a kept worker and then runs `script`; killed at the end. Its first line."""
    text = _HOST.format(path=sys.path, start=start + _MAIN, root=str(root), limit=HANG_S)
    program = text + textwrap.dedent(script)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, process.stdout.readline()
        finally:
            process.kill()


def test_a_worker_that_waits_ends_with_its_killed_host(root: Path) -> None:
    with host(root, "print(flush=True); signal.pause()") as (pid, _):
        (worker,) = children(pid)
    wait_until(lambda: not runs(worker), "the end of the worker")


def test_a_worker_in_the_midst_of_a_parse_ends_with_its_killed_host(root: Path) -> None:
    with host(root, "print(flush=True); parse('spin.py')") as (pid, _):
        (worker,) = children(pid)
        # It has been asked, and works on it: the time it has used rises.
        used = _ticks(worker)
        wait_until(lambda: _ticks(worker) > used + 10, "the file that takes for ever")
    wait_until(lambda: not runs(worker), "the end of the worker")


def test_a_worker_ends_with_its_killed_host_though_a_fork_holds_the_pipes(root: Path) -> None:
    script = """
        child = os.fork()
        if not child:
            signal.pause()
        print(child, flush=True)
        signal.pause()
    """
    start = _SABOTAGE + "worker._LOOK_S = 0.01\n"
    with host(root, script, start) as (pid, line):
        child = int(line)
        (worker,) = children(pid) - {child}
    try:
        wait_until(lambda: not runs(worker), "the end of the worker")
        assert runs(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_forked_child_uses_workers_of_its_own(root: Path) -> None:
    script = textwrap.dedent(
        """
        import json
        from tests.support.children import children
        (first,) = children()
        read, write = os.pipe()
        if not os.fork():
            symbols = parse("f1.py")[0].symbols
            os.write(write, json.dumps([symbols, sorted(children())]).encode())
            workers.close()
            os._exit(0)
        os.wait()
        symbols, forked = json.loads(os.read(read, 1000))
        print(json.dumps([first, symbols, forked, parse("f2.py")[0].symbols, sorted(children())]))
        workers.close()
        """
    )
    text = _HOST.format(path=sys.path, start=_SABOTAGE + _MAIN, root=str(root), limit=HANG_S)
    first, symbols, forked, after, last = json.loads(run(text + script))
    assert (symbols, after) == (1, 1)
    assert len(forked) == 1
    assert first not in forked
    assert last == [first]


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
