"""Counts, times, log events and Prometheus metrics."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from diptych.errors import CorruptSnapshotError
from diptych.workspace.coordinator import ExitReason, Stage, describe
from diptych.workspace.coordinator.prometheus import CoordinatorCollector

from .test_builds import ready, settle, started


def test_the_time_in_each_stage_adds_up_to_the_time_since_the_start() -> None:
    clock, _, coordinator = started(300)
    clock.advance(1.5)
    settle(coordinator)
    clock.advance(7.0)
    coordinator.notify_failure(OSError(5, "Input/output error"))
    clock.advance(0.25)
    snapshot = coordinator.metrics()
    assert snapshot.seconds_in[Stage.IDLE] == pytest.approx(1.5)
    assert snapshot.seconds_in[Stage.SCANNING] == pytest.approx(0.3)
    assert snapshot.seconds_in[Stage.INDEXING] == pytest.approx(0.3)
    assert snapshot.seconds_in[Stage.READY] == pytest.approx(7.0)
    assert snapshot.seconds_in[Stage.DEGRADED] == pytest.approx(0.25)
    assert sum(snapshot.seconds_in.values()) == pytest.approx(clock() - 1000.0)


def test_transitions_are_counted_and_the_last_are_kept() -> None:
    _, _, coordinator = ready(3)
    coordinator.notify_failure(OSError(5, "Input/output error"))
    coordinator.recover()
    settle(coordinator)
    snapshot = coordinator.metrics()
    assert snapshot.transitions == {
        (Stage.IDLE, Stage.SCANNING): 2,
        (Stage.SCANNING, Stage.INDEXING): 2,
        (Stage.INDEXING, Stage.READY): 2,
        (Stage.READY, Stage.DEGRADED): 1,
        (Stage.DEGRADED, Stage.IDLE): 1,
    }
    assert [move.target.stage for move in snapshot.recent[-2:]] == [Stage.INDEXING, Stage.READY]
    assert (snapshot.builds, snapshot.files_indexed, snapshot.files, snapshot.symbols) == (2, 3, 3, 6)


def test_a_snapshot_does_not_change_after_it_was_taken() -> None:
    _, _, coordinator = started(3)
    before = coordinator.metrics()
    settle(coordinator)
    assert before.state.stage is Stage.IDLE
    assert not before.transitions
    assert before.files_indexed == 0


def test_a_long_life_keeps_a_bounded_number_of_moves() -> None:
    _, _, coordinator = ready(1)
    for _ in range(500):
        coordinator.notify_failure(OSError(5, "Input/output error"))
        coordinator.recover()
    assert len(coordinator.metrics().recent) == 64


def test_a_transition_is_logged_with_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    _, _, coordinator = ready(3)
    caplog.set_level(logging.INFO)
    coordinator.notify_failure(CorruptSnapshotError("A record fails its checksum."))
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("diptych.workspace.coordinator", "WARNING")
    assert record.getMessage() == (
        "ready -> degraded by failed "
        "(degraded, the snapshot is damaged: A record fails its checksum.; 6 symbols available)"
    )
    fields = {name: getattr(record, name) for name in ("event", "source", "target", "trigger", "reason")}
    assert fields == {
        "event": "coordinator_transition",
        "source": "ready",
        "target": "degraded",
        "trigger": "failed",
        "reason": "leaf_damaged",
    }


def test_an_early_exit_is_logged_with_its_reason_and_elapsed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, host, coordinator = started(10)
    host.scan_step_s = 1 / 64  # exact in binary
    settle(coordinator)
    (record,) = [r for r in caplog.records if getattr(r, "event", "") == "coordinator_early_exit"]
    assert (record.reason, record.done) == ("scan_budget", 7)
    assert record.elapsed_ms == 7 / 64 * 1000


def test_a_log_handler_may_look_at_the_coordinator() -> None:
    """It is called without the lock: otherwise this would hang."""
    _, _, coordinator = started(1)
    seen: list[str] = []

    class Look(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(describe(coordinator.state))
            coordinator.metrics()

    logger = logging.getLogger("diptych.workspace.coordinator")
    handler = Look()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        settle(coordinator)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert seen[-1] == "ready: 2 symbols in 1 files"


def test_prometheus_metrics_say_what_the_snapshot_says() -> None:
    _, _, coordinator = ready(200)
    for n in range(11):
        coordinator.notify_change(f"pkg/m{n:04}.py")
    registry = CollectorRegistry()
    registry.register(CoordinatorCollector(coordinator))
    value = registry.get_sample_value
    assert value("diptych_coordinator_stage", {"stage": "degraded"}) == 1
    assert value("diptych_coordinator_stage", {"stage": "ready"}) == 0
    assert value("diptych_coordinator_reason", {"reason": "parse_storm"}) == 1
    assert value("diptych_coordinator_pending_parses") == 11
    assert value("diptych_coordinator_symbols") == 400
    labels = {"source": "ready", "target": "degraded"}
    assert value("diptych_coordinator_transitions_total", labels) == 1
    assert value("diptych_coordinator_early_exits_total", {"reason": str(ExitReason.SCAN_BUDGET)}) == 1
    assert value("diptych_coordinator_early_exit_seconds_total", {"reason": "scan_budget"}) >= 0.1
    assert value("diptych_coordinator_stage_seconds_total", {"stage": "building/scanning"}) > 0.1
    assert b"# HELP diptych_coordinator_files_indexed_total" in generate_latest(registry)


def test_the_coordinator_needs_no_prometheus() -> None:
    program = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from diptych.workspace.coordinator import Coordinator\n"
        "from diptych.workspace.coordinator.prometheus import CoordinatorCollector\n"
        "from diptych.errors import CallerError\n"
        "try: CoordinatorCollector(None)\n"
        "except CallerError as error: print(error.advice)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "Install it with: pip install 'diptych[metrics]'.\n"
