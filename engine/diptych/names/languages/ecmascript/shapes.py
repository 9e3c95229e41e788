"""The shape of a JavaScript or TypeScript expression, as `diptych.names.facts` defines it."""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.names.annotations import written_at
from diptych.names.languages.collected import text_of
from diptych.names.languages.ecmascript.doc import parameter_type, said_type, type_before
from diptych.names.languages.ecmascript.types import annotation, type_arguments
from diptych.names.languages.shapes import MAX_CHARS, MAX_DEPTH, either, extended

_LITERALS = {
    "string": "!string",
    "template_string": "!string",
    "number": "!number",
    "true": "!boolean",
    "false": "!boolean",
    "null": "!undefined",
    "undefined": "!undefined",
    "regex": "!RegExp",
    "this": "^",
    "super": "super()",
    "update_expression": "!number",
}
_UNARY = {"!": "!boolean", "typeof": "!string", "void": "!undefined", "delete": "!boolean"}
_COMPARISONS = frozenset({"==", "===", "!=", "!==", "<", ">", "<=", ">=", "in", "instanceof"})
_NAME = re.compile(r"#?(?:[^\W\d]|\$)[\w$]*")
_INSIDE = frozenset({"parenthesized_expression", "non_null_expression", "satisfies_expression"})
PATTERNS = frozenset({"object_pattern", "array_pattern"})
_PATTERN_PARTS = frozenset({"assignment_pattern", "object_assignment_pattern", "rest_pattern"})
_NO_MODULE = re.compile(r"[<>\n]")
_DOTTED = re.compile(r"[\w$.]+")
PARAMETERS = frozenset({"required_parameter", "optional_parameter"})
_CASTS = frozenset({"as_expression", "satisfies_expression"})
_DOCUMENTED = frozenset({"variable_declarator", "field_definition", "assignment_expression", "pair"})
_PASSED_ON = frozenset({"parenthesized_expression", "ternary_expression", *_CASTS})
FUNCTIONS = frozenset({"arrow_function", "function_expression", "generator_function"})
# The object of what a module gives, and the name by which a shape means it.
OWN_EXPORTS = "exports"
MODULE_OBJECTS = frozenset({OWN_EXPORTS, "module.exports"})


def shape_of(source: bytes, node: Node | None, depth: int = 0) -> str:
    """The shape of an expression; "" if it says nothing about a type."""
    if node is None or depth > MAX_DEPTH:
        return ""
    kind = node.type
    if kind == "identifier":
        return text_of(source, node)
    literal = _LITERALS.get(kind)
    if literal is not None:
        return literal
    if kind == "member_expression":
        if text_of(source, node) in MODULE_OBJECTS:
            return OWN_EXPORTS
        base = shape_of(source, node.child_by_field_name("object"), depth + 1)
        name = node.child_by_field_name("property")
        return extended(base, f".{text_of(source, name)}") if name is not None else ""
    if kind == "call_expression":
        if module := required_module(source, node):
            return f"<{module}>"
        return extended(shape_of(source, node.child_by_field_name("function"), depth + 1), "()")
    if kind == "new_expression":
        return _constructed(source, node, depth)
    if kind == "object":
        return f":{written_at(node.start_point)}" if node.named_child_count else ""
    if kind == "array":
        return _array(source, node)
    if kind == "subscript_expression":
        base = shape_of(source, node.child_by_field_name("object"), depth + 1)
        key = key_text(source, node.child_by_field_name("index"))
        return extended(base, f".{key}" if key else "[]")
    if kind in _INSIDE:
        if kind == "parenthesized_expression" and (said := type_before(source, node)):
            return said
        return shape_of(source, _first(node), depth + 1)
    if kind == "as_expression":
        parts = node.named_children
        is_cast = len(parts) == 2
        return annotation(source, parts[1]) if is_cast else shape_of(source, _first(node), depth + 1)
    if kind == "type_assertion":
        parts = node.named_children
        return annotation(source, _first(parts[0])) if parts else ""
    if kind == "await_expression":
        return extended(shape_of(source, _first(node), depth + 1), "~")
    return _combined(source, node, depth)


def required_module(source: bytes, value: Node | None) -> str:
    """The module of `require('module')` or `import('module')`; "" for another value."""
    if value is None or value.type != "call_expression":
        return ""
    function, arguments = value.child_by_field_name("function"), value.child_by_field_name("arguments")
    if function is None or arguments is None or text_of(source, function) not in ("require", "import"):
        return ""
    given = arguments.named_children
    module = text_of(source, given[0])[1:-1] if given and given[0].type == "string" else ""
    # A bracket or a line end would end it in a shape.
    return module if len(module) < MAX_CHARS // 2 and not _NO_MODULE.search(module) else ""


