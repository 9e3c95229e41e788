"""The shape of a Python expression, as `diptych.names.facts` defines it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import WRAPPED
from diptych.names.languages.collected import text_of
from diptych.names.languages.shapes import MAX_CHARS, MAX_DEPTH, either, extended

PARTIAL = frozenset({"partial", "functools.partial", "partialmethod", "functools.partialmethod"})
_WRAPS = frozenset({"wraps", "functools.wraps"})
_CASTS = frozenset({"cast", "typing.cast", "t.cast"})

_LITERALS = {
    "concatenated_string": "!str",
    "integer": "!int",
    "float": "!float",
    "true": "!bool",
    "false": "!bool",
    "comparison_operator": "!bool",
    "not_operator": "!bool",
    "none": "!None",
    "list": "!list",
    "list_comprehension": "!list",
    "dictionary": "!dict",
    "dictionary_comprehension": "!dict",
    "set": "!set",
    "set_comprehension": "!set",
    "tuple": "!tuple",
    "expression_list": "!tuple",
    "generator_expression": "!generator",
    "ellipsis": "!ellipsis",
}


def shape_of(source: bytes, node: Node | None, depth: int = 0) -> str:
    """The shape of an expression; "" if it says nothing about a type."""
    if node is None or depth > MAX_DEPTH:
        return ""
    kind = node.type
    if kind == "identifier":
        return text_of(source, node)
    literal = _LITERALS.get(kind)
    if literal is not None:
        return literal
    if kind == "string":
        prefix = source[node.start_byte : node.start_byte + 3].split(b"'")[0].split(b'"')[0].lower()
        return "!bytes" if b"b" in prefix else "!str"
    if kind == "call":
        function = shape_of(source, node.child_by_field_name("function"), depth + 1)
        if function in _CASTS:
            return _cast(source, node)
        if function in PARTIAL and (given := _first_argument(node)) is not None:
            # It is called as the function is.
            return shape_of(source, given, depth + 1)
        if function in _WRAPS and (given := _first_argument(node)) is not None:
            return extended(shape_of(source, given, depth + 1), WRAPPED)
        if function == "type" and (value := _only_argument(node)) is not None:
            return extended(shape_of(source, value, depth + 1), ".__class__")
        return extended(function, "()")
    if kind == "attribute":
        base = shape_of(source, node.child_by_field_name("object"), depth + 1)
        name = node.child_by_field_name("attribute")
        return extended(base, f".{text_of(source, name)}") if name is not None else ""
    if kind == "subscript":
        return extended(shape_of(source, node.child_by_field_name("value"), depth + 1), "[]")
    if kind == "await":
        return extended(shape_of(source, _only_child(node), depth + 1), "~")
    if kind == "parenthesized_expression":
        return shape_of(source, _only_child(node), depth + 1)
    if kind == "conditional_expression":
        parts = node.named_children
        if len(parts) == 3:
            return either(shape_of(source, parts[0], depth + 1), shape_of(source, parts[2], depth + 1))
    if kind == "boolean_operator":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        return either(shape_of(source, left, depth + 1), shape_of(source, right, depth + 1))
    if kind == "named_expression":
        return shape_of(source, node.child_by_field_name("value"), depth + 1)
    if kind == "assignment":
        return shape_of(source, node.child_by_field_name("right"), depth + 1)
    if kind == "binary_operator":
        first = shape_of(source, node.child_by_field_name("left"), depth + 1)
        return first if first in ("!str", "!bytes") else ""
    return ""


def annotation(source: bytes, node: Node | None) -> str:
    """The shape of a value with this annotation."""
    if node is None:
        return ""
    text = " ".join(text_of(source, node).split())
    return f":{text}" if len(text) < MAX_CHARS and ";" not in text else ""


def assigned_shape(source: bytes, assignment: Node) -> str:
    """The shape that an assignment gives its target: its annotation's, else its value's."""
    declared = assignment.child_by_field_name("type")
    if declared is not None:
        text = annotation(source, declared)
        if not text.endswith(("Final", "ClassVar", "TypeAlias")):
            return text
    return shape_of(source, assignment.child_by_field_name("right"))


def _cast(source: bytes, node: Node) -> str:
    arguments = node.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments is not None and arguments.named_child_count else None
    return annotation(source, first)


def passed_on(source: bytes, function: Node) -> str:
    """What `lambda **k: f(**k)` has the parameters of, as a decorator; "" for other lambdas."""
    body, parameters = function.child_by_field_name("body"), function.child_by_field_name("parameters")
    last = parameters.named_children[-1] if parameters is not None and parameters.named_child_count else None
    arguments = body.child_by_field_name("arguments") if body is not None and body.type == "call" else None
    if body is None or arguments is None or last is None or last.type != "dictionary_splat_pattern":
        return ""
    given = [one for one in arguments.named_children if one.type == "dictionary_splat"]
    if not any(text_of(source, one) == text_of(source, last) for one in given):
        return ""
    return extended(shape_of(source, body.child_by_field_name("function")), WRAPPED)


def _first_argument(call: Node) -> Node | None:
    arguments = call.child_by_field_name("arguments")
    given = arguments.named_children if arguments is not None else []
    return next((one for one in given if one.type not in ("comment", "keyword_argument")), None)


def _only_argument(call: Node) -> Node | None:
    arguments = call.child_by_field_name("arguments")
    given = arguments.named_children if arguments is not None else []
    return given[0] if len(given) == 1 else None


def _only_child(node: Node) -> Node | None:
    for child in node.named_children:
        if child.type != "comment":
            return child
    return None
