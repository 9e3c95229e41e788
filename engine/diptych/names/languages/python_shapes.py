"""The shape of a Python expression, as `diptych.names.facts` defines it."""

from __future__ import annotations

from tree_sitter import Node

MAX_CHARS = 300
MAX_ALTERNATIVES = 4
_MAX_DEPTH = 24
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


def text_of(source: bytes, node: Node) -> str:
    """The text of a node."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def shape_of(source: bytes, node: Node | None, depth: int = 0) -> str:
    """The shape of an expression; "" if it says nothing about a type."""
    if node is None or depth > _MAX_DEPTH:
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


def extended(shape: str, suffix: str) -> str:
    """Each alternative of `shape` with `suffix` after it."""
    if not shape or len(shape) + len(suffix) > MAX_CHARS:
        return ""
    if "\n" in shape:
        return "\n".join(extended(one, suffix) for one in shape.split("\n"))
    if shape[0] == ":" and ";" not in shape:
        shape += ";"
    return shape + suffix


def either(*shapes: str) -> str:
    """The alternatives of all of them, each once; None only if there is nothing else."""
    parts = [part for shape in shapes if shape for part in shape.split("\n")]
    kept = [part for part in dict.fromkeys(parts) if part != "!None"] or parts[:1]
    joined = "\n".join(kept[:MAX_ALTERNATIVES])
    return joined if len(joined) <= MAX_CHARS else kept[0]


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


def _only_child(node: Node) -> Node | None:
    for child in node.named_children:
        if child.type != "comment":
            return child
    return None
