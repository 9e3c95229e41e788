"""`diptych search`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Argument, Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait, open_fresh
from diptych.cli.options import HITS_MAX, Json, StorePath

if TYPE_CHECKING:
    from diptych.model import SearchHit
    from diptych.store.code import CodeView, Store

_LINES_MAX = 1_000
# So many hits are read at first, where some are then left out.
_BATCH = 200


def run(
    query: Annotated[list[str], Argument("QUERY", help="What to search for; see above.")],
    limit: Annotated[
        int,
        Option("--limit", "-n", bounds=(1, HITS_MAX), metavar="N", help="Maximum number of hits."),
    ] = 20,
    offset: Annotated[
        int, Option("--offset", bounds=(0, HITS_MAX), metavar="N", help="Skip so many hits first.")
    ] = 0,
    kind: Annotated[
        list[str] | None, Option("--kind", metavar="KIND", help="Only of this kind; may be repeated.")
    ] = None,
    language: Annotated[
        list[str] | None,
        Option("--language", metavar="NAME", help="Only in this language; may be repeated."),
    ] = None,
    path: Annotated[
        str | None,
        Option("--path", metavar="GLOB", help="Only in paths that match; * and ** match / as well."),
    ] = None,
    plain: Annotated[
        bool, Option("--plain", help="Search for the words of any text: nothing in it is an operator.")
    ] = False,
    files_only: Annotated[
        bool, Option("--files-only", "-l", help="Print paths only, each once, best first.")
    ] = False,
    context: Annotated[
        int,
        Option("--context", "-C", bounds=(0, _LINES_MAX), metavar="N", help="Lines of source to show."),
    ] = 0,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """Search names, signatures and documentation.

    Several words match any of them; a field narrows: kind:class socket. AND, OR, NOT, -word, "a phrase",
    begin*, word~1 and /expression/ work too. The fields are name, kind, path, language, container, signature
    and documentation. An invalid query is an error that shows the syntax; --plain takes any text. Best hits
    first. Exit code 1 if there is no match.

    \b
    Examples:
      diptych search parse header
      diptych search http.client.HTTPConnection
      diptych search 'parse AND kind:function' --path 'src/*' -C 3
      diptych search --plain 'std::vector<int> parse(' -n 5
    """
    from diptych.cli.found import note_unknown, show, show_by

    filters = {"kind": kind or [], "language": language or []}
    with open_fresh(store, fresh, wait=wait, busy=busy, output_root=output_root) as opened:
        with opened.view() as view:
            batch = _BATCH if path is not None or files_only else offset + limit
            found = _matching(view, " ".join(query), plain, filters, path, batch)
            if files_only:
                paths = islice(_distinct(hit.path for hit in found), offset, offset + limit)
                return show(paths, lambda one: [one], lambda one: {"path": one}, as_json=as_json)
            writer = _Writer(opened, context)
            hits = islice(found, offset, offset + limit)
            code = show_by(hits, writer.write, writer.document, as_json=as_json)
            if code:
                for field, values in filters.items():
                    asked = [] if plain else _asked(" ".join(query), field)
                    note_unknown(view, field, [*values, *asked])
            return code


def _asked(query: str, field: str) -> list[str]:
    """The values of a field that a query names."""
    from diptych.schema.code import CODE
    from diptych.search.query.grammar import parse
    from diptych.search.query.nodes import words_asked

    node = parse(query, CODE).node
    return words_asked(node, field) if node is not None else []


def _matching(
    view: CodeView, query: str, plain: bool, filters: dict[str, list[str]], glob: str | None, size: int
) -> Iterator[SearchHit]:
    """The hits in paths that match, best first; read in batches that begin with `size`."""
    from fnmatch import fnmatchcase

    begin = 0
    while True:
        hits = view.search(query, size, begin, plain=plain, filters=filters)
        for hit in hits:
            if glob is None or fnmatchcase(hit.path, glob):
                yield hit
        if len(hits) < size:
            return
        begin += size
        size *= 4


def _distinct(paths: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for path in paths:
        if path not in seen:
            seen.add(path)
            yield path


class _Writer:
    """Prints hits, with lines of their source."""

    def __init__(self, store: Store, context: int) -> None:
        from diptych.cli.source import Sources

        self._sources = Sources(store)
        self._context = context

    def write(self, hit: SearchHit) -> None:
        """Print a hit as lines."""
        from diptych.cli.documents import hit_line
        from diptych.cli.output import line

        line(*hit_line(hit))
        first = hit.symbol.range.start_line
        for number, text in enumerate(self._sources.lines(hit.path, first, self._context), first + 1):
            line(f"{number:>8}  {text.rstrip()}")

    def document(self, hit: SearchHit) -> dict[str, Any]:
        """A hit as JSON."""
        from diptych.cli.documents import hit_document

        document = hit_document(hit)
        if self._context:
            first = hit.symbol.range.start_line
            document["source"] = self._sources.lines(hit.path, first, self._context)
        return document
