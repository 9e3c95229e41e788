"""Count the progress of a run, for a progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable

from diptych.indexer.settings import Progress

_REPORT_EVERY_S = 0.1


class Meter:
    """Calls `progress` about ten times a second, and at the end. Does nothing if it is None."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self._total_files = self._total_bytes = 0
        self._done_files = self._done_bytes = 0
        self._began_s = self._reported_s = time.monotonic()

    def begin(self, files: int, size: int) -> None:
        """Set the total, and start the clock."""
        self._total_files, self._total_bytes = files, size
        self._began_s = time.monotonic()
        self._report()

    def advance(self, size: int) -> None:
        """Count one finished file of `size` bytes."""
        self._done_files += 1
        self._done_bytes += size
        if self._progress is not None and time.monotonic() - self._reported_s >= _REPORT_EVERY_S:
            self._report()

    def finish(self) -> None:
        """Report the end."""
        self._report()

    def _report(self) -> None:
        self._reported_s = time.monotonic()
        if self._progress is not None:
            self._progress(
                Progress(
                    self._done_files,
                    self._total_files,
                    self._done_bytes,
                    self._total_bytes,
                    self._reported_s - self._began_s,
                )
            )
