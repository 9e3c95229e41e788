"""`diptych refs`."""

from __future__ import annotations

from typing import Annotated

import typer

from diptych.cli.options import Json, StorePath


def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The exact name.")],
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="calls, extends, implements, imports or references."),
    ] = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Find what calls, extends, imports or mentions a name.

    Relations are by name, as the source has them: two things of one name are not told apart.
    No match: exit code 1.

    \b
    Examples:
      diptych refs parse
      diptych refs BaseHandler --kind extends
    """
    from diptych.cli.documents import relation_hit_document, relation_line
    from diptych.cli.found import show
    from diptych.cli.place import find_store
    from diptych.store.code import Store

    with Store.open(find_store(store), read_only=True) as opened:
        hits = [hit for hit in opened.references(name) if kind is None or hit.relation.kind == kind]
        show(hits, relation_line, relation_hit_document, as_json=as_json)
