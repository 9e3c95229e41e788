"""A file below a symbolic link does not exist, as for git: a link may replace a tracked folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from diptych import fs
from diptych.indexer.discover import scan, scan_names
from diptych.indexer.parse import parse
from diptych.indexer.plan import Job
from diptych.indexer.settings import Settings

from .fake_store import FakeStore
from .repository import index, make_repository, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository, and a folder with secrets beside it."""
    write(tmp_path / "secret", {"b.py": "def secret(): pass\n", "run": "#!/usr/bin/python\n"})
    return make_repository(tmp_path / "r", {"a.py": "x = 1\n", "pkg/b.py": "y = 1\n", "pkg/sub/c.py": ""})


def _replace(root: Path, folder: str, target: Path) -> None:
    shutil.rmtree(root / folder)
    (root / folder).symlink_to(target)


@pytest.mark.parametrize("in_git", [True, False])
def test_a_folder_that_became_a_link_is_gone_from_the_index(in_git: bool, root: Path, tmp_path: Path) -> None:
    if not in_git:
        shutil.rmtree(root / ".git")
    store = FakeStore(tmp_path / "store")
    index(root, store)
    _replace(root, "pkg", tmp_path / "secret")
    report = index(root, store)
    assert (report.removed, report.found) == (2, 1)
    assert [record.path for record in store.files()] == ["a.py"]


def test_no_way_of_looking_follows_it(root: Path, tmp_path: Path) -> None:
    _replace(root, "pkg", tmp_path / "secret")
    assert list(scan(str(root), Settings()).files) == ["a.py"]
    assert list(scan_names(str(root), [b"a.py", b"pkg/b.py", b"pkg/run"], Settings()).files) == ["a.py"]
    with fs.Beneath(root) as tree:
        assert parse(tree, Job("pkg/b.py", "python", 6), 1000).payload == b""


def test_a_link_within_the_repository_is_none_too(root: Path) -> None:
    _replace(root, "pkg/sub", root)
    assert list(scan(str(root), Settings()).files) == ["a.py", "pkg/b.py"]


def test_a_submodule_that_became_a_link_is_not_looked_into(root: Path, tmp_path: Path) -> None:
    from .repository import git

    inner = make_repository(tmp_path / "inner", {"i.py": ""})
    git(root, "submodule", "add", "-q", str(inner), "inner")
    git(root, "commit", "-qm", "inner")
    assert "inner/i.py" in scan(str(root), Settings()).files
    _replace(root, "inner", inner)
    assert "inner/i.py" not in scan(str(root), Settings()).files
