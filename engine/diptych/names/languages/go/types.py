"""Go's types as annotations, in the form that `diptych.names.annotations` reads."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE
from diptych.names.languages.collected import text_of
from diptych.names.languages.shapes import MAX_CHARS, MAX_DEPTH

RESULTS = "Results"
"""What a function with several results returns; no type of Go has arguments in brackets like these."""
_UNKNOWN = "?"
_LISTS = frozenset({"slice_type", "array_type", "implicit_length_array_type"})


def annotation(source: bytes, node: Node | None) -> str:
    """The shape of a value of this type; "" for none."""
    text = type_text(source, node)
    return f":{text}" if text and text != _UNKNOWN else ""


def class_shape(source: bytes, node: Node | None) -> str:
    """The shape of a type itself."""
    text = type_text(source, node)
    return f":type[{text}]" if text and text != _UNKNOWN else ""


def type_text(source: bytes, node: Node | None, depth: int = 0) -> str:
    """A type as text; "?" for one that says nothing."""
    if node is None or depth > MAX_DEPTH:
        return ""
    text = _text(source, node, depth)
    return text if len(text) < MAX_CHARS - 16 else _UNKNOWN


def _text(source: bytes, node: Node, depth: int) -> str:
    kind = node.type
    if kind in ("type_identifier", "identifier"):
        return text_of(source, node)
    if kind == "qualified_type":
        return "".join(text_of(source, node).split())
    if kind in ("pointer_type", "parenthesized_type", "type_elem", "type_constraint"):
        return type_text(source, node.named_children[0], depth + 1) if node.named_child_count else _UNKNOWN
    if kind in _LISTS:
        return f"Slice[{type_text(source, node.child_by_field_name('element'), depth + 1)}]"
    if kind == "channel_type":
        return f"Chan[{type_text(source, node.child_by_field_name('value'), depth + 1)}]"
    if kind == "map_type":
        key = type_text(source, node.child_by_field_name("key"), depth + 1)
        return f"Map[{key}, {type_text(source, node.child_by_field_name('value'), depth + 1)}]"
    if kind == "generic_type":
        name, arguments = node.child_by_field_name("type"), node.child_by_field_name("type_arguments")
        given = arguments.named_children if arguments is not None else []
        inner = ", ".join(type_text(source, one, depth + 1) for one in given)
        return f"{type_text(source, name, depth + 1)}[{inner}]"
    if kind == "function_type":
        taken = parameter_types(source, node.child_by_field_name("parameters"), depth + 1)
        parts = [result_text(source, node, depth + 1) or _UNKNOWN, *taken]
        return f"{FUNCTION_TYPE}[{', '.join(parts)}]"
    return _UNKNOWN


def parameter_types(source: bytes, parameters: Node | None, depth: int = 0) -> list[str]:
    """The type of each parameter, as often as it has names."""
    found = []
    for one in parameters.named_children if parameters is not None else ():
        if one.type not in ("parameter_declaration", "variadic_parameter_declaration"):
            continue
        text = type_text(source, one.child_by_field_name("type"), depth) or _UNKNOWN
        if one.type == "variadic_parameter_declaration":
            text = f"Slice[{text}]"
        found += [text] * max(1, len(one.children_by_field_name("name")))
    return found


def result_text(source: bytes, function: Node, depth: int = 0) -> str:
    """What a function returns, as text: one type, or several as `Results`."""
    result = function.child_by_field_name("result")
    if result is None:
        return ""
    if result.type != "parameter_list":
        return type_text(source, result, depth)
    parts = parameter_types(source, result, depth)
    return parts[0] if len(parts) == 1 else f"{RESULTS}[{', '.join(parts)}]"
