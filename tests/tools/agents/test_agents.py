"""A share of the campaign: no line is shown that lacks the name it is shown for."""

from __future__ import annotations

from pathlib import Path

from tests.support.waiting import wait_until

from diptych.workspace.holder import holder
from tools.agents import campaign


def test_every_line_that_is_shown_has_its_name_while_files_change(tmp_path: Path) -> None:
    result = campaign.run(tmp_path, hits=300)
    assert result.wrong == []
    assert result.edits > 0
    assert result.hits >= 300
    wait_until(lambda: not holder(str(tmp_path / "repository/.diptych")))


def test_a_line_that_lacks_its_name_would_be_noticed(tmp_path: Path) -> None:
    files = campaign.Files(tmp_path)
    files.edit(0)
    lines = files.texts["pkg/m0.py"][0].split("\n")
    row = next(number for number, line in enumerate(lines, 1) if "def work_0_1" in line)
    assert files.has("pkg/m0.py", row, "work_0_1", {})
    assert not files.has("pkg/m0.py", row + 1, "def work_0_1", {})
