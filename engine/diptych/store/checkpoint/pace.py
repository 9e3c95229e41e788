"""How a thread that builds a generation makes way for those that commit."""

from __future__ import annotations

import time
from collections.abc import Generator

from diptych.segment.builder import Result, finished

# While it builds a generation, a thread works this long at a stretch, then steps aside for those that
# committed this recently.
_STRETCH_NS = 400_000
_PAUSE_S = 0.000_05
_COMMITS_RECENT_NS = 20_000_000


class Pace:
    """Lets threads that commit run while a generation is built.

    Python hands the GIL over only every 5 ms, which is ten commits long; a sleeping thread does not hold it.
    """

    def __init__(self) -> None:
        self._committing_ns = 0
        self._last_ns = 0

    def committing(self) -> None:
        """A commit begins."""
        self._committing_ns = time.perf_counter_ns()

    def step(self) -> None:
        """After each small piece of work: yield the GIL when it was held for long, and others commit."""
        now_ns = time.perf_counter_ns()
        if now_ns - self._last_ns > _STRETCH_NS:
            if now_ns - self._committing_ns < _COMMITS_RECENT_NS:
                time.sleep(_PAUSE_S)
            self._last_ns = time.perf_counter_ns()

    def through(self, steps: Generator[None, None, Result]) -> Result:
        """Do a piece of work in its steps; returns what it does."""
        return finished(steps, self.step)
