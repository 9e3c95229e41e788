"""What the coordinator may use, and what it did when that ran out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum

from diptych.errors import CallerError

Clock = Callable[[], float]
"""Monotonic seconds, as `time.monotonic`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit and budget, with its default. All are positive numbers.

    An index over one of the first three is complete all the same, and kept up to date: it only says so.
    """

    files_max: int = 10_000
    symbols_max: int = 500_000
    cache_bytes_max: int = 256 * 1024 * 1024

    pending_max: int = 10
    """More pending parses than this are a storm."""

    scan_timeout_ms: float = 30_000.0
    scan_slice_ms: float = 100.0
    """The budget of one slice of a build; the first slice of the scan is the first to end by it."""

    update_ms: float = 10.0
    """The budget of one incremental update."""

    cooldown_s: float = 1.0
    """Wait this long after the last change, or the failure, before recovering; doubled by each failure."""

    cooldown_max_s: float = 60.0
    """Recover at the latest this long after degrading, even when the changes do not cease."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise CallerError(f"The limit {field.name} must be a positive number, not {value!r}.")

    def exceeded(self, *, files: int, symbols: int, cache_bytes: int) -> tuple[str, ...]:
        """Which of the limits on the index are exceeded, by name, in a fixed order."""
        over = []
        if files > self.files_max:
            over.append("files")
        if symbols > self.symbols_max:
            over.append("symbols")
        if cache_bytes > self.cache_bytes_max:
            over.append("cache_bytes")
        return tuple(over)


class ExitReason(StrEnum):
    """Why a piece of work ended before its end."""

    SCAN_BUDGET = "scan_budget"
    UPDATE_BUDGET = "update_budget"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class EarlyExit:
    """Work that ended early. `done` is what was done of it, and is kept."""

    reason: ExitReason
    elapsed_ms: float
    done: int


class Budget:
    """A stretch of time from now on. It is asked between pieces of work, so the last piece may overrun it."""

    def __init__(self, clock: Clock, limit_ms: float) -> None:
        self._clock = clock
        self._started_s = clock()
        self._limit_ms = limit_ms

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the budget was made."""
        return (self._clock() - self._started_s) * 1000.0

    @property
    def spent(self) -> bool:
        """Whether nothing is left of it."""
        return self.elapsed_ms >= self._limit_ms
