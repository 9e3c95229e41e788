"""Showing what a look-up found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import typer

from diptych.cli.exit_codes import ExitCode
from diptych.cli.output import array, line, note

Hit = TypeVar("Hit")


def show(
    hits: Iterable[Hit],
    as_line: Callable[[Hit], str],
    as_document: Callable[[Hit], Any],
    *,
    as_json: bool,
    write: Callable[[str], None] = line,
) -> None:
    """Print the hits, as lines or as one JSON array. Raises typer.Exit(1) where there are none."""
    count = 0
    if as_json:
        count = array(as_document(hit) for hit in hits)
    else:
        for hit in hits:
            write(as_line(hit))
            count += 1
        if not count:
            note("no match")
    if not count:
        raise typer.Exit(ExitCode.FINDINGS)
