"""Plots as SVG text: bars for one size, lines over sizes; both on logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from tools.bench.results import figure

_BAR_HEIGHT = 18
_LABEL_WIDTH = 190
_BAR_WIDTH = 330
_LINE_WIDTH, _LINE_HEIGHT = 420, 250
_MARGIN = 62
_RIGHT = 34
# Told apart by colour-blind readers (Okabe and Ito); ours is the first.
_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#000000", "#999933")
OURS = "diptych"


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each contestant, the same wherever it appears."""
    others = [name for name in names if name != OURS]
    palette = {OURS: _COLOURS[0]}
    for number, name in enumerate(others):
        palette[name] = _COLOURS[1 + number % (len(_COLOURS) - 1)]
    return palette


def bars(title: str, values: Mapping[str, tuple[float, float, float]], palette: Mapping[str, str]) -> str:
    """Horizontal bars of (value, least, greatest), on a logarithmic scale, in the order given."""
    positive = [number for triple in values.values() for number in triple if number > 0]
    if not positive:
        return ""
    # The scale begins a decade below the least, so that the shortest bar can be seen.
    floor = math.floor(math.log10(min(positive))) - 0.3
    top = math.log10(max(positive))
    span = max(top - floor, 1e-9)

    def x(number: float) -> float:
        share = (math.log10(number) - floor) / span if number > 0 else 0.0
        return _LABEL_WIDTH + max(0.0, share) * _BAR_WIDTH

    height = _BAR_HEIGHT * len(values) + 24
    width = _LABEL_WIDTH + _BAR_WIDTH + 90
    parts = [f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">']
    parts.append(f'<text x="0" y="13" class="t">{escape(title)}</text>')
    for number, (name, (value, low, high)) in enumerate(values.items()):
        y = 20 + number * _BAR_HEIGHT
        weight = ' font-weight="bold"' if name == OURS else ""
        middle = y + _BAR_HEIGHT / 2
        parts.append(
            f'<text x="{_LABEL_WIDTH - 6}" y="{middle + 4}" text-anchor="end"{weight}>{escape(name)}</text>'
            f'<rect x="{_LABEL_WIDTH}" y="{y + 2}" width="{max(x(value) - _LABEL_WIDTH, 1):.1f}"'
            f' height="{_BAR_HEIGHT - 5}" fill="{palette.get(name, "#666666")}"/>'
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{middle}" y2="{middle}" class="e"/>'
            f'<text x="{max(x(high), x(value)) + 5:.1f}" y="{middle + 4}">{figure(value)}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)


def lines(
    title: str,
    curves: Mapping[str, Sequence[tuple[float, float]]],
    palette: Mapping[str, str],
    *,
    legend: bool = False,
) -> str:
    """Curves of (files, figure), both axes logarithmic; with `legend`, each curve's name below."""
    points = [point for curve in curves.values() for point in curve if point[1] > 0]
    if not points:
        return ""
    left, right = math.log10(min(x for x, _ in points)), math.log10(max(x for x, _ in points))
    low = math.floor(math.log10(min(y for _, y in points)))
    high = math.ceil(math.log10(max(y for _, y in points)))
    high = max(high, low + 1)
    right = max(right, left + 1e-9)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = _MARGIN + (math.log10(point[0]) - left) / (right - left) * (_LINE_WIDTH - _MARGIN - _RIGHT)
        y = 30 + (high - math.log10(point[1])) / (high - low) * (_LINE_HEIGHT - 30 - 24)
        return x, y

    height = _LINE_HEIGHT + (8 + _BAR_HEIGHT * len(curves) if legend else 0)
    parts = [
        f'<svg viewBox="0 0 {_LINE_WIDTH} {height}" width="{_LINE_WIDTH}" height="{height}" role="img">',
        f'<text x="0" y="13" class="t">{escape(title)}</text>',
    ]
    for decade in range(low, high + 1):
        _, y = place((10**left, 10.0**decade))
        parts.append(
            f'<line x1="{_MARGIN}" x2="{_LINE_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="g"/>'
            f'<text x="{_MARGIN - 5}" y="{y + 4:.1f}" text-anchor="end">{figure(10.0**decade)}</text>'
        )
    for files in sorted({x for x, _ in points}):
        x, _ = place((files, 10.0**low))
        parts.append(f'<text x="{x:.1f}" y="{_LINE_HEIGHT - 6}" text-anchor="middle">{int(files):,}</text>')
    for name, curve in curves.items():
        colour = palette.get(name, "#666666")
        places = [place(point) for point in curve if point[1] > 0]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        width = 3 if name == OURS else 1.5
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width + 1}" fill="{colour}"/>' for x, y in places]
    for number, name in enumerate(curves if legend else ()):
        y = _LINE_HEIGHT + 8 + number * _BAR_HEIGHT
        parts.append(
            f'<rect x="{_MARGIN}" y="{y}" width="10" height="10" fill="{palette.get(name, "#666666")}"/>'
            f'<text x="{_MARGIN + 16}" y="{y + 9}">{escape(name)}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)
