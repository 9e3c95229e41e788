"""The whole line on a program that is known to be right, and on the same program asked to be less careful."""

import json

import pytest
from tools.crashsim.__main__ import main


@pytest.fixture
def report(tmp_path):
    def run(*arguments):
        status = main(["run", "--subject", "sqlite", "--jobs", "1", "--output", str(tmp_path), *arguments])
        return status, json.loads((tmp_path / "report.json").read_text())

    return run


def test_sqlite_in_wal_mode_holds_in_every_state(report):
    status, found = report("--workload", "three-commits", "--nested", "1")
    assert status == 0
    assert sum(run["failed"] for run in found["runs"]) == 0
    assert sum(run["checked"] for run in found["runs"] if run["depth"] == 0) > 500
    assert {run["depth"] for run in found["runs"]} == {0, 1, 2}
    prefixes = {word for run in found["runs"] for word in run["observations"]}
    assert prefixes == {"prefix 0", "prefix 1", "prefix 2", "prefix 3"}


def test_a_log_that_is_not_synced_in_each_commit_loses_acknowledged_commits(report, tmp_path, capsys):
    status, found = report("--workload", "normal", "--model", "ordered")
    run = found["runs"][0]
    assert run["kinds"]["lost-commit"] > 50
    assert status == 0, "SQLite says so in its manual, so it is no violation"
    failure = run["failures"][0]
    capsys.readouterr()
    replayed = main(failure["replay"].split()[3:])
    assert replayed == 1
    assert "lost-commit" in capsys.readouterr().out


def test_a_shared_writable_map_is_refused(report):
    _, found = report("--workload", "shared-memory")
    assert "shared and writable" in found["runs"][0]["refused"]
    assert found["runs"][0]["checked"] == 0
