"""Medians, percentiles, spread, ratios and growth: pure functions of lists of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """The middle of some figures, and how far they lie apart."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, interpolated between neighbours.

    Raises ValueError where there are no values or the share is outside 0 to 1.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, not {share}")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = math.ceil(position)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return percentile(values, 0.5)


def spread(values: Sequence[float]) -> Spread:
    """Median, least and greatest."""
    return Spread(median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, round by round: what disturbs a round disturbs both sides of its ratio.

    Where one side has fewer rounds (it was stopped early), the rounds that both have are compared.
    Raises ValueError where there is no common round, or theirs has a zero.
    """
    pairs = list(zip(ours, theirs, strict=False))
    if not pairs:
        raise ValueError("a ratio needs at least one round of each")
    if any(their == 0 for _, their in pairs):
        raise ValueError("a ratio to nothing has no value")
    return spread([our / their for our, their in pairs])


def exponent(sizes: Sequence[float], figures: Sequence[float]) -> float | None:
    """The slope of log(figure) over log(size): 0 is flat, 1 linear. None without two sizes to compare."""
    points = [
        (math.log(size), math.log(figure))
        for size, figure in zip(sizes, figures, strict=True)
        if size > 0 and figure > 0
    ]
    if len({x for x, _ in points}) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    under = sum((x - mean_x) ** 2 for x, _ in points)
    return over / under
