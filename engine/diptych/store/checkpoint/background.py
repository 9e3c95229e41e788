"""Work in a thread of its own, while its caller does something else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread


class BackgroundTask:
    """One piece of work. Made first and started then: an interrupt between the two loses nothing."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._future: Future[None] = Future()

    def start(self) -> None:
        """Begin; and end, where the system has no thread to give."""
        try:
            Thread(target=self._run, name="diptych-background").start()
        except RuntimeError:
            self._run()

    def result(self) -> None:
        """Wait for the end. Raises what the work raised."""
        self._future.result()

    def settle(self) -> None:
        """Return when the work has ended, or never will begin, whatever came of it.

        An interrupt meanwhile is raised afterwards.
        """
        interrupt: BaseException | None = None
        while not self._future.cancel() and not self._future.done():
            try:
                wait((self._future,))
            except BaseException as error:  # noqa: BLE001 - it is raised below
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def _run(self) -> None:
        try:
            # Within the `try`: what begins must end, or `settle` would wait for ever.
            if not self._future.set_running_or_notify_cancel():
                return
            self._work()
        except BaseException as error:  # noqa: BLE001 - Rust's panics too: `result` raises it
            self._future.set_exception(error)
        else:
            self._future.set_result(None)
