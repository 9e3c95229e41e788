"""`diptych refs`."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from diptych.cli.arguments import Argument, Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait, open_fresh
from diptych.cli.options import HITS_MAX, Json, StorePath


def run(
    name: Annotated[str, Argument("NAME", help="The exact name.")],
    kind: Annotated[
        str | None,
        Option("--kind", metavar="KIND", help="calls, extends, implements, imports or references."),
    ] = None,
    outgoing: Annotated[
        bool, Option("--from", help="The other way: what the definitions of NAME call, extend, ….")
    ] = False,
    limit: Annotated[
        int | None,
        Option("--limit", "-n", bounds=(1, HITS_MAX), metavar="N", help="Maximum number of relations."),
    ] = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """Find what calls, extends, imports or mentions a name.

    Relations are by name, as the source has them: two definitions of one name are not distinguished.
    Exit code 1 if there is no match.

    \b
    Examples:
      diptych refs parse
      diptych refs BaseHandler --kind extends
      diptych refs parse --from --kind calls
    """
    from diptych.cli.documents import relation_hit_document, relation_line
    from diptych.cli.found import show

    with open_fresh(store, fresh, wait=wait, busy=busy, output_root=output_root) as opened:
        found = opened.relations_from(name) if outgoing else opened.references(name)
        hits = (hit for hit in found if kind is None or hit.relation.kind == kind)
        return show(islice(hits, limit), relation_line, relation_hit_document, as_json=as_json)
