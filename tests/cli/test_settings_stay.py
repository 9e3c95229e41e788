"""A store remembers what it excludes, and the command reports what is excluded."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.command import diptych, document, text
from tests.indexer.repository import make_repository, write

FILES: dict[str, str | bytes] = {
    "a.py": "def a(): pass\n",
    "vendor/v.py": "def v(): pass\n",
    "large.py": f"def large(): pass\n{'#' * 2000}\n",
}


def _files(root: Path) -> list[str]:
    return [entry["path"] for entry in document("files", "--fresh", "never", cwd=root)]


@pytest.mark.parametrize("in_git", [True, False])
def test_exclude_and_the_largest_size_stay_until_they_are_given_again(in_git: bool, tmp_path: Path) -> None:
    root = tmp_path / "r"
    if in_git:
        make_repository(root, FILES)
    else:
        write(root, FILES)
    diptych("index", "--quiet", "--exclude", "vendor/", "--max-file-bytes", "1000", cwd=root)
    assert _files(root) == ["a.py"]
    diptych("index", "--quiet", cwd=root)
    assert _files(root) == ["a.py"]
    assert "settings:        files up to 1000 B, vendor/ excluded" in text("status", cwd=root)
    diptych("index", "--quiet", "--max-file-bytes", "100000", cwd=root)
    assert _files(root) == ["a.py", "large.py"]
    diptych("index", "--quiet", "--exclude", "a.py", cwd=root)
    assert _files(root) == ["large.py", "vendor/v.py"]
    diptych("index", "--quiet", "--reset", cwd=root)
    assert _files(root) == ["a.py", "large.py", "vendor/v.py"]
    assert "files up to 2.0 MiB, nothing excluded" in text("status", cwd=root)


@pytest.mark.parametrize("in_git", [True, False])
def test_a_tree_that_is_ignored_altogether_says_by_which_rule(in_git: bool, tmp_path: Path) -> None:
    root = tmp_path / "r"
    if in_git:
        make_repository(root, {})
    write(root, {".gitignore": "*.o\n\n/*\n", "a.py": "", "d/b.py": "", "d/c.c": "", "notes": ""})
    done = diptych("index", "--quiet", cwd=root, code=1)
    assert b"3 source files are left out of" in done.stderr
    assert b"a.py by the rule /* (.gitignore, line 3)" in done.stderr
    assert b"no source files in a supported language" in done.stderr
    # As is advised.
    assert document("index", "d", "--quiet", cwd=root)["found"] == 2


def test_a_tree_that_is_excluded_altogether_says_so(tmp_path: Path) -> None:
    write(tmp_path / "r", {"a.py": ""})
    done = diptych("index", "--quiet", "--exclude", "*.py", cwd=tmp_path / "r", code=1)
    assert b"1 source file is left out of" in done.stderr
    assert b"a.py by --exclude" in done.stderr


def test_a_mark_at_the_start_of_a_file_of_rules_is_no_part_of_the_first(tmp_path: Path) -> None:
    write(tmp_path / "r", {".gitignore": b"\xef\xbb\xbfa.py\nb.py\n", "a.py": "", "b.py": "", "c.py": ""})
    diptych("index", "--quiet", cwd=tmp_path / "r")
    assert _files(tmp_path / "r") == ["c.py"]
