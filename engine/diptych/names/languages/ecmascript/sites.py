"""Sites in JavaScript and TypeScript: what a name is, by the syntax around it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import EXPORTS, IMPORTED, Point
from diptych.names.languages.collected import text_of
from diptych.names.languages.ecmascript.exports import module_of
from diptych.names.languages.ecmascript.shapes import member_context, pattern_shape, shape_of
from diptych.names.rules import ANY, OWN, SPACE, TYPE, VALUE
from diptych.names.sites import BOUND, FREE, ITEM, MEMBER, MODULE, Site
from diptych.names.source import Names

IDENTIFIERS = frozenset({
    "identifier", "property_identifier", "private_property_identifier", "type_identifier",
    "shorthand_property_identifier", "shorthand_property_identifier_pattern",
})  # fmt: skip
_QUALIFIED = {
    "member_expression": ("object", "property"),
    "nested_identifier": ("object", "property"),
    "nested_type_identifier": ("module", "name"),
}
_IMPORTS = frozenset(
    {"import_specifier", "export_specifier", "import_clause", "namespace_import", "namespace_export"}
)
_TAGS = frozenset({"jsx_opening_element", "jsx_closing_element", "jsx_self_closing_element"})


def site_of(names: Names, source: bytes, node: Node) -> Site | None:
    """What an identifier is, by the syntax around it."""
    name, place = text_of(source, node), _place(node)
    parent = node.parent
    if parent is None:
        return None
    if parent.type in _IMPORTS or parent.type == "import_require_clause":
        return _of_import(names, source, parent, name, place)
    qualified = _QUALIFIED.get(parent.type)
    if qualified is not None and parent.child_by_field_name(qualified[1]) == node:
        shape = _dotted(source, parent.child_by_field_name(qualified[0]))
        return Site(
            MEMBER,
            name,
            place,
            names.innermost(place),
            shape,
            called=_is_called(parent),
            meaning=_used_as(node) | OWN,
        )
    if parent.type == "pair_pattern" and parent.child_by_field_name("key") == node:
        pattern = parent.parent
        shape = pattern_shape(source, pattern) if pattern is not None else ""
        return Site(MEMBER, name, place, names.innermost(place), shape)
    if node.type != "shorthand_property_identifier":
        bound = [one for one in names.at_place(place) if names.scopes[one.scope].kind != EXPORTS]
        if bound:
            return Site(BOUND, name, place, bound[0].scope, member_context(source, node))
    if parent.type in _TAGS and name[:1].islower():
        # An element of HTML.
        return None
    if node.type in ("property_identifier", "private_property_identifier"):
        return None
    return Site(FREE, name, place, names.innermost(place), called=_is_called(node), meaning=_used_as(node))


def _used_as(node: Node) -> int:
    """What the syntax uses a name as."""
    if node.type == "type_identifier":
        return TYPE
    outer = node.parent
    while outer is not None and outer.type == "nested_identifier":
        outer = outer.parent
    around = outer.type if outer is not None else ""
    if around == "nested_type_identifier":
        return SPACE
    # What an export or an alias passes on is all that the name means.
    return ANY if around in ("export_statement", "import_alias") else VALUE


def _dotted(source: bytes, node: Node | None) -> str:
    """The shape of what is before the dot, in an expression or a type."""
    if node is not None and node.type == "nested_identifier":
        return "".join(text_of(source, node).split())
    return shape_of(source, node)


def _is_called(node: Node) -> bool:
    parent = node.parent
    if parent is None or parent.type not in ("call_expression", "new_expression"):
        return False
    return node in (parent.child_by_field_name("function"), parent.child_by_field_name("constructor"))


def _of_import(names: Names, source: bytes, parent: Node, name: str, place: Point) -> Site | None:
    statement = parent
    while statement.type not in ("import_statement", "export_statement", "import_require_clause"):
        if statement.parent is None:
            return None
        statement = statement.parent
    module = module_of(source, statement)
    if parent.type in ("namespace_import", "namespace_export", "import_require_clause"):
        return Site(MODULE, name, place, module=module)
    item = parent.child_by_field_name("name") if parent.type != "import_clause" else None
    written = "default" if parent.type == "import_clause" else text_of(source, item) if item else name
    if not module:
        return Site(FREE, written, place, 0)
    bound = [one for one in names.at_place(place) if one.how == IMPORTED]
    return Site(ITEM, written, place, bound[0].scope if bound else 0, module=module)


def _place(node: Node) -> Point:
    row, column = node.start_point
    return row, column
