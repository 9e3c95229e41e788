"""The table on the terminal: for each row its contestants, beside Diptych."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.bench.results import RowResult, Series, figure

_US = "diptych"
_WIDTH_MIN = 150
_METRICS_MAX = 3
_VERDICTS = {True: ("met", "green"), False: ("MISSED", "red"), None: ("open", "yellow")}


def show(about: dict[str, Any], results: Sequence[RowResult], console: Console | None = None) -> None:
    """Print all rows."""
    console = console or _console()
    for result in results:
        _show_row(console, result)
    machine = f"{about['processor']}, {about['processors']} processors; {about['system']}"
    run = f"Python {about['python']}; size {about['size']}, {about['elapsed_s']} s"
    console.print(f"\n{machine}; {run}", style="dim", highlight=False)


def _console() -> Console:
    """The terminal; a pipe or a narrow terminal gets whole lines instead of broken columns."""
    console = Console()
    return console if console.width >= _WIDTH_MIN else Console(width=_WIDTH_MIN)


def _show_row(console: Console, result: RowResult) -> None:
    console.print()
    console.print(Text(f"{result.id}: {result.title}", style="bold"))
    console.print(Text(f"to reach: {result.target}"))
    if result.refused:
        console.print(Text(f"REFUSED: {result.refused}", style="red"))
    if result.series:
        for made in _tables(result):
            console.print(made)
    for curve in result.curves():
        text = f"growth of {curve['contestant']}, {curve['metric']}: files^{curve['exponent']:.2f}"
        if curve["contestant"] == _US:
            console.print(text, highlight=False)
    for verdict in result.verdicts:
        word, style = _VERDICTS[verdict.met]
        console.print(Text(f"{word:>7}  {verdict.target}: {verdict.reached}", style=style))
    if result.agreed:
        console.print(Text(f"answers agree: {'; '.join(result.agreed)}", style="dim"))
    for name, why in (result.absent | result.failures).items():
        console.print(Text(f"without {name}: {why.splitlines()[0]}", style="yellow"))
    remarks = {series.contestant: series.note for series in result.series if series.note}
    for name, remark in remarks.items():
        console.print(Text(f"{name}: {remark}", style="dim"))
    for note in result.notes:
        console.print(Text(note, style="dim"))


def _tables(result: RowResult) -> Iterator[Table]:
    """A line for each contestant, a pair of columns for each figure; its spread over rounds in brackets."""
    metrics = list(dict.fromkeys((one.metric, one.unit) for one in result.series))
    for start in range(0, len(metrics), _METRICS_MAX):
        yield _table(result, metrics[start : start + _METRICS_MAX])


def _table(result: RowResult, metrics: Sequence[tuple[str, str]]) -> Table:
    made = Table(show_edge=False, pad_edge=False, header_style="bold")
    made.add_column("data", no_wrap=True)
    made.add_column("contestant", no_wrap=True)
    for metric, unit in metrics:
        made.add_column(f"{metric}, {unit}", justify="right")
        made.add_column("diptych ÷", justify="right", no_wrap=True)
    shown = {metric for metric, _ in metrics}
    for point in dict.fromkeys(one.point for one in sorted(result.series, key=lambda one: one.files)):
        here = [one for one in result.series if one.point == point and one.metric in shown]
        for number, contestant in enumerate(_best_first(here)):
            cells: list[str | Text] = [point if number == 0 else ""]
            cells.append(Text(contestant, style="bold cyan" if contestant == _US else ""))
            for metric, _ in metrics:
                cells += _cells(_one(here, contestant, metric), _one(here, _US, metric))
            made.add_row(*cells)
        made.add_section()
    return made


def _cells(theirs: Series | None, ours: Series | None) -> tuple[str, str]:
    """A figure with its spread, and how ours compares with it."""
    if theirs is None:
        return "–", ""
    low, high = theirs.spread.low, theirs.spread.high
    between = f" ({figure(low)} – {figure(high)})" if len(theirs.rounds) > 1 else ""
    beside = figure(ours.value / theirs.value) if ours and ours is not theirs and theirs.value else ""
    return figure(theirs.value) + between, beside


def _best_first(here: Sequence[Series]) -> list[str]:
    """The contestants in the order of the first figure that each has."""
    first = {}
    for one in here:
        first.setdefault(one.contestant, -one.value if one.more_is_better else one.value)
    return sorted(first, key=lambda name: first[name])


def _one(here: Sequence[Series], contestant: str, metric: str) -> Series | None:
    return next((one for one in here if one.contestant == contestant and one.metric == metric), None)
