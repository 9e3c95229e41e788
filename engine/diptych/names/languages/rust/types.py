"""Rust's types as annotations, in the form that `diptych.names.annotations` reads.

A reference is what it refers to: a member is reached through it.
"""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE
from diptych.names.languages.collected import text_of
from diptych.names.languages.shapes import MAX_CHARS, MAX_DEPTH

UNKNOWN = "?"
TUPLE = "Tuple"
TYPE_ITSELF = ":type["
_NAMES = frozenset({"type_identifier", "identifier", "primitive_type", "self", "super", "crate"})
_INNER = {"reference_type": "type", "pointer_type": "type", "dynamic_type": "trait", "abstract_type": "trait",
          "qualified_type": "type"}  # fmt: skip
_SKIPPED = frozenset({"lifetime", "mutable_specifier", "line_comment", "block_comment"})


def annotation(source: bytes, node: Node | None) -> str:
    """The shape of a value of this type; "" for none."""
    text = type_text(source, node)
    return f":{text}" if text and text != UNKNOWN else ""


def class_shape(source: bytes, node: Node | None) -> str:
    """The shape of a type itself; of one that says nothing, a type all the same."""
    return f"{TYPE_ITSELF}{type_text(source, node) or UNKNOWN}]"


def type_text(source: bytes, node: Node | None, depth: int = 0) -> str:
    """A type as text; "?" for one that says nothing."""
    if node is None or depth > MAX_DEPTH:
        return ""
    text = _text(source, node, depth + 1)
    return text if len(text) < MAX_CHARS - 16 else UNKNOWN


def _text(source: bytes, node: Node, depth: int) -> str:
    kind = node.type
    if kind in _NAMES:
        return text_of(source, node)
    if kind in _INNER:
        return type_text(source, node.child_by_field_name(_INNER[kind]), depth)
    if kind in ("scoped_type_identifier", "scoped_identifier"):
        path, name = node.child_by_field_name("path"), node.child_by_field_name("name")
        before, after = type_text(source, path, depth).partition("[")[0], type_text(source, name, depth)
        return f"{before}.{after}" if before else after
    if kind in ("generic_type", "generic_type_with_turbofish"):
        given = node.child_by_field_name("type_arguments")
        inner = [type_text(source, one, depth) or UNKNOWN for one in _types(given)]
        head = type_text(source, node.child_by_field_name("type"), depth)
        return f"{head}[{', '.join(inner)}]" if inner else head
    if kind in ("array_type", "slice_type"):
        element = node.child_by_field_name("element") or next(iter(node.named_children), None)
        return f"Vec[{type_text(source, element, depth)}]"
    if kind == "tuple_type":
        return f"{TUPLE}[{', '.join(type_text(source, one, depth) or UNKNOWN for one in _types(node))}]"
    if kind == "function_type":
        return (
            f"{FUNCTION_TYPE}[{type_text(source, node.child_by_field_name('return_type'), depth) or UNKNOWN}]"
        )
    if (
        kind in ("bracketed_type", "trait_bounds", "bounded_type", "removed_trait_bound")
        and node.named_child_count
    ):
        return type_text(source, _types(node)[0], depth) if _types(node) else UNKNOWN
    return UNKNOWN


def _types(node: Node | None) -> list[Node]:
    return [one for one in node.named_children if one.type not in _SKIPPED] if node is not None else []
