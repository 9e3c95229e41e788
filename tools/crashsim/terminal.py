"""The campaign as it goes on, and its table when it is done."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from .results import Campaign, Run


class Bar:
    """A progress bar that names the run and shows states checked, failures and speed."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed}/{task.total} states"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("recording", total=None, rate="")
        self._run: Run | None = None
        self._began = 0.0

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, run: Run, done: int, total: int) -> None:
        """Show that `done` of `total` states of the recording at hand are checked."""
        if run is not self._run or done == 1:
            self._run, self._began = run, time.monotonic()
        elapsed_s = time.monotonic() - self._began
        rate = f"{done / elapsed_s:.0f}/s" if elapsed_s > 0.2 else ""
        name = f"{run.subject} {run.workload} {run.model}" + (f" depth {run.depth}" if run.depth else "")
        failed = f" [red]{run.failed} failed[/red]" if run.failed else ""
        self._progress.update(self._task, description=name + failed, completed=done, total=total, rate=rate)


def table(campaign: Campaign) -> Table:
    """One line for each workload, model and depth."""
    found = Table(title=None, header_style="bold", box=None)
    for heading in ("workload", "model", "depth"):
        found.add_column(heading, no_wrap=True)
    for heading in ("steps", "distinct", "checked", "failed", "seconds"):
        found.add_column(heading, justify="right", no_wrap=True)
    found.add_column("outcome", overflow="fold")
    merged: dict[tuple[str, str, str, int, str], list[Run]] = {}
    for run in campaign.runs:
        merged.setdefault((run.subject, run.workload, run.model, run.depth, run.mode), []).append(run)
    for (subject, workload, model, depth, mode), runs in merged.items():
        failed = sum(run.failed for run in runs)
        found.add_row(
            f"{subject} {workload}",
            model,
            f"{depth} {mode}" if depth else "0",
            *(f"{sum(getattr(run, name) for run in runs):,}" for name in ("steps", "distinct", "checked")),
            f"[red]{failed:,}[/red]" if failed else "0",
            f"{sum(run.elapsed_s for run in runs):.1f}",
            outcome(runs),
        )
    return found


def outcome(runs: list[Run]) -> str:
    """What became of these runs, in a few words."""
    refused = next((run.refused for run in runs if run.refused), "")
    kinds: dict[str, int] = {}
    for run in runs:
        for kind, count in run.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    words = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
    if refused and not kinds:
        words = f"refused: {refused}"
    elif refused:
        words += f"; {refused}"
    if not words and any(run.recordings and not run.checked for run in runs):
        return "[yellow]not all checked: the time was up[/yellow]"
    if not words:
        return "[green]holds[/green]"
    return words + (" (expected)" if runs[0].expected else "")


def summary(campaign: Campaign) -> str:
    """The last line."""
    checked = sum(run.checked for run in campaign.runs)
    distinct = sum(run.distinct for run in campaign.runs)
    words = f"{checked:,} states checked of {distinct:,} distinct, in {campaign.elapsed_s:.0f} s"
    end = "" if campaign.finished else "; the time was up before the end"
    return f"{words}: {campaign.violations:,} violations{end}."
