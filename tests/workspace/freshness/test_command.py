"""Freshness as the command shows it: options, exit codes, what is said, places that cannot be written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.command import diptych, document, error_output, text

from .settled import plain


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository, indexed by the command."""
    plain(tmp_path / "repository")
    diptych("index", cwd=tmp_path / "repository")
    return tmp_path / "repository"


def test_a_look_up_finds_what_was_written_just_now_and_says_nothing_of_it(root: Path) -> None:
    (root / "a.py").write_text("def just_now(): pass\n")
    done = diptych("symbol", "just_now", cwd=root)
    assert done.stdout.startswith(b"a.py:1:")
    assert done.stderr == b""
    (root / "a.py").unlink()
    diptych("symbol", "just_now", cwd=root, code=1)


@pytest.mark.parametrize(
    "arguments", [["search", "second"], ["symbol", "second"], ["refs", "second"], ["files", "b.py"]]
)
def test_every_look_up_takes_the_policies(root: Path, arguments: list[str]) -> None:
    found = 1 if arguments[0] == "refs" else 0
    (root / "a.py").write_text("def edited(): pass\n")
    done = diptych(*arguments, "--fresh", "check", cwd=root, code=found)
    assert b"the index is stale: 1 file changed (a.py)" in done.stderr
    said = error_output(*arguments, "--fresh", "require", cwd=root, code=6)
    assert f"run `diptych index {root}`" in said
    done = diptych(*arguments, "--fresh", "never", cwd=root, code=found)
    assert b"stale" not in done.stderr
    diptych(*arguments, cwd=root, code=found)
    assert b"stale" not in diptych(*arguments, "--fresh", "require", cwd=root, code=found).stderr


def test_the_policy_can_stand_in_the_environment(root: Path) -> None:
    (root / "a.py").write_text("def edited(): pass\n")
    diptych("symbol", "edited", cwd=root, code=6, env={"DIPTYCH_FRESH": "require"})


def test_a_repository_that_was_never_indexed_is_indexed_and_it_is_said(tmp_path: Path) -> None:
    plain(tmp_path / "r")
    done = diptych("symbol", "Third", cwd=tmp_path / "r" / "pkg")
    assert done.stdout.startswith(b"pkg/c.go:3:")
    assert b"the index is missing" in done.stderr


def test_status_shows_the_verdict_and_explains_each_test(root: Path) -> None:
    assert "freshness:       fresh" in text("status", cwd=root)
    (root / "a.py").write_text("def edited(): pass\n")
    shown = text("status", "--explain", cwd=root)
    assert "freshness:       stale" in shown
    assert "1 file changed (a.py)" in shown
    for name in ("store", "account", "indexer", "settings", "commit", "git index", "count", "content"):
        assert f"  {name}:" in shown
    value = document("status", cwd=root)["freshness"]
    assert value["verdict"] == "stale"
    assert value["branch"] == "main"
    assert value["reasons"][0]["paths"] == ["a.py"]
    diptych("status", "--check", cwd=root, code=6)


@pytest.fixture
def read_only(root: Path) -> Iterator[Path]:
    """The repository again, on a file system that cannot be written to."""
    mounted = root.parent / "read-only"
    mounted.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount, and only a read-only mount stops every user")
    bind = ["mount", "--bind", str(root), str(mounted)]
    if subprocess.run(bind, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    subprocess.run(["mount", "-o", "remount,ro,bind", str(mounted)], check=True)
    yield mounted
    subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def test_a_read_only_tree_is_answered_from_while_fresh_and_otherwise_says_so(
    root: Path, read_only: Path
) -> None:
    assert text("symbol", "first", cwd=read_only).startswith("a.py:1:")
    (root / "a.py").write_text("def edited(): pass\n")
    said = error_output("symbol", "edited", cwd=read_only, code=7)
    assert "1 file changed (a.py)" in said
    assert "--output-root" in said
    assert b"stale" in diptych("symbol", "first", "--fresh", "check", cwd=read_only).stderr


def test_a_read_only_tree_that_was_never_indexed(root: Path, read_only: Path) -> None:
    shutil.rmtree(root / ".diptych")
    assert "--output-root" in error_output("symbol", "first", cwd=read_only, code=7)
    stores = root.parent / "stores"
    found = text("symbol", "first", "--output-root", os.fspath(stores), cwd=read_only)
    assert found.startswith("a.py:1:")
    (root / "a.py").write_text("def edited(): pass\n")
    elsewhere = {"DIPTYCH_OUTPUT_ROOT": os.fspath(stores)}
    assert diptych("symbol", "edited", cwd=read_only, env=elsewhere).stdout.startswith(b"a.py:1:")
    assert b"freshness:       fresh" in diptych("status", cwd=read_only, env=elsewhere).stdout
    assert len(list(stores.iterdir())) == 1


def test_index_puts_the_store_below_an_output_root(tmp_path: Path) -> None:
    plain(tmp_path / "r")
    stores = tmp_path / "stores"
    diptych("index", "--output-root", os.fspath(stores), cwd=tmp_path / "r")
    assert not (tmp_path / "r" / ".diptych").exists()
    (store,) = stores.iterdir()
    assert store.name.startswith("r-")
    # Named by itself, it still knows which repository it is an index of.
    (tmp_path / "r" / "a.py").write_text("def edited(): pass\n")
    assert text("symbol", "edited", "--store", os.fspath(store), cwd=tmp_path).startswith("a.py:1:")


def test_status_shows_the_verdict_on_a_store_that_does_not_open(root: Path) -> None:
    (root / ".diptych" / "IDENTITY").write_bytes(b"x")
    done = diptych("status", "--explain", cwd=root, code=5)
    assert b"freshness:       corrupt" in done.stdout
    assert b"diptych repair" in done.stderr
    value = json.loads(diptych("status", "--json", cwd=root, code=5).stdout)
    assert value["freshness"]["verdict"] == "corrupt"


def test_status_takes_the_output_root(root: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert "missing" in diptych("status", "--output-root", out, cwd=root, code=3).stdout.decode()
    diptych("index", "--output-root", out, cwd=root)
    assert "freshness:       fresh" in text("status", "--output-root", out, cwd=root)
