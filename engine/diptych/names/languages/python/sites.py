"""Sites in Python: what a name is, by the syntax around it."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import FIELD, Point
from diptych.names.languages.collected import text_of
from diptych.names.languages.python.shapes import PARTIAL, shape_of
from diptych.names.sites import ARGUMENT, BOUND, FIELD_BOUND, FREE, ITEM, MEMBER, MODULE, Site
from diptych.names.source import Names

_COMPREHENSIONS = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)
_BLOCKS = frozenset({"block", "module", "lambda"})
_BINDING = frozenset({"assignment", "augmented_assignment", "for_statement"})
_DEFINITIONS = frozenset({"function_definition", "class_definition"})


def site_of(names: Names, source: bytes, node: Node) -> Site:
    """What an identifier is, by the syntax around it."""
    name, place = text_of(source, node), _place(node)
    parent = node.parent
    assert parent is not None
    if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        field = next((one for one in names.at_place(place) if one.how == FIELD), None)
        if field is not None:
            return Site(FIELD_BOUND, name, place, field.scope)
        receiver = parent.child_by_field_name("object")
        scope = scope_of(names, source, node)
        shape = shape_of(source, receiver)
        return Site(MEMBER, name, place, scope, shape, called=_is_called(parent), after=_after(node))
    if parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
        call = parent.parent.parent if parent.parent is not None else None
        if call is not None and call.type == "call":
            # `partial` passes its arguments to its first.
            shape = shape_of(source, call)
            called = shape_of(source, call.child_by_field_name("function"))
            shape = shape if called in PARTIAL else called
            return Site(ARGUMENT, name, place, scope_of(names, source, call), shape, after=_after(node))
        return Site(ARGUMENT, name, place)
    imported = _import_site(source, node, name, place)
    if imported is not None:
        return imported
    receiver_shape = _pattern_receiver(source, node, parent)
    if receiver_shape:
        return Site(MEMBER, name, place, scope_of(names, source, node), receiver_shape, after=_after(node))
    bound = next((one for one in names.at_place(place) if one.name == name), None)
    if bound is not None:
        return Site(BOUND, name, place, bound.scope)
    return Site(FREE, name, place, scope_of(names, source, node), called=_is_called(node), after=_after(node))


def _pattern_receiver(source: bytes, node: Node, parent: Node) -> str:
    """What a pattern takes a member of: `case A(name=…)`, `case a.name`. "" for all else."""
    if parent.type == "keyword_pattern" and parent.named_children[0] == node:
        matched = parent.parent.parent if parent.parent is not None else None
        return f"{_dotted(source, matched.named_children[:1])}()" if matched is not None else ""
    before = parent.named_children if parent.type == "dotted_name" else []
    return _dotted(source, [one for one in before if one.start_byte < node.start_byte])


def _dotted(source: bytes, parts: list[Node]) -> str:
    return ".".join("".join(text_of(source, one).split()) for one in parts)


def _after(node: Node) -> Point:
    """The place before which a binding was made when the name is read."""
    child, parent = node, node.parent
    while parent is not None and parent.type not in _BLOCKS:
        if parent.type in _BINDING and child == parent.child_by_field_name("right"):
            return _place(parent)
        child, parent = parent, parent.parent
    return _place(node)


def _is_called(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "call" and parent.child_by_field_name("function") == node


def _import_site(source: bytes, node: Node, name: str, place: Point) -> Site | None:
    dotted = node.parent
    if dotted is None:
        return None
    alias = dotted if dotted.type == "aliased_import" else None
    statement = dotted.parent
    if alias is None and dotted.type != "dotted_name":
        return None
    if statement is not None and statement.type == "aliased_import":
        alias, statement = statement, statement.parent
    if statement is None:
        return None
    relative = statement if statement.type == "relative_import" else None
    if relative is not None:
        statement = relative.parent
    if statement is None or statement.type not in ("import_statement", "import_from_statement"):
        return None
    named = statement.child_by_field_name("module_name")
    if statement.type == "import_statement" or _holds(named, node):
        written = alias.child_by_field_name("name") if alias is not None else relative or dotted
        if written is None:
            return None
        end = written.end_byte if alias is not None and dotted == alias else node.end_byte
        module = source[written.start_byte : end].decode("utf-8", "replace")
        return Site(MODULE, name, place, module="".join(module.split()))
    module = "".join(text_of(source, named).split()) if named is not None else ""
    item = alias.child_by_field_name("name") if alias is not None else dotted
    return Site(ITEM, text_of(source, item) if item is not None else name, place, module=module)


def _holds(outer: Node | None, inner: Node) -> bool:
    return outer is not None and outer.start_byte <= inner.start_byte < outer.end_byte


def scope_of(names: Names, source: bytes, node: Node) -> int:
    """The scope in which a name at `node` is looked for."""
    child, parent = node, node.parent
    first_iterable = False
    while parent is not None:
        kind = parent.type
        if kind in _DEFINITIONS:
            body = parent.child_by_field_name("body")
            inside = (body is not None and body == child) or _is_type_parameter(names, source, parent, node)
        elif kind == "lambda":
            inside = child.type != "lambda_parameters"
        elif kind in _COMPREHENSIONS:
            clauses = [one for one in parent.named_children if one.type == "for_in_clause"]
            inside = not (first_iterable and clauses and clauses[0] == child)
            first_iterable = False
        else:
            inside = False
            if kind == "for_in_clause":
                first_iterable = parent.child_by_field_name("right") == child
        if inside:
            number = names.scope_at.get(_place(parent))
            if number is not None:
                return number
        child, parent = parent, parent.parent
    return names.outermost


def _is_type_parameter(names: Names, source: bytes, definition: Node, node: Node) -> bool:
    """Whether a name in the head of a definition is one of its type parameters."""
    parameters = definition.child_by_field_name("type_parameters")
    number = names.scope_at.get(_place(definition))
    if parameters is None or number is None:
        return False
    start, end = parameters.start_point, parameters.end_point
    bound = names.bound(number, text_of(source, node))
    return any(start <= binding.place < end for binding in bound)


def _place(node: Node) -> Point:
    row, column = node.start_point
    return row, column
