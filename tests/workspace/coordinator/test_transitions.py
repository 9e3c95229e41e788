"""The table of transitions: every cell of it, and whatever sequence of events against it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from diptych.errors import StateTransitionError
from diptych.workspace.coordinator import (
    Building,
    Degraded,
    IoError,
    LeafDamaged,
    Limits,
    ParseStorm,
    Phase,
    Ready,
    ResourceLimit,
    ScanTimeout,
    Stage,
)
from diptych.workspace.coordinator.events import (
    BuildCompleted,
    Event,
    Failed,
    FilesFound,
    FilesIndexed,
    Moved,
    PendingChanged,
    RecoveryAttempted,
    ScanCompleted,
    ScanOverdue,
    ScanStarted,
    Trigger,
    UsageReported,
    WorkspaceChanged,
)
from diptych.workspace.coordinator.states import Reason
from diptych.workspace.coordinator.transitions import TABLE, TARGETS, Core, due, initial, next_due_s, step

LIMITS = Limits(files_max=50, symbols_max=200, cache_bytes_max=1000, pending_max=10)

CORES = {
    Stage.IDLE: Core(Building(Phase.IDLE, 0, 0, 1.0), LIMITS),
    Stage.SCANNING: Core(Building(Phase.SCANNING, 0, 3, 1.0), LIMITS, scan_started_s=1.0),
    Stage.INDEXING: Core(Building(Phase.INDEXING, 5, 5, 1.0), LIMITS),
    Stage.READY: Core(Ready(10, 5, 1.0), LIMITS, files=5, symbols=10),
    Stage.DEGRADED: Core(Degraded(ScanTimeout(31_000), 10, 1.0), LIMITS, scan_started_s=1.0),
}

EVENTS: dict[Trigger, Event] = {
    Trigger.SCAN_STARTED: ScanStarted(1, 0),
    Trigger.FILES_FOUND: FilesFound(1, 4),
    Trigger.SCAN_OVERDUE: ScanOverdue(30_001),
    Trigger.SCAN_COMPLETED: ScanCompleted(1, 5),
    Trigger.FILES_INDEXED: FilesIndexed(1, 5),
    Trigger.BUILD_COMPLETED: BuildCompleted(1, 5, 10),
    Trigger.PENDING_CHANGED: PendingChanged(1, noticed=True),
    Trigger.USAGE_REPORTED: UsageReported(5, 10, 0),
    Trigger.WORKSPACE_CHANGED: WorkspaceChanged("a folder"),
    Trigger.RECOVERY_ATTEMPTED: RecoveryAttempted(),
    Trigger.FAILED: Failed(IoError("gone")),
}


def test_no_pair_of_stage_and_trigger_stands_twice_in_the_table() -> None:
    assert len(TARGETS) == len(TABLE)
    assert set(EVENTS) == set(Trigger)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("trigger", Trigger)
def test_each_cell_of_the_table_is_obeyed_and_each_empty_one_refused(stage: Stage, trigger: Trigger) -> None:
    core, event = CORES[stage], EVENTS[trigger]
    targets = TARGETS.get((stage, trigger))
    if targets is None:
        with pytest.raises(StateTransitionError) as caught:
            step(core, event, 2.0)
        assert str(stage) in str(caught.value)
        assert str(trigger) in str(caught.value)
    else:
        after, _ = step(core, event, 2.0)
        assert after.state.stage is targets[0]


OVER_A_LIMIT = Core(
    Degraded(ResourceLimit(51, 10, 0, ("files",)), 10, 1.0), LIMITS, files=51, symbols=10, pending=3
)

SECOND_TARGETS: list[tuple[Stage, Event, Core]] = [
    (Stage.INDEXING, BuildCompleted(1, 51, 10), CORES[Stage.INDEXING]),
    (Stage.INDEXING, BuildCompleted(1, 5, 201), CORES[Stage.INDEXING]),
    (Stage.INDEXING, BuildCompleted(1, 5, 10), Core(Building(Phase.INDEXING, 5, 5, 1.0), LIMITS, pending=11)),
    (Stage.READY, PendingChanged(11, noticed=True), CORES[Stage.READY]),
    (Stage.READY, UsageReported(5, 10, 1001), CORES[Stage.READY]),
    (Stage.DEGRADED, UsageReported(5, 10, 0), OVER_A_LIMIT),
]


@pytest.mark.parametrize(("stage", "event", "core"), SECOND_TARGETS)
def test_a_second_target_is_reached_by_its_condition(stage: Stage, event: Event, core: Core) -> None:
    after, _ = step(core, event, 2.0)
    assert after.state.stage is TARGETS[stage, event.trigger][1]


def test_every_row_with_two_targets_has_its_second_reached_above() -> None:
    reached = {(stage, event.trigger) for stage, event, _ in SECOND_TARGETS}
    assert reached == {(row.source, row.trigger) for row in TABLE if len(row.targets) == 2}


@pytest.mark.parametrize(
    ("core", "event", "why"),
    [
        (CORES[Stage.SCANNING], FilesFound(1, 2), "fewer files"),
        (CORES[Stage.SCANNING], ScanCompleted(1, 2), "fewer files"),
        (CORES[Stage.SCANNING], FilesFound(7, 9), "superseded"),
        (CORES[Stage.INDEXING], FilesIndexed(1, 6), "not between"),
        (CORES[Stage.INDEXING], FilesIndexed(1, 4), "not between"),
        (Core(Building(Phase.INDEXING, 4, 5, 1.0), LIMITS), BuildCompleted(1, 5, 10), "1 files are"),
        (Core(Degraded(IoError("x"), 0, 1.0), LIMITS), ScanCompleted(1, 5), "no scan is overdue"),
        (Core(Degraded(IoError("x"), 0, 1.0), LIMITS), FilesFound(1, 5), "no scan is overdue"),
    ],
)
def test_an_event_that_counts_backwards_or_is_of_another_build_is_refused(
    core: Core, event: Event, why: str
) -> None:
    with pytest.raises(StateTransitionError, match=why):
        step(core, event, 2.0)


@pytest.mark.parametrize("reason", [ParseStorm(3), IoError("x"), ScanTimeout(1), LeafDamaged("search", "x")])
def test_no_other_reason_ends_by_figures_alone(reason: Reason) -> None:
    core = Core(Degraded(reason, 0, 1.0), LIMITS, pending=3)
    after, _ = step(core, UsageReported(5, 10, 0), 2.0)
    assert isinstance(after.state, Degraded)
    assert after.state.reason == reason


def test_a_storm_over_a_limit_is_a_storm() -> None:
    after, _ = step(OVER_A_LIMIT, PendingChanged(11, noticed=True), 2.0)
    assert isinstance(after.state, Degraded)
    assert after.state.reason == ParseStorm(11)


def test_ready_is_entered_from_indexing_or_a_limit_and_indexing_after_a_completed_scan_alone() -> None:
    into_ready = {
        (r.source, r.trigger) for r in TABLE if Stage.READY in r.targets and r.source is not Stage.READY
    }
    into_indexing = {
        r.trigger for r in TABLE if Stage.INDEXING in r.targets and r.source is not Stage.INDEXING
    }
    assert into_ready == {
        (Stage.INDEXING, Trigger.BUILD_COMPLETED),
        (Stage.DEGRADED, Trigger.USAGE_REPORTED),
    }
    assert into_indexing == {Trigger.SCAN_COMPLETED}


@given(st.integers(1, 200), st.floats(0.1, 30), st.floats(30, 600))
def test_a_recovery_is_due_within_the_cool_down_however_often_it_failed(
    failures: int, cooldown_s: float, cooldown_max_s: float
) -> None:
    limits = Limits(cooldown_s=cooldown_s, cooldown_max_s=cooldown_max_s)
    core = Core(Degraded(IoError("x"), 0, 5.0), limits, failures=failures, changed_s=5.0)
    due_s = next_due_s(core)
    assert due_s is not None
    assert 5.0 + cooldown_s <= due_s <= 5.0 + cooldown_max_s
    assert due(core, due_s - 0.01) is None
    assert due(core, due_s) == RecoveryAttempted()


class AgainstTheTable(RuleBasedStateMachine):
    """Any events in any order, and what must hold after each that was accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 10.0
        self.core = initial(self.now_s, LIMITS)
        self.scan_completed_in: int | None = None
        self.last: tuple[int, Phase, int] = (1, Phase.IDLE, 0)
        self.accepted: Counter[Trigger] = Counter()

    def send(self, event: Event) -> None:
        before = self.core
        source = before.state.stage
        targets = TARGETS.get((source, event.trigger))
        try:
            after, move = step(before, event, self.now_s)
        except StateTransitionError:
            return
        assert targets is not None, "accepted, and not in the table"
        assert after.state.stage in targets
        assert step(before, event, self.now_s) == (after, move), "the same step twice is the same"
        self.core = after
        self.accepted[event.trigger] += 1
        if event.trigger is Trigger.SCAN_COMPLETED:
            self.scan_completed_in = after.build
        if after.state.stage is not source:
            assert move == Moved(before.state, after.state, event.trigger, self.now_s)
        if after.state.stage is Stage.READY and source is not Stage.READY:
            assert self.scan_completed_in == after.build, "ready without a completed scan"
        assert move is not None or after.build == before.build
        assert after.build in (before.build, before.build + 1)

    @rule(seconds=st.floats(0.01, 40))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        event = due(self.core, self.now_s)
        if event is not None:
            accepted = self.accepted[event.trigger]
            self.send(event)
            assert self.accepted[event.trigger] == accepted + 1, "what is due is never refused"

    @rule(
        event=st.one_of(
            st.builds(ScanStarted, st.integers(1, 3), st.integers(0, 20)),
            st.builds(FilesFound, st.integers(1, 3), st.integers(0, 8)),
            st.builds(ScanCompleted, st.integers(1, 3), st.integers(0, 8)),
            st.builds(FilesIndexed, st.integers(1, 3), st.integers(0, 9)),
            st.builds(BuildCompleted, st.integers(1, 3), st.integers(0, 60), st.integers(0, 300)),
            st.builds(PendingChanged, st.integers(0, 20), st.booleans()),
            st.builds(UsageReported, st.integers(0, 60), st.integers(0, 300), st.integers(0, 1200)),
            st.builds(WorkspaceChanged, st.just("a folder")),
            st.builds(RecoveryAttempted),
            st.builds(Failed, st.sampled_from([IoError("x"), LeafDamaged("search", "y")])),
        )
    )
    def anything(self, event: Event) -> None:
        self.send(event)

    @rule(total=st.integers(0, 6))
    def a_build_goes_on(self, total: int) -> None:
        """Without this, chance would seldom bring a build to its end."""
        build, state = self.core.build, self.core.state
        match state:
            case Building(phase=Phase.IDLE):
                self.send(ScanStarted(build, 0))
            case Building(phase=Phase.SCANNING) | Degraded(reason=ScanTimeout()):
                found = state.total if isinstance(state, Building) else 0
                self.send(ScanCompleted(build, found + total))
            case Building() if state.indexed < state.total:
                self.send(FilesIndexed(build, state.indexed + 1))
            case Building():
                self.send(BuildCompleted(build, total, 2 * total))
            case _:
                self.send(RecoveryAttempted())

    @precondition(lambda self: isinstance(self.core.state, Ready))
    @rule(pending=st.integers(9, 12))
    def a_storm_may_come(self, pending: int) -> None:
        self.send(PendingChanged(pending, noticed=True))
        assert isinstance(self.core.state, Degraded) == (pending > self.core.limits.pending_max)

    @invariant()
    def a_build_only_advances(self) -> None:
        state = self.core.state
        if not isinstance(state, Building):
            return
        assert 0 <= state.indexed <= state.total
        last_build, last_phase, last_indexed = self.last
        if self.core.build == last_build:
            assert state.phase >= last_phase
            assert state.indexed >= last_indexed
        self.last = (self.core.build, state.phase, state.indexed)

    @invariant()
    def the_reason_tells_the_truth(self) -> None:
        state, core = self.core.state, self.core
        if isinstance(state, Ready):
            assert (state.files, state.symbols) == (core.files, core.symbols)
            assert core.pending <= core.limits.pending_max
            assert not core.limits.exceeded(
                files=core.files, symbols=core.symbols, cache_bytes=core.cache_bytes
            )
        if isinstance(state, Degraded):
            assert state.symbols == core.symbols
            if isinstance(state.reason, ParseStorm):
                assert state.reason.pending == core.pending
            if isinstance(state.reason, ResourceLimit):
                assert (state.reason.files, state.reason.symbols) == (core.files, core.symbols)
            if isinstance(state.reason, ScanTimeout):
                assert core.scan_started_s is not None

    @invariant()
    def time_never_runs_backwards(self) -> None:
        assert self.core.state.since_s <= self.now_s


AgainstTheTable.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestAgainstTheTable = AgainstTheTable.TestCase
