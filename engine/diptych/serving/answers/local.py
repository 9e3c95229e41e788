"""Answers from one file: where a name is read and written, what folds, what is around a place."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tree_sitter import Node

from diptych.names.definitions import definitions
from diptych.names.facts import Point
from diptych.names.sites import BOUND, FIELD_BOUND
from diptych.serving.answers.definition import offset_in, parsed_file, site_in
from diptych.serving.answers.written import sites_in
from diptych.serving.source import StoreSource

_COMMENTS = frozenset({"comment", "line_comment", "block_comment", "multiline_comment"})
_FOLDED_MIN_ROWS = 1
# A file has so many foldings at most: an editor shows no more.
_FOLDINGS_MAX = 5_000


class Highlight(NamedTuple):
    """One place of a name in a file."""

    row: int
    column: int
    kind: Literal["read", "write"]


class Folding(NamedTuple):
    """Rows of a file that fold into the first; the last is included."""

    start_row: int
    end_row: int
    kind: Literal["", "comment", "imports"]


def highlights(source: StoreSource, path: str, row: int, column: int) -> tuple[str, tuple[Highlight, ...]]:
    """The name at a place, and where it means the same in this file.

    Raises InvalidArgumentError for a file without names or a place outside of it.
    """
    source.begin()
    parsed = parsed_file(source, path)
    site = site_in(parsed, row, column)
    if site is None:
        return "", ()
    wanted = {(one.path, one.origin) for one in definitions(source, parsed.names, site, by_name=False)[:1]}
    found: list[Highlight] = []
    for other in sites_in(parsed, site.name):
        meant = definitions(source, parsed.names, other, by_name=False)
        if other.place == site.place or any((one.path, one.origin) in wanted for one in meant):
            kind: Literal["read", "write"] = "write" if other.kind in (BOUND, FIELD_BOUND) else "read"
            # Where a name means two things, both may be it.
            if not found or found[-1][:2] != other.place:
                found.append(Highlight(*other.place, kind))
    return site.name, tuple(found)


def foldings(source: StoreSource, path: str) -> tuple[Folding, ...]:
    """What folds: the largest node that begins in a row, runs of comments, and imports."""
    source.begin()
    parsed = source.parsed(path)
    if parsed is None or parsed.tree is None:
        return ()
    largest: dict[int, int] = {}
    runs: list[Folding] = []
    pending = [parsed.tree.root_node]
    while pending and len(largest) < _FOLDINGS_MAX:
        node = pending.pop()
        children = node.named_children
        _add_runs(children, runs)
        for child in children:
            start, end = child.start_point[0], _last_row(child)
            if end - start >= _FOLDED_MIN_ROWS:
                largest[start] = max(largest.get(start, 0), end)
                pending.append(child)
    # A run that begins with a node that folds replaces that one.
    for run in runs:
        largest.pop(run.start_row, None)
    found = [Folding(start, end, "") for start, end in largest.items()]
    return tuple(sorted(found + runs))


def _add_runs(nodes: list[Node], runs: list[Folding]) -> None:
    """Add the comments and the imports among siblings that follow each other row by row."""
    kind, first, last = "", 0, -1
    for node in [*nodes, None]:
        here = _run_kind(node) if node is not None else ""
        if node is not None and here == kind and here and node.start_point[0] <= last + 1:
            last = _last_row(node)
            continue
        if kind and last > first:
            runs.append(Folding(first, last, "comment" if kind == "comment" else "imports"))
        kind = here
        if node is not None:
            first, last = node.start_point[0], _last_row(node)


def _run_kind(node: Node) -> str:
    if node.type in _COMMENTS:
        return "comment"
    is_import = node.type.startswith(("import", "use_declaration", "preproc_include", "using_directive"))
    return "imports" if is_import else ""


def _last_row(node: Node) -> int:
    row, column = node.end_point
    return row - (column == 0 and row > node.start_point[0])


def selections(source: StoreSource, path: str, row: int, column: int) -> tuple[tuple[Point, Point], ...]:
    """What is around a place, from the smallest node to the file.

    Raises InvalidArgumentError for a file that cannot be read, or a place outside of it.
    """
    source.begin()
    parsed = source.parsed(path)
    if parsed is None or parsed.tree is None:
        return ()
    offset = offset_in(parsed, row, column)
    node = parsed.tree.root_node.named_descendant_for_byte_range(offset, offset)
    found: list[tuple[Point, Point]] = []
    while node is not None:
        start, end = node.start_point, node.end_point
        span = ((start[0], start[1]), (end[0], end[1]))
        if not found or found[-1] != span:
            found.append(span)
        node = node.parent
    return tuple(found)
