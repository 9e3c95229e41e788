"""`diptych symbol`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from diptych.cli.arguments import Argument, Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait, open_fresh
from diptych.cli.options import HITS_MAX, Json, StorePath

if TYPE_CHECKING:
    from diptych.store.code import Store

_SUGGESTIONS = 5


def run(
    name: Annotated[str, Argument("NAME", help="The name, or a qualified name.")],
    kind: Annotated[
        str | None, Option("--kind", metavar="KIND", help="Only symbols of this kind, in any case.")
    ] = None,
    match: Annotated[
        Literal["exact", "ignore-case", "prefix", "fuzzy"],
        Option("--match", "-m", help="How the name must match; fuzzy allows two typing errors."),
    ] = "exact",
    limit: Annotated[
        int | None,
        Option("--limit", "-n", bounds=(1, HITS_MAX), metavar="N", help="Maximum number of symbols."),
    ] = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """Find the definitions of a name.

    The name must match exactly, including case, or as --match says. A qualified name (json.JSONDecoder, a::b)
    finds its last part within the others. Exit code 1 if there is no match.

    \b
    Examples:
      diptych symbol parse
      diptych symbol Response --kind class
      diptych symbol http.client.HTTPConnection
      diptych symbol getuser --match prefix
      diptych symbol parse --json | jq -r '.[].path'
    """
    from diptych.cli.documents import hit_document, hit_line
    from diptych.cli.found import note_unknown, show
    from diptych.cli.output import note

    with open_fresh(store, fresh, wait=wait, busy=busy, output_root=output_root) as opened:
        found = opened.find_symbols(name, match, limit=HITS_MAX)
        hits = [hit for hit in found if kind is None or hit.symbol.kind.casefold() == kind.casefold()][:limit]
        if found and not hits and kind is not None:
            note_unknown(opened, "kind", [kind])
        if not found and (names := _near(opened, name)):
            note(f"diptych: there is no {name}; did you mean {', '.join(names)}?")
        return show(hits, hit_line, hit_document, as_json=as_json)


def _near(store: Store, name: str) -> list[str]:
    """The names nearest to one that is not there; none where the index cannot say."""
    from diptych.errors import QueryError

    try:
        hits = store.find_symbols(name, "ignore-case") or store.find_symbols(name, "fuzzy", limit=100)
    except QueryError:
        return []
    return list(dict.fromkeys(hit.symbol.name for hit in hits))[:_SUGGESTIONS]
