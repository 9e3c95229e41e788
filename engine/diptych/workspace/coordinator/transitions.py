"""The table of transitions, and the pure function that obeys it.

`step(core, event, now_s)` reads no clock, takes no lock and does no input or output: it says what the
coordinator is next and what is to be done about it. A stage that the table does not give for the event is
refused with `StateTransitionError`, whatever the code below it computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple, assert_never

from diptych.errors import StateTransitionError

from .events import (
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
from .limits import Limits
from .states import (
    Building,
    Degraded,
    IoError,
    LeafDamaged,
    NoKeeper,
    ParseStorm,
    Phase,
    Ready,
    Reason,
    ResourceLimit,
    ScanTimeout,
    Stage,
    State,
)


class Row(NamedTuple):
    """From `source`, `trigger` leads to one of `targets`; `condition` says what decides."""

    source: Stage
    trigger: Trigger
    targets: tuple[Stage, ...]
    condition: str = ""


_I, _S, _X, _R, _D = Stage.IDLE, Stage.SCANNING, Stage.INDEXING, Stage.READY, Stage.DEGRADED

TABLE: tuple[Row, ...] = (
    # A build, from its beginning to its end.
    Row(_I, Trigger.SCAN_STARTED, (_S,)),
    Row(_S, Trigger.FILES_FOUND, (_S,)),
    Row(_S, Trigger.SCAN_COMPLETED, (_X,)),
    Row(_X, Trigger.FILES_INDEXED, (_X,)),
    Row(_X, Trigger.BUILD_COMPLETED, (_R, _D), "degraded when a storm is pending or a limit is exceeded"),
    # A scan that takes too long degrades, continues, and counts when it is complete after all.
    Row(_S, Trigger.SCAN_OVERDUE, (_D,)),
    Row(_D, Trigger.FILES_FOUND, (_D,), "only while the reason is a scan timeout"),
    Row(_D, Trigger.SCAN_COMPLETED, (_X,), "only while the reason is a scan timeout"),
    # Changes: a few are worked off in place, a storm degrades.
    Row(_I, Trigger.PENDING_CHANGED, (_I,)),
    Row(_S, Trigger.PENDING_CHANGED, (_S,)),
    Row(_X, Trigger.PENDING_CHANGED, (_X,)),
    Row(_R, Trigger.PENDING_CHANGED, (_R, _D), "degraded when more are pending than the limit"),
    Row(_D, Trigger.PENDING_CHANGED, (_D,), "a limit that is exceeded gives way to a storm"),
    # Limits.
    Row(_I, Trigger.USAGE_REPORTED, (_I,)),
    Row(_S, Trigger.USAGE_REPORTED, (_S,)),
    Row(_X, Trigger.USAGE_REPORTED, (_X,)),
    Row(_R, Trigger.USAGE_REPORTED, (_R, _D), "degraded when a limit is exceeded"),
    Row(_D, Trigger.USAGE_REPORTED, (_D, _R), "ready when the reason was a limit and none is exceeded now"),
    # What is to be indexed has changed: a new build, from anywhere.
    Row(_I, Trigger.WORKSPACE_CHANGED, (_I,)),
    Row(_S, Trigger.WORKSPACE_CHANGED, (_I,)),
    Row(_X, Trigger.WORKSPACE_CHANGED, (_I,)),
    Row(_R, Trigger.WORKSPACE_CHANGED, (_I,)),
    Row(_D, Trigger.WORKSPACE_CHANGED, (_I,)),
    # Failure and recovery. From Degraded to Ready every way passes a completed scan, but for the one from a
    # limit: a scan was completed before that, and the changes since were indexed.
    Row(_I, Trigger.FAILED, (_D,)),
    Row(_S, Trigger.FAILED, (_D,)),
    Row(_X, Trigger.FAILED, (_D,)),
    Row(_R, Trigger.FAILED, (_D,)),
    Row(_D, Trigger.FAILED, (_D,)),
    Row(_D, Trigger.RECOVERY_ATTEMPTED, (_I,)),
)

TARGETS: dict[tuple[Stage, Trigger], tuple[Stage, ...]] = {
    (row.source, row.trigger): row.targets for row in TABLE
}


@dataclass(frozen=True, slots=True)
class Core:
    """Everything the next step depends on."""

    state: State
    limits: Limits = field(default_factory=Limits)
    build: int = 1
    scan_started_s: float | None = None
    """Set while the present build's scan runs, also when it is overdue."""

    pending: int = 0
    files: int = 0
    symbols: int = 0
    cache_bytes: int = 0
    failures: int = 0
    """Failed builds and updates since the index was last ready, or ready but for a limit."""

    failure: IoError | LeafDamaged | None = None
    """What the host has to repair before the next scan; gone when a build is completed."""

    changed_s: float = 0.0
    """When a change last came in, or the index degraded: what a cool-down counts from."""


