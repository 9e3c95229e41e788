"""Print the hits of a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from diptych.cli.exit_codes import ExitCode
from diptych.cli.output import Part, array, line, note

Hit = TypeVar("Hit")


def show(
    hits: Iterable[Hit],
    as_line: Callable[[Hit], Sequence[Part]],
    as_document: Callable[[Hit], Any],
    *,
    as_json: bool,
) -> ExitCode:
    """Print the hits, as lines or as one JSON array. Returns the exit code."""
    return show_by(hits, lambda hit: line(*as_line(hit)), as_document, as_json=as_json)


def show_by(
    hits: Iterable[Hit], write: Callable[[Hit], None], as_document: Callable[[Hit], Any], *, as_json: bool
) -> ExitCode:
    """The same, each hit printed by `write`."""
    count = 0
    if as_json:
        count = array(as_document(hit) for hit in hits)
    else:
        for hit in hits:
            write(hit)
            count += 1
        if not count:
            note("no match")
    return ExitCode.DONE if count else ExitCode.FINDINGS
