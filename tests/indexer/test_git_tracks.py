"""Whether a repository tracks a store: the same answer for every form of git's index."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from diptych.indexer import git
from diptych.indexer.git import tracks


def run_git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository that tracks two stores; before one is a name that begins alike."""
    root = tmp_path / "repository"
    root.mkdir()
    run_git(root, "init", "--quiet")
    write(root, ".diptyca/a.py", ".diptych/SEAL", "sub/.diptych/SEAL", "z.py")
    run_git(root, "add", "--force", ".")
    run_git(root, "commit", "--quiet", "--message", "all")
    return root


def in_version(root: Path, version: str) -> None:
    run_git(root, "update-index", "--index-version", version)
    if version == "3":
        # Only an extended flag makes it one.
        write(root, "later.py")
        run_git(root, "add", "--intent-to-add", "later.py")
    assert (root / ".git/index").read_bytes()[4:8] == bytes((0, 0, 0, int(version)))


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_a_tracked_store_is_found_in_every_version_of_the_index(root: Path, version: str) -> None:
    in_version(root, version)
    assert tracks(str(root / ".diptych"))
    assert tracks(str(root / ".DIPTYCH"))
    assert tracks(str(root / "sub/.diptych"))
    assert not tracks(str(root / "other/.diptych"))


@pytest.mark.parametrize("command", ["init", "diff"])
def test_a_tracked_store_is_found_in_a_split_index(root: Path, command: str) -> None:
    run_git(root, "update-index", "--split-index")
    if command == "diff":
        write(root, "more.py")
        run_git(root, "add", "more.py")
    assert b".diptych/SEAL" not in (root / ".git/index").read_bytes()
    assert tracks(str(root / ".diptych"))
    assert tracks(str(root / "sub/.diptych"))
    assert not tracks(str(root / "other/.diptych"))


def test_a_tracked_store_is_found_in_a_sparse_index(root: Path) -> None:
    run_git(root, "sparse-checkout", "init", "--cone", "--sparse-index")
    assert b"sub/.diptych" not in (root / ".git/index").read_bytes()
    assert tracks(str(root / ".diptych"))
    assert tracks(str(root / "sub/.diptych"))


def test_a_tracked_store_is_found_beside_a_git_folder_that_is_none(root: Path) -> None:
    """git skips a `.git` that is none, whatever index is in it."""
    (root / "sub/.git").mkdir()
    shutil.copy(root / ".git/index", root / "sub/.git/index")
    run_git(root, "rm", "--quiet", "--cached", "z.py")
    index = root / "sub/.git/index"
    index.write_bytes(index.read_bytes().replace(b".diptych", b".diptyxx"))
    assert tracks(str(root / "sub/.diptych"))


def test_no_process_is_started_where_the_index_has_nothing_like_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_git(root, "rm", "--quiet", "-r", "--cached", ".diptych", "sub/.diptych")
    # Until then the folders are named in the index, as the trees they were.
    run_git(root, "commit", "--quiet", "--message", "no stores")

    def started(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(git, "run_all", started)
    assert not tracks(str(root / ".diptych"))
    assert not tracks(str(root / "sub/.diptych"))
