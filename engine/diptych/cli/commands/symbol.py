"""`diptych symbol`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument, Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait, open_fresh
from diptych.cli.options import Json, StorePath


def run(
    name: Annotated[str, Argument("NAME", help="The exact name.")],
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only symbols of this kind.")] = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """Find the definitions of a name.

    The name must match exactly, including case. Exit code 1 if there is no match.

    \b
    Examples:
      diptych symbol parse
      diptych symbol Response --kind class
      diptych symbol parse --json | jq -r '.[].path'
    """
    from diptych.cli.documents import hit_document, hit_line
    from diptych.cli.found import show

    with open_fresh(store, fresh, wait=wait, busy=busy, output_root=output_root) as opened:
        hits = [hit for hit in opened.symbols(name) if kind is None or hit.symbol.kind == kind]
        return show(hits, hit_line, hit_document, as_json=as_json)
