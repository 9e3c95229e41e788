"""Progress of an indexer run: a bar on a terminal, otherwise a plain line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from diptych.cli.output import note

if TYPE_CHECKING:
    from diptych.indexer import Progress

# A smaller run ends before the bar, which is slow to import, would appear.
_BAR_FILES = 200
_LINE_EVERY_S = 5.0


class Progressing:
    """Shows progress on standard error while its `with` block runs."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None
        self._printed_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show the progress of the run."""
        if not self._shown or progress.total_files < _BAR_FILES:
            return
        if self._terminal:
            self._draw(progress)
        elif time.monotonic() - self._printed_s >= _LINE_EVERY_S and progress.done_files:
            self._printed_s = time.monotonic()
            note(sentence(progress))

    def _draw(self, progress: Progress) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[pace]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("Indexing", total=progress.total_files, pace="")
            self._bar.start()
        self._bar.update(self._task, completed=progress.done_files, pace=pace(progress))


def sentence(progress: Progress) -> str:
    """One plain line: "1,000 of 1,790 files, 512 files/s, 2 s left"."""
    return f"{progress.done_files:,} of {progress.total_files:,} files, {pace(progress)}"


def pace(progress: Progress) -> str:
    """The rate, and the time left, estimated by bytes since files differ in size; "" at first."""
    if not progress.done_files or progress.elapsed_s <= 0:
        return ""
    rate = progress.done_files / progress.elapsed_s
    left_bytes = progress.total_bytes - progress.done_bytes
    left_s = left_bytes * progress.elapsed_s / progress.done_bytes if progress.done_bytes else 0.0
    return f"{rate:,.0f} files/s, {left_s:,.0f} s left"
