"""How a workload says where it is: a line to a file outside the directory, seen in the trace in its order.

`issued 3` is written before the third transaction starts to commit, `acked 3` after it has returned.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

MARKS_VARIABLE = "CRASHSIM_MARKS"


class Marks:
    """Writes marks when the simulator asked for them, and nothing otherwise."""

    def __init__(self) -> None:
        path = os.environ.get(MARKS_VARIABLE)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND) if path else None

    def _say(self, line: str) -> None:
        if self._descriptor is not None:
            os.write(self._descriptor, line.encode() + b"\n")

    def issued(self, number: int) -> None:
        """Transaction `number` (from 1) may be durable from now on."""
        self._say(f"issued {number}")

    def acked(self, number: int) -> None:
        """Transaction `number` must be durable from now on."""
        self._say(f"acked {number}")


def bounds(marks: Iterable[str]) -> tuple[int, int]:
    """(acknowledged, issued) after these marks: the numbers between which the recovered prefix must be."""
    acked = issued = 0
    for mark in marks:
        word, _, number = mark.partition(" ")
        if word == "acked":
            acked = max(acked, int(number))
        elif word == "issued":
            issued = max(issued, int(number))
    return acked, max(issued, acked)
