"""What a pattern of Rust binds, and the shape of each name."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from diptych.names.languages.collected import text_of
from diptych.names.languages.rust.types import type_text
from diptych.names.languages.shapes import MAX_DEPTH, extended

_INNER = frozenset({"mut_pattern", "ref_pattern", "reference_pattern"})
# What holds a value, and at which place among its type arguments.
_HOLDERS = {"Some": "[0]", "Ok": "[0]", "Err": "[1]"}


def bound_by(source: bytes, node: Node | None, shape: str, depth: int = 0) -> Iterator[tuple[Node, str]]:
    """The names that a pattern binds, each with its shape, for a value of this shape."""
    if node is None or depth > MAX_DEPTH:
        return
    kind, depth = node.type, depth + 1
    if kind in ("identifier", "shorthand_field_identifier"):
        # What begins with an upper-case letter names a constant or a variant.
        if not text_of(source, node)[:1].isupper():
            yield node, shape
    elif kind in _INNER and node.named_child_count:
        yield from bound_by(source, node.named_children[-1], shape, depth)
    elif kind in ("captured_pattern", "or_pattern"):
        for one in node.named_children:
            yield from bound_by(source, one, shape, depth)
    elif kind == "tuple_pattern":
        for index, one in enumerate(node.named_children):
            yield from bound_by(source, one, extended(shape, f"[{index}]"), depth)
    elif kind == "slice_pattern":
        for one in node.named_children:
            yield from bound_by(source, one, extended(shape, "[]"), depth)
    elif kind == "tuple_struct_pattern":
        named = node.child_by_field_name("type")
        step = _HOLDERS.get(text_of(source, named) if named is not None else "", "")
        for one in node.named_children:
            if one != named:
                yield from bound_by(source, one, extended(shape, step) if step else "", depth)
    elif kind == "struct_pattern":
        yield from _fields(source, node, depth)


def _fields(source: bytes, node: Node, depth: int) -> Iterator[tuple[Node, str]]:
    text = type_text(source, node.child_by_field_name("type"))
    holder = "^" if text == "Self" else f":{text};" if text else ""
    for field in node.named_children:
        name = field.child_by_field_name("name") if field.type == "field_pattern" else None
        if name is None:
            continue
        shape = extended(holder, f".{text_of(source, name)}")
        inner = field.child_by_field_name("pattern")
        yield from bound_by(source, inner if inner is not None else name, shape, depth)
