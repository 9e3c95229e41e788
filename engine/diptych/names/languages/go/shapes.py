"""The shape of a Go expression, as `diptych.names.facts` defines it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE
from diptych.names.languages.collected import text_of
from diptych.names.languages.go.types import annotation, parameter_types, result_text
from diptych.names.languages.shapes import MAX_DEPTH, extended

_LITERALS = {
    "interpreted_string_literal": "!string",
    "raw_string_literal": "!string",
    "int_literal": "!int",
    "float_literal": "!float64",
    "rune_literal": "!rune",
    "true": "!bool",
    "false": "!bool",
    "nil": "!nil",
}
_BUILT_IN = {"len": "!int", "cap": "!int", "copy": "!int", "recover": "!any"}


def shape_of(source: bytes, node: Node | None, depth: int = 0) -> str:
    """The shape of an expression; "" if it says nothing about a type."""
    if node is None or depth > MAX_DEPTH:
        return ""
    kind = node.type
    if kind in ("identifier", "package_identifier", "type_identifier"):
        return text_of(source, node)
    literal = _LITERALS.get(kind)
    if literal is not None:
        return literal
    operand = node.child_by_field_name("operand")
    if kind == "selector_expression":
        name = node.child_by_field_name("field")
        return extended(shape_of(source, operand, depth + 1), f".{text_of(source, name)}") if name else ""
    if kind == "call_expression":
        return _called(source, node, depth)
    if kind == "composite_literal":
        return annotation(source, node.child_by_field_name("type"))
    if kind == "index_expression":
        return extended(shape_of(source, operand, depth + 1), "[]")
    if kind == "slice_expression":
        return shape_of(source, operand, depth + 1)
    if kind in ("type_assertion_expression", "type_conversion_expression"):
        return annotation(source, node.child_by_field_name("type"))
    if kind == "parenthesized_expression":
        return shape_of(source, node.named_children[0], depth + 1) if node.named_child_count else ""
    if kind == "unary_expression":
        operator = node.child_by_field_name("operator")
        inner = shape_of(source, operand, depth + 1)
        return extended(inner, "[]") if operator is not None and operator.type == "<-" else inner
    if kind == "func_literal":
        parts = [
            result_text(source, node) or "?",
            *parameter_types(source, node.child_by_field_name("parameters")),
        ]
        return f":{FUNCTION_TYPE}[{', '.join(parts)}]"
    return ""


def _called(source: bytes, node: Node, depth: int) -> str:
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    given = arguments.named_children if arguments is not None else []
    name = text_of(source, function) if function is not None and function.type == "identifier" else ""
    if name in ("new", "make") and given:
        return annotation(source, given[0])
    if name == "append" and given:
        return shape_of(source, given[0], depth + 1)
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    return extended(shape_of(source, function, depth + 1), "()")


def shapes_of(source: bytes, values: Node | None, count: int) -> list[str]:
    """The shapes of `count` names on the left of these values: of each value, or of one call's results."""
    given = values.named_children if values is not None and values.type == "expression_list" else []
    if len(given) == count:
        return [shape_of(source, one) for one in given]
    if len(given) != 1:
        return [""] * count
    shape, kind = shape_of(source, given[0]), given[0].type
    if kind == "call_expression":
        return [extended(shape, f"[{index}]") for index in range(count)]
    # A look-up, an assertion or a receive, and whether it succeeded.
    return [shape, "!bool"][:count] + [""] * (count - 2)
