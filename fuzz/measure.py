"""One input run within bounds: of memory, by what Python allocates, and of time."""

from __future__ import annotations

import signal
import tracemalloc
from types import FrameType

from tools.guard import HANG_S

from .targets import Target

# What a target may allocate besides its share of the input: read buffers, an index in memory.
FIXED_BYTES = 4 * 1024 * 1024
# Of the processor's time, which a busy machine does not make longer.
LIMIT_S = 30.0


class TooMuchMemoryError(Exception):
    """More was allocated than the input's length explains."""


class TooLongError(Exception):
    """The input took too much of the processor's time, or did not end."""


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TooLongError


def run_bounded(target: Target, data: bytes) -> None:
    """Run `data`, in the main thread.

    Raises TooMuchMemoryError, TooLongError, and what the target lets through.
    """
    timers = ((signal.ITIMER_PROF, signal.SIGPROF, LIMIT_S), (signal.ITIMER_REAL, signal.SIGALRM, HANG_S))
    before = [signal.signal(number, _too_long) for _, number, _ in timers]
    for timer, _, limit_s in timers:
        signal.setitimer(timer, limit_s)
    tracemalloc.start()
    try:
        target.run(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
    allowed = FIXED_BYTES + target.allowance * len(data)
    if peak > allowed:
        raise TooMuchMemoryError(f"{peak:,} bytes were allocated for an input of {len(data):,}")
