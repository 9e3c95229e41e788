"""Random renames in a package."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.renames.__main__ import report, trials

from diptych.serving.answers.rename import Rename
from tools.renames import trial


def package(root: Path) -> None:
    """A package of two modules."""
    (root / "p").mkdir()
    (root / "p/__init__.py").write_text("from p.a import work\n\n__all__ = ['work']\n")
    (root / "p/a.py").write_text("def work(size):\n    return size\n")
    (root / "p/b.py").write_text("from p import work\n\ndone = work(size=1)\n")


def test_every_rename_of_a_small_package_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package(tmp_path)
    outcomes = trials(tmp_path, "p", 2, 1)
    assert [one.broken for one in outcomes if not one.refused] == [[], []]
    assert report(outcomes, refused=False) == 0
    assert "2 renames" in capsys.readouterr().out
    assert "def work(size)" in (tmp_path / "p/a.py").read_text()


def test_an_edit_that_is_missing_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path)
    rename = trial.rename

    def without_the_last(*given: object) -> Rename:
        made = rename(*given)  # type: ignore[arg-type]
        return made._replace(edits=made.edits[:-1])

    monkeypatch.setattr(trial, "rename", without_the_last)
    outcomes = trials(tmp_path, "p", 3, 1)
    assert any(one.broken for one in outcomes)
