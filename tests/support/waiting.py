"""How a test waits: for a condition, an event, a thread or a process, with one bound that ends a hang.

No test passes or fails by speed. A short time is right only where it must run out: then it is `SHORT_S`.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from multiprocessing import synchronize
from multiprocessing.process import BaseProcess
from typing import Any

from tools.guard import HANG_S

SHORT_S = 0.2
"""For a wait that must run out, because what it waits for cannot come."""

_POLL_S = 0.005


def wait_until(condition: Callable[[], object], what: str = "it") -> None:
    """Return when `condition()` is true."""
    end_s = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < end_s, f"{what} did not come about"
        time.sleep(_POLL_S)


def wait_for(event: threading.Event | synchronize.Event) -> None:
    """Return when the event is set, of threads or of processes."""
    assert event.wait(HANG_S), "the event was not set"


def join(*threads: threading.Thread | BaseProcess) -> None:
    """Return when the threads, or processes of multiprocessing, have ended."""
    for thread in threads:
        thread.join(HANG_S)
        assert not thread.is_alive(), f"{thread.name} hangs"


def exit_code(process: subprocess.Popen[Any]) -> int:
    """Wait for the end of a process whose output nobody reads; its exit code. One that hangs is killed."""
    try:
        return process.wait(HANG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def output(process: subprocess.Popen[Any]) -> tuple[Any, Any]:
    """Wait for the end of a process; what it wrote to standard output and standard error.

    One that hangs is killed: a `with` block around it would wait for ever.
    """
    try:
        return process.communicate(timeout=HANG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def pass_ms() -> None:
    """Return when the clock of the day shows another millisecond."""
    start_ms = time.time_ns() // 1_000_000
    wait_until(lambda: time.time_ns() // 1_000_000 > start_ms, "the next millisecond")


def pause() -> None:
    """Let other threads run for a moment, so that more interleavings are tried. Nothing may rest on it."""
    time.sleep(_POLL_S)
