"""What a person sees of a watch: state, rates and the last events, on one screen or line by line."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from diptych.workspace.coordinator import Snapshot, Stage, describe


class Rate:
    """How fast a count rises, over the last seconds. Bounded: it keeps at most a sample for each turn."""

    def __init__(self, window_s: float = 10.0) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def observe(self, now_s: float, count: int) -> None:
        """The count stands at this now."""
        self._samples.append((now_s, count))
        while now_s - self._samples[0][0] > self._window_s:
            self._samples.popleft()

    @property
    def per_s(self) -> float:
        """Per second, over what was observed in the window."""
        if len(self._samples) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0


class Monitor:
    """What one screen shows: state, rates and the last events. Fed with snapshots and noticed names."""

    def __init__(self, title: str, *, events_max: int = 12, wall: Callable[[], float] = time.time) -> None:
        self._title = title
        self._wall = wall
        self._events: deque[str] = deque(maxlen=events_max)
        self._fresh: deque[str] = deque(maxlen=1000)
        self._moves = 0
        self._changes = Rate()
        self._indexed = Rate()
        self._snapshot: Snapshot | None = None
        self._warning = ""

    def observe(self, snapshot: Snapshot, noticed: Sequence[str] = (), warning: str = "") -> None:
        """Take in what happened since the last call. `warning`: why changes may be noticed late."""
        if warning != self._warning:
            self.say(f"warning: {warning}" if warning else "changes are noticed at once again")
        self._warning = warning
        self._changes.observe(snapshot.at_s, snapshot.changes_noticed)
        self._indexed.observe(snapshot.at_s, snapshot.files_indexed + snapshot.parses_completed)
        if len(noticed) == 1:
            self.say(f"changed {noticed[0]}")
        elif noticed:
            self.say(f"changed {noticed[0]} and {len(noticed) - 1} more")
        moves = sum(snapshot.transitions.values())
        new = min(moves - self._moves, len(snapshot.recent))
        self._moves = moves
        for move in snapshot.recent[len(snapshot.recent) - new :]:
            self.say(describe(move.target))
        self._snapshot = snapshot

    def say(self, text: str) -> None:
        """Something happened, now."""
        line = f"{time.strftime('%H:%M:%S', time.localtime(self._wall()))}  {text}"
        self._events.append(line)
        self._fresh.append(line)

    def fresh(self) -> list[str]:
        """The events since this was last asked: for a log of plain lines."""
        lines = list(self._fresh)
        self._fresh.clear()
        return lines

    def screen(self) -> list[str]:
        """Everything, as lines."""
        snapshot = self._snapshot
        if snapshot is None:
            return [self._title]
        total_s = sum(snapshot.seconds_in.values()) or 1.0
        ready = snapshot.seconds_in[Stage.READY] / total_s
        degraded = snapshot.seconds_in[Stage.DEGRADED] / total_s
        for_s = snapshot.at_s - snapshot.state.since_s
        return [
            self._title,
            f"state    {describe(snapshot.state)}; for {for_s:.0f} s",
            f"store    {snapshot.files} files, {snapshot.symbols} symbols",
            f"work     {snapshot.pending} pending, {snapshot.builds} builds, "
            f"{snapshot.parses_completed} updates of one file",
            f"rates    {self._changes.per_s:.1f} changes/s, {self._indexed.per_s:.1f} files indexed/s",
            f"time     {ready:.1%} ready, {degraded:.1%} degraded, {1 - ready - degraded:.1%} building",
            *([f"warning  {self._warning}"] if self._warning else []),
            "",
            *self._events,
        ]
