"""The thread that runs checkpoints when they are due, beside commits and without stopping them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from diptych.store.healing import log

# After a failed checkpoint (a full disk, say) the next try waits this long, then twice as long, and so on.
_RETRY_S = 5.0
_RETRY_MOST_S = 300.0


class Scheduler:
    """Calls `run` in a daemon thread when woken, or when `interval_s` has passed since the first change."""

    def __init__(self, run: Callable[[], object], due: Callable[[], bool], interval_s: float) -> None:
        self.error: Exception | None = None
        self._run, self._due, self._interval_s = run, due, interval_s
        self._condition = threading.Condition()
        self._woken = False
        self._stopped = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Look now whether a checkpoint is due."""
        with self._condition:
            self._woken = True
            if self._thread is None and not self._stopped:
                thread = threading.Thread(target=self._loop, name="diptych-checkpoint", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    # The system has no thread to give. The commit that woke this stands; the next tries.
                    self.error = error
                    return
                self._thread = thread
            self._condition.notify()

    def stop(self) -> None:
        """End the thread; waits for a checkpoint that is running."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _loop(self) -> None:
        retry_s = 0.0
        while True:
            with self._condition:
                wait_s = retry_s or self._interval_s
                deadline = time.monotonic() + wait_s
                while not self._stopped and (not self._woken or retry_s):
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    self._condition.wait(left)
                self._woken = False
                if self._stopped:
                    return
            try:
                if self._due():
                    self._run()
                self.error, retry_s = None, 0.0
            except Exception as error:  # noqa: BLE001 - a thread of ours must not die in silence
                self.error = error
                retry_s = min(max(_RETRY_S, retry_s * 2), _RETRY_MOST_S)
                log.warning("a checkpoint failed, the next try is in %.0f s: %s", retry_s, error)
