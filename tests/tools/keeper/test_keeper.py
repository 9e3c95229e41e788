"""Keepers are killed by condition while two clients ask. The long one is `python -m tools.keeper`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tools.keeper import __main__ as command
from tools.keeper import campaign


def test_no_wrong_answer_and_one_writer_while_keepers_are_killed(tmp_path: Path) -> None:
    result = campaign.run(tmp_path, clients=2, kills=3)
    assert result.faults == []
    assert result.kills == 3
    assert result.writers_max == 1
    assert result.counts["hits"] > 0
    assert result.counts["records"] > 0


def test_the_report_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = campaign.Result(
        2, kills=1, killed_while=Counter(ready=1), counts=Counter(asked=3, hits=4), writers_max=1
    )
    monkeypatch.setattr(command, "run", lambda *_args, **_options: result)
    assert command.main(["--out", str(tmp_path / "out")]) == 0
    written = json.loads((tmp_path / "out" / "keeper.json").read_text())
    assert (written["killed_while"], written["counts"]["hits"]) == ({"ready": 1}, 4)
