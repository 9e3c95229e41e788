"""A thread that keeps a coordinator at work, and one that watches over it."""

from __future__ import annotations

import threading

from .coordinator import Coordinator
from .metrics import logger

_IDLE_WAIT_S = 1.0


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
