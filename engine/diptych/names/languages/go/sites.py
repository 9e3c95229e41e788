"""Sites in Go: what a name is, by the syntax around it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import IMPORTED, Point
from diptych.names.languages.collected import text_of
from diptych.names.languages.go.shapes import shape_of
from diptych.names.languages.go.types import annotation
from diptych.names.languages.shapes import extended
from diptych.names.sites import BOUND, FREE, MEMBER, Site
from diptych.names.source import Names

IDENTIFIERS = frozenset({"identifier", "field_identifier", "type_identifier", "package_identifier"})
_QUALIFIED = {"selector_expression": ("operand", "field"), "qualified_type": ("package", "name")}
_DECLARING = frozenset({"short_var_declaration", "var_spec", "const_spec", "range_clause"})
_TYPED_BODIES = frozenset({"slice_type", "array_type", "implicit_length_array_type", "map_type"})


def site_of(names: Names, source: bytes, node: Node) -> Site | None:
    """What an identifier is, by the syntax around it."""
    name, place = text_of(source, node), _place(node)
    parent = node.parent
    if parent is None or parent.type == "package_clause" or name == "_":
        return None
    qualified = _QUALIFIED.get(parent.type)
    scope = names.innermost(place)
    if qualified is not None and parent.child_by_field_name(qualified[1]) == node:
        shape = shape_of(source, parent.child_by_field_name(qualified[0]))
        return Site(MEMBER, name, place, scope, shape, called=_is_called(parent), after=_after(node))
    bound = names.at_place(place)
    if bound and not _is_embedded(parent):
        return Site(BOUND, name, place, bound[0].scope)
    keyed = _keyed(source, node)
    if keyed:
        return Site(MEMBER, name, place, scope, keyed, after=_after(node))
    if node.type == "field_identifier":
        return None
    imported = [one for one in names.bound(0, name) if one.how == IMPORTED]
    seen = Site(FREE, name, place, scope, called=_is_called(node), after=_after(node))
    if imported and node.type in ("identifier", "package_identifier") and _is_qualifier(parent, node):
        # The name of a package is the import's.
        return seen._replace(kind=BOUND, scope=0) if not _is_hidden(names, seen) else seen
    return seen


def _is_hidden(names: Names, site: Site) -> bool:
    """Whether a function has a name of its own for what the file imports."""
    scope = site.scope
    while scope > 0:
        if any(one.place < site.after for one in names.bound(scope, site.name)):
            return True
        scope = names.scopes[scope].parent
    return False


def _is_qualifier(parent: Node, node: Node) -> bool:
    qualified = _QUALIFIED.get(parent.type)
    return qualified is not None and parent.child_by_field_name(qualified[0]) == node


def _is_embedded(parent: Node) -> bool:
    """Whether a name of a type in a struct is also the name of a field."""
    node: Node | None = parent
    while node is not None and node.type in ("pointer_type", "generic_type", "qualified_type"):
        node = node.parent
    return node is not None and node.type == "field_declaration" and not node.children_by_field_name("name")


def _keyed(source: bytes, node: Node) -> str:
    """The shape of the struct whose field is a key in a literal; "" where the key is a value."""
    element = node.parent
    entry = element.parent if element is not None and element.type == "literal_element" else None
    if entry is None or entry.type != "keyed_element" or entry.child_by_field_name("key") != element:
        return ""
    body = entry.parent
    return _body_shape(source, body) if body is not None else ""


def _body_shape(source: bytes, body: Node) -> str:
    """What a literal's braces make; "" for a map, a slice or an array."""
    holder = body.parent
    if holder is None:
        return ""
    if holder.type == "composite_literal":
        given = holder.child_by_field_name("type")
        return "" if given is None or given.type in _TYPED_BODIES else annotation(source, given)
    # A literal without its type, in a slice or a map of it.
    while holder is not None and holder.type in ("literal_element", "keyed_element"):
        holder = holder.parent
    if holder is None or holder.type != "literal_value" or holder.parent is None:
        return ""
    outer = holder.parent
    if outer.type == "composite_literal":
        return extended(annotation(source, outer.child_by_field_name("type")), "[]")
    return extended(_body_shape(source, holder), "[]")


def _after(node: Node) -> Point:
    """The place before which a binding was made when the name is read."""
    child, parent = node, node.parent
    while parent is not None and not parent.type.endswith(("block", "statement_list", "literal")):
        if parent.type in _DECLARING:
            values = parent.child_by_field_name("right") or parent.child_by_field_name("value")
            if values == child:
                return _place(parent)
        child, parent = parent, parent.parent
    return _place(node)


def _is_called(node: Node) -> bool:
    parent = node.parent
    return (
        parent is not None
        and parent.type == "call_expression"
        and parent.child_by_field_name("function") == node
    )


def _place(node: Node) -> Point:
    row, column = node.start_point
    return row, column
