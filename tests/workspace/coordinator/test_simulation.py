"""Many simulated lives, and that a seed replays one."""

from __future__ import annotations

import pytest

from diptych.workspace.coordinator import Stage

from .simulation import Simulation


@pytest.mark.parametrize("decade", range(10))
def test_every_life_ends_at_rest_and_equal_to_indexing_from_scratch(decade: int) -> None:
    for seed in range(decade * 10, decade * 10 + 10):
        Simulation(seed).run(40)


def test_a_seed_replays_a_run() -> None:
    first, second, other = Simulation(7), Simulation(7), Simulation(8)
    for simulation in (first, second, other):
        simulation.run(60)
    assert first.trace == second.trace
    assert first.coordinator.metrics() == second.coordinator.metrics()
    assert first.trace != other.trace


def test_the_simulated_lives_meet_every_stage_and_reason() -> None:
    moves = set()
    reasons = set()
    for seed in range(40):
        simulation = Simulation(seed)
        simulation.run(40)
        moves |= simulation.coordinator.metrics().transitions.keys()
        reasons |= {line.split("degraded, ")[1][:9] for line in simulation.trace if "degraded, " in line}
    assert {target for _, target in moves} == set(Stage)
    assert (Stage.DEGRADED, Stage.INDEXING) in moves, "a scan that was overdue, and completed"
    assert reasons == {"parse sto", "input/out", "the scan ", "the searc", "over the "}
    assert (Stage.DEGRADED, Stage.READY) in moves, "within its limits again"
