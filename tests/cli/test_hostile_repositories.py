"""No hostile repository can start a program, whatever its configuration says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.cli import hostile
from tests.cli.command import diptych


def _ask(where: Path, **environment: str) -> None:
    for line in (("index", "--quiet"), ("search", "f"), ("status", "--check")):
        diptych(*line, cwd=where, code=None, env=environment)


@pytest.mark.parametrize("build", hostile.BUILDERS, ids=lambda build: build.__name__)
def test_a_hostile_repository_starts_nothing(build: hostile.Builder, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    where = build(tmp_path / "repository", mark)
    mark.unlink(missing_ok=True)
    _ask(where)
    assert not mark.exists()


def test_a_relative_folder_in_path_gives_no_git(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    where = hostile.git_in_the_folder(tmp_path / "repository", mark)
    for path in (f".:{os.environ['PATH']}", f":{os.environ['PATH']}"):
        _ask(where, PATH=path)
    assert not mark.exists()


@pytest.mark.parametrize("build", hostile.PLAIN_GIT_RUNS, ids=lambda build: build.__name__)
def test_git_without_care_leaves_the_mark(build: hostile.Builder, tmp_path: Path) -> None:
    """So that the test above can fail. A git that starts nothing here of itself is one step better."""
    mark = tmp_path / "mark"
    where = build(tmp_path / "repository", mark)
    mark.unlink(missing_ok=True)
    hostile.ask_without_care(where)
    if not mark.exists() and build is not hostile.lazy_fetch_by_ssh:
        pytest.skip("this git starts nothing here")
    assert mark.exists()


def test_what_the_environment_says_to_git_does_not_reach_it(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    where = hostile.lazy_fetch_by_ssh(tmp_path / "repository", tmp_path / "other mark")
    run = hostile.program(where, mark)
    other = hostile.plain(tmp_path / "other")
    _ask(
        where,
        GIT_DIR=str(other / ".git"),
        GIT_SSH=run,
        GIT_SSH_COMMAND=run,
        GIT_ASKPASS=run,
        GIT_EXTERNAL_DIFF=run,
        GIT_PAGER=run,
        GIT_CONFIG_PARAMETERS=f"'core.fsmonitor'='{run}'",
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="core.fsmonitor",
        GIT_CONFIG_VALUE_0=run,
        GIT_CONFIG=str(where / "config"),
        GIT_ALLOW_PROTOCOL="ssh",
        GIT_PROTOCOL_FROM_USER="1",
        GIT_EXEC_PATH=str(where),
    )
    assert not mark.exists()
    assert not (tmp_path / "other mark").exists()
