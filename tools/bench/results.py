"""What a row measured: series of figures, the targets they are held to, and their shape as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tools.bench import stats


@dataclass
class Series:
    """One figure of one contestant on one data set, once per round.

    `value` is what is printed; `rounds` its spread. `files` places the data set on a growth curve.
    """

    contestant: str
    metric: str
    unit: str
    point: str
    files: int
    rounds: list[float]
    value: float
    more_is_better: bool = False
    note: str = ""

    @property
    def spread(self) -> stats.Spread:
        """The printed value between the least and the greatest round.

        A percentile over all rounds may lie beyond that of each: the bounds take it in.
        """
        return stats.Spread(self.value, min(*self.rounds, self.value), max(*self.rounds, self.value))


@dataclass
class Verdict:
    """One target: what was to be reached, what was, and whether that suffices (None: not measured)."""

    target: str
    reached: str
    met: bool | None


@dataclass
class RowResult:
    """All that one row has to say."""

    id: str
    title: str
    target: str
    series: list[Series] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    agreed: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0

    def add(
        self,
        contestant: str,
        metric: str,
        unit: str,
        point: Any,
        rounds: Sequence[float],
        *,
        value: float | None = None,
        more_is_better: bool = False,
        note: str = "",
    ) -> Series:
        """Add a series; without `value` it is the median of the rounds. `point` is a data set."""
        figures = [float(figure) for figure in rounds]
        middle = stats.median(figures) if value is None else float(value)
        series = Series(
            contestant, metric, unit, point.name, point.files, figures, middle, more_is_better, note
        )
        self.series.append(series)
        return series

    def find(self, contestant: str, metric: str, point: Any) -> Series | None:
        """The series of that contestant, metric and data set, or None."""
        for series in self.series:
            if (series.contestant, series.metric, series.point) == (contestant, metric, point.name):
                return series
        return None

    def ratio(self, contestant: str, other: str, metric: str, point: Any) -> stats.Spread | None:
        """The contestant's figure over the other's, or None where either was not measured."""
        ours, theirs = self.find(contestant, metric, point), self.find(other, metric, point)
        if ours is None or theirs is None or not theirs.value:
            return None
        between = stats.ratio(ours.rounds, theirs.rounds)
        # The printed values give the middle: they are taken over all rounds, and are what is read beside it.
        return stats.Spread(ours.value / theirs.value, between.low, between.high)

    def judge(
        self,
        target: str,
        reached: float | None,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        unit: str = "×",
    ) -> None:
        """Hold a figure to its limit."""
        if reached is None:
            self.verdicts.append(Verdict(target, "not measured", None))
            return
        met = (at_most is None or reached <= at_most) and (at_least is None or reached >= at_least)
        self.verdicts.append(Verdict(target, f"{figure(reached)} {unit}".strip(), met))

    def judge_ratio(
        self, target: str, other: str, metric: str, point: Any, *, at_most: float | None = None,
        at_least: float | None = None, contestant: str = "diptych",
    ) -> None:
        """Hold the contestant's figure over another's to its limit."""
        between = self.ratio(contestant, other, metric, point)
        self.judge(target, None if between is None else between.median, at_most=at_most, at_least=at_least)

    def curves(self) -> list[dict[str, Any]]:
        """For each contestant and metric measured at two sizes or more: the points and the exponent."""
        grouped: dict[tuple[str, str], list[Series]] = {}
        for series in self.series:
            if series.point.startswith("generated"):
                grouped.setdefault((series.contestant, series.metric), []).append(series)
        curves = []
        for (contestant, metric), members in grouped.items():
            slope = stats.exponent([one.files for one in members], [one.value for one in members])
            if slope is not None:
                curves.append({
                    "contestant": contestant, "metric": metric, "unit": members[0].unit, "exponent": slope,
                    "points": sorted((one.files, one.value) for one in members),
                })
        return curves

    def as_json(self) -> dict[str, Any]:
        """This row as plain values."""
        return asdict(self) | {"curves": self.curves()}


def figure(value: float) -> str:
    """Three significant digits, without an exponent."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.1 or value == 0:
        return f"{value:.2f}"
    return f"{value:.3g}"
