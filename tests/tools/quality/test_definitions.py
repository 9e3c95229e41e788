"""The comparison with ctags counts what both have, what only one has, and what has another kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tools.quality.__main__ import main
from tools.quality.definitions import compare

needs_ctags = pytest.mark.skipif(shutil.which("ctags") is None, reason="universal-ctags is not installed")

_SOURCE = """\
struct point { int x; OPTION(y); };
int first(void) { int local; return 1; }
void *(*hook)(int);
#define LIMIT 3
"""


@needs_ctags
def test_definitions_that_both_have_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(_SOURCE)
    (tmp_path / "b.cpp").write_text("class Other {};\n")
    outcome = compare(str(tmp_path), "c")
    assert (outcome.files, outcome.recall, outcome.differences) == (1, 1.0, [])
    assert dict(outcome.known) == {"struct": 1, "member": 1, "function": 1, "variable": 1, "macro": 1}
    assert outcome.known == outcome.found == outcome.alike
    assert outcome.symbols == outcome.confirmed


@needs_ctags
def test_what_only_one_has_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "A.java").write_text("class A { Object o = new Object() { void only() {} }; }\n")
    assert main(["definitions", str(tmp_path), "--language", "java", "--list"]) == 0
    assert "more method A.java:1 A.o|only" in capsys.readouterr().out


def test_a_missing_ctags_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.c").write_text("int a;\n")
    assert main(["definitions", str(tmp_path), "--language", "c"]) == 2
    assert capsys.readouterr().err == "error: ctags is not installed: install universal-ctags\n"
