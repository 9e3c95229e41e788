"""TypeScript's types as annotations, in the form that `diptych.names.annotations` reads."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE, MEMBER_OF, OF_VALUE, written_at
from diptych.names.languages.collected import text_of
from diptych.names.languages.shapes import MAX_CHARS, MAX_DEPTH

_UNKNOWN = "?"
# How the shape of a type begins, and what is in the one of `import A = B.C`, which may be anything.
TYPE_ITSELF = ":type["
IMPORT_ALIAS = f"\n{TYPE_ITSELF}"
_NAMES = frozenset({"type_identifier", "identifier", "predefined_type"})
_DOTTED = frozenset({"nested_type_identifier", "nested_identifier", "member_expression"})
_INNER = frozenset({
    "type_annotation", "opting_type_annotation", "omitting_type_annotation", "parenthesized_type",
    "readonly_type", "optional_type", "constraint",
})  # fmt: skip
_SEVERAL = frozenset({"union_type", "intersection_type"})
_LITERALS = {
    "string": "string",
    "number": "number",
    "true": "boolean",
    "false": "boolean",
    "unary_expression": "number",
}


def annotation(source: bytes, node: Node | None) -> str:
    """The shape of a value with this type annotation; "" for none."""
    text = type_text(source, node)
    return f":{text}" if text and text != _UNKNOWN else ""


def class_shape(source: bytes, node: Node | None) -> str:
    """The shape of a type itself, rather than of an instance of it."""
    text = type_text(source, node)
    return f"{TYPE_ITSELF}{text}]" if text and text != _UNKNOWN else ""


def declared_type(source: bytes, node: Node | None) -> str:
    """The shape of a type that is given a name; one that says nothing is a type all the same."""
    return class_shape(source, node) or f"{TYPE_ITSELF}{_UNKNOWN}]"


def type_text(source: bytes, node: Node | None, depth: int = 0) -> str:
    """A type as text; "?" for one that says nothing."""
    if node is None or depth > MAX_DEPTH:
        return ""
    text = _text(source, node, depth)
    return text if len(text) < MAX_CHARS - 16 else _UNKNOWN


def _text(source: bytes, node: Node, depth: int) -> str:
    kind = node.type
    children = node.named_children
    if kind in _NAMES:
        return text_of(source, node)
    if kind in _DOTTED:
        return "".join(text_of(source, node).split())
    if kind in _INNER:
        return type_text(source, children[0], depth + 1) if children else _UNKNOWN
    if kind in _SEVERAL:
        return " | ".join(type_text(source, child, depth + 1) for child in children)
    if kind == "generic_type":
        return _generic(source, node, depth)
    if kind == "array_type":
        return f"Array[{type_text(source, children[0], depth + 1)}]"
    if kind == "tuple_type":
        inner = " | ".join(type_text(source, child, depth + 1) for child in children)
        return f"Array[{inner}]"
    if kind in ("function_type", "constructor_type"):
        return _function(source, node, depth)
    if kind == "literal_type":
        return _LITERALS.get(children[0].type, "undefined") if children else "undefined"
    if kind == "template_literal_type":
        return "string"
    if kind == "type_query":
        return f"{OF_VALUE}[{type_text(source, children[0], depth + 1)}]" if children else _UNKNOWN
    if kind == "object_type":
        if len(children) == 1 and (mapped := _mapped(source, children[0])) is not None:
            return type_text(source, mapped, depth + 1)
        return written_at(node.start_point)
    if kind == "lookup_type" and len(children) == 2:
        return _member(source, children, depth)
    if kind == "this_type":
        return "this"
    if kind == "type_predicate":
        return "boolean"
    return _UNKNOWN


def is_mapped(source: bytes, node: Node) -> bool:
    """Whether a type that lists members has those of another: `{ [K in keyof T]: T[K] }`."""
    return node.named_child_count == 1 and _mapped(source, node.named_children[0]) is not None


def _mapped(source: bytes, node: Node) -> Node | None:
    """The `T` of `[K in keyof T]: T[K]`, whose members that has; None for other members of a type."""
    clause = next((one for one in node.named_children if one.type == "mapped_type_clause"), None)
    keys = clause.child_by_field_name("type") if clause is not None else None
    if keys is None or keys.type != "index_type_query" or not keys.named_child_count:
        return None
    written = node.named_children[-1]
    while written.type in _INNER and written.named_child_count:
        written = written.named_children[0]
    owner = keys.named_children[0]
    taken = written.named_children[0] if written.type == "lookup_type" else None
    is_same = taken is not None and text_of(source, taken) == text_of(source, owner)
    return owner if is_same else None


def _generic(source: bytes, node: Node, depth: int) -> str:
    name = node.child_by_field_name("name")
    arguments = node.child_by_field_name("type_arguments")
    if name is None:
        return _UNKNOWN
    head = "".join(text_of(source, name).split())
    given = arguments.named_children if arguments is not None else []
    inner = ", ".join(type_text(source, child, depth + 1) for child in given)
    return f"{head}[{inner}]"


def _member(source: bytes, parts: list[Node], depth: int) -> str:
    """The type `A["b"]`, or `A[number]`."""
    owner, key = type_text(source, parts[0], depth + 1), parts[1]
    if key.type == "literal_type" and key.named_children and key.named_children[0].type == "string":
        name = text_of(source, key.named_children[0])[1:-1]
    else:
        name = text_of(source, key) if key.type == "predefined_type" else ""
    return f"{MEMBER_OF}[{owner}, {name}]" if name.isidentifier() else _UNKNOWN


def _function(source: bytes, node: Node, depth: int) -> str:
    returned = node.child_by_field_name("return_type") or node.child_by_field_name("type")
    parts = [type_text(source, returned, depth + 1) or _UNKNOWN]
    parameters = node.child_by_field_name("parameters")
    for parameter in parameters.named_children if parameters is not None else ():
        pattern = parameter.child_by_field_name("pattern")
        if pattern is None or pattern.type == "this":
            continue
        parts.append(type_text(source, parameter.child_by_field_name("type"), depth + 1) or _UNKNOWN)
    return f"{FUNCTION_TYPE}[{', '.join(parts)}]"


def type_arguments(source: bytes, node: Node | None) -> str:
    """`[A, B]` for `<A, B>`; "" for none."""
    if node is None:
        return ""
    return f"[{', '.join(type_text(source, child) for child in node.named_children)}]"
