"""Fields that a method of JavaScript assigns: what is known of them outside of the method."""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.names.languages.collected import text_of
from diptych.names.languages.ecmascript.doc import said_type
from diptych.names.languages.ecmascript.shapes import context_of_parameter, shape_of
from diptych.names.languages.shapes import extended

_HEAD = re.compile(r"(?:[^\W\d]|\$)[\w$]*")


def locals_of(source: bytes, method: Node) -> dict[str, str]:
    """The names of a method's parameters and of the variables in its body, with their shapes."""
    found: dict[str, str] = {}
    parameters = method.child_by_field_name("parameters")
    pending = list(parameters.named_children) if parameters is not None else []
    while pending:
        node = pending.pop()
        if node.type == "identifier" and node.parent == parameters:
            found[text_of(source, node)] = context_of_parameter(source, node)
        elif node.type in ("identifier", "shorthand_property_identifier_pattern"):
            found[text_of(source, node)] = ""
        elif node.type == "assignment_pattern":
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is not None and left.type == "identifier":
                said = context_of_parameter(source, node) if node.parent == parameters else ""
                found[text_of(source, left)] = said or shape_of(source, right)
        else:
            pending += node.named_children
    body = method.child_by_field_name("body")
    for statement in body.named_children if body is not None else ():
        if statement.type in ("lexical_declaration", "variable_declaration"):
            for declarator in statement.named_children:
                name = declarator.child_by_field_name("name")
                if name is not None:
                    value = shape_of(source, declarator.child_by_field_name("value"))
                    found[text_of(source, name)] = value if _HEAD.match(value) is None else ""
    return found


def field_shape(source: bytes, assignment: Node, known: dict[str, str]) -> str:
    """The shape of what is assigned, without the method's own names."""
    if said := said_type(source, assignment):
        return said
    shape = shape_of(source, assignment.child_by_field_name("right"))
    head = _HEAD.match(shape)
    if head is None or head[0] not in known:
        return shape
    rest = shape[head.end() :]
    return extended(known[head[0]], rest) if rest else known[head[0]]
