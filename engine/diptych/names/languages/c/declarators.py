"""What a declarator of C or C++ wraps: `int *(*hooks[4])(int)` is an array of pointers to functions."""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

_WITH_FIELD = frozenset({"function_declarator", "pointer_declarator", "array_declarator", "init_declarator"})
# The name is their last child, after a `&` or a calling convention.
_LAST_CHILD = frozenset({"parenthesized_declarator", "reference_declarator"})
_FIRST_CHILD = frozenset({"attributed_declarator", "variadic_declarator"})
_NAMES = frozenset({"identifier", "field_identifier", "type_identifier", "operator_name", "destructor_name"})
_TEMPLATES = frozenset({"template_function", "template_method", "template_type"})


class Declarator(NamedTuple):
    """A declared name. `owner` is what is before its `::`, as nodes; `function` says what a function takes.

    With `is_pointed`, the name is of a pointer to a function.
    """

    name: Node
    owner: tuple[Node, ...]
    function: Node | None
    is_pointed: bool


def unwrapped(declarator: Node | None) -> Declarator | None:
    """What `declarator` declares; None if it has no name."""
    node, closest, function = declarator, None, None
    while node is not None:
        sort = node.type
        if sort in _WITH_FIELD:
            closest = node
            function = node if sort == "function_declarator" else function
            node = node.child_by_field_name("declarator")
        elif sort in _LAST_CHILD and node.named_child_count:
            closest = closest if sort == "parenthesized_declarator" else node
            node = node.named_children[-1]
        elif sort in _FIRST_CHILD and node.named_child_count:
            node = node.named_children[0]
        else:
            break
    owner: list[Node] = []
    while node is not None and (node.type == "qualified_identifier" or node.type in _TEMPLATES):
        scope = node.child_by_field_name("scope")
        owner += [scope] if node.type == "qualified_identifier" and scope is not None else []
        node = node.child_by_field_name("name")
    if node is None or node.type not in _NAMES or node.is_missing:
        return None
    is_function = function is not None and closest == function
    return Declarator(node, tuple(owner), function if is_function else None, function is not None)
