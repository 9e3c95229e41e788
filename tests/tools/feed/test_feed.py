"""Followers and a writer that are killed: each LSN once, in order; and a campaign that would notice."""

from __future__ import annotations

from pathlib import Path

from tools.feed.__main__ import main
from tools.feed.writer import history, write

from tools.feed import campaign


def test_each_follower_sees_each_transaction_once_and_in_order(tmp_path: Path) -> None:
    result = campaign.run(tmp_path, commits=500, followers=2, kills=6, seed=1)
    assert result.faults == []
    assert result.commits == 500


def test_what_is_missing_twice_or_out_of_order_is_a_fault(tmp_path: Path) -> None:
    commits = 20
    write(str(tmp_path / "store"), commits)
    lines, before = [], {}
    for lsn, path, record in history(commits):
        older, newer = before.get(path), record
        shown = [one.content_hash if one is not None else "-" for one in (older, newer)]
        lines.append(f"{lsn} {path} {shown[0]} {shown[1]} {lsn if lsn % 3 == 0 else 0}\n")
        before[path] = record
    for wrong in (lines[:5] + lines[6:], lines[:5] + lines[4:], [*lines[:4], lines[5], lines[4], *lines[6:]]):
        (tmp_path / "f0.log").write_text("".join(wrong))
        assert list(campaign._faults(tmp_path, str(tmp_path / "store"), commits, 1))
    (tmp_path / "f0.log").write_text("".join(lines))
    assert list(campaign._faults(tmp_path, str(tmp_path / "store"), commits, 1)) == []


def test_the_command_says_what_came_of_it(tmp_path: Path) -> None:
    arguments = ["--commits", "50", "--followers", "1", "--kills", "0", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert '"faults": []' in (tmp_path / "feed.json").read_text()
