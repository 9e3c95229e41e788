"""Java's types as annotations, in the form that `diptych.names.annotations` reads."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import ARRAY
from diptych.names.languages.collected import text_of
from diptych.names.languages.shapes import MAX_CHARS, MAX_DEPTH

UNKNOWN = "?"
TYPE_ITSELF = ":type["
_NAMES = frozenset({"type_identifier", "identifier", "integral_type", "floating_point_type", "boolean_type",
                    "void_type"})  # fmt: skip


def annotation(source: bytes, node: Node | None, dimensions: int = 0) -> str:
    """The shape of a value of this type, with so many more dimensions; "" for none."""
    text = type_text(source, node)
    if not text or text in (UNKNOWN, "var"):
        return ""
    for _ in range(dimensions):
        text = f"{ARRAY}[{text}]"
    return f":{text}"


def class_shape(source: bytes, node: Node | None) -> str:
    """The shape of a type itself; of one that says nothing, a type all the same."""
    return f"{TYPE_ITSELF}{type_text(source, node) or UNKNOWN}]"


def type_text(source: bytes, node: Node | None, depth: int = 0) -> str:
    """A type as text; "?" for one that says nothing."""
    if node is None or depth > MAX_DEPTH:
        return ""
    text = _text(source, node, depth)
    return text if len(text) < MAX_CHARS - 16 else UNKNOWN


def dimensions_of(node: Node | None) -> int:
    """How many pairs of brackets there are."""
    return sum(child.type == "[" for child in node.children) if node is not None else 0


def _text(source: bytes, node: Node, depth: int) -> str:
    kind = node.type
    if kind in _NAMES:
        return text_of(source, node)
    children = node.named_children
    if kind in ("scoped_type_identifier", "scoped_identifier"):
        parts = [type_text(source, one, depth + 1) for one in children if "annotation" not in one.type]
        return ".".join(part.partition("[")[0] for part in parts)
    if kind == "generic_type" and children:
        given = children[1].named_children if len(children) > 1 else []
        inner = ", ".join(type_text(source, one, depth + 1) for one in given)
        head = type_text(source, children[0], depth + 1)
        return f"{head}[{inner}]" if inner else head
    if kind == "array_type":
        text = type_text(source, node.child_by_field_name("element"), depth + 1)
        for _ in range(dimensions_of(node.child_by_field_name("dimensions"))):
            text = f"{ARRAY}[{text}]"
        return text
    if kind == "wildcard":
        has_bound = any(child.type == "extends" for child in node.children)
        return type_text(source, children[-1], depth + 1) if has_bound and children else UNKNOWN
    if kind in ("annotated_type", "type_bound", "superclass", "catch_type") and children:
        chosen = children[0] if kind == "type_bound" else children[-1]
        return type_text(source, chosen, depth + 1)
    return UNKNOWN
