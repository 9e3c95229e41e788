"""A simulated life of a coordinator: edits, storms, slow scans, failures. A seed replays it, step for step.

    python -m tests.workspace.coordinator.simulation SEED     prints the run
"""

from __future__ import annotations

import random
import sys

from diptych.errors import CorruptSearchError
from diptych.workspace.coordinator import (
    Building,
    Coordinator,
    Degraded,
    Limits,
    Ready,
    ResourceLimit,
    describe,
)

from .fakes import FakeClock, FakeHost, repository

# Some repositories are within these, and some are not.
LIMITS = Limits(files_max=150, symbols_max=800)


class Simulation:
    """One run. What must hold is asserted after every step; the trace is all that could be observed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = FakeClock()
        self.host = FakeHost(self.clock, repository(self.random.randrange(200)))
        self.coordinator = Coordinator(self.host, limits=LIMITS, clock=self.clock)
        self.trace: list[str] = []
        self.failure_rate = 0.0
        self.host.before_scan = self._fault
        self.host.before_index = self._meanwhile
        self._last = (1, 0, 0)

    def run(self, steps: int) -> None:
        common = (self.edit, self.edit, self.wait)
        actions = (*common, self.storm, self.weather, self.folder, self.by_hand, self.caches)
        for _ in range(steps):
            action = self.random.choice(actions)
            action()
            self.note(action.__name__)
            for _ in range(self.random.randrange(6)):
                if not self.coordinator.tick():
                    break
                self.note("tick")
        self.calm()

    def edit(self) -> None:
        self._change(f"pkg/m{self.random.randrange(250):04}.py")

    def storm(self) -> None:
        for _ in range(self.random.randrange(8, 200)):
            self.edit()
            self.clock.advance(0.001)

    def weather(self) -> None:
        self.failure_rate = self.random.choice((0.0, 0.0, 0.05, 0.5))
        self.host.scan_step_s = self.random.choice((0.0001, 0.001, 0.4))
        self.host.index_step_s = self.random.choice((0.0001, 0.005, 0.05))

    def folder(self) -> None:
        for n in range(self.random.randrange(30)):
            self.host.repository[f"added/{self.random.randrange(9)}/m{n}.py"] = self.random.randrange(12)
        self.coordinator.notify_workspace_changed("a folder")

    def wait(self) -> None:
        self.clock.advance(self.random.choice((0.01, 0.5, 2.0, 70.0)))

    def by_hand(self) -> None:
        if isinstance(self.coordinator.state, Degraded):
            self.coordinator.recover()

    def caches(self) -> None:
        """The host's caches grow over the limit, or shrink."""
        self.host.cache_bytes = self.random.choice((0, 0, LIMITS.cache_bytes_max + 1))

    def calm(self) -> None:
        """Faults cease, time passes: then it must come to rest by itself, equal to indexing from scratch."""
        self.failure_rate = 0.0
        self.host.scan_step_s = self.host.index_step_s = 0.0001
        for _ in range(200):
            while self.coordinator.tick():
                self.note("tick")
            if self._at_rest() and self.coordinator.pending == 0:
                break
            self.clock.advance(10.0)
        assert self._at_rest(), self.coordinator.state
        assert self.host.store == self.host.repository
        totals, limits = self.host.totals(), self.coordinator.limits
        over = limits.exceeded(files=totals.files, symbols=totals.symbols, cache_bytes=totals.cache_bytes)
        assert isinstance(self.coordinator.state, Degraded) == bool(over)

    def _at_rest(self) -> bool:
        state = self.coordinator.state
        limited = isinstance(state, Degraded) and isinstance(state.reason, ResourceLimit)
        return limited or isinstance(state, Ready)

    def note(self, what: str) -> None:
        core = self.coordinator._shell.core
        state = core.state
        self.trace.append(f"{self.clock():10.4f} {what:8} pending {core.pending:3}  {describe(state)}")
        assert core.pending >= 0
        if isinstance(state, Building):
            now = (core.build, state.phase, state.indexed)
            assert now >= self._last, f"{now} after {self._last}"
            self._last = now

    def _change(self, path: str) -> None:
        if self.random.random() < 0.2:
            self.host.repository.pop(path, None)
        else:
            self.host.repository[path] = self.random.randrange(12)
        self.coordinator.notify_change(path)

    def _fault(self) -> None:
        if self.random.random() < self.failure_rate:
            if self.random.random() < 0.3:
                raise CorruptSearchError("A segment fails its checksum.")
            raise OSError(5, "Input/output error")

    def _meanwhile(self, path: str) -> None:
        """While one file is read, another may change, or this one, or the disk fail."""
        if self.random.random() < 0.01:
            self.edit()
        if self.random.random() < 0.01:
            self._change(path)
        if self.random.random() < 0.02:
            self._fault()


if __name__ == "__main__":
    simulation = Simulation(int(sys.argv[1]))
    try:
        simulation.run(60)
    finally:
        print("\n".join(simulation.trace))
