"""If git does not answer for a repository, that is reported once, and the file list stays unchanged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command import diptych, document, text
from tests.indexer.repository import git, make_repository, write

Break = Callable[[Path, Path], dict[str, str]]


def _another_owner(root: Path, _tools: Path) -> dict[str, str]:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    for path in (root, root / ".git"):
        os.chown(path, 65534, 65534)
    return {}


def _no_git(_root: Path, tools: Path) -> dict[str, str]:
    tools.mkdir()
    return {"PATH": str(tools)}


def _an_old_git(_root: Path, tools: Path) -> dict[str, str]:
    tools.mkdir()
    (tools / "git").write_text("#!/bin/sh\necho \"fatal: unknown option \\`$2'\" >&2\nexit 129\n")
    (tools / "git").chmod(0o755)
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


def _damaged_index(root: Path, _tools: Path) -> dict[str, str]:
    (root / ".git/index").write_bytes(b"DIRC no index")
    return {}


def _damaged_repository(root: Path, _tools: Path) -> dict[str, str]:
    (root / ".git/HEAD").unlink()
    return {}


WAYS: list[tuple[Break, str]] = [
    (_another_owner, "detected dubious ownership in repository"),
    (_no_git, "git is not installed, or not in PATH"),
    (_an_old_git, "unknown option"),
    (_damaged_index, "index file"),
    (_damaged_repository, "not a git repository"),
]


@pytest.mark.parametrize(("break_it", "words"), WAYS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_files_stay_and_git_s_words_are_told_once(break_it: Break, words: str, tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "def a(): pass\n", "gone.py": "def gone(): pass\n"})
    write(root, {"build/gen.py": "def gen(): pass\n", ".gitignore": "build/\n"})
    git(root, "add", "-f", "-A")
    diptych("index", "--quiet", cwd=root)
    assert "files found by:  git" in text("status", cwd=root)
    env = break_it(root, tmp_path / "tools")
    write(root, {"a.py": "def edited(): pass\n", "new.py": "def new(): pass\n"})
    (root / "gone.py").unlink()
    # Tracked and ignored: a walk would not find it.
    done = diptych("symbol", "gen", cwd=root, env=env)
    assert done.stdout.startswith(b"build/gen.py:1:")
    said = done.stderr.decode()
    assert said.count(words) == 1
    assert said.count("git does not answer for") == said.count("Next: ") == 1
    assert "new ones are not seen" in said
    for name, code in (("edited", 0), ("new", 1), ("gone", 1)):
        diptych("symbol", name, cwd=root, env=env, code=code)
    done = diptych("index", "--quiet", cwd=root, env=env)
    assert done.stderr.decode().count(words) == 1
    shown = diptych("status", cwd=root, env=env).stdout.decode()
    assert "files found by:  git" in shown
    assert words in shown
    assert "freshness:       fresh" in shown


def test_a_first_index_without_git_says_so_and_git_is_listened_to_again(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "def a(): pass\n"})
    write(root, {"build/gen.py": "def gen(): pass\n", ".gitignore": "build/\n"})
    git(root, "add", "-f", "-A")
    env = _no_git(root, tmp_path / "tools")
    done = diptych("index", "--json", cwd=root, env=env)
    assert b"found by a walk under .gitignore" in done.stderr
    assert b'"source": "walk"' in done.stdout
    assert b"build/gen.py" not in diptych("files", cwd=root, env=env).stdout
    assert "files found by:  a walk" in diptych("status", cwd=root, env=env).stdout.decode()
    assert text("files", cwd=root).count("build/gen.py") == 1
    assert document("status", cwd=root)["last_run"]["source"] == "git"
    assert b"build/gen.py" in diptych("files", cwd=root, env=env).stdout


def test_a_submodule_that_git_refuses_keeps_its_files(tmp_path: Path) -> None:
    inner = make_repository(tmp_path / "inner", {"i.py": "def i(): pass\n"})
    root = make_repository(tmp_path / "r", {"a.py": "def a(): pass\n"})
    git(root, "submodule", "add", "-q", str(inner), "sub")
    git(root, "commit", "-qm", "sub")
    diptych("index", "--quiet", cwd=root)
    shutil.rmtree(root / ".git/modules/sub")
    done = diptych("symbol", "i", cwd=root)
    assert done.stdout.startswith(b"sub/i.py:1:")
    assert done.stderr.count(b"git does not answer for") == 1
