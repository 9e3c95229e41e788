"""Sites in JavaScript and TypeScript: what a name is, by the syntax around it."""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.names.facts import CLASS, EXPORTED, EXPORTS, IMPORTED, Point
from diptych.names.languages.collected import text_of
from diptych.names.languages.ecmascript.exports import module_of
from diptych.names.languages.ecmascript.shapes import member_context, pattern_shape, shape_of
from diptych.names.rules import ANY, OWN, SPACE, TYPE, VALUE
from diptych.names.sites import BOUND, FREE, ITEM, MEMBER, MODULE, OF_FILE, Site
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
MODULE_WORDS = frozenset({"module", "exports"})
COMMENT = "comment"
_WORD = re.compile(rb"[\w$\x80-\xff]+")
_TAGS = frozenset({"jsx_opening_element", "jsx_closing_element", "jsx_self_closing_element"})


def site_of(names: Names, source: bytes, node: Node) -> Site | None:
    """What an identifier is, by the syntax around it."""
    name, place = text_of(source, node), _place(node)
    parent = node.parent
    if parent is None:
        return None
    if parent.type in _IMPORTS or parent.type == "import_require_clause":
        return _of_import(names, source, parent, name, place)
    if name in MODULE_WORDS and (whole := _of_file(names, source, node, name)) is not None:
        return whole
    qualified = _QUALIFIED.get(parent.type)
    if qualified is not None and parent.child_by_field_name(qualified[1]) == node:
        shape = _dotted(source, parent.child_by_field_name(qualified[0]))
        given = [one for one in names.at_place(place) if names.scopes[one.scope].kind == EXPORTS]
        if given and given[0].name == name:
            return Site(BOUND, name, place, given[0].scope)
        return Site(
            MEMBER,
            name,
            place,
            names.innermost(place),
            shape,
            called=_is_called(parent),
            meaning=_used_as(node) | OWN,
            assigned=_is_assigned(parent),
        )
    if parent.type == "pair_pattern" and parent.child_by_field_name("key") == node:
        value = parent.child_by_field_name("value")
        required = _of_require(names, _place(value)) if value is not None else None
        return required._replace(place=place) if required else _of_pattern(names, source, node, place)
    if node.type != "shorthand_property_identifier":
        bound = [one for one in names.at_place(place) if names.scopes[one.scope].kind != EXPORTS]
        if bound and bound[0].how == IMPORTED and (required := _of_require(names, place)):
            return required
        if bound:
            return Site(BOUND, name, place, bound[0].scope, member_context(source, node))
    if parent.type in _TAGS and name[:1].islower():
        # An element of HTML.
        return None
    if node.type in ("property_identifier", "private_property_identifier"):
        return None
    return Site(FREE, name, place, names.innermost(place), called=_is_called(node), meaning=_used_as(node))


def _of_file(names: Names, source: bytes, node: Node, name: str) -> Site | None:
    """`module` and `exports`: what is given there, or what `module.exports` is; None if they are other names.

    `module` is what the file gives first, but in `module.exports = a` what that gives.
    """
    place, parent = _place(node), node.parent
    if names.exports < 0 or names.language != "javascript" or parent is None:
        return None
    holder = parent.child_by_field_name("object") if parent.type == "member_expression" else None
    key = parent.child_by_field_name("property") if holder is not None else None
    is_of_module = key == node and holder is not None and text_of(source, holder) == "module"
    if (key == node and not is_of_module) or _is_bound(names, "module" if is_of_module else name, place):
        return None
    bound = [one for one in names.facts.bindings if one.scope == names.exports]
    given = {one.place: one for one in bound}
    written = _place(key) if key is not None and key != node else place
    if name == "module":
        if key is None or text_of(source, key) != "exports":
            return None
        whole = [one.place for one in bound if one.name == EXPORTED]
        first = written if written in given else min(whole or given, default=None)
        return Site(OF_FILE, name, place, after=first) if first is not None else None
    if place in given and given[place].name == EXPORTED:
        is_list = names.is_list(given[place])
        return Site(OF_FILE, name, place) if is_list else Site(BOUND, EXPORTED, place, names.exports)
    # In `exports.a = …` it is that.
    is_given = holder == node and written in given
    return Site(OF_FILE, name, place, after=written if is_given else (0, 0))


def _is_bound(names: Names, name: str, place: Point) -> bool:
    scope = names.innermost(place)
    while scope >= 0:
        if names.bound(scope, name):
            return True
        scope = names.scopes[scope].parent
    return False


def commented_site(names: Names, source: bytes, comment: Node, offset: int) -> Site | None:
    """What a comment declares by the name at a byte."""
    start = offset
    while start > comment.start_byte and _WORD.match(source, start - 1, start):
        start -= 1
    row, column = comment.start_point
    lines = source.count(b"\n", comment.start_byte, start)
    line = source.rfind(b"\n", comment.start_byte, start) + 1 if lines else comment.start_byte - column
    bound = names.at_place((row + lines, start - line))
    return Site(BOUND, bound[0].name, bound[0].place, bound[0].scope) if bound else None


def property_of(names: Names, source: bytes, node: Node) -> Site | None:
    """The property of an object that `{ name }` names as well as a variable; None for other names."""
    place = _place(node)
    bound = names.at_place(place)
    if node.type == "shorthand_property_identifier_pattern":
        is_required = any(one.how == IMPORTED for one in bound)
        return _of_pattern(names, source, node, place) if not is_required else None
    if node.type != "shorthand_property_identifier":
        return None
    own = [one.scope for one in bound if names.scopes[one.scope].kind == CLASS]
    return Site(BOUND, text_of(source, node), place, own[0], member_context(source, node)) if own else None


def _of_pattern(names: Names, source: bytes, key: Node, place: Point) -> Site:
    """The key of a pattern, as a member of what is taken apart."""
    pattern = key.parent
    while pattern is not None and pattern.type != "object_pattern":
        pattern = pattern.parent
    shape = pattern_shape(source, pattern) if pattern is not None else ""
    return Site(MEMBER, text_of(source, key), place, names.innermost(place), shape)


def _of_require(names: Names, place: Point) -> Site | None:
    """What the name at a place is given by `require`, also in a pattern."""
    bound = next((one for one in names.at_place(place) if one.how == IMPORTED), None)
    if bound is None:
        return None
    module, _, item = bound.shape[1:].partition(">")
    if not module:
        return None
    if not item:
        return Site(MODULE, bound.name, bound.place, module=module)
    return Site(ITEM, item, bound.place, bound.scope, module=module)


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


def _is_assigned(node: Node) -> bool:
    parent = node.parent
    is_assignment = parent is not None and parent.type == "assignment_expression"
    return is_assignment and parent is not None and parent.child_by_field_name("left") == node


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
