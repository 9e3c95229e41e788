"""The names that Python's patterns and type parameters bind."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node


def captured_names(case: Node) -> Iterator[Node]:
    """The names that the patterns of a `case` capture."""
    pending = [child for child in case.named_children if child.type == "case_pattern"]
    while pending:
        pattern = pending.pop()
        inner = pattern.named_children
        if pattern.type == "dotted_name":
            if len(inner) == 1:
                yield inner[0]
        elif pattern.type == "keyword_pattern":
            pending += inner[1:]
        elif pattern.type == "class_pattern":
            pending += [child for child in inner if child.type == "case_pattern"]
        elif pattern.type == "splat_pattern":
            yield from (child for child in inner if child.type == "identifier")
        elif pattern.type != "as_pattern":
            pending += inner
        else:
            pending += inner[:1]


def innermost_name(node: Node) -> Node:
    """The first identifier in a type parameter, or in the name of a type alias."""
    while node.type != "identifier" and node.named_child_count:
        node = node.named_children[0]
    return node
