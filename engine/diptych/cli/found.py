"""Print the hits of a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from diptych.cli.exit_codes import ExitCode
from diptych.cli.output import Part, array, line, note

if TYPE_CHECKING:
    from diptych.store.code import CodeView, Store

Hit = TypeVar("Hit")

_VALUES_MAX = 30


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


def note_unknown(store: Store | CodeView, field: str, values: Sequence[str]) -> None:
    """Say which of the values no symbol has in an exact field, and which there are."""
    known = list(store.facets("*", [field])[field]) if values else []
    folded = {one.casefold() for one in known}
    for value in values:
        if value.casefold() not in folded and known:
            import difflib

            alike = difflib.get_close_matches(value.casefold(), known, 1)
            meant = f"; did you mean {alike[0]}?" if alike else ""
            there = ", ".join(known[:_VALUES_MAX])
            note(f"diptych: no symbol has the {field} {value}; there are {there}{meant}")
