"""Sites in C and C++: what a name is, by the syntax around it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import IMPORTED, Point
from diptych.names.languages.c.shapes import arguments_of, dotted, shape_of
from diptych.names.languages.c.types import TAGS, annotation
from diptych.names.languages.collected import text_of
from diptych.names.languages.shapes import extended
from diptych.names.rules import CALLED, SPACE, TAG, TYPE, VALUE
from diptych.names.sites import BOUND, FREE, ITEM, MEMBER, Site
from diptych.names.source import Names

IDENTIFIERS = frozenset({"identifier", "field_identifier", "type_identifier", "namespace_identifier"})
_TEMPLATES = frozenset({"template_function", "template_method", "template_type", "dependent_name"})


def site_of(names: Names, source: bytes, node: Node) -> Site | None:
    """What an identifier is, by the syntax around it."""
    parent = node.parent
    if parent is None:
        return None
    name, place = text_of(source, node), _place(node)
    bound = names.at_place(place)
    if bound and bound[0].how == IMPORTED:
        return Site(ITEM, name, place, bound[0].scope, module=bound[0].shape[1:].partition(">")[0])
    if bound:
        return Site(BOUND, name, place, bound[0].scope)
    holder, part = parent, node
    if parent.type in _TEMPLATES and parent.child_by_field_name("name") == node and parent.parent is not None:
        holder, part = parent.parent, parent
    kind, shape, outer = _around(source, holder, part)
    given = _arguments(source, outer)
    meaning = _used_as(node, holder, part) if given is None else VALUE | CALLED
    scope = names.innermost(place)
    called = given is not None
    return Site(kind, name, place, scope, shape, called=called, after=place, meaning=meaning, arguments=given)


def _around(source: bytes, holder: Node, part: Node) -> tuple[int, str, Node]:
    """The kind of site, the shape of the receiver, and the node whose call counts."""
    if holder.type == "field_expression" and holder.child_by_field_name("field") == part:
        return MEMBER, shape_of(source, holder.child_by_field_name("argument")), holder
    if holder.type == "qualified_identifier":
        outer = holder
        before = [holder.child_by_field_name("scope")] if holder.child_by_field_name("name") == part else []
        while outer.parent is not None and outer.parent.type == "qualified_identifier":
            outer = outer.parent
            before.insert(0, outer.child_by_field_name("scope"))
        shape = ".".join(filter(None, (dotted(source, one) for one in before)))
        return (MEMBER, shape, outer) if shape else (FREE, "", outer)
    if holder.type == "field_designator":
        return MEMBER, _initialized(source, holder), holder
    if holder.type == "field_initializer" and not part.text[:1].isupper():  # type: ignore[index]
        return MEMBER, "^", holder
    return FREE, "", part


def _arguments(source: bytes, node: Node) -> tuple[str, ...] | None:
    call = node.parent
    if call is None or call.type != "call_expression" or call.child_by_field_name("function") != node:
        return None
    return arguments_of(source, call)


def _used_as(node: Node, holder: Node, part: Node) -> int:
    """What the syntax uses a name as."""
    if holder.type in TAGS and holder.child_by_field_name("name") == part:
        return TAG
    if node.type == "namespace_identifier":
        return SPACE | TYPE
    if _may_be_argument(holder, part):
        return TYPE | VALUE
    return TYPE if node.type == "type_identifier" else VALUE | TYPE | CALLED


def _may_be_argument(parameter: Node, part: Node) -> bool:
    """Whether a type may be an argument: `Key key(index);` in a function reads like a prototype."""
    if parameter.type != "parameter_declaration" or parameter.child_by_field_name("declarator") is not None:
        return False
    if parameter.child_by_field_name("type") != part:
        return False
    outer = parameter.parent
    while outer is not None and outer.type in ("parameter_list", "function_declarator"):
        outer = outer.parent
    around = outer.parent if outer is not None and outer.type == "declaration" else None
    return around is not None and around.type == "compound_statement"


def _initialized(source: bytes, designator: Node) -> str:
    """The shape of what a list of values with names is for; "" if that is not said."""
    pair = designator.parent
    values = pair.parent if pair is not None else None
    holder = values.parent if values is not None else None
    if values is None or holder is None:
        return ""
    if holder.type == "initializer_pair":
        field = holder.child_by_field_name("designator")
        if field is None or field.type != "field_designator":
            return ""
        return extended(_initialized(source, field), f".{text_of(source, field.named_children[0])}")
    while holder.type == "initializer_list" and holder.parent is not None:
        # An array of structs.
        holder = holder.parent
    while holder.type == "init_declarator" and holder.parent is not None:
        holder = holder.parent
    return annotation(source, holder.child_by_field_name("type"))


def _place(node: Node) -> Point:
    row, column = node.start_point
    return row, column
