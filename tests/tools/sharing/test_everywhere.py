"""An index goes through remotes by the command, and arrives as one that was made there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.sharing.everywhere import REMOTES, lines, measure

from tools.sharing import everywhere


def source(folder: Path) -> Path:
    for number in range(6):
        functions = (f"def part_{number}_{name}(first):\n    return first\n" for name in range(30))
        (folder / f"part_{number}.py").write_text("\n\n".join(functions))
    return folder


def work_in(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("source", "work"):
        (tmp_path / name).mkdir()
    return source(tmp_path / "source"), tmp_path / "work"


@pytest.mark.slow
def test_through_every_kind_of_remote_that_is_here(tmp_path: Path) -> None:
    tree, work = work_in(tmp_path)
    measured = measure(tree, work, list(REMOTES), 0.2)
    assert measured.faults == []
    assert len(measured.rows) + len(measured.missing) == len(REMOTES)
    assert len(lines(measured)) == 4 + len(REMOTES)


@pytest.mark.slow
def test_what_arrives_with_another_content_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, work = work_in(tmp_path)
    contents = iter(("expected", "another"))
    monkeypatch.setattr(everywhere, "content_of", lambda _: next(contents))
    measured = measure(tree, work, ["folder"], 0.2)
    (row,) = measured.rows
    assert 0 < row.delta.said["sent_bytes"] < row.full.said["sent_bytes"]
    assert row.pull.said["outcome"] == "installed" and row.pull.said["distance"] == 1
    assert measured.faults == ["folder: the content is not that of an index of the same tree"]
