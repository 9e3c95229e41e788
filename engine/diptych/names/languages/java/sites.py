"""Sites in Java: what a name is, by the syntax around it."""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.names.facts import Point
from diptych.names.languages.collected import text_of
from diptych.names.languages.java.shapes import arguments_of, shape_of
from diptych.names.languages.java.types import annotation, type_text
from diptych.names.rules import CALLED, TYPE, VALUE
from diptych.names.sites import BOUND, FREE, ITEM, MEMBER, Site
from diptych.names.source import Names

# What is most likely a package before a class.
_PACKAGE = re.compile(r"[a-z_]\w*(\.[a-z_]\w*)*")
IDENTIFIERS = frozenset({"identifier", "type_identifier"})
_LABELED = frozenset({"labeled_statement", "break_statement", "continue_statement"})
_DOTTED = frozenset({"scoped_identifier", "scoped_type_identifier"})


def site_of(names: Names, source: bytes, node: Node) -> Site | None:
    """What an identifier is, by the syntax around it."""
    parent = node.parent
    if parent is None:
        return None
    name, place = text_of(source, node), _place(node)
    bound = names.at_place(place)
    if bound and parent.type not in _DOTTED and parent.type != "import_declaration":
        return Site(BOUND, name, place, bound[0].scope)
    if parent.type in _LABELED and parent.named_children[0] == node:
        return None
    scope = names.innermost(place)
    meaning = TYPE if node.type == "type_identifier" else VALUE
    visit = _BY_PARENT.get(parent.type)
    made = visit(source, parent, node) if visit is not None else (FREE, "", None)
    if made is None:
        return None
    kind, shape, arguments = made
    if kind == ITEM:
        return Site(ITEM, name, place, 0, module=shape)
    in_package = kind == MEMBER and name[:1].isupper() and _PACKAGE.fullmatch(shape)
    if in_package and not _is_seen(names, scope, shape.partition(".")[0]):
        return Site(ITEM, name, place, 0, module=shape)
    if kind == FREE and parent.type == "switch_label" and not _is_seen(names, scope, name):
        kind, shape = MEMBER, _switched(source, parent)
    is_reference = parent.type == "method_reference" and parent.named_children[0] != node
    called = arguments is not None or is_reference
    if called:
        meaning = CALLED
    if "annotation" in parent.type:
        meaning = TYPE
    return Site(
        kind, name, place, scope, shape, called=called, after=place, meaning=meaning, arguments=arguments
    )


_Made = tuple[int, str, tuple[str, ...] | None]
"""A kind of site, a shape or a module, and the arguments of a call."""


def _of_call(source: bytes, parent: Node, node: Node) -> _Made:
    if parent.child_by_field_name("name") != node:
        return FREE, "", None
    holder = parent.child_by_field_name("object")
    given = arguments_of(source, parent) or ()
    return (FREE, "", given) if holder is None else (MEMBER, shape_of(source, holder), given)


def _of_field(source: bytes, parent: Node, node: Node) -> _Made:
    if parent.child_by_field_name("field") != node:
        return FREE, "", None
    return MEMBER, shape_of(source, parent.child_by_field_name("object")), None


def _of_reference(source: bytes, parent: Node, node: Node) -> _Made:
    children = parent.named_children
    if node == children[0] or node != children[-1]:
        return FREE, "", None
    return MEMBER, shape_of(source, children[0]), None


def _of_dotted(source: bytes, parent: Node, node: Node) -> _Made | None:
    outer = parent
    while outer.parent is not None and outer.parent.type in _DOTTED:
        outer = outer.parent
    holder = outer.parent.type if outer.parent is not None else ""
    before = parent.named_children[0]
    is_first = before == node
    if holder == "package_declaration":
        return None
    if holder == "import_declaration":
        return None if is_first else (ITEM, "".join(text_of(source, before).split()), None)
    return (FREE, "", None) if is_first else (MEMBER, type_text(source, before).partition("[")[0], None)


def _of_key(source: bytes, parent: Node, node: Node) -> _Made:
    if parent.child_by_field_name("key") != node:
        return FREE, "", None
    holder = parent.parent.parent if parent.parent is not None else None
    named = holder.child_by_field_name("name") if holder is not None else None
    return MEMBER, annotation(source, named), ()


def _of_package(_source: bytes, _parent: Node, _node: Node) -> _Made | None:
    return None


def _switched(source: bytes, label: Node) -> str:
    """The shape of what the `switch` around a label is of."""
    around = label.parent
    while around is not None and around.type != "switch_expression":
        around = around.parent
    return shape_of(source, around.child_by_field_name("condition")) if around is not None else ""


def _is_seen(names: Names, scope: int, name: str) -> bool:
    while scope >= 0:
        if names.bound(scope, name):
            return True
        scope = names.scopes[scope].parent
    return False


_BY_PARENT = {
    "method_invocation": _of_call,
    "field_access": _of_field,
    "method_reference": _of_reference,
    "scoped_identifier": _of_dotted,
    "scoped_type_identifier": _of_dotted,
    "element_value_pair": _of_key,
    "package_declaration": _of_package,
    "import_declaration": _of_package,
}


def _place(node: Node) -> Point:
    row, column = node.start_point
    return row, column
