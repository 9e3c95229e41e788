"""What happened so far, counted: a snapshot for tests and views, log events, and (prometheus.py) metrics."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from diptych import lazy

from .events import Moved, Trigger
from .limits import EarlyExit, ExitReason
from .states import Building, Degraded, Ready, Stage, State
from .transitions import Core

logger = lazy.logger("diptych.workspace.coordinator")

_RECENT_MAX = 64


@dataclass(frozen=True, slots=True)
class ExitCount:
    """Early exits for one reason."""

    count: int
    elapsed_ms_total: float
    elapsed_ms_last: float
    done_total: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All counts at one moment. Seconds by stage include the stage that lasts."""

    at_s: float
    state: State
    seconds_in: Mapping[Stage, float]
    transitions: Mapping[tuple[Stage, Stage], int]
    triggers: Mapping[Trigger, int]
    early_exits: Mapping[ExitReason, ExitCount]
    builds: int
    files: int
    symbols: int
    refused: int
    pending: int
    changes_noticed: int
    parses_completed: int
    files_indexed: int
    recent: tuple[Moved, ...]


class Metrics:
    """The counts. Not thread-safe: the coordinator writes them under its lock."""

    def __init__(self, stage: Stage, now_s: float) -> None:
        self._stage = stage
        self._entered_s = now_s
        self._seconds: dict[Stage, float] = dict.fromkeys(Stage, 0.0)
        self._transitions: Counter[tuple[Stage, Stage]] = Counter()
        self._triggers: Counter[Trigger] = Counter()
        self._exits: dict[ExitReason, ExitCount] = {}
        self._recent: deque[Moved] = deque(maxlen=_RECENT_MAX)
        self.refused = 0
        self.changes_noticed = 0
        self.parses_completed = 0
        self.files_indexed = 0

    def stepped(self, trigger: Trigger) -> None:
        """An event was accepted."""
        self._triggers[trigger] += 1

    def moved(self, move: Moved) -> None:
        """Another stage, reason or build was entered."""
        self._seconds[self._stage] += move.at_s - self._entered_s
        self._entered_s = move.at_s
        self._stage = move.target.stage
        self._transitions[move.stages] += 1
        self._recent.append(move)

    def exited(self, early: EarlyExit) -> None:
        """Work ended before its end."""
        before = self._exits.get(early.reason, ExitCount(0, 0.0, 0.0, 0))
        self._exits[early.reason] = ExitCount(
            before.count + 1,
            before.elapsed_ms_total + early.elapsed_ms,
            early.elapsed_ms,
            before.done_total + early.done,
        )

    def snapshot(self, core: Core, now_s: float) -> Snapshot:
        """All counts at `now_s`."""
        seconds = dict(self._seconds)
        seconds[self._stage] += now_s - self._entered_s
        return Snapshot(
            at_s=now_s,
            state=core.state,
            seconds_in=seconds,
            transitions=dict(self._transitions),
            triggers=dict(self._triggers),
            early_exits=dict(self._exits),
            builds=core.build,
            files=core.files,
            symbols=core.symbols,
            refused=self.refused,
            pending=core.pending,
            changes_noticed=self.changes_noticed,
            parses_completed=self.parses_completed,
            files_indexed=self.files_indexed,
            recent=tuple(self._recent),
        )


def describe(state: State) -> str:
    """A state in a few words, for people."""
    match state:
        case Building():
            return f"building, {state.phase.name.lower()}: {state.indexed} of {state.total} files"
        case Ready():
            return f"ready: {state.symbols} symbols in {state.files} files"
        case Degraded():
            return f"degraded, {state.reason}; {state.symbols} symbols available"


def log_move(move: Moved) -> None:
    """A transition as a log event; the fields are attributes of the record as well."""
    level = logging.WARNING if isinstance(move.target, Degraded) else logging.INFO
    if not logger.isEnabledFor(level):
        return
    source, target = move.stages
    logger.log(
        level,
        "%s -> %s by %s (%s)",
        source,
        target,
        move.trigger,
        describe(move.target),
        extra={
            "event": "coordinator_transition",
            "source": str(source),
            "target": str(target),
            "trigger": str(move.trigger),
            "reason": move.target.reason.name if isinstance(move.target, Degraded) else "",
            "at_s": move.at_s,
        },
    )


def log_exit(early: EarlyExit) -> None:
    """An early exit as a log event."""
    logger.debug(
        "early exit: %s after %.1f ms, %d done",
        early.reason,
        early.elapsed_ms,
        early.done,
        extra={
            "event": "coordinator_early_exit",
            "reason": str(early.reason),
            "elapsed_ms": early.elapsed_ms,
            "done": early.done,
        },
    )
