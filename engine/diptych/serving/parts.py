"""One part of a file, parsed alone: for one question about a place that is enough.

Where the definitions of a file begin and end, its record says. A function is parsed alone; of a class its
beginning, up to the first definition in it, and what is between the definitions around the place; of a file
what is between those. A part that has an error may have been cut wrongly: a larger one is taken then.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tree_sitter import Node, Parser, Query, QueryCursor, Range, Tree

from diptych.indexer.bounded import matches_in, parsed_tree
from diptych.indexer.errors import TooSlowError
from diptych.indexer.grammar import grammar_of
from diptych.names.facts import CLASS, FUNCTION, LAMBDA, Point
from diptych.names.languages import Captured, query_of
from diptych.names.languages import language as names_language
from diptych.names.merged import merged
from diptych.names.source import Names

_LARGE_BYTES = 64 * 1024
_CAPTURE_PREFIX = len("names.")

Span = tuple[Point, Point]


class Part(NamedTuple):
    """A tree, the source it is of, and the names that are seen in it.

    `function` is where the function is that was parsed, None for other parts; `seen` what the names add to.
    """

    names: Names
    source: bytes
    root: Node
    function: Span | None = None
    seen: Names | None = None

    def serves(self, seen: Names, place: Point) -> bool:
        """Whether it is what `part_around` would make for a place of the same file."""
        if self.seen is not seen or self.function is None:
            return False
        start, end = self.function
        return start <= place < end


class Candidate(NamedTuple):
    """What to parse. With `is_cut`, it may begin or end within a statement."""

    spans: list[Span]
    is_cut: bool = True
    is_function: bool = False


class Lines(NamedTuple):
    """The text of a file, by lines too."""

    source: bytes
    lines: list[bytes]

    def offset(self, place: Point) -> int:
        """The byte at a place, which is there."""
        row, column = place
        # As fast as a table of the lines for one place, and cheaper than to make it.
        return sum(map(len, self.lines[:row])) + row + column


def part_around(seen: Names, text: Lines, place: Point, *, added: int = 0) -> Part | None:
    """The part of a file around a place. `seen` is what others see of the file.

    It is of the same text, but for as many bytes that were `added` at the place. None where the file has to
    be parsed as it is.
    """
    known = names_language(seen.language)
    if not known.parses_functions:
        return None
    around, candidates = _candidates(seen, place, _end_of(text.lines, place, added))
    parser = _parser(seen.language)
    for spans, is_cut, is_function in candidates:
        moved = [(_moved(start, place, added), _moved(end, place, added)) for start, end in spans]
        ranges = [Range(start, end, text.offset(start), text.offset(end)) for start, end in moved]
        if sum(one.end_byte - one.start_byte for one in ranges) > _LARGE_BYTES:
            return None
        parser.included_ranges = ranges
        try:
            tree = parsed_tree(parser, text.source)
            if is_cut and tree.root_node.has_error:
                continue
            captures = captures_in(seen.language, tree)
        except TooSlowError:
            return None
        inner = known.collect(text.source, captures, complete=True, around=seen.scopes[around].kind)
        function = spans[0] if is_function else None
        return Part(merged(seen, inner, around), text.source, tree.root_node, function, seen)
    return None


def _end_of(lines: list[bytes], place: Point, added: int) -> Point:
    """The end of the text that nothing was added to."""
    last = len(lines) - 1
    return last, len(lines[last]) - (added if place[0] == last else 0)


def _moved(point: Point, place: Point, added: int) -> Point:
    """A point of that text, where it is now."""
    row, column = point
    return (row, column + added) if row == place[0] and column > place[1] else point


def captures_in(language: str, tree: Tree) -> list[Captured]:
    """What complete facts are collected from. Raises TooSlowError."""
    return [
        (capture[_CAPTURE_PREFIX:], nodes[0])
        for _, captured in matches_in(_cursor(language), tree)
        for capture, nodes in captured.items()
    ]


def _candidates(seen: Names, place: Point, end: Point) -> tuple[int, Iterator[Candidate]]:
    """The scope that the part is in, and what to parse, the least first."""
    inside = seen.outermost_function(place)
    if inside >= 0:
        scope = seen.scopes[inside]
        return scope.parent, iter([Candidate([(scope.start, scope.end)], is_cut=False, is_function=True)])
    inside = seen.innermost(place)
    while seen.scopes[inside].kind == LAMBDA:
        # It is no part: it is in the statement that gives it a name.
        inside = seen.scopes[inside].parent
    if seen.scopes[inside].kind == CLASS:
        return seen.scopes[inside].parent, _of_class(seen, inside, place)
    return inside, _between(seen, inside, place, (0, 0), end)


def _of_class(seen: Names, number: int, place: Point) -> Iterator[Candidate]:
    scope = seen.scopes[number]
    _, first = next(_defined_in(seen, number), (scope.start, scope.end))
    if place < first:
        yield Candidate([(scope.start, first)])
    else:
        for between in _between(seen, number, place, first, scope.end):
            yield Candidate([(scope.start, first), *between.spans])
    yield Candidate([(scope.start, scope.end)], is_cut=False)


def _between(seen: Names, number: int, place: Point, begin: Point, end: Point) -> Iterator[Candidate]:
    """What is between the definitions around a place: up to the next one, and, as that may have decorators,
    with it."""
    for starts, ends in _defined_in(seen, number):
        if ends <= place:
            begin = max(begin, ends)
        elif starts > place:
            yield Candidate([(begin, starts)])
            yield Candidate([(begin, ends)])
            return
    yield Candidate([(begin, end)])


def _defined_in(seen: Names, number: int) -> Iterator[Span]:
    """The definitions directly in a scope, in order."""
    for scope in seen.scopes:
        if scope.parent == number and scope.kind in (FUNCTION, CLASS):
            yield scope.start, scope.end


@cache
def _parser(language: str) -> Parser:
    # A parser of its own: it keeps the ranges of the last part.
    return Parser(grammar_of(language))


@cache
def _cursor(language: str) -> QueryCursor:
    return QueryCursor(Query(grammar_of(language), query_of(language, complete=True)))
