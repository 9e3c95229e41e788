"""Which store a command uses: that of the nearest repository, and none that a clone brought along."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.cli.command import diptych, error_output, text
from tests.indexer.repository import git, make_repository, write

from diptych.indexer.git import superproject, tracks


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An indexed repository with one function, `in_main`."""
    root = make_repository(tmp_path / "main", {"a.py": "def in_main(): pass\n", ".gitignore": "below/\n"})
    diptych("index", "--quiet", cwd=root)
    return root


def test_a_worktree_below_an_indexed_checkout_is_answered_from_its_own_index(checkout: Path) -> None:
    tree = checkout / "below/tree"
    git(checkout, "worktree", "add", "-q", "-b", "feature", str(tree))
    (tree / "a.py").write_text("def in_feature(): pass\n")
    said = error_output("symbol", "in_main", "--fresh", "check", cwd=tree, code=3)
    assert "belongs to another repository" in said
    assert f"--store {checkout}/.diptych" in said
    assert text("symbol", "in_feature", cwd=tree).startswith("a.py:1:")
    diptych("symbol", "in_main", cwd=tree, code=1)
    assert f"repository:      {tree}\n" in text("status", cwd=tree)


def test_a_clone_below_an_indexed_checkout_is_indexed_by_itself(checkout: Path) -> None:
    clone = checkout / "below/clone"
    git(checkout, "clone", "-q", str(checkout), str(clone))
    (clone / "sub").mkdir()
    assert text("index", "--quiet", cwd=clone / "sub").startswith(f"{clone}: 1 source file")
    assert text("index", "--quiet", cwd=checkout).startswith(f"{checkout}: 1 source file")


def test_a_submodule_is_answered_from_the_repository_it_is_part_of(checkout: Path, tmp_path: Path) -> None:
    leaf = make_repository(tmp_path / "leaf", {"leaf.py": "def in_leaf(): pass\n"})
    branch = make_repository(tmp_path / "branch", {"branch.py": "def in_branch(): pass\n"})
    git(branch, "submodule", "add", "-q", str(leaf), "leaf")
    git(branch, "commit", "-qm", "leaf")
    git(checkout, "submodule", "add", "-q", str(branch), "branch")
    git(checkout / "branch", "submodule", "update", "-q", "--init")
    inner = checkout / "branch/leaf"
    assert superproject(str(inner)) == str(checkout / "branch")
    assert text("symbol", "in_leaf", cwd=inner).startswith("branch/leaf/leaf.py:1:")
    assert not (inner / ".diptych").exists()


@pytest.fixture
def brought_along(tmp_path: Path) -> Path:
    """A clone of a repository that tracks a store."""
    root = make_repository(tmp_path / "stranger", {"a.py": "def f(): pass\n"})
    diptych("index", "--quiet", cwd=root)
    (root / ".diptych/.gitignore").unlink()
    git(root, "add", "-f", "-A")
    git(root, "commit", "-qm", "with the store")
    git(tmp_path, "clone", "-q", str(root), "clone")
    assert (tmp_path / "clone/.diptych/LOCK").exists()
    return tmp_path / "clone"


def test_a_store_that_the_repository_tracks_is_refused_until_it_is_named(brought_along: Path) -> None:
    store = brought_along / ".diptych"
    for line in (
        ["symbol", "f"],
        ["search", "f", "--fresh", "never"],
        ["index"],
        ["watch"],
        ["status"],
        ["verify"],
        ["checkpoint"],
    ):
        said = error_output(*line, cwd=brought_along, code=6)
        assert f"{store} is tracked by its repository" in said
        assert f"--store {store}" in said
    named = diptych("symbol", "f", "--store", store, "--fresh", "never", cwd=brought_along)
    assert named.stdout.startswith(b"a.py:1:")


def test_what_the_refusal_advises_ends_it(brought_along: Path) -> None:
    git(brought_along, "rm", "-q", "-r", "-f", str(brought_along / ".diptych"))
    assert text("symbol", "f", cwd=brought_along).startswith("a.py:1:")


def test_a_tracked_store_is_known_wherever_it_is_and_also_without_git(
    brought_along: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracks(str(brought_along / ".diptych"))
    assert not tracks(str(brought_along / "sub/.diptych"))
    # Laid out as a bare repository, with a store of its own.
    vendor = brought_along / "vendor"
    write(vendor, {"HEAD": "ref: refs/heads/main\n", "objects/x": "", "refs/x": "", ".diptych/LOCK": ""})
    write(brought_along, {"other/.DIPTYCH/LOCK": "", "[a]/.diptych/LOCK": ""})
    shutil.rmtree(brought_along / ".diptych")
    (brought_along / "linked").mkdir()
    (brought_along / "linked/.diptych").symlink_to("../a.py")
    git(brought_along, "add", "-f", "-A")
    for folder in ("vendor", "other", "[a]", "linked"):
        assert tracks(str(brought_along / folder / ".diptych")), folder
    assert not tracks(str(brought_along / ".diptych"))
    monkeypatch.setenv("PATH", "")
    assert tracks(str(brought_along / "vendor/.diptych"))
    assert not tracks(str(brought_along / "sub/.diptych"))
