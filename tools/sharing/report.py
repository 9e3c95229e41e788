"""The figures as a table, each with its target."""

from __future__ import annotations

import statistics
from typing import NamedTuple

from tools.sharing.measure import Measured


class Row(NamedTuple):
    """A line, and whether its target is met."""

    text: str
    met: bool


def lines(measured: Measured) -> list[Row]:
    """The table."""
    full = measured.full_bytes
    deltas = measured.delta_bytes
    elapsed = measured.tar_elapsed_s / measured.full_elapsed_s if measured.full_elapsed_s else 0.0
    speed = measured.tar_s / measured.full_s if measured.full_s else 0.0
    nearest = measured.nearest_index_s / measured.index_s
    return [
        Row(f"{measured.files:,} files changed by one in a hundred; a full push has {full:,} bytes", True),
        _row("delta push, bytes ÷ full", 100 * deltas[0] / full, 2.0, "%"),
        _row("median of all delta pushes ÷ full", 100 * statistics.median(deltas) / full, 2.0, "%"),
        _row(f"mean of {len(deltas)} pushes ÷ full", 100 * statistics.mean(deltas) / full, 5.0, "%"),
        _row("most that a cold pull reads ÷ full", 100 * max(measured.cold_bytes) / full, 150.0, "%"),
        _row("requests of a delta push", max(measured.delta_requests), 4, ""),
        _row("requests with nothing changed", measured.unchanged_requests, 1, ""),
        _row("full push ÷ tar.gz -9", full / measured.tar_bytes, 0.93, ""),
        Row(f"{'speed of a full push ÷ tar.gz -9':<44} {speed:8.2f}     (at least 4)", speed >= 4),
        Row(f"{'the same by the clock, on two cores':<44} {elapsed:8.2f}     ", True),
        _row("cold pull, verified and installed", measured.cold_pull_s, 0.5, "s"),
        Row(f"{'pull of a delta':<44} {measured.pull_s:8.2f} s   {measured.pull_bytes:,} bytes", True),
        _row("pull nearest and index ÷ full index", 100 * nearest, 15.0, "%"),
    ]


def _row(name: str, value: float, most: float, unit: str) -> Row:
    return Row(f"{name:<44} {value:8.2f} {unit:<3} (at most {most:g})", value <= most)
