"""How far a push or a pull is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is."""

    phase: str
    """What is done now: "encoding", "sending", "fetching" or "decoding"."""
    done_bytes: int
    total_bytes: int
    """Of this phase."""
    reused_bytes: int
    """Of files that need not be transferred, on the other side already."""
    elapsed_s: float

    @property
    def bytes_per_s(self) -> float:
        """The rate; 0 at first."""
        return self.done_bytes / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def left_s(self) -> float:
        """The time left at that rate; 0 at first."""
        rate = self.bytes_per_s
        return (self.total_bytes - self.done_bytes) / rate if rate else 0.0

    @property
    def reused_share(self) -> float:
        """Which share of all files is there already, from 0 to 1."""
        total = self.reused_bytes + self.total_bytes
        return self.reused_bytes / total if total else 1.0


Shown = Callable[[Progress], None]


class Meter:
    """Counts the bytes of a phase, and shows them."""

    def __init__(self, show: Shown | None, phase: str, total_bytes: int, reused_bytes: int) -> None:
        self._show, self._phase = show, phase
        self._total_bytes, self._reused_bytes = total_bytes, reused_bytes
        self._done_bytes = 0
        self._began_s = time.monotonic()

    def add(self, count_bytes: int) -> None:
        """So many bytes more are done."""
        self._done_bytes += count_bytes
        if self._show is not None:
            elapsed_s = time.monotonic() - self._began_s
            self._show(
                Progress(self._phase, self._done_bytes, self._total_bytes, self._reused_bytes, elapsed_s)
            )
