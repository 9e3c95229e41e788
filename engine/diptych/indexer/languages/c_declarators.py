"""What a declarator of C or C++ declares.

A declarator wraps the name in what it is made of: `int *(*hooks[4])(int)` is an array of pointers to
functions. What is next to the name, parentheses aside, is what the name is. Wrappers nest without limit,
which no query can say, so this walks from a declarator down to its name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tree_sitter import Node

# Their names: a tag with a body, and a typedef.
_TAGS = {
    "struct_specifier": "struct",
    "union_specifier": "struct",
    "class_specifier": "class",
    "enum_specifier": "enum",
}
_WITH_FIELD = frozenset({"function_declarator", "pointer_declarator", "array_declarator", "init_declarator"})
# The name is their last child, after a `&` or a calling convention.
_LAST_CHILD = frozenset({"parenthesized_declarator", "reference_declarator"})
_FIRST_CHILD = frozenset({"attributed_declarator", "variadic_declarator"})
_QUALIFIED = "qualified_identifier"
_TEMPLATES = frozenset({"template_function", "template_method", "template_type"})
_NAMES = frozenset({"identifier", "field_identifier", "type_identifier", "primitive_type"})
# A name of more than one token.
_COMPOSED = frozenset({"operator_name", "operator_cast", "destructor_name"})
# What it is when its name is qualified.
_MEMBERS = {"function": "method", "prototype": "method", "global": "field"}
_ARGUMENTS = re.compile(r"<[^<>]*>")
# Two words that the grammar takes for one name where something is amiss: the name is the last.
_GLUED = re.compile(r".*[\w>]\s+(?=[A-Za-z_])", re.DOTALL)
_MACRO_AFTER = re.compile(r"(?<=[a-z0-9_])\s+[A-Z][A-Z0-9_]*\Z")
_OPERATOR = re.compile(r"(.*?)(?<!\w)operator(?!\w)(.*)", re.DOTALL)
_WORD = re.compile(r"\w")


class Declared(NamedTuple):
    """A declared name: its kind, its node, the qualified name around it, and the bounds of its scope."""

    kind: str
    name: Node
    qualified: Node | None
    begin: int
    end: int


def declared(node: Node, declarator: Node) -> Declared | None:
    """What `declarator` declares in the declaration `node`; None if it has no name, or is misread."""
    begin, end = node.byte_range
    tag = _TAGS.get(node.type)
    if tag is not None:
        return _named(tag, declarator, begin, end)
    shape, inner = _innermost(declarator)
    if node.type == "function_definition":
        kind = _kind_of_definition(node, shape, inner)
        if kind == "implicit":
            return _named("prototype", node.child_by_field_name("type"), begin, end)
        return _named(kind, inner, begin, end) if kind else None
    is_function = shape == "function_declarator" or _is_conversion(inner)
    if node.type == "field_declaration" and declarator.type == "parenthesized_declarator" and node.has_error:
        # `DEFAULT_CONSTRUCTOR(Widget)`, the call of a macro.
        return None
    if node.type == "type_definition":
        kind = "type"
    elif node.type == "field_declaration":
        kind = "method" if is_function else "field"
    else:
        kind = "prototype" if is_function else "global"
    return _named(kind, inner, _begin_of_scope(node, declarator), declarator.end_byte)


def qualified_name(written: str) -> tuple[str, str]:
    """The container and the name in `Stack<T>::push`, without template arguments and white space."""
    match = _OPERATOR.match(written)
    head, operator = (match[1], _operator(match[2])) if match else (written, "")
    while (shorter := _ARGUMENTS.sub("", head)) != head:
        head = shorter
    if " " in head.strip():
        head = _GLUED.sub("", _MACRO_AFTER.sub("", head.strip()), count=1)
    container, _, name = "".join(head.split()).rpartition("::")
    return container.strip(":").replace("::", "."), operator or name


def _operator(rest: str) -> str:
    """`operator` with what follows it: `operator==`, `operator()`, `operator new[]`, `operator bool`."""
    symbol = " ".join(rest.split())
    if not _WORD.match(symbol):
        return "operator" + symbol.replace(" ", "")
    # A conversion's node includes its parameters.
    return "operator " + symbol.partition("(")[0].strip()


def _innermost(declarator: Node) -> tuple[str, Node | None]:
    """The wrapper next to the name, and the name."""
    shape = ""
    node: Node | None = declarator
    while node is not None:
        sort = node.type
        if sort in _WITH_FIELD:
            shape = sort
            node = node.child_by_field_name("declarator")
        elif sort in _LAST_CHILD:
            shape = shape if sort == "parenthesized_declarator" else sort
            node = node.named_child(node.named_child_count - 1)
        elif sort in _FIRST_CHILD:
            node = node.named_child(0)
        else:
            break
    return shape, node


def _kind_of_definition(node: Node, shape: str, name: Node | None) -> str:
    """What a definition with a body defines; "" if that is not a function."""
    if shape == "function_declarator" or _is_conversion(name):
        return "function" if _has_parameters(node) else "prototype"
    type_ = node.child_by_field_name("type")
    if type_ is None or name is None:
        return ""
    if type_.type in _TAGS:
        # `class EXPORTED Widget { … }`, where the macro is read as the class.
        return _TAGS[type_.type] if name.type == "identifier" and not shape else ""
    declarator = node.child_by_field_name("declarator")
    if declarator is not None and declarator.type == "parenthesized_declarator":
        # `main(argc) { … }` returns an int, and is read as the definition of `argc`.
        return "implicit" if type_.type == "type_identifier" else ""
    return ""


def _has_parameters(node: Node) -> bool:
    """Whether a definition has a type and named parameters.

    Without, it may be the call of a macro with a block, `each(item) {`, when it is inside of a function.
    """
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type in _WITH_FIELD | _LAST_CHILD:
        if declarator.type == "function_declarator":
            parameters = declarator.child_by_field_name("parameters")
            named = parameters.named_children if parameters is not None else []
            return node.child_by_field_name("type") is not None and not (
                named and all(_is_argument(parameter) for parameter in named)
            )
        if declarator.type == "parenthesized_declarator":
            return False
        if declarator.type == "reference_declarator":
            declarator = declarator.named_child(declarator.named_child_count - 1)
        else:
            declarator = declarator.child_by_field_name("declarator")
    return node.child_by_field_name("type") is not None


def _is_argument(parameter: Node) -> bool:
    """Whether a parameter is a mere word, as an argument is."""
    type_ = parameter.child_by_field_name("type")
    return (
        parameter.type == "parameter_declaration"
        and parameter.named_child_count == 1
        and type_ is not None
        and type_.type == "type_identifier"
    )


def _is_conversion(name: Node | None) -> bool:
    while name is not None and name.type == _QUALIFIED:
        name = name.child_by_field_name("name")
    return name is not None and name.type == "operator_cast"


def _begin_of_scope(node: Node, declarator: Node) -> int:
    """Where what belongs to a declarator begins: after a tag that has a name, and after other declarators."""
    first = node.child_by_field_name("declarator")
    if first is None or first.start_byte != declarator.start_byte:
        return declarator.start_byte
    type_ = node.child_by_field_name("type")
    if type_ is None or type_.type not in _TAGS or type_.child_by_field_name("name") is None:
        return node.start_byte
    return type_.end_byte if type_.child_by_field_name("body") is not None else node.start_byte


def _named(kind: str, name: Node | None, begin: int, end: int) -> Declared | None:
    qualified = None
    is_glued = False
    while name is not None:
        sort = name.type
        if sort == _QUALIFIED:
            qualified = qualified or name
            is_glued = is_glued or any(child.is_missing for child in name.children)
            name = name.child_by_field_name("name")
        elif sort in _TEMPLATES:
            name = name.child_by_field_name("name")
        else:
            break
    if name is None or name.is_missing:
        return None
    if qualified is not None and not is_glued:
        kind = _MEMBERS.get(kind, kind)
    if name.type in _COMPOSED:
        qualified = qualified or name
    elif name.type not in _NAMES:
        return None
    return Declared(kind, name, qualified, begin, end)
