"""The one place that changes the coordinator's state: a lock for writers around the pure `step`.

Readers take no lock. The core is one immutable value behind one attribute, and assigning an attribute is
atomic: a reader has the core of before or of after, never a mixture.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from itertools import chain, islice

from diptych.errors import StateTransitionError

from .events import (
    BuildCompleted,
    Event,
    Failed,
    FilesFound,
    FilesIndexed,
    Moved,
    PendingChanged,
    ScanCompleted,
    ScanStarted,
)
from .limits import Clock, EarlyExit, Limits
from .metrics import Metrics, Snapshot, log_exit, log_move
from .states import IoError, LeafDamaged, Stage
from .transitions import Core, due, initial, is_updatable, step


class _PendingPaths:
    """Distinct changed paths that wait or are being parsed, in order of their first change. Not thread-safe.

    A path that changes again while it is parsed waits again, for what is being parsed may be its old content.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._taken: set[str] = set()

    def __len__(self) -> int:
        # Counted over what is taken, which is a handful: the waiting may be an entire branch switch.
        return len(self._waiting) + sum(1 for path in self._taken if path not in self._waiting)

    def first(self, count_max: int) -> list[str]:
        """The first `count_max`, those being parsed before those that wait."""
        first = dict.fromkeys(islice(chain(self._taken, self._waiting), 2 * count_max))
        return list(first)[:count_max]

    def notice(self, path: str) -> None:
        """The file has changed."""
        self._waiting.setdefault(path)

    def take(self, count_max: int) -> list[str]:
        """Up to `count_max` of those that wait, to be parsed now."""
        taken: list[str] = []
        for path in self._waiting:
            if len(taken) == count_max:
                break
            taken.append(path)
        for path in taken:
            del self._waiting[path]
        self._taken.update(taken)
        return taken

    def give_back(self, paths: Iterable[str]) -> None:
        """These were taken and not parsed: they wait again, before all others."""
        returned = dict.fromkeys(path for path in paths if path in self._taken)
        self._taken.difference_update(returned)
        self._waiting = returned | self._waiting

    def complete(self, path: str) -> bool:
        """The file was parsed. False where it was not pending, which changes nothing."""
        if path in self._taken:
            self._taken.remove(path)
            return True
        if path in self._waiting:
            del self._waiting[path]
            return True
        return False

    def absorb(self) -> None:
        """A scan begins that will see every change noticed so far: none of them need wait."""
        self._waiting.clear()


class Shell:
    """Core, pending paths and counts, and the lock that guards their writers. Safe from any thread."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.clock = clock
        self.core: Core = initial(clock(), limits)
        self.wake = threading.Event()
        self._lock = threading.Lock()
        self._pending = _PendingPaths()
        self._metrics = Metrics(self.core.state.stage, self.core.state.since_s)

    def dispatch(self, event: Event) -> None:
        """Take the step. Raises StateTransitionError where it is refused; nothing has changed then."""
        with self._lock:
            move = self._step(event)
        self._announce(move)

    def check(self) -> None:
        """Take the step that time alone has made due, if any."""
        if due(self.core, self.clock()) is None:
            return
        with self._lock:
            event = due(self.core, self.clock())  # again: another thread may have come first
            move = None if event is None else self._step(event)
        self._announce(move)

    # Changes.

    def notice(self, path: str) -> None:
        """A file has changed."""
        with self._lock:
            self._metrics.changes_noticed += 1
            self._pending.notice(path)
            move = self._pending_changed(noticed=True)
        self._announce(move)
        self.wake.set()

    def complete(self, path: str) -> None:
        """A file was parsed; nothing happens where it was not pending."""
        with self._lock:
            move = None
            if self._pending.complete(path):
                self._metrics.parses_completed += 1
                move = self._pending_changed(noticed=False)
        self._announce(move)

    def pending_paths(self, count_max: int) -> list[str]:
        """The first of the paths that wait or are being parsed."""
        with self._lock:
            return self._pending.first(count_max)

    def take(self) -> list[str]:
        """The paths to be parsed in the next update, if the index is in a state for one."""
        with self._lock:
            if not is_updatable(self.core.state):
                return []
            return self._pending.take(self.core.limits.pending_max)

    def give_back(self, paths: Mapping[str, None]) -> None:
        """These were taken, and could not be parsed yet."""
        with self._lock:
            self._pending.give_back(paths)
            move = self._pending_changed(noticed=False)
        self._announce(move)

    # Builds. Each returns False, and does nothing, where the build was superseded or has failed meanwhile.

    def begin_scan(self, build: int) -> bool:
        """The scan begins, and will see all changes noticed so far."""
        with self._lock:
            if self.core.build != build or self.core.state.stage is not Stage.IDLE:
                return False
            self._pending.absorb()
            move = self._step(ScanStarted(build, len(self._pending)))
        self._announce(move)
        return True

    def advance(self, event: FilesFound | ScanCompleted | FilesIndexed | BuildCompleted) -> bool:
        """The build has come this far."""
        with self._lock:
            if not self.is_running(event.build):
                return False
            move = self._step(event)
            if isinstance(event, FilesIndexed):
                self._metrics.files_indexed += 1
        self._announce(move)
        return True

    def fail(self, build: int, reason: IoError | LeafDamaged) -> bool:
        """The build, or an update after it, has failed."""
        with self._lock:
            if self.core.build != build:
                return False
            move = self._step(Failed(reason))
        self._announce(move)
        return True

    def is_running(self, build: int) -> bool:
        """Whether this build scans or indexes at this moment."""
        core = self.core
        return core.build == build and (core.scan_started_s is not None or core.state.stage is Stage.INDEXING)

    # Counts.

    def exited(self, early: EarlyExit) -> None:
        """Work ended before its end."""
        with self._lock:
            self._metrics.exited(early)
        log_exit(early)

    def snapshot(self) -> Snapshot:
        """All counts as of now."""
        with self._lock:
            return self._metrics.snapshot(self.core, self.clock())

    # With the lock held.

    def _pending_changed(self, *, noticed: bool) -> Moved | None:
        return self._step(PendingChanged(len(self._pending), noticed))

    def _step(self, event: Event) -> Moved | None:
        try:
            core, move = step(self.core, event, self.clock())
        except StateTransitionError:
            self._metrics.refused += 1
            raise
        self.core = core
        self._metrics.stepped(event.trigger)
        if move is not None:
            self._metrics.moved(move)
        return move

    # Without it: a log handler may be slow, or may ask the coordinator.

    def _announce(self, move: Moved | None) -> None:
        if move is not None:
            log_move(move)
            self.wake.set()
