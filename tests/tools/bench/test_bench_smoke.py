"""The benchmark runs: Diptych, a peer that is always there, and the floor."""

import json

from tools.bench import cli, rows

PEERS = "diptych,sqlite full + fts5,sqlite normal + fts5"


def run(tmp_path, *arguments):
    code = cli.main(["--size", "smoke", "--peers", PEERS, "--out", str(tmp_path), *arguments])
    (results,) = (tmp_path / "results").iterdir()
    return code, json.loads((results / "results.json").read_text()), (results / "page.html").read_text()


def test_commit_beside_its_floor(tmp_path, capsys):
    code, plain, _ = run(tmp_path, "--only", "commit")
    assert code == 0
    (row,) = plain["rows"]
    named = {one["contestant"] for one in row["series"]}
    assert named == {"diptych", "sqlite full + fts5", "append + fdatasync"}
    assert {one["metric"] for one in row["series"]} == {"p50", "p99"}
    assert all(one["value"] > 0 for one in row["series"])
    assert row["refused"] == ""
    assert row["verdicts"] == [], "the smoke size judges no times"
    assert "append + fdatasync" in capsys.readouterr().out
    assert not (tmp_path / "scratch").exists() or not list((tmp_path / "scratch").iterdir())


def test_every_row_runs_without_the_peers_that_are_left_out(tmp_path):
    code, plain, page = run(tmp_path)
    assert code == 0, [row["failures"] for row in plain["rows"]]
    measured = {row["id"] for row in plain["rows"] for one in row["series"] if one["contestant"] == "diptych"}
    assert measured == set(rows.IDS) - {"index", "reindex", "import"}, "no trees; imports go by another name"
    assert [row["id"] for row in plain["rows"]] == list(rows.IDS)
    assert all(row["refused"] == "" for row in plain["rows"])
    assert {row["id"] for row in plain["rows"] if not row["series"]} == {"index", "reindex"}
    assert "http" not in page


def test_an_unknown_row_is_a_usage_error(tmp_path):
    assert cli.main(["--only", "nonsense", "--out", str(tmp_path)]) == 2