def initial(now_s: float, limits: Limits) -> Core:
    """Before the first build."""
    return Core(Building(Phase.IDLE, 0, 0, now_s), limits, changed_s=now_s)


def step(core: Core, event: Event, now_s: float) -> tuple[Core, Moved | None]:
    """What `core` becomes by `event` at `now_s`, and the move, if another stage, reason or build was entered.

    Raises StateTransitionError, and nothing has changed, where the table has no such row, where the row's
    condition does not hold, or where the event is of another build or counts backwards.
    """
    source = core.state.stage
    targets = TARGETS.get((source, event.trigger))
    if targets is None:
        raise _transition_error(core, event, "the table has no such transition")
    after = _apply(core, event, now_s)
    target = after.state.stage
    if target not in targets:
        raise _transition_error(core, event, f"it may not lead to {target}")
    if (target, _reason_name(after.state), after.build) == (source, _reason_name(core.state), core.build):
        return after, None
    return after, Moved(core.state, after.state, event.trigger, now_s)


def _apply(core: Core, event: Event, now_s: float) -> Core:
    state = core.state
    match event:
        case ScanStarted():
            _check_build(core, event, event.build)
            return replace(
                core,
                state=Building(Phase.SCANNING, 0, 0, state.since_s),
                scan_started_s=now_s,
                pending=event.pending,
            )
        case FilesFound():
            _check_build(core, event, event.build)
            return _files_found(core, event, now_s)
        case ScanOverdue():
            return _degrade(core, ScanTimeout(event.elapsed_ms), now_s)
        case ScanCompleted():
            _check_build(core, event, event.build)
            if isinstance(state, Degraded) and not isinstance(state.reason, ScanTimeout):
                raise _transition_error(core, event, "no scan is overdue")
            if isinstance(state, Building) and event.total < state.total:
                raise _transition_error(core, event, "fewer files than were found already")
            since_s = state.since_s if isinstance(state, Building) else now_s
            return replace(core, state=Building(Phase.INDEXING, 0, event.total, since_s), scan_started_s=None)
        case FilesIndexed():
            _check_build(core, event, event.build)
            assert isinstance(state, Building)
            if not state.indexed <= event.indexed <= state.total:
                raise _transition_error(
                    core, event, f"{event.indexed} is not between {state.indexed} and {state.total}"
                )
            return replace(core, state=replace(state, indexed=event.indexed))
        case BuildCompleted():
            _check_build(core, event, event.build)
            assert isinstance(state, Building)
            if state.indexed < state.total:
                raise _transition_error(core, event, f"{state.total - state.indexed} files are not indexed")
            core = replace(core, files=event.files, symbols=event.symbols, failure=None)
            return _settle(core, now_s, since_s=now_s)
        case PendingChanged():
            changed_s = now_s if event.noticed else core.changed_s
            return _weigh(replace(core, pending=event.pending, changed_s=changed_s), now_s)
        case UsageReported():
            core = replace(core, files=event.files, symbols=event.symbols, cache_bytes=event.cache_bytes)
            return _weigh(core, now_s)
        case WorkspaceChanged() | RecoveryAttempted():
            return replace(
                core, state=Building(Phase.IDLE, 0, 0, now_s), build=core.build + 1, scan_started_s=None
            )
        case Failed():
            # Damage is not hidden by a lesser failure that follows from it.
            failure = core.failure if isinstance(core.failure, LeafDamaged) else event.reason
            core = replace(core, failures=core.failures + 1, scan_started_s=None, failure=failure)
            return _degrade(core, failure, now_s)
        case _:
            assert_never(event)


