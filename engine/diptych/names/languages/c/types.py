"""Types of C and C++ as annotations, in the form that `diptych.names.annotations` reads.

Pointers, references and arrays are what they point to: a member is reached through each of them.
"""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE, MEMBER_OF, TAG_OF
from diptych.names.languages.c.declarators import Declarator
from diptych.names.languages.collected import text_of
from diptych.names.languages.shapes import MAX_CHARS, MAX_DEPTH

UNKNOWN = "?"
TYPE_ITSELF = ":type["
# The type of what a container's `begin()` returns.
ITERATOR_OF = "iterator_of"
_ITERATORS = frozenset({"iterator", "const_iterator", "reverse_iterator", "const_reverse_iterator"})
TAGS = frozenset({"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"})
_NAMES = frozenset({"type_identifier", "identifier", "namespace_identifier", "primitive_type"})


def annotation(source: bytes, node: Node | None, declarator: Declarator | None = None) -> str:
    """The shape of a value of this type, as a declarator has it; "" for none."""
    text = type_text(source, node)
    if declarator is not None and declarator.function is None and declarator.is_pointed:
        text = f"{FUNCTION_TYPE}[{text or UNKNOWN}]"
    return f":{text}" if text and text != UNKNOWN else ""


def class_shape(source: bytes, node: Node | None, declarator: Declarator | None = None) -> str:
    """The shape of a type itself; of one that says nothing, a type all the same."""
    text = type_text(source, node) or UNKNOWN
    if declarator is not None and declarator.is_pointed:
        text = f"{FUNCTION_TYPE}[{text}]"
    return f"{TYPE_ITSELF}{text}]"


def type_text(source: bytes, node: Node | None, depth: int = 0) -> str:
    """A type as text; "?" for one that says nothing."""
    if node is None or depth > MAX_DEPTH:
        return ""
    text = _text(source, node, depth)
    return text if len(text) < MAX_CHARS - 16 else UNKNOWN


def _text(source: bytes, node: Node, depth: int) -> str:
    kind = node.type
    if kind in _NAMES:
        return text_of(source, node)
    if kind == "sized_type_specifier":
        return text_of(source, node).split()[-1]
    if kind in TAGS:
        name = node.child_by_field_name("name")
        return f"{TAG_OF}[{type_text(source, name, depth + 1)}]" if name is not None else UNKNOWN
    if kind == "qualified_identifier":
        scope, name = node.child_by_field_name("scope"), node.child_by_field_name("name")
        is_inside = scope is not None and scope.type == "template_type" and name is not None
        if is_inside and name is not None and text_of(source, name) in _ITERATORS:
            return f"{ITERATOR_OF}[{MEMBER_OF}[{type_text(source, scope, depth + 1)}, begin]]"
        before = type_text(source, scope, depth + 1).partition("[")[0]
        after = type_text(source, name, depth + 1)
        return f"{before}.{after}" if before else after
    if kind in ("template_type", "template_function"):
        name, arguments = node.child_by_field_name("name"), node.child_by_field_name("arguments")
        given = arguments.named_children if arguments is not None else []
        inner = ", ".join(type_text(source, one, depth + 1) or UNKNOWN for one in given)
        return f"{type_text(source, name, depth + 1)}[{inner}]"
    if kind == "type_descriptor":
        text = type_text(source, node.child_by_field_name("type"), depth + 1)
        is_function = any("function" in one.type for one in node.named_children)
        return f"{FUNCTION_TYPE}[{text or UNKNOWN}]" if is_function else text
    if kind == "dependent_type" and node.named_child_count:
        return type_text(source, node.named_children[-1], depth + 1)
    return UNKNOWN
