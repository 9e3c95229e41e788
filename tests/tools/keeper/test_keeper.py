"""Keepers are killed by condition while two clients ask. The long one is `python -m tools.keeper`."""

from __future__ import annotations

from pathlib import Path

from tools.keeper import campaign


def test_no_wrong_answer_and_one_writer_while_keepers_are_killed(tmp_path: Path) -> None:
    result = campaign.run(tmp_path, clients=2, kills=3)
    assert result.faults == []
    assert result.kills == 3
    assert result.writers_max == 1
    assert result.counts["hits"] > 0
    assert result.counts["records"] > 0
