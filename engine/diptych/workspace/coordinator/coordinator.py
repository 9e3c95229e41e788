"""The coordinator keeps an index up to date, and says how far its answers can be trusted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from .driver import Driver, failure_reason
from .events import Failed, RecoveryAttempted, WorkspaceChanged
from .host import Host
from .limits import Clock, Limits
from .metrics import Snapshot, logger
from .shell import Shell
from .states import Ready, State
from .transitions import is_updatable, next_due_s

T = TypeVar("T")

_IDLE_WAIT_S = 1.0


class Coordinator:
    """Drives a host's builds and updates, and answers for their state.

    Reading and notifying are safe from any thread, and none of them waits for a build. The work is done in
    `tick`, by whichever thread calls it: a server's own loop, or a `CoordinatorThread`.

    `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        host: Host,
        *,
        limits: Limits | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._shell = Shell(limits or Limits(), clock)
        self._driver = Driver(host, self._shell)
        self._driving = threading.Lock()

    # Reading: no lock.

    @property
    def state(self) -> State:
        """What the index is in now. An immutable value; reading it takes no lock."""
        return self._shell.core.state

    @property
    def is_current(self) -> bool:
        """Whether a scan was completed, and none is under way or due: Ready, or over a limit."""
        return is_updatable(self._shell.core.state)

    @property
    def pending(self) -> int:
        """How many changed files wait to be parsed."""
        return self._shell.core.pending

    def pending_paths(self, count_max: int) -> list[str]:
        """The first `count_max` of them, in order of their change."""
        return self._shell.pending_paths(count_max)

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self._shell.core.limits

    def query(self, full: Callable[[], T], partial: Callable[[], T]) -> T:
        """`full()` when the index is ready, otherwise `partial()` at once."""
        return full() if isinstance(self._shell.core.state, Ready) else partial()

    # Notifications: from any thread.

    def notify_change(self, path: str) -> None:
        """A file was made, changed or removed. More than `pending_max` of them at once are a storm."""
        self._shell.notice(path)

    def notify_workspace_changed(self, what: str) -> None:
        """Folders came or went, or a file that decides what is indexed has changed: a new build begins."""
        self._shell.dispatch(WorkspaceChanged(what))

    def notify_failure(self, error: BaseException) -> None:
        """A query or another part of the host has met this error: the index is degraded by it."""
        self._shell.dispatch(Failed(failure_reason(error)))

    def recover(self) -> None:
        """Attempt to recover now. Raises StateTransitionError where the index is not degraded."""
        self._shell.dispatch(RecoveryAttempted())

    # Work.

    def tick(self) -> bool:
        """Do one slice of what is due. True when more is due at once.

        Another thread's tick is waited for. Exceptions of the host: see `Host`.
        """
        with self._driving:
            self._shell.check()
            return self._driver.slice()

    def stop(self) -> None:
        """Close the host's iterators that the last tick left open: for when no other tick follows."""
        with self._driving:
            self._driver.stop()

    def check(self) -> None:
        """Take the step that time alone makes due (a scan overdue), while a tick may be stuck in the host."""
        self._shell.check()

    def wait(self, timeout_s: float) -> None:
        """Wait until `tick` may have something to do: a change, a recovery due; or the timeout."""
        due_s = next_due_s(self._shell.core)
        if due_s is not None:
            timeout_s = min(timeout_s, max(0.0, due_s - self._shell.clock()))
        self._shell.wake.wait(timeout_s)
        self._shell.wake.clear()

    def interrupt(self) -> None:
        """End a `wait` at once."""
        self._shell.wake.set()

    def metrics(self) -> Snapshot:
        """Every count, as of now."""
        return self._shell.snapshot()


class CoordinatorThread:
    """Calls `tick` whenever something is due. Use as a context manager, or `start` and `stop`.

    The second thread exists because a scan may hang in the operating system: that it is overdue must be
    said all the same.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._stop = threading.Event()
        self._threads = (
            threading.Thread(target=self._work, name="diptych-coordinator", daemon=True),
            threading.Thread(target=self._watch, name="diptych-coordinator-watch", daemon=True),
        )

    def start(self) -> None:
        """Begin. It can be started once."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float | None = None) -> None:
        """Ask both to end after their present slice, and wait for them."""
        self._stop.set()
        self._coordinator.interrupt()
        for thread in self._threads:
            thread.join(timeout_s)

    def __enter__(self) -> CoordinatorThread:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                more = self._coordinator.tick()
            except Exception:  # noqa: BLE001 - a host's mistake; degraded by now, to recover after a cool-down
                logger.exception("the host failed", extra={"event": "coordinator_host_failed"})
                more = False
            if not more and not self._stop.is_set():
                self._coordinator.wait(_IDLE_WAIT_S)
        # The host may have a thread at work, which must not outlive this one.
        self._coordinator.stop()

    def _watch(self) -> None:
        while not self._stop.wait(_IDLE_WAIT_S):
            self._coordinator.check()