def _files_found(core: Core, event: FilesFound, now_s: float) -> Core:
    state = core.state
    if isinstance(state, Degraded):
        if not isinstance(state.reason, ScanTimeout) or core.scan_started_s is None:
            raise _transition_error(core, event, "no scan is overdue")
        reason = ScanTimeout(round((now_s - core.scan_started_s) * 1000))
        return replace(core, state=replace(state, reason=reason))
    assert isinstance(state, Building)
    if event.total < state.total:
        raise _transition_error(core, event, "fewer files than were found already")
    return replace(core, state=replace(state, total=event.total))


def _weigh(core: Core, now_s: float) -> Core:
    """The state that the figures of now lead to; while a build or a recovery is due they change no state."""
    if not is_updatable(core.state):
        return _refresh(core)
    return _settle(core, now_s, since_s=core.state.since_s if isinstance(core.state, Ready) else now_s)


def is_updatable(state: State) -> bool:
    """Whether changed files are indexed one by one: a scan was completed, and all changes since are known."""
    limited = isinstance(state, Degraded) and isinstance(state.reason, ResourceLimit)
    return limited or isinstance(state, Ready)


def _settle(core: Core, now_s: float, *, since_s: float) -> Core:
    """Ready if nothing prevents it. A storm comes first: it passes, and the limit is seen then."""
    if core.pending > core.limits.pending_max:
        return _degrade(core, ParseStorm(core.pending), now_s)
    limit = _limit_reason(core)
    core = replace(core, failures=0)
    if limit.exceeded:
        return _degrade(core, limit, now_s)
    return replace(core, state=Ready(core.symbols, core.files, since_s))


def _degrade(core: Core, reason: Reason, now_s: float) -> Core:
    since_s = core.state.since_s if isinstance(core.state, Degraded) else now_s
    return replace(core, state=Degraded(reason, core.symbols, since_s), changed_s=now_s)


def _refresh(core: Core) -> Core:
    """The same state with the figures of now: they change while it lasts."""
    state = core.state
    if not isinstance(state, Degraded):
        return core
    reason: Reason = state.reason
    if isinstance(reason, ParseStorm):
        reason = ParseStorm(core.pending)
    return replace(core, state=Degraded(reason, core.symbols, state.since_s))


def _limit_reason(core: Core) -> ResourceLimit:
    exceeded = core.limits.exceeded(files=core.files, symbols=core.symbols, cache_bytes=core.cache_bytes)
    return ResourceLimit(core.files, core.symbols, core.cache_bytes, exceeded)


def _reason_name(state: State) -> str:
    return state.reason.name if isinstance(state, Degraded) else ""


def _check_build(core: Core, event: Event, build: int) -> None:
    if build != core.build:
        raise _transition_error(core, event, f"build {build} was superseded by build {core.build}")


def _transition_error(core: Core, event: Event, why: str) -> StateTransitionError:
    return StateTransitionError(
        f'In the state {core.state.stage}, "{event.trigger}" was refused: {why}.',
        advice="See the table of transitions in docs/coordinator.md.",
    )


# -- what time alone brings about: a scan that is overdue, a recovery that is due ---------------------------


def due(core: Core, now_s: float) -> Event | None:
    """The event that is due at `now_s`, or None."""
    due_s = next_due_s(core)
    if due_s is None or now_s < due_s:
        return None
    if core.scan_started_s is not None:
        return ScanOverdue(round((now_s - core.scan_started_s) * 1000))
    return RecoveryAttempted()


def next_due_s(core: Core) -> float | None:
    """When an event will be due if nothing else happens before, in seconds of the clock; None for never."""
    state = core.state
    if state.stage is Stage.SCANNING:
        assert core.scan_started_s is not None
        return core.scan_started_s + core.limits.scan_timeout_ms / 1000.0
    if isinstance(state, Degraded):
        return _recovery_due_s(core, state)
    return None


def _recovery_due_s(core: Core, state: Degraded) -> float | None:
    limits = core.limits
    match state.reason:
        case ParseStorm():
            return min(core.changed_s + limits.cooldown_s, state.since_s + limits.cooldown_max_s)
        case IoError() | LeafDamaged():
            # Capped before it is computed: a repository gone for a week must not overflow a float.
            doublings = min(max(core.failures - 1, 0), 32)
            return core.changed_s + min(limits.cooldown_s * 2.0**doublings, limits.cooldown_max_s)
        case ResourceLimit():
            return None  # another scan would find the same; updates continue, and the figures end this state
        case ScanTimeout():
            return None  # the scan still runs, and ends this state itself
        case NoKeeper():
            return None  # no coordinator is in it