def _combined(source: bytes, node: Node, depth: int) -> str:
    kind = node.type
    right = node.child_by_field_name("right")
    if kind == "ternary_expression":
        first, second = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        return either(shape_of(source, first, depth + 1), shape_of(source, second, depth + 1))
    if kind == "binary_expression":
        operator = node.child_by_field_name("operator")
        written = operator.type if operator is not None else ""
        if written in _COMPARISONS:
            return "!boolean"
        if written == "&&":
            return shape_of(source, right, depth + 1)
        if written in ("||", "??") and right is not None and right.type == "object":
            # What it is instead of may have more members.
            return shape_of(source, node.child_by_field_name("left"), depth + 1)
        if written in ("||", "??"):
            left = shape_of(source, node.child_by_field_name("left"), depth + 1)
            return either(left, shape_of(source, right, depth + 1))
        left = shape_of(source, node.child_by_field_name("left"), depth + 1)
        return left if left == "!string" else ""
    if kind in ("assignment_expression", "augmented_assignment_expression", "sequence_expression"):
        return shape_of(source, right, depth + 1)
    if kind == "unary_expression":
        operator = node.child_by_field_name("operator")
        return _UNARY.get(operator.type, "!number") if operator is not None else ""
    return ""


def _constructed(source: bytes, node: Node, depth: int) -> str:
    written = node.child_by_field_name("constructor")
    while written is not None and written.type == "parenthesized_expression":
        written = _first(written)
    if written is not None and written.type == "class":
        # `new (class {})()`: an instance of what is written there.
        return f":{written_at(written.start_point)}"
    constructor = shape_of(source, node.child_by_field_name("constructor"), depth + 1)
    arguments = type_arguments(source, node.child_by_field_name("type_arguments"))
    if arguments and _DOTTED.fullmatch(constructor):
        return f":{constructor}{arguments}"
    return extended(constructor, "()")


def _array(source: bytes, node: Node) -> str:
    """An array, with what is in it if its first value says that by itself: `[new A()]`."""
    first = _first(node)
    if first is not None and first.type == "spread_element":
        return shape_of(source, _first(first))
    if first is not None and first.type == "object" and first.named_child_count:
        return f":Array[{written_at(first.start_point)}]"
    constructor = first.child_by_field_name("constructor") if first is not None else None
    name = text_of(source, constructor) if constructor is not None else ""
    return f":Array[{name}]" if _DOTTED.fullmatch(name) else "!Array"


def _first(node: Node) -> Node | None:
    for child in node.named_children:
        if child.type != "comment":
            return child
    return None


def key_text(source: bytes, node: Node | None) -> str:
    """The name that a key is; "" for one that is computed."""
    if node is None:
        return ""
    if node.type == "string":
        text = text_of(source, node)[1:-1]
        return text if _NAME.fullmatch(text) else ""
    if node.type in ("property_identifier", "private_property_identifier", "shorthand_property_identifier"):
        return text_of(source, node)
    return ""


def defined_property(source: bytes, described: Node) -> str:
    """The shape of a property that an object describes: `{ value: a }`, `{ get() { return a; } }`."""
    for entry in described.named_children if described.type == "object" else ():
        named = entry.child_by_field_name("key" if entry.type == "pair" else "name")
        key = key_text(source, named)
        value = entry.child_by_field_name("value") if entry.type == "pair" else entry
        if key == "value":
            return shape_of(source, value)
        body = value.child_by_field_name("body") if key == "get" and value is not None else None
        if body is not None and body.type != "statement_block":
            return shape_of(source, body)
        for statement in body.named_children if body is not None else ():
            if statement.type == "return_statement":
                return shape_of(source, _first(statement))
    return ""


def declared_shape(source: bytes, node: Node) -> str:
    """The shape that a declarator, a parameter, a field or a loop gives to its name or pattern."""
    kind = node.type
    declared = node.child_by_field_name("type")
    if declared is not None and (found := annotation(source, declared)):
        return found
    if kind in _DOCUMENTED and (said := said_type(source, node)):
        value = node.child_by_field_name("right" if kind == "assignment_expression" else "value")
        # Where what it says is not in any file, the members of an object are known all the same.
        return either(said, shape_of(source, value)) if value is not None and value.type == "object" else said
    if kind == "for_in_statement":
        operator = node.child_by_field_name("operator")
        if operator is not None and operator.type == "in":
            return "!string"
        return extended(shape_of(source, node.child_by_field_name("right")), "*")
    if kind == "assignment_expression":
        return shape_of(source, node.child_by_field_name("right"))
    value = node.child_by_field_name("value")
    is_default = kind in PARAMETERS and value is not None and value.type == "object"
    given = shape_of(source, value) if not is_default else ""
    if given and given != "!undefined":
        return given
    if kind in PARAMETERS or (node.parent is not None and node.parent.type == "formal_parameters"):
        return context_of_parameter(source, node)
    return given


