"""The shape of a Java expression, as `diptych.names.facts` defines it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE
from diptych.names.languages.collected import text_of
from diptych.names.languages.java.types import annotation, dimensions_of, type_text
from diptych.names.languages.shapes import MAX_DEPTH, either, extended

_LITERALS = {
    "string_literal": "!String",
    "text_block": "!String",
    "character_literal": "!char",
    "true": "!boolean",
    "false": "!boolean",
    "null_literal": "!null",
    "instanceof_expression": "!boolean",
    "lambda_expression": f":{FUNCTION_TYPE}[?]",
    "method_reference": f":{FUNCTION_TYPE}[?]",
}
_INTEGERS = frozenset(
    {"decimal_integer_literal", "hex_integer_literal", "octal_integer_literal", "binary_integer_literal"}
)
_FLOATS = frozenset({"decimal_floating_point_literal", "hex_floating_point_literal"})
_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">=", "&&", "||"})


def shape_of(source: bytes, node: Node | None, depth: int = 0) -> str:
    """The shape of an expression; "" if it says nothing about a type."""
    if node is None or depth > MAX_DEPTH:
        return ""
    kind = node.type
    if kind in ("identifier", "type_identifier"):
        return text_of(source, node)
    if kind in ("scoped_identifier", "scoped_type_identifier"):
        return type_text(source, node)
    if kind == "this":
        return "^"
    if kind == "super":
        return "super()"
    if kind in _LITERALS:
        return _LITERALS[kind]
    if kind in _INTEGERS:
        return "!long" if text_of(source, node)[-1:] in "lL" else "!int"
    if kind in _FLOATS:
        return "!float" if text_of(source, node)[-1:] in "fF" else "!double"
    visit = _SHAPES.get(kind)
    return visit(source, node, depth + 1) if visit is not None else ""


def arguments_of(source: bytes, node: Node) -> tuple[str, ...] | None:
    """The shapes of what a call gives; None if it has no list of arguments."""
    given = node.child_by_field_name("arguments")
    if given is None:
        return None
    return tuple(shape_of(source, one) for one in _values(given))


def _values(arguments: Node) -> list[Node]:
    return [one for one in arguments.named_children if "comment" not in one.type]


def _field(source: bytes, node: Node, depth: int) -> str:
    name, holder = node.child_by_field_name("field"), node.child_by_field_name("object")
    if name is None:
        return ""
    if name.type == "this":
        text = type_text(source, holder)
        return f":{text};" if text else ""
    if name.type == "super":
        return "super()"
    return extended(shape_of(source, holder, depth), f".{text_of(source, name)}")


def _call(source: bytes, node: Node, depth: int) -> str:
    name, holder = node.child_by_field_name("name"), node.child_by_field_name("object")
    arguments = node.child_by_field_name("arguments")
    if name is None or arguments is None:
        return ""
    called = f"{text_of(source, name)}({len(_values(arguments))})"
    if holder is None:
        return called
    return extended(shape_of(source, holder, depth), f".{called}")


def _new(source: bytes, node: Node, _depth: int) -> str:
    return annotation(source, node.child_by_field_name("type"))


def _new_array(source: bytes, node: Node, _depth: int) -> str:
    sizes = sum(one.type == "dimensions_expr" for one in node.named_children)
    more = sum(dimensions_of(one) for one in node.named_children if one.type == "dimensions")
    return annotation(source, node.child_by_field_name("type"), sizes + more)


def _item(source: bytes, node: Node, depth: int) -> str:
    return extended(shape_of(source, node.child_by_field_name("array"), depth), "[]")


def _cast(source: bytes, node: Node, _depth: int) -> str:
    return annotation(source, node.child_by_field_name("type"))


def _inner(source: bytes, node: Node, depth: int) -> str:
    return shape_of(source, node.named_children[0], depth) if node.named_child_count else ""


def _choice(source: bytes, node: Node, depth: int) -> str:
    return either(
        shape_of(source, node.child_by_field_name("consequence"), depth),
        shape_of(source, node.child_by_field_name("alternative"), depth),
    )


def _assigned(source: bytes, node: Node, depth: int) -> str:
    return shape_of(source, node.child_by_field_name("left"), depth)


def _unary(source: bytes, node: Node, depth: int) -> str:
    operator = node.child_by_field_name("operator")
    if operator is not None and operator.type == "!":
        return "!boolean"
    return shape_of(source, node.child_by_field_name("operand"), depth)


def _binary(source: bytes, node: Node, depth: int) -> str:
    operator = node.child_by_field_name("operator")
    sign = operator.type if operator is not None else ""
    if sign in _COMPARISONS:
        return "!boolean"
    left = shape_of(source, node.child_by_field_name("left"), depth)
    right = shape_of(source, node.child_by_field_name("right"), depth)
    if sign == "+" and "!String" in (left, right):
        return "!String"
    return left if left == right or right in ("!int", "!char") else ""


def _class(source: bytes, node: Node, _depth: int) -> str:
    text = type_text(source, node.named_children[0]) if node.named_child_count else ""
    return f":Class[{text}]"


_SHAPES = {
    "field_access": _field,
    "method_invocation": _call,
    "object_creation_expression": _new,
    "array_creation_expression": _new_array,
    "array_access": _item,
    "cast_expression": _cast,
    "parenthesized_expression": _inner,
    "update_expression": _inner,
    "ternary_expression": _choice,
    "assignment_expression": _assigned,
    "unary_expression": _unary,
    "binary_expression": _binary,
    "class_literal": _class,
}
