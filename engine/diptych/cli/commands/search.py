"""`diptych search`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument, Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait, open_fresh
from diptych.cli.options import HITS_MAX, Json, StorePath


def run(
    query: Annotated[list[str], Argument("QUERY", help="What to search for; see above.")],
    limit: Annotated[
        int,
        Option("--limit", "-n", bounds=(1, HITS_MAX), metavar="N", help="Maximum number of hits."),
    ] = 20,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """Search names, signatures and documentation.

    Several words match any of them; AND, OR, NOT, -word, "a phrase", field:word, begin* and word~1 work too.
    The fields are name, kind, path, language, container, signature and documentation. An invalid query is
    an error that shows the syntax. Best hits first. Exit code 1 if there is no match.

    \b
    Examples:
      diptych search parse header
      diptych search 'parse AND kind:function'
      diptych search 'path:tests AND language:python AND "temporary directory"' -n 5
    """
    from diptych.cli.documents import hit_document, hit_line
    from diptych.cli.found import show

    with open_fresh(store, fresh, wait=wait, busy=busy, output_root=output_root) as opened:
        return show(opened.search(" ".join(query), limit), hit_line, hit_document, as_json=as_json)
