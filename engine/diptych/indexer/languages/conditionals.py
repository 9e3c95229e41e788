"""C# and Swift before their parsers: conditionals that the grammar cannot place.

The grammars take `#if` where a member or a statement may be. Elsewhere (between bases, in an expression, in
a switch, before `else`) it leaves errors: its first branch is kept then, and the rest is blanked with the
directives. Offsets stay.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise

from tree_sitter import Node

from diptych.indexer.languages.c_blanks import blank

_DIRECTIVE = re.compile(rb"^[ \t]*+#[ \t]*+(if|elif|elseif|else|endif)\b[^\n]*+", re.MULTILINE)
_NEAR_BYTES = 80
# Source code nests a few. The cost is that of each level.
_MAX_NESTED = 100


def without_conditionals_at_errors(source: bytes, root: Node) -> bytes:
    """`source` with one branch of each conditional that an error in its tree `root` is in, or near to."""
    errors = _errors(root)
    # They are no part of each other, so that their ends are sorted, too.
    stops = [stop for _, stop in errors]
    blanks: list[tuple[int, int]] = []
    opened: list[list[tuple[int, int]]] = []
    for directive in _DIRECTIVE.finditer(source):
        if directive[1] == b"if":
            opened.append([])
        if not opened:
            continue
        opened[-1].append(directive.span())
        if directive[1] != b"endif":
            continue
        places = opened.pop()
        if len(opened) < _MAX_NESTED and _is_at(errors, stops, places):
            blanks += places
            blanks += _other_branches(source, places)
    blanked = bytearray(source)
    for start, end in blanks:
        blank(blanked, start, end)
    return bytes(blanked)


def _errors(root: Node) -> list[tuple[int, int]]:
    """The places of errors, sorted."""
    found = []
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            found.append(node.byte_range)
        else:
            nodes += [child for child in node.children if child.has_error or child.is_missing]
    return sorted(found)


def _is_at(errors: list[tuple[int, int]], stops: list[int], places: list[tuple[int, int]]) -> bool:
    """Whether an error is inside of a conditional, or near it."""
    first = bisect_left(stops, places[0][0] - _NEAR_BYTES)
    return first < len(errors) and errors[first][0] < places[-1][1] + _NEAR_BYTES


def _other_branches(source: bytes, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """All branches but the first that has anything."""
    branches = [(end, start) for (_, end), (start, _) in pairwise(places)]
    kept = next((branch for branch in branches if source[slice(*branch)].strip()), branches[0])
    return [branch for branch in branches if branch is not kept]
