"""The worker of `diptych watch`: one for all edits, with the bounds of a run, and gone with the watch."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.support.children import runs, workers
from tests.support.waiting import output, wait_until
from tests.workspace.watching import found_at, read_until, repository, run_watch

from diptych import Store
from diptych.indexer import facts, pool
from diptych.workspace.freshness import check
from diptych.workspace.host import RepositoryHost

_LARGE = "# long\n" * 1_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = repository(tmp_path / "repository")
    edit(made, "first_large")
    return made


def edit(root: Path, name: str, *, file: str = "pkg/large.py") -> None:
    (root / file).write_text(f"def {name}():\n    pass\n{_LARGE}")


def started(root: Path) -> subprocess.Popen[str]:
    watch = run_watch(root, "--processes", "1")
    read_until(watch, "ready")
    return watch


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_one_worker_for_all_edits_which_ends_with_the_watch(root: Path, how: signal.Signals) -> None:
    watch = started(root)
    try:
        wait_until(lambda: len(workers(watch.pid)) == 1)
        (worker,) = workers(watch.pid)
        for number in range(3):
            edit(root, f"edited_{number}")
            name = f"edited_{number}"
            wait_until(lambda name=name: found_at(root / ".diptych", name) == ["pkg/large.py"])  # type: ignore[misc]
            assert workers(watch.pid) == {worker}
        watch.send_signal(how)
        output(watch)
        assert watch.returncode == (0 if how == signal.SIGINT else -how)
        wait_until(lambda: not runs(worker), "the end of the worker")
    finally:
        watch.kill()
        output(watch)


def test_a_worker_that_was_killed_is_replaced(root: Path) -> None:
    watch = started(root)
    try:
        wait_until(lambda: len(workers(watch.pid)) == 1)
        (worker,) = workers(watch.pid)
        os.kill(worker, signal.SIGKILL)
        edit(root, "edited")
        wait_until(lambda: found_at(root / ".diptych", "edited") == ["pkg/large.py"])
        assert worker not in {pid for pid in workers(watch.pid) if runs(pid)}
    finally:
        watch.kill()
        output(watch)


def test_a_file_that_kills_its_worker_is_skipped_and_not_tried_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
import os, signal, sys
from diptych.indexer import worker
real = worker.parse
def parsed(tree, job, limit):
    if job.path == "pkg/large.py":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(tree, job, limit)
worker.parse = parsed
worker.main(sys.argv[1], int(sys.argv[2]))
"""
    edit(root, "other_large", file="pkg/other.py")
    with RepositoryHost(str(root), Store.open(tmp_path / "store"), processes=1) as host:
        list(host.index(list(host.scan())))
        assert [hit.path for hit in host.store.symbols("first_large")] == ["pkg/large.py"]
        os.kill(workers().pop(), signal.SIGKILL)
        monkeypatch.setattr(pool, "_START", script)
        # Small when the files were last listed, and large now.
        edit(root, "edited_small", file="pkg/m1.py")
        edit(root, "edited")
        edit(root, "other", file="pkg/other.py")
        changed = ["pkg/m1.py", "pkg/large.py", "pkg/other.py"]
        assert list(host.index(host.select(changed))) == changed
        assert host.store.file("pkg/large.py") is None
        assert [hit.path for hit in host.store.symbols("other")] == ["pkg/other.py"]
        assert [hit.path for hit in host.store.symbols("edited_small")] == ["pkg/m1.py"]
        # The facts account for it, so nobody takes the index for stale, and tries again.
        assert host.differing() == []
        store = host.store
        known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
        assert known is not None
        assert known.files["pkg/large.py"].skipped == "parser died"
        verdict, _ = check(str(root), store.path)
        assert verdict.fresh
    assert workers() == set()