def pattern_shape(source: bytes, pattern: Node, depth: int = 0) -> str:
    """The shape of what a pattern takes apart, or of what a name in one gets."""
    parent = pattern.parent
    if parent is None or depth > MAX_DEPTH:
        return ""
    kind = parent.type
    if kind == "object_pattern" and pattern.type == "shorthand_property_identifier_pattern":
        return extended(pattern_shape(source, parent, depth + 1), f".{text_of(source, pattern)}")
    if kind == "object_assignment_pattern" and pattern.type == "shorthand_property_identifier_pattern":
        outer = parent.parent
        given = pattern_shape(source, outer, depth + 1) if outer is not None else ""
        return extended(given, f".{text_of(source, pattern)}")
    if kind == "pair_pattern":
        key, outer = key_text(source, parent.child_by_field_name("key")), parent.parent
        if not key or outer is None:
            return ""
        return extended(pattern_shape(source, outer, depth + 1), f".{key}")
    if kind == "array_pattern":
        return extended(pattern_shape(source, parent, depth + 1), "[]")
    if kind == "rest_pattern" and parent.parent is not None and parent.parent.type in PARAMETERS:
        return declared_shape(source, parent.parent) or "!Array"
    if kind in _PATTERN_PARTS:
        # JavaScript has no node for a parameter: a default is beside its pattern.
        given = pattern_shape(source, parent, depth + 1)
        is_default = kind == "assignment_pattern" and pattern == parent.child_by_field_name("left")
        default = parent.child_by_field_name("right")
        says = is_default and default is not None and default.type != "object"
        return given or (shape_of(source, default) if says else "")
    if kind == "object_pattern":
        # What is left of an object has its members.
        return pattern_shape(source, parent, depth + 1) if pattern.type == "rest_pattern" else ""
    if kind == "formal_parameters":
        return context_of_parameter(source, pattern)
    if kind == "arrow_function":
        said = parameter_type(source, parent, pattern, 0)
        return said or extended(context_of_function(source, parent), ">0")
    return declared_shape(source, parent)


def context_of_parameter(source: bytes, parameter: Node) -> str:
    """The shape of a parameter without a type, by what its function is given to."""
    parameters = parameter.parent
    function = parameters.parent if parameters is not None else None
    if parameters is None or function is None:
        return ""
    given = [one for one in parameters.named_children if one.type != "comment"]
    index = next((n for n, one in enumerate(given) if one == parameter), 0)
    if parameter.type not in PARAMETERS:
        said = type_before(source, parameter) or parameter_type(source, function, parameter, index)
        if said:
            return said
    return extended(context_of_function(source, function), f">{index}")


def context_of_function(source: bytes, function: Node) -> str:
    """The shape of the function type that an expression is expected to have; "" for none."""
    return context_of(source, function) if function.type in FUNCTIONS else ""


def context_of(source: bytes, value: Node) -> str:
    """The shape that a value is expected to have, by what it is given or assigned to; "" for none."""
    parent = value.parent
    while parent is not None and parent.type in _PASSED_ON:
        if parent.type in _CASTS:
            return annotation(source, parent.named_children[-1])
        if parent.type == "ternary_expression" and value == parent.child_by_field_name("condition"):
            return ""
        value, parent = parent, parent.parent
    if parent is None:
        return ""
    if parent.type == "arguments" and parent.parent is not None:
        call = parent.parent
        index = next((n for n, one in enumerate(parent.named_children) if one == value), 0)
        called = call.child_by_field_name("function") or call.child_by_field_name("constructor")
        return extended(shape_of(source, called), f">{index}")
    if parent.type in ("variable_declarator", "public_field_definition", *PARAMETERS):
        said = annotation(source, parent.child_by_field_name("type"))
        return said or (said_type(source, parent) if parent.type == "variable_declarator" else "")
    return ""


def member_context(source: bytes, key: Node) -> str:
    """The shape that an object literal is expected to have, by one of its keys; "" for other names."""
    entry = key.parent
    is_key = entry is not None and key in (
        entry.child_by_field_name("key") if entry.type == "pair" else None,
        entry.child_by_field_name("name") if entry.type == "method_definition" else None,
    )
    literal = entry.parent if entry is not None and is_key else None
    if key.type == "shorthand_property_identifier":
        literal = entry
    return context_of(source, literal) if literal is not None and literal.type == "object" else ""
