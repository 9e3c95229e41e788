"""What gave nothing is said: by count in `index` and `status`, by name with `--explain`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .command import document, text

NAMES = [
    "  bad.py: syntax errors, 1 byte not read",
    "  half.c: syntax errors, 6 bytes not read",
    "  data.py: skipped, binary",
    "  .md: no parser, 2 files",
    "  (no suffix): no parser, 1 file",
]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text("def f(): pass\n")
    (tmp_path / "bad.py").write_text("def g(): pass\nx = = 3\n")
    (tmp_path / "half.c").write_text("int f(")
    (tmp_path / "data.py").write_bytes(b"\0")
    for name in ("one.md", "two.md", "LICENSE"):
        (tmp_path / name).write_text("text\n")
    return tmp_path


def test_index_and_status_count_and_name_them(mixed: Path) -> None:
    for more in ((), ("--all",)):
        shown = text("index", "--explain", "--quiet", *more, cwd=mixed).splitlines()
        assert "  syntax errors: 2 files, 7 B of 28 B not read" in shown
        assert "  no parser: 3 files (2 .md, 1 (no suffix))" in shown
        assert shown[-len(NAMES) :] == NAMES
    shown = text("index", "--quiet", cwd=mixed).splitlines()
    assert "  syntax errors: 2 files, 7 B of 28 B not read" in shown
    assert not set(NAMES) & set(shown)
    shown = text("status", cwd=mixed).splitlines()
    assert "syntax errors:   2 files, 7 B of 28 B not read" in shown
    assert "no parser:       3 files (2 .md, 1 (no suffix))" in shown
    assert not set(NAMES) & set(shown)
    assert text("status", "--explain", cwd=mixed).splitlines()[-len(NAMES) :] == NAMES


def test_they_are_in_json(mixed: Path) -> None:
    report = document("index", "--quiet", cwd=mixed)
    assert report["syntax_errors"] == {"bad.py": 1, "half.c": 6}
    assert report["other_suffixes"] == {".md": 2, "": 1}
    last_run = document("status", cwd=mixed)["last_run"]
    assert last_run["syntax_errors"] == report["syntax_errors"]
    assert last_run["other_suffixes"] == report["other_suffixes"]


def test_a_corrected_file_is_not_named_any_more(mixed: Path) -> None:
    text("index", "--quiet", cwd=mixed)
    (mixed / "bad.py").write_text("def g(): pass\nx = 3\n")
    (mixed / "half.c").unlink()
    shown = text("index", "--explain", "--quiet", cwd=mixed)
    assert "syntax errors" not in shown
    assert "syntax errors:   none" in text("status", cwd=mixed).splitlines()
