"""Fields that a method of JavaScript assigns: what is known of them outside of the method."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from tree_sitter import Node

from diptych.names.languages.collected import text_of
from diptych.names.languages.ecmascript.doc import said_type
from diptych.names.languages.ecmascript.shapes import context_of_parameter, shape_of
from diptych.names.languages.shapes import extended

_TO_THIS = re.compile(rb"\bthis\s*\.\s*#?[\w$]+\s*=(?![=>])")
_WORD = re.compile(rb"[\w$\x80-\xff]+")
# What has a `this` of its own.
_OWN_THIS = frozenset({
    "function_expression", "function_declaration", "generator_function", "generator_function_declaration",
    "method_definition", "class_body",
})  # fmt: skip
_DECLARATIONS = frozenset({"lexical_declaration", "variable_declaration", "function_declaration"})
_BINDING = frozenset({"arrow_function", "for_statement", "for_in_statement", "catch_clause"})
# What is nested deeper in a method is not looked at. Real code has some tens.
_MAX_AROUND = 200
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


def assignments_to_this(source: bytes, body: Node) -> Iterator[tuple[Node, Node]]:
    """The assignments `this.x = …` in the body of a method, each with the name, in order."""
    for match in _TO_THIS.finditer(source, body.start_byte, body.end_byte):
        this = body.descendant_for_byte_range(match.start(), match.start() + 1)
        member = this.parent if this is not None and this.type == "this" else None
        assignment = member.parent if member is not None and member.type == "member_expression" else None
        if member is None or assignment is None or assignment.type != "assignment_expression":
            continue
        name = member.child_by_field_name("property")
        is_given = name is not None and assignment.child_by_field_name("left") == member
        around = list(islice(_around(assignment, body), _MAX_AROUND + 1)) if is_given else []
        is_near = len(around) <= _MAX_AROUND
        if name is not None and is_given and is_near and not any(one.type in _OWN_THIS for one in around):
            yield assignment, name


def _around(node: Node, outer: Node) -> Iterator[Node]:
    """What is around a node, from the inside, and in `outer`."""
    current = node.parent
    while current is not None and current.id != outer.id:
        yield current
        current = current.parent


def field_shape(
    source: bytes, assignment: Node, known: dict[str, str], body: Node, bound: dict[int, frozenset[bytes]]
) -> str:
    """The shape of what is assigned, without the method's own names.

    `bound` has what blocks in the method bind, by their nodes: each is read once.
    """
    if said := said_type(source, assignment):
        return said
    shape = shape_of(source, assignment.child_by_field_name("right"))
    head = _HEAD.match(shape)
    if head is None or _is_bound(source, assignment, head[0], body, bound):
        return shape if head is None else ""
    if head[0] not in known:
        return shape
    rest = shape[head.end() :]
    return extended(known[head[0]], rest) if rest else known[head[0]]


def _is_bound(
    source: bytes, assignment: Node, name: str, body: Node, bound: dict[int, frozenset[bytes]]
) -> bool:
    """Whether a block, a loop or a function in a method may bind a name."""
    word = name.encode()
    for around in _around(assignment, body):
        words = bound.get(around.id)
        if words is None:
            words = bound[around.id] = _words_bound(source, around)
        if word in words:
            return True
    return False


def _words_bound(source: bytes, around: Node) -> frozenset[bytes]:
    if around.type == "statement_block":
        declarations = [one for one in around.named_children if one.type in _DECLARATIONS]
    else:
        fields = ("parameters", "parameter", "left", "initializer")
        parts = [around.child_by_field_name(field) for field in fields] if around.type in _BINDING else []
        declarations = [one for one in parts if one is not None]
    return frozenset(
        word for one in declarations for word in _WORD.findall(source, one.start_byte, one.end_byte)
    )
