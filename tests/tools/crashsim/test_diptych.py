"""The engine's share of the simulator that runs with every change: few workloads, some hundred states."""

import itertools
import json

import pytest
from tools.crashsim.__main__ import main
from tools.crashsim.subjects.diptych_plan import ALPHABET, WORKLOADS, accepts, mix, plan, possible, sequences


def simulate(output, *arguments):
    status = main(
        [
            "run",
            "--jobs",
            "1",
            "--ordered-max",
            "20",
            "--random-count",
            "5",
            "--output",
            str(output),
            *arguments,
        ]
    )
    return status, json.loads((output / "report.json").read_text())


@pytest.mark.parametrize("workload", ["nxd", "nkx"])
def test_what_was_acknowledged_is_recovered_from_every_state(tmp_path, workload):
    status, found = simulate(tmp_path, "--workload", workload, "--states-max", "60")
    failures = [failure["message"] for run in found["runs"] for failure in run["failures"]]
    assert (status, failures) == (0, [])
    assert sum(run["checked"] for run in found["runs"]) == 120


@pytest.mark.parametrize("function", ["os:fdatasync", "diptych.fs:fsync_dir"])
def test_a_store_that_does_not_sync_is_found_out(tmp_path, function):
    status, found = simulate(
        tmp_path, "--workload", "nx", "--model", "posix", "--states-max", "60", "--without", function
    )
    assert status == 1
    assert found["runs"][0]["failed"] > 0


def test_the_words_cover_every_operation_and_make_sense():
    words = list(sequences())
    assert set("".join(words)) == set(ALPHABET)
    assert all(possible(word) for word in words)
    assert "d" not in words
    assert "nd" in words
    assert possible(mix(3))
    assert mix(3) == mix(3) != mix(4)


def test_any_word_that_makes_sense_is_a_workload():
    assert all(accepts(workload) for workload in WORKLOADS)
    assert accepts("nkxqkd")
    assert accepts("full:nnk")
    assert not any(accepts(word) for word in ("", "d", "nz", "other:n", "full:"))


def test_every_transaction_leaves_a_state_of_its_own():
    transactions, states = plan("nntxd")
    assert len(states) == len(transactions) + 1 == 6
    assert all(before != after for before, after in itertools.pairwise(states))
