"""Git is started in one place, which waits for a bounded time and reads a bounded answer."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.waiting import wait_until

import diptych
from diptych.indexer import git, git_process
from diptych.indexer.git_process import NOT_ENDED, NOT_STARTED, run_all
from diptych.workspace.freshness import gitstate

from .repository import make_repository


def fake_git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `git` be this script."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def _ended(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_no_other_module_starts_a_program() -> None:
    engine = Path(diptych.__file__).parent
    starters = ("Popen(", "subprocess.run", "check_output", "os.system", "os.exec", "spawn")
    starts = {
        str(path.relative_to(engine))
        for path in engine.rglob("*.py")
        if any(word in path.read_text() for word in starters)
    }
    # Beside git: this Python, to parse, to build segments, to export and to keep an index; and programs
    # that the user has set up to give credentials, which are told nothing of a repository.
    assert starts == {
        "indexer/git_process.py",
        "indexer/pool.py",
        "store/load.py",
        "serving/scip/parts.py",
        "workspace/keeper/client.py",
        "artifact/remotes/github.py",
        "artifact/remotes/oci_auth.py",
    }


def test_a_git_that_does_not_answer_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    fake_git(tmp_path / "bin", f"sleep 1000 & echo $! >> {tmp_path}/pid; wait", monkeypatch)
    monkeypatch.setattr(git_process, "WAIT_S", 1.0)
    answers = run_all(str(root), ("status",), ("status",))
    assert [answer.code for answer in answers] == [NOT_ENDED, NOT_ENDED]
    with pytest.raises(git.GitRefusedError, match="did not answer within 1 s"):
        git.listed(str(root))
    for pid in (tmp_path / "pid").read_text().split():
        # Ended: gone, or waiting for whoever adopted it.
        wait_until(lambda pid=pid: _ended(pid))


def test_a_configuration_that_never_ends_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    os.mkfifo(root / "fifo")
    with (root / ".git/config").open("a") as file:
        file.write("[include]\n\tpath = ../fifo\n")
    monkeypatch.setattr(git_process, "WAIT_S", 1.0)
    with pytest.raises(git.GitRefusedError, match="did not answer"):
        git.listed(str(root))


def test_an_index_that_is_a_pipe_or_without_end_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    monkeypatch.setattr(git_process, "WAIT_S", 1.0)
    index = root / ".git/index"
    index.unlink()
    os.mkfifo(index)
    assert gitstate.ask(str(root)) is None
    assert gitstate.index_digest(str(root)) is None
    index.unlink()
    with index.open("wb") as file:
        file.truncate(1 << 40)
    assert gitstate.index_digest(str(root)) is None


def test_an_answer_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path / "bin", "yes", monkeypatch)
    monkeypatch.setattr(git_process, "_OUTPUT_MAX", 100_000)
    (answer,) = run_all(str(tmp_path), ("status",))
    assert (answer.code, answer.output) == (NOT_ENDED, b"")
    assert "more than 100,000 bytes" in answer.complaint


def test_without_git_each_command_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answers = run_all(str(tmp_path), ("status",), ("status",))
    assert [answer.code for answer in answers] == [NOT_STARTED, NOT_STARTED]
    monkeypatch.setenv("PATH", "relative:")
    assert run_all(str(tmp_path), ("status",))[0].code == NOT_STARTED


def test_a_folder_laid_out_as_a_bare_repository_is_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"vendor/HEAD": "ref: refs/heads/main\n", "vendor/sub/a.py": ""})
    for name in ("objects", "refs"):
        (root / "vendor" / name).mkdir()
    # A git that knows nothing of safe.bareRepository would take it for the repository.
    monkeypatch.setattr(git_process, "_OPTIONS", ())
    for where in (root / "vendor", root / "vendor/sub"):
        with pytest.raises(git.GitRefusedError, match="looks like a bare repository"):
            git.listed(str(where))
        assert git.head(str(where)) == git.Head()
    assert git.listed(str(root)) is not None


def test_a_work_tree_elsewhere_is_no_answer(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    other = make_repository(tmp_path / "other", {"b.py": ""})
    subprocess.run(["git", "config", "core.worktree", str(other)], cwd=root, check=True)
    with pytest.raises(git.GitRefusedError, match=r"core\.worktree"):
        git.listed(str(root))
