"""Other kinds of work tree, and no git at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.indexer.repository import git, make_repository, write

from diptych.workspace.freshness import Code, Kind, store_below

from .settled import FILES, differing, index, judged, named, plain, settle


def _fresh_then_stale(root: Path, path: str, *, by: str, store: Path | None = None) -> None:
    """The index is fresh, told in that way; an edit of `path` is noticed, and its indexing too."""
    index(root, store)
    verdict, evidence = judged(root, store)
    assert verdict.fresh, verdict.sentence()
    assert evidence.differences is not None
    assert evidence.differences.by == by
    (root / path).write_text("def edited(): pass\n")
    verdict, evidence = judged(root, store)
    assert verdict.kind is Kind.STALE
    assert named(evidence) == differing(root, store) == {path}
    index(root, store)
    assert judged(root, store)[0].fresh


def test_without_git(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    settle()
    _fresh_then_stale(tmp_path, "a.py", by="stat")


def test_without_the_git_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain(tmp_path / "r")
    index(tmp_path / "r")
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    verdict, evidence = judged(tmp_path / "r")
    assert evidence.git is None
    assert evidence.differences is not None
    assert evidence.differences.by == "stat"
    # The walk does not know what git's own exclude files say, and finds the same here.
    assert verdict.fresh


def test_before_the_first_commit_and_before_the_first_add(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", ".")
    write(tmp_path, FILES)
    _fresh_then_stale(tmp_path, "a.py", by="git")
    git(tmp_path, "add", "-A")
    index(tmp_path)
    settle()
    _fresh_then_stale(tmp_path, "b.py", by="git")
    assert judged(tmp_path)[1].git.commit == ""  # type: ignore[union-attr]


def test_a_linked_work_tree_and_a_folder_of_one(tmp_path: Path) -> None:
    plain(tmp_path / "main")
    git(tmp_path / "main", "worktree", "add", "-q", str(tmp_path / "linked"), "topic")
    settle()
    _fresh_then_stale(tmp_path / "linked", "a.py", by="git")
    _fresh_then_stale(tmp_path / "main" / "pkg", "c.go", by="git", store=tmp_path / "store")


def test_a_folder_that_comes_to_be_ignored(tmp_path: Path) -> None:
    root = tmp_path / "outer"
    make_repository(root, {"inner/a.py": "def f(): pass\n", "inner/b.py": "def g(): pass\n"})
    index(root / "inner")
    git(root, "rm", "-q", "-r", "--cached", "inner")
    assert judged(root / "inner")[0].fresh
    (root / ".gitignore").write_text("inner/\n")
    verdict, evidence = judged(root / "inner")
    assert verdict.fresh, verdict.sentence()
    assert evidence.differences is not None
    assert evidence.differences.by == "stat"


def test_with_a_submodule_every_file_is_looked_at(tmp_path: Path) -> None:
    make_repository(tmp_path / "library", {"lib.py": "def lib(): pass\n"})
    root = make_repository(tmp_path / "root", {"a.py": "def a(): pass\n"})
    git(root, "submodule", "--quiet", "add", str(tmp_path / "library"), "lib")
    settle()
    _fresh_then_stale(root, "lib/lib.py", by="stat")


def test_no_program_of_the_repositorys_choice_is_run(tmp_path: Path) -> None:
    root, ran = tmp_path / "r", tmp_path / "ran"
    plain(root)
    write(root, {".gitattributes": "*.py filter=spy\n"})
    # As new as this, git's index cannot prove that the file is unchanged, and git compares contents.
    os.utime(root / "a.py", (4e9, 4e9))
    git(root, "config", "filter.spy.clean", f"touch '{ran}'; cat")
    git(root, "add", "-A")
    assert ran.exists()
    ran.unlink()
    git(root, "status")
    assert ran.exists(), "git itself runs it each time"
    ran.unlink()
    git(root, "config", "core.fsmonitor", f"touch '{ran}'; false")
    index(root)
    for trust_git in (True, False):
        assert judged(root, trust_git=trust_git)[0].fresh
    assert not ran.exists()


def test_conflicts(tmp_path: Path) -> None:
    plain(tmp_path)
    (tmp_path / "a.py").write_text("def here(): pass\n")
    git(tmp_path, "commit", "-q", "-a", "-m", "here")
    with pytest.raises(Exception, match="merge"):
        git(tmp_path, "merge", "topic")
    settle()
    _fresh_then_stale(tmp_path, "a.py", by="git")


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    plain(tmp_path)
    odd = os.fsencode(tmp_path) + b"/\xff odd\n.py"
    with open(odd, "wb") as file:
        file.write(b"def odd(): pass\n")
    git(tmp_path, "add", "-A")
    index(tmp_path)
    settle()
    index(tmp_path)
    assert judged(tmp_path)[0].fresh
    with open(odd, "wb") as file:
        file.write(b"def ODD(): pass\n")
    verdict, evidence = judged(tmp_path)
    assert not verdict.fresh
    assert named(evidence) == {os.fsdecode(b"\xff odd\n.py")}


def test_a_repository_that_was_moved_with_its_store(tmp_path: Path) -> None:
    plain(tmp_path / "before")
    index(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    verdict, evidence = judged(tmp_path / "after")
    assert verdict.fresh
    assert evidence.root == os.fspath(tmp_path / "after")


def test_a_store_elsewhere_knows_its_repository(tmp_path: Path) -> None:
    root, store = tmp_path / "r", tmp_path / "stores" / "one"
    plain(root)
    store.parent.mkdir()
    index(root, store)
    from diptych.workspace.freshness import check

    verdict, gathered = check(None, os.fspath(store))
    assert verdict.fresh
    assert gathered.evidence.root == os.fspath(root)
    shutil.rmtree(root)
    verdict, _ = check(None, os.fspath(store))
    assert [reason.code for reason in verdict.reasons] == [Code.UNKNOWN_REPOSITORY]


def test_stores_below_an_output_root_keep_apart(tmp_path: Path) -> None:
    first, second = (store_below(os.fspath(tmp_path), f"/{name}/same") for name in ("a", "b"))
    assert first != second
    assert Path(first).parent == Path(second).parent == tmp_path
    assert Path(first).name.startswith("same-")
    assert store_below(os.fspath(tmp_path), "/") != store_below(os.fspath(tmp_path), "/root")
