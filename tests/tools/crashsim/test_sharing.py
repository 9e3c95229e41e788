"""The share of sharing's crash states that runs with every change."""

import json

import pytest
from tools.crashsim.__main__ import main
from tools.crashsim.subjects.sharing import WORKLOADS, accepts
from tools.crashsim.subjects.sharing_oracle import plan


@pytest.fixture
def simulate(tmp_path):
    def run(workload, *arguments):
        given = ["--subject", "sharing", "--workload", workload, "--jobs", "1", "--ordered-max", "10"]
        given += ["--random-count", "5", "--output", str(tmp_path), *arguments]
        return main(["run", *given]), json.loads((tmp_path / "report.json").read_text())

    return run


@pytest.mark.parametrize("workload", ["exchange:PIFPI", "renames:PIKQDG"])
def test_what_was_there_stays_and_no_ref_dangles(simulate, workload):
    status, found = simulate(workload, "--states-max", "15")
    failures = [failure["message"] for run in found["runs"] for failure in run["failures"]]
    assert (status, failures) == (0, [])
    assert sum(run["checked"] for run in found["runs"]) >= 15
    assert len({word for run in found["runs"] for word in run["observations"]}) > 1


def test_a_remote_that_does_not_sync_is_found_out(simulate):
    status, found = simulate(
        "exchange:PP", "--model", "posix", "--states-max", "15", "--without", "diptych.fs:fsync_dir"
    )
    assert status == 1
    assert found["runs"][0]["kinds"].keys() & {"lost-push", "dangling-ref", "exception"}


def test_words_make_sense():
    assert all(accepts(workload) for workload in WORKLOADS)
    assert not any(accepts(word) for word in ("", "P", "exchange:", "exchange:I", "renames:PF", "other:P"))
    assert plan("PQDIPK")[-1] == (5, 0, 5, ((1, 6),))
