"""Sites in Rust: what a name is, by the syntax around it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import IMPORTED, NAMESPACE, Point
from diptych.names.languages.collected import text_of
from diptych.names.languages.rust.shapes import path_shape, shape_of
from diptych.names.languages.rust.types import annotation, type_text
from diptych.names.languages.rust.uses import from_file, path_of
from diptych.names.rules import CALLED, HELD, SPACE, TAG, TYPE, VALUE
from diptych.names.sites import BOUND, FREE, ITEM, MEMBER, Site
from diptych.names.source import Names

IDENTIFIERS = frozenset({"identifier", "field_identifier", "type_identifier", "shorthand_field_identifier"})
_SCOPED = frozenset({"scoped_identifier", "scoped_type_identifier"})
_USES = frozenset({"use_list", "scoped_use_list", "use_as_clause", "use_wildcard", "use_declaration"})
# What a call is of, in what it is written after.
_LAST = {"field_expression": "field", "generic_function": "function", **dict.fromkeys(_SCOPED, "name")}
_LETS = frozenset({"let_declaration", "let_condition"})


def site_of(names: Names, source: bytes, node: Node) -> Site | None:
    """What an identifier is, by the syntax around it."""
    name, place = text_of(source, node), _place(node)
    parent = node.parent
    if parent is None or name in ("Self", "self") or parent.type in ("label", "lifetime", "type_binding"):
        return None
    path = _used_path(source, node)
    scope = names.innermost(place)
    if path is not None:
        return _of_use(names, name, place, scope, path)
    bound = names.at_place(place)
    if bound and not (bound[0].how == IMPORTED and parent.type == "use_as_clause"):
        return Site(BOUND, name, place, bound[0].scope)
    kind, shape = _around(source, parent, node)
    called = _is_called(node)
    meaning = _used_as(node, parent, called=called)
    return Site(kind, name, place, scope, shape, called=called, after=_after(node), meaning=meaning)


def _used_path(source: bytes, node: Node) -> list[str] | None:
    """The path before a name in a `use`; None outside of one."""
    before: list[str] = []
    child, around = node, node.parent
    while around is not None and (around.type in _USES or around.type == "scoped_identifier"):
        path = around.child_by_field_name("path")
        if around.type in ("scoped_identifier", "scoped_use_list") and path is not None and path != child:
            before = [*path_of(source, path), *before]
        if around.type == "use_declaration":
            return before
        child, around = around, around.parent
    return None


def _of_use(names: Names, name: str, place: Point, scope: int, path: list[str]) -> Site:
    around: list[str] = []
    at = scope
    while at > 0:
        if names.scopes[at].kind == NAMESPACE:
            around.insert(0, names.scopes[at].name)
        at = names.scopes[at].parent
    if not path:
        bound = [one for one in names.at_place(place) if one.how == IMPORTED]
        return Site(BOUND if bound else FREE, name, place, scope, meaning=SPACE, after=place)
    return Site(ITEM, name, place, 0, module=from_file(path, around))


def _around(source: bytes, parent: Node, node: Node) -> tuple[int, str]:
    """The kind of site, and the shape of the receiver."""
    if parent.type in _SCOPED and parent.child_by_field_name("name") == node:
        path = type_text(source, parent.child_by_field_name("path")).partition("[")[0]
        return (MEMBER, path_shape(path)) if path else (FREE, "")
    if parent.type == "field_expression" and parent.child_by_field_name("field") == node:
        return MEMBER, shape_of(source, parent.child_by_field_name("value"))
    if parent.type == "field_initializer" and parent.child_by_field_name("field") == node:
        return MEMBER, _made(source, parent)
    if parent.type == "field_pattern" and parent.child_by_field_name("name") == node:
        return MEMBER, _made(source, parent)
    if parent.type == "token_tree":
        return _in_tokens(source, parent, node)
    return FREE, ""


def _made(source: bytes, field: Node) -> str:
    """The shape of the struct that a field is written for."""
    node: Node | None = field.parent
    while node is not None and node.type not in ("struct_expression", "struct_pattern"):
        node = node.parent
    if node is None:
        return ""
    named = node.child_by_field_name("name") or node.child_by_field_name("type")
    return "^" if named is not None and text_of(source, named) == "Self" else annotation(source, named)


def _in_tokens(source: bytes, tree: Node, node: Node) -> tuple[int, str]:
    """What is before a name among the tokens of a macro's call: names with dots, or a path."""
    tokens = tree.children
    at = tokens.index(node)
    parts: list[str] = []
    while at >= 2 and tokens[at - 1].type in (".", "::") and tokens[at - 2].type in (
        "identifier", "self", "crate", "super", "type_identifier",
    ):  # fmt: skip
        at -= 2
        parts.insert(0, text_of(source, tokens[at]))
    if at >= 1 and tokens[at - 1].type in (".", "::"):
        return MEMBER, ""
    if not parts:
        return FREE, ""
    if parts[0] in ("self", "Self") and tokens[at + 1].type == ".":
        parts[0] = "^"
    return MEMBER, path_shape(".".join(parts))


def _used_as(node: Node, parent: Node, *, called: bool) -> int:
    if parent.type == "field_expression" and parent.child_by_field_name("field") == node:
        return CALLED if called else HELD
    if parent.type in ("field_initializer", "field_pattern") and node.type == "field_identifier":
        return HELD
    if parent.type == "macro_invocation" and parent.child_by_field_name("macro") == node:
        return TAG
    if parent.type in _SCOPED and parent.child_by_field_name("path") == node:
        return SPACE
    if node.type == "type_identifier":
        return TYPE
    following = node.next_sibling if parent.type == "token_tree" else None
    if node.prev_sibling is not None and node.prev_sibling.type == "." and parent.type == "token_tree":
        return CALLED if following is not None and following.type == "token_tree" else HELD
    if following is not None and following.type in ("::", "!"):
        return SPACE if following.type == "::" else TAG
    return VALUE


def _after(node: Node) -> Point:
    """The place before which a binding was made when the name is read: a `let` does not see itself."""
    child, parent = node, node.parent
    while parent is not None and parent.type not in ("block", "function_item", "closure_expression"):
        if parent.type in _LETS and parent.child_by_field_name("value") == child:
            return _place(parent)
        child, parent = parent, parent.parent
    return _place(node)


def _is_called(node: Node) -> bool:
    outer = node
    while (around := outer.parent) is not None and around.type in _LAST:
        if around.child_by_field_name(_LAST[around.type]) != outer:
            break
        outer = around
    call = outer.parent
    return (
        call is not None and call.type == "call_expression" and call.child_by_field_name("function") == outer
    )


def _place(node: Node) -> Point:
    row, column = node.start_point
    return row, column
