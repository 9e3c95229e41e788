"""Parsing with a bound on its work, and a way out of it.

tree-sitter is linear on source code. On some inputs of nothing but errors it is a hundred times slower, or
quadratic. Both bounds count work, not time: what becomes of a file rests on nothing but the file.

A parse calls back every hundred steps, which is also where Ctrl-C is answered. A query does not (its
callback ends the process, in tree-sitter 0.26.1), so its work is told from the tree before it begins. A
single step can be quadratic in time and memory, and nothing here stops it: all but small files are parsed in
a worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from tree_sitter import Node, Parser, QueryCursor, Tree

from diptych.indexer.errors import TooSlowError
from diptych.indexer.text import valid_utf8

# Source code takes up to 2 steps a byte, and a file has 2 MiB at most. The slowest steps, those of recovery
# from errors, take some 6 µs: half a minute in all.
MAX_PARSE_STEPS = 6_000_000
_STEPS_PER_CALL = 100
# As many nodes that a query passes over, some nanoseconds each: a second or so.
MAX_PASSED_OVER = 300_000_000
# The same for the nodes around each node, at some 30 ns. The largest source files have a third of that.
MAX_DEPTHS = 50_000_000
# Fewer nodes cannot make as many.
_FEW_NODES = 8_000
_SAMPLE_EVERY_BYTES = 4_096
_MIN_SAMPLES = 256
# As many matches that are begun at a time. Source code has up to 32.
_MAX_BEGUN = 1_024
# The scanners of Lua and Scala are quadratic in such a run, in single steps, which nothing can stop.
_BRACKETS = b"[" * 4_096
# More than a name has.
_NAME_BYTES = 128

# Its types say bytes alone.
_Parse = Callable[..., Tree]


def refuse_brackets(source: bytes) -> None:
    """Raise TooSlowError for a run of brackets that no source code has."""
    if _BRACKETS in source:
        raise TooSlowError("the source has too many brackets in a row to be parsed")


def parsed_tree(parser: Parser, source: bytes, edited: Tree | None = None) -> Tree:
    """The tree of `source`; from one of an earlier source that was told of the edits. Raises TooSlowError."""
    # Of other bytes, a query's predicate ends the process.
    source = valid_utf8(source)
    calls_left = MAX_PARSE_STEPS // _STEPS_PER_CALL
    is_parsed = False
    text, given = memoryview(source), []

    def read(offset: int, _point: object) -> memoryview | bytes:
        # What is returned here is never freed (py-tree-sitter 0.26.1): of a released view, a few bytes.
        if is_parsed:
            # For a predicate of a query, which takes bytes alone.
            return source[offset : offset + _NAME_BYTES]
        given.append(text[offset:])
        return given[-1]

    def progress(_offset: int, _has_error: bool) -> bool:
        nonlocal calls_left
        calls_left -= 1
        return calls_left < 0

    # Only a source that is read by a function calls back.
    parse = cast("_Parse", parser.parse)
    try:
        if edited is not None:
            return parse(read, edited, progress_callback=progress)
        return parse(read, progress_callback=progress)
    except BaseException as error:
        # Otherwise the next file's parse would go on with this one.
        parser.reset()
        if calls_left < 0 and isinstance(error, ValueError):
            raise TooSlowError("the source takes too many steps to parse") from None
        if isinstance(error, SystemError) and error.__cause__ is not None:
            # How a Ctrl-C arrives that comes while the source is read.
            raise error.__cause__ from None
        raise
    finally:
        is_parsed = True
        for view in given:
            view.release()


def matches_in(cursor: QueryCursor, tree: Tree) -> list[tuple[int, dict[str, list[Node]]]]:
    """The query's matches. Raises TooSlowError."""
    root = tree.root_node
    if root.descendant_count >= _FEW_NODES:
        if root.has_error:
            _refuse_flat(root)
        _refuse_deep(tree)
    cursor.match_limit = _MAX_BEGUN
    matches = cursor.matches(root)
    if cursor.did_exceed_match_limit:
        raise TooSlowError("the source begins too many matches inside each other")
    return matches


def error_bytes(root: Node) -> int:
    """How many bytes are in syntax errors; 0 without any, and one at least for something that is missing."""
    if not root.has_error:
        return 0
    size = 0
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.is_error:
            size += node.end_byte - node.start_byte
        else:
            nodes += [child for child in node.children if child.has_error]
    return max(size, 1)


def _refuse_flat(root: Node) -> None:
    """Raise TooSlowError where the next sibling with a name is too far from too many nodes.

    A query looks for it at each node. Nodes that repeat are kept as a balanced tree, in which it is near; an
    error's are a list, and in one of nothing but parentheses there is none.
    """
    passed_over = 0
    nodes = [root]
    while nodes:
        node = nodes.pop()
        children = node.children
        if node.is_error:
            distance = 0
            for child in reversed(children):
                distance = 0 if child.is_named else distance + 1
                passed_over += distance
        if passed_over > MAX_PASSED_OVER:
            raise TooSlowError("the source has too many errors side by side to be searched")
        nodes += [child for child in children if child.has_error]


def _refuse_deep(tree: Tree) -> None:
    """Raise TooSlowError where nodes are too deep: at each, what was begun at those around it is looked at.

    The depth at some places, evenly spread, stands for all: what lies between two of them is small.
    """
    root = tree.root_node
    begin, size = root.start_byte, root.end_byte - root.start_byte
    samples = max(_MIN_SAMPLES, size // _SAMPLE_EVERY_BYTES)
    left = MAX_DEPTHS * samples // root.descendant_count
    cursor = tree.walk()
    for sample in range(samples):
        place = begin + sample * size // samples
        while cursor.goto_first_child_for_byte(place) is not None:
            left -= 1
            if left < 0:
                raise TooSlowError("the source nests too deeply to be searched")
        cursor.reset(root)
