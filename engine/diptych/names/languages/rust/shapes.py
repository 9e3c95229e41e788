"""The shape of a Rust expression, as `diptych.names.facts` defines it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.languages.collected import text_of
from diptych.names.languages.rust.types import annotation, type_text
from diptych.names.languages.shapes import MAX_DEPTH, either, extended

_LITERALS = {
    "string_literal": "!str",
    "raw_string_literal": "!str",
    "char_literal": "!char",
    "integer_literal": "!i32",
    "float_literal": "!f64",
    "boolean_literal": "!bool",
}
_INNER = frozenset({"parenthesized_expression", "await_expression", "unary_expression"})
_STRINGS = frozenset({"format", "stringify", "concat"})


def shape_of(source: bytes, node: Node | None, depth: int = 0) -> str:
    """The shape of an expression; "" if it says nothing about a type."""
    if node is None or depth > MAX_DEPTH:
        return ""
    kind, depth = node.type, depth + 1
    if kind == "identifier":
        text = text_of(source, node)
        return "^^" if text == "Self" else text
    if kind == "self":
        return "^"
    if kind in _LITERALS:
        return _LITERALS[kind]
    if kind == "scoped_identifier":
        return path_shape(type_text(source, node))
    if kind == "generic_function":
        return shape_of(source, node.child_by_field_name("function"), depth)
    if kind == "field_expression":
        name = node.child_by_field_name("field")
        if name is None or name.type != "field_identifier":
            index = text_of(source, name) if name is not None else ""
            holder = shape_of(source, node.child_by_field_name("value"), depth)
            return extended(holder, f"[{index}]") if index.isdigit() else ""
        return extended(
            shape_of(source, node.child_by_field_name("value"), depth), f".{text_of(source, name)}"
        )
    if kind == "call_expression":
        return extended(shape_of(source, node.child_by_field_name("function"), depth), "()")
    if kind == "try_expression":
        return (
            extended(shape_of(source, node.named_children[0], depth), "[0]") if node.named_child_count else ""
        )
    if kind == "index_expression":
        return (
            extended(shape_of(source, node.named_children[0], depth), "[]") if node.named_child_count else ""
        )
    if kind in _INNER:
        return shape_of(source, node.named_children[-1], depth) if node.named_child_count else ""
    if kind == "reference_expression":
        return shape_of(source, node.child_by_field_name("value"), depth)
    if kind == "type_cast_expression":
        return annotation(source, node.child_by_field_name("type"))
    if kind == "struct_expression":
        text = type_text(source, node.child_by_field_name("name"))
        return "^" if text == "Self" else f":{text}" if text else ""
    return _of_block(source, node, depth)


def path_shape(path: str) -> str:
    """The shape of a path: `Self::new` is a member of the class around."""
    head, dot, rest = path.partition(".")
    return f"^^{dot}{rest}" if head == "Self" else path


def _of_block(source: bytes, node: Node, depth: int) -> str:
    """What a block, or an expression with blocks, ends with."""
    if node.type in ("block", "unsafe_block", "async_block"):
        last = node.named_children[-1] if node.named_child_count else None
        return shape_of(source, last, depth)
    if node.type == "if_expression":
        other = node.child_by_field_name("alternative")
        inner = other.named_children[-1] if other is not None and other.named_child_count else None
        first = shape_of(source, node.child_by_field_name("consequence"), depth)
        return either(first, shape_of(source, inner, depth))
    if node.type == "macro_invocation":
        name = node.child_by_field_name("macro")
        return "!String" if name is not None and text_of(source, name) in _STRINGS else ""
    return ""
