"""`diptych doctor`: what it sees, what it advises, and that it changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import diptych, document
from tests.workspace.watching import git, repository

from diptych import Store, fs
from diptych.workspace import doctor
from diptych.workspace.doctor import Check, Result


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


def checks(root: Path, code: int = 0) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in document("doctor", cwd=root, code=code)}


def examined(root: Path) -> dict[str, Check]:
    return {one.name: one for one in doctor.examine(str(root), str(root / ".diptych"))}


def test_it_says_what_to_do_and_changes_nothing(root: Path) -> None:
    before = sorted(root.rglob("*"))
    found = checks(root)
    assert (found["index"]["result"], found["index"]["advice"]) == ("note", "make it with `diptych index`")
    assert found["git"]["seen"].startswith("main, commit ")
    assert found["keeper"]["seen"] == "none runs; servers start one"
    assert sorted(root.rglob("*")) == before
    diptych("index", cwd=root)
    assert checks(root)["index"]["result"] == "ok"
    (root / "pkg/m1.py").write_text("def edited(): pass\n")
    said = diptych("doctor", cwd=root).stdout.decode()
    assert "note     index:            the index is stale: " in said
    assert "`diptych index` brings it up to date" in said


def test_problems_are_exit_code_1(root: Path) -> None:
    diptych("index", cwd=root)
    (root / ".diptych/IDENTITY").write_bytes(b"garbage")
    found = checks(root, code=1)["index"]
    assert found["result"] == "problem"
    assert found["advice"]


def test_outside_of_git_and_without_extras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    found = examined(tmp_path)
    assert found["git"].result is Result.NOTE
    assert found["extra mcp"].advice == "for agents: `diptych mcp`: `pip install 'diptych[mcp]'`"


def test_limits_of_watching_and_file_systems_without_events(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = fs.Limit("fs.inotify.max_user_watches", 8192, "raise it with `sudo sysctl …`")
    monkeypatch.setattr(fs, "inotify_limit", lambda path: limit)
    monkeypatch.setattr(fs, "silent_file_system", lambda path: "nfs4")
    found = examined(root)
    assert found["watches"] == Check(
        "watches", Result.PROBLEM, "the limit fs.inotify.max_user_watches (8192) is reached", limit.advice
    )
    assert found["events"].result is Result.NOTE


def test_a_lock_that_nobody_explains_is_named(root: Path) -> None:
    import os

    git(root, "status")
    with Store.open(root / ".diptych"):
        assert f"process {os.getpid()} holds the writer's lock" in examined(root)["keeper"].seen


def test_no_room_and_no_permission(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1024})())
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: mode != os_write())
    found = examined(root)
    assert found["space"].result is Result.PROBLEM
    assert found["permissions"].seen == f"{root} cannot be written to"


def os_write() -> int:
    import os

    return os.W_OK
