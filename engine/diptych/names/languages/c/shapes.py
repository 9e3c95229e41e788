"""The shape of an expression of C or C++, as `diptych.names.facts` defines it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE
from diptych.names.languages.c.types import annotation, type_text
from diptych.names.languages.collected import text_of
from diptych.names.languages.shapes import MAX_DEPTH, either, extended

_LITERALS = {
    "string_literal": "!string",
    "concatenated_string": "!string",
    "raw_string_literal": "!string",
    "char_literal": "!char",
    "true": "!bool",
    "false": "!bool",
    "null": "!null",
    "nullptr": "!null",
    "sizeof_expression": "!int",
    "lambda_expression": f":{FUNCTION_TYPE}[?]",
}
_NAMES = frozenset({"identifier", "type_identifier", "namespace_identifier", "field_identifier"})
_CASTS = frozenset(
    {"static_cast", "dynamic_cast", "reinterpret_cast", "const_cast", "make_unique", "make_shared"}
)
_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">=", "&&", "||"})


def shape_of(source: bytes, node: Node | None, depth: int = 0) -> str:
    """The shape of an expression; "" if it says nothing about a type."""
    if node is None or depth > MAX_DEPTH:
        return ""
    kind = node.type
    if kind in _NAMES:
        return text_of(source, node)
    if kind in _LITERALS:
        return _LITERALS[kind]
    if kind == "number_literal":
        return "!double" if "." in text_of(source, node) else "!int"
    if kind == "this":
        return "^"
    visit = _SHAPES.get(kind)
    return visit(source, node, depth + 1) if visit is not None else ""


def arguments_of(source: bytes, node: Node) -> tuple[str, ...] | None:
    """The shapes of what a call gives; None if it has no list of arguments."""
    given = node.child_by_field_name("arguments")
    if given is None:
        return None
    return tuple(shape_of(source, one) for one in given.named_children if one.type != "comment")


def dotted(source: bytes, node: Node | None) -> str:
    """What is before a `::`, as a chain of names."""
    return type_text(source, node).partition("[")[0] if node is not None else ""


def _field(source: bytes, node: Node, depth: int) -> str:
    name = node.child_by_field_name("field")
    if name is not None and name.type in ("template_method", "dependent_name"):
        name = name.child_by_field_name("name") or name.named_children[0]
    if name is None or name.type != "field_identifier":
        return ""
    return extended(
        shape_of(source, node.child_by_field_name("argument"), depth), f".{text_of(source, name)}"
    )


def _call(source: bytes, node: Node, depth: int) -> str:
    function = node.child_by_field_name("function")
    if function is not None and function.type in ("template_function", "qualified_identifier"):
        cast = _cast_of(source, function)
        if cast:
            return cast
    return extended(shape_of(source, function, depth), "()")


def _cast_of(source: bytes, function: Node) -> str:
    """`static_cast<T>` and what else names its result."""
    while function.type == "qualified_identifier":
        inner = function.child_by_field_name("name")
        if inner is None:
            return ""
        function = inner
    name, arguments = function.child_by_field_name("name"), function.child_by_field_name("arguments")
    if name is None or arguments is None or text_of(source, name) not in _CASTS:
        return ""
    return annotation(source, arguments.named_children[0]) if arguments.named_child_count else ""


def _inner(source: bytes, node: Node, depth: int) -> str:
    return shape_of(source, node.named_children[-1], depth) if node.named_child_count else ""


def _argument(source: bytes, node: Node, depth: int) -> str:
    operator = node.child_by_field_name("operator")
    if operator is not None and operator.type == "!":
        return "!bool"
    return shape_of(source, node.child_by_field_name("argument"), depth)


def _item(source: bytes, node: Node, depth: int) -> str:
    return extended(shape_of(source, node.child_by_field_name("argument"), depth), "[]")


def _typed(source: bytes, node: Node, _depth: int) -> str:
    return annotation(source, node.child_by_field_name("type"))


def _choice(source: bytes, node: Node, depth: int) -> str:
    return either(
        shape_of(source, node.child_by_field_name("consequence"), depth),
        shape_of(source, node.child_by_field_name("alternative"), depth),
    )


def _assigned(source: bytes, node: Node, depth: int) -> str:
    return shape_of(source, node.child_by_field_name("left"), depth)


def _binary(source: bytes, node: Node, depth: int) -> str:
    operator = node.child_by_field_name("operator")
    if operator is not None and operator.type in _COMPARISONS:
        return "!bool"
    left = shape_of(source, node.child_by_field_name("left"), depth)
    right = shape_of(source, node.child_by_field_name("right"), depth)
    # A pointer and a number is the pointer.
    return right if left[:1] == "!" and right else left


def _comma(source: bytes, node: Node, depth: int) -> str:
    return shape_of(source, node.child_by_field_name("right"), depth)


def _qualified(source: bytes, node: Node, _depth: int) -> str:
    return dotted(source, node)


_SHAPES = {
    "field_expression": _field,
    "call_expression": _call,
    "parenthesized_expression": _inner,
    "parenthesized_declarator": _inner,
    "pointer_expression": _argument,
    "unary_expression": _argument,
    "update_expression": _argument,
    "subscript_expression": _item,
    "cast_expression": _typed,
    "compound_literal_expression": _typed,
    "new_expression": _typed,
    "conditional_expression": _choice,
    "assignment_expression": _assigned,
    "binary_expression": _binary,
    "comma_expression": _comma,
    "qualified_identifier": _qualified,
    "template_function": _qualified,
}
