"""A run of the indexer that would find nothing to do: told by one look at git, with no write."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command import diptych
from tests.indexer.repository import git
from tests.support.damage import overwrite

from diptych import Store
from diptych.layout import CLOSED, FRESHNESS
from diptych.workspace.freshness import unchanged, update

from .settled import plain, settled

STRANGE = {"binary.py": b"x = 1\0\0", "large.py": b"x = 1\n" * 100, "notes.md": b"no source\n"}


def strange(root: Path) -> None:
    plain(root)
    for name, content in STRANGE.items():
        (root / name).write_bytes(content)
    (root / "link.py").symlink_to("a.py")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "strange")


def written(root: Path) -> dict[str, tuple[int, int]]:
    """Of each file of the store, which it is and when it was written."""
    found = {}
    for folder, _, names in os.walk(root / ".diptych"):
        for name in names:
            status = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (status.st_ino, status.st_mtime_ns)
    return found


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    names = ("kept", "edited", "committed", "written", "damaged", "forged")
    return settled(tmp_path_factory.mktemp("unchanged"), [(name, strange) for name in names])


def test_it_reports_as_a_run_does_and_writes_nothing(roots: dict[str, Path]) -> None:
    root = roots["kept"]
    before = written(root)
    quick = json.loads(diptych("index", ".", "--json", cwd=root).stdout)
    assert written(root) == before
    (root / ".diptych" / FRESHNESS).unlink()
    slow = json.loads(diptych("index", ".", "--json", cwd=root).stdout)
    assert written(root) != before
    assert quick["skipped_paths"] == {"binary.py": "binary"}
    assert quick.pop("elapsed_s") >= 0 and slow.pop("elapsed_s") >= 0
    assert quick == slow


def edit(root: Path) -> None:
    (root / "a.py").write_text("def edited(): pass\n")


def add(root: Path) -> None:
    (root / "new.py").write_text("def added(): pass\n")


def commit(root: Path) -> None:
    git(root, "commit", "-q", "--allow-empty", "-m", "empty")
    git(root, "rm", "-q", "--cached", "notes.md")


def write_to_store(root: Path) -> None:
    with Store.open(root / ".diptych") as store, store.transaction() as txn:
        txn.remove_file("a.py")


def damage(root: Path) -> None:
    overwrite(str(root / ".diptych/journal" / CLOSED), 10, b"\xff" * 8)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("edited", edit),
        ("edited", add),
        ("committed", commit),
        ("written", write_to_store),
        ("damaged", damage),
    ],
)
def test_what_changed_anything_takes_a_run(
    roots: dict[str, Path], name: str, change: Callable[[Path], None]
) -> None:
    root = roots[name]
    if name != "edited":
        assert unchanged(str(root), str(root / ".diptych")) is not None
    change(root)
    assert unchanged(str(root), str(root / ".diptych")) is None


@pytest.mark.parametrize(
    "options", [["--all"], ["--reset"], ["--exclude", "b.py"], ["--max-file-bytes", "100"]]
)
def test_options_that_change_the_run_are_followed(roots: dict[str, Path], options: list[str]) -> None:
    root = roots["forged"]
    diptych("index", ".", "--reset", cwd=root)
    found = json.loads(diptych("index", ".", "--json", *options, cwd=root).stdout)
    expected = {
        "--all": ("indexed", 5),
        "--reset": ("unchanged", 5),
        "--exclude": ("removed", 1),
        "--max-file-bytes": ("removed", 1),
    }
    name, count = expected[options[0]]
    assert found[name] == count
    with Store.open(root / ".diptych") as store:
        update(str(root), store)
