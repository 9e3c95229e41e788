"""`diptych artifact`, as a user runs it: two clones of one repository, and a folder between them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from diptych.artifact import encode
from diptych.cli import pushing

from .command import diptych, document, environment, error_output, text

SOURCES = {
    f"pkg/part_{number}.py": "".join(
        f"def part_{number}_{name}(first, second):\n    return first + second\n\n\n" for name in range(20)
    )
    for number in range(12)
}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, with nothing of this machine's configuration."""
    return subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder,
        env={**environment(), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def write(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.fixture
def project(memory_path: Path) -> Path:
    """A repository with a commit."""
    folder = memory_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    for name, content in SOURCES.items():
        write(folder, name, content)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    diptych("index", "-q", cwd=folder)
    return folder


@pytest.fixture
def remote(memory_path: Path) -> str:
    return f"file://{memory_path}/indexes"


def clone(project: Path, name: str) -> Path:
    """A clone of the project beside it."""
    git(project.parent, "clone", "-q", os.fspath(project), name)
    return project.parent / name


def test_a_fresh_clone_answers_after_a_pull(project: Path, remote: str) -> None:
    pushed = document("artifact", "push", remote, cwd=project)
    assert (pushed["outcome"], pushed["ref"], pushed["serial"]) == ("pushed", "branch/main", 1)
    # Two commits on, one of which adds a function.
    write(project, "README", "words")
    git(project, "add", ".")
    git(project, "commit", "-qm", "second")
    write(project, "pkg/new.py", "def brand_new():\n    pass\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "third")
    other = clone(project, "clone")
    pulled = document("artifact", "pull", remote, cwd=other)
    assert (pulled["outcome"], pulled["distance"], pulled["indexed"]) == ("installed", 2, True)
    assert "def part_3_7(first, second)" in text("search", "part_3_7", "--fresh", "require", cwd=other)
    assert "brand_new" in text("symbol", "brand_new", "--fresh", "require", cwd=other)
    assert git(other, "status", "--porcelain") == ""
    assert json.loads(diptych("verify", "--deep", "--json", cwd=other).stdout)["ok"]


@pytest.mark.slow
def test_sync_goes_both_ways_and_remembers_the_remote(project: Path, remote: str) -> None:
    first = document("artifact", "sync", remote, cwd=project)
    assert first["pulled"] is None
    assert first["pushed"]["outcome"] == "pushed"
    other = clone(project, "clone")
    diptych("artifact", "pull", remote, cwd=other)
    write(other, "pkg/new.py", "def brand_new():\n    pass\n")
    git(other, "add", ".")
    git(other, "commit", "-qm", "second")
    # No remote is named: it is the one that was pulled from.
    second = document("artifact", "sync", cwd=other)
    assert second["pushed"]["outcome"] == "pushed"
    git(project, "pull", "-q", os.fspath(other), "main")
    third = document(
        "artifact",
        "sync",
        cwd=project,
    )
    assert third["pushed"]["outcome"] in ("unchanged", "pushed")
    assert "brand_new" in text("symbol", "brand_new", "--fresh", "never", cwd=project)


@pytest.mark.slow
def test_a_dirty_tree_is_not_pushed_as_a_commit(project: Path, remote: str) -> None:
    write(project, "pkg/part_1.py", "def changed():\n    pass\n")
    said = error_output("artifact", "push", remote, cwd=project, code=1)
    assert "in no commit" in said
    assert document("artifact", "push", remote, "--ref", "user/me", cwd=project)["outcome"] == "pushed"
    assert [one["ref"] for one in document("artifact", "list", remote, cwd=project)] == ["user/me"]


@pytest.mark.slow
def test_list_info_diff_verify_promote_cleanup_and_gc(project: Path, remote: str) -> None:
    document("artifact", "push", remote, cwd=project)
    commit = git(project, "rev-parse", "HEAD")
    write(project, "pkg/new.py", "def brand_new():\n    pass\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "second")
    document("artifact", "push", remote, cwd=project)
    given = ("--remote", remote)
    refs = [one["ref"] for one in document("artifact", "list", remote, cwd=project)]
    assert refs == sorted(["branch/main", f"commit/{commit}", f"commit/{git(project, 'rev-parse', 'HEAD')}"])
    info = document("artifact", "info", "branch/main", *given, cwd=project)
    assert info["artifact"]["source"]["commit"] == git(project, "rev-parse", "HEAD")
    assert f"sha256:{info['manifest']}" in text("artifact", "info", "branch/main", *given, cwd=project)
    diff = document("artifact", "diff", f"commit/{commit}", "branch/main", *given, cwd=project, code=1)
    assert diff["records"] == [len(SOURCES), len(SOURCES) + 1]
    assert document("artifact", "verify", "branch/main", "--deep", *given, cwd=project)["ok"]
    promoted = document("artifact", "promote", f"commit/{commit}", "stable", *given, cwd=project)
    assert promoted["ref"] == "channel/stable"
    removed = document("artifact", "cleanup", remote, "--older-than", "0", "--keep-latest", "0", cwd=project)
    assert removed["removed"] == []
    assert document("artifact", "gc", remote, cwd=project)["removed_blobs"] == 0
    assert "nothing to remove" in text("artifact", "cleanup", remote, "--dry-run", cwd=project)
    # A blob is gone: that is found.
    shutil.rmtree(project.parent / "indexes" / "blobs")
    assert not document("artifact", "verify", "branch/main", *given, cwd=project, code=1)["ok"]


def test_recover_puts_an_index_in_the_place_of_a_damaged_one(project: Path, remote: str) -> None:
    document("artifact", "push", remote, cwd=project)
    for path in (project / ".diptych" / "generations").iterdir():
        path.write_bytes(b"damaged")
    for path in (project / ".diptych" / "segments").glob("*/*"):
        path.write_bytes(b"damaged")
    done = document("artifact", "recover", remote, "--branch", "main", cwd=project)
    assert done["outcome"] == "installed"
    assert Path(done["kept"], "generations").is_dir()
    assert "part_3_7" in text("search", "part_3_7", cwd=project)


def test_recover_takes_no_index_of_another_repository(project: Path, remote: str) -> None:
    git(project, "remote", "add", "origin", "https://example.org/one.git")
    document("artifact", "push", remote, cwd=project)
    git(project, "remote", "set-url", "origin", "https://example.org/other.git")
    error = error_output("artifact", "recover", remote, "--branch", "main", cwd=project, code=6)
    assert "another repository" in error
    assert "part_3_7" in text("search", "part_3_7", cwd=project)


def test_mistakes_are_one_sentence_and_advice(project: Path, remote: str) -> None:
    error_output("artifact", "push", cwd=project, code=3)
    error_output("artifact", "push", "ftp://x/y", cwd=project, code=2)
    error_output("artifact", "pull", remote, cwd=project, code=3)
    error_output("artifact", "info", "nonsense", "--remote", remote, cwd=project, code=2)
    error_output("artifact", "info", "branch/none", "--remote", remote, cwd=project, code=3)
    error_output("artifact", "recover", remote, cwd=project, code=2)
    error_output("artifact", "pull", remote, "--rebase", "--replace", cwd=project, code=2)
    error_output("artifact", "promote", "branch/none", "stable", "--remote", remote, cwd=project, code=3)
    assert diptych("artifact", "list", remote, cwd=project, code=1).stdout == b""


def test_an_index_travels_in_a_file(project: Path, memory_path: Path) -> None:
    file = memory_path / "project.diptych.tar"
    packed = document("artifact", "pack", file, "--json", cwd=project)
    assert packed["file_bytes"] == file.stat().st_size
    there = clone(project, "there")
    write(there, "pkg/new.py", "def brand_new():\n    pass\n")
    unpacked = document("artifact", "unpack", file, "--json", cwd=there)
    assert (unpacked["outcome"], unpacked["indexed"]) == ("installed", True)
    assert "brand_new" in text("search", "brand_new", cwd=there)
    assert "part_3_7" in text("search", "part_3_7", cwd=there)
    # It is no remote that later commands would use.
    assert document("artifact", "remote", "--json", cwd=there, code=1) == {"remote": None}
    assert error_output("artifact", "unpack", memory_path / "none", cwd=there, code=3)


def test_remotes_are_added_listed_and_checked(project: Path, remote: str) -> None:
    assert document("artifact", "remote", "list", "--json", cwd=project, code=1) == {"remotes": []}
    assert "knows no remote" in error_output("artifact", "remote", "list", cwd=project, code=1)
    assert "no remote is set" in error_output("artifact", "remote", cwd=project, code=1)
    assert f"{remote} has no ref" in error_output("artifact", "list", remote, cwd=project, code=1)
    assert document("artifact", "remote", "add", remote, "--json", cwd=project) == {"remote": remote}
    assert text("artifact", "remote", cwd=project).strip() == remote
    checked = document("artifact", "remote", "check", "--json", cwd=project)
    assert (checked["url"], checked["compare_and_swap"], checked["why"]) == (remote, True, None)
    diptych("artifact", "push", "-q", cwd=project)
    (listed,) = document("artifact", "remote", "list", "--json", cwd=project)["remotes"]
    assert (listed["url"], listed["is_default"]) == (remote, True)
    assert listed["refs"] == [{"ref": "branch/main", "serial": 1}]
    assert "no action" in error_output("artifact", "remote", "forget", remote, cwd=project, code=2)
    assert "takes a URL" in error_output("artifact", "remote", "add", cwd=project, code=2)


def test_a_push_compresses_as_the_library_does_where_no_level_is_asked_for() -> None:
    assert pushing.LEVEL == encode.FULL_LEVEL
