"""One input run within bounds: of memory, by what Python allocates, and of time."""

from __future__ import annotations

import signal
import tracemalloc
from types import FrameType

from .targets import Target

# What a target may allocate besides its share of the input: read buffers, an index in memory.
FIXED_BYTES = 4 * 1024 * 1024
LIMIT_S = 30


class TooMuchMemoryError(Exception):
    """More was allocated than the input's length explains."""


class TooLongError(Exception):
    """The input was not dealt with in time."""


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TooLongError


def run_bounded(target: Target, data: bytes) -> None:
    """Run `data`, in the main thread.

    Raises TooMuchMemoryError, TooLongError, and what the target lets through.
    """
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LIMIT_S)
    tracemalloc.start()
    try:
        target.run(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    allowed = FIXED_BYTES + target.allowance * len(data)
    if peak > allowed:
        raise TooMuchMemoryError(f"{peak:,} bytes were allocated for an input of {len(data):,}")
