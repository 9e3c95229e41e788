"""JavaScript and TypeScript: the variables of a file, of a namespace or of an ambient module."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from diptych.indexer.languages.bound import Bound, text_of

# Statements whose blocks a `var` leaves, and what leads to these blocks; `let` and `const` stay inside.
_BLOCKS = frozenset(
    {
        "statement_block",
        "if_statement",
        "else_clause",
        "for_statement",
        "for_in_statement",
        "while_statement",
        "do_statement",
        "try_statement",
        "catch_clause",
        "finally_clause",
        "switch_statement",
        "switch_body",
        "switch_case",
        "switch_default",
        "labeled_statement",
        "with_statement",
    }
)
_DECLARATIONS = frozenset({"lexical_declaration", "variable_declaration", "using_declaration"})
_WRAPPERS = frozenset({"export_statement", "ambient_declaration"})
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "generator_function"})
_EXPORTS = (b"exports", b"module.exports")
_PATTERNS = frozenset({"object_pattern", "array_pattern", "rest_pattern"})


def bound(source: bytes, scope: Node) -> Iterator[Bound]:
    """The variables of a `program`, or of the block of a namespace or a module.

    A `var` in an inner block, too, and what a CommonJS module puts into `exports`.
    """
    pending = [(scope, False)]
    while pending:
        node, inner = pending.pop()
        for child in node.named_children:
            type_ = child.type
            if type_ in _WRAPPERS:
                pending.append((child, inner))
                yield from _default(child)
            elif type_ in _DECLARATIONS:
                if not inner or type_ == "variable_declaration":
                    yield from _declared(child)
            elif type_ == "expression_statement":
                yield from _exported(source, child)
            elif type_ in _BLOCKS:
                # The block of `declare global` is no inner one.
                pending.append((child, inner or node.type != "ambient_declaration"))
                if type_ == "for_in_statement":
                    yield from _of_loop(child)


def _default(export: Node) -> Iterator[Bound]:
    """`export default value`, unless the value has a name, which is then its definition's."""
    value = export.child_by_field_name("value")
    if value is None or value.type in ("identifier", "member_expression"):
        return
    if value.child_by_field_name("name") is None:
        yield from (_of_value(name, value, export) for name in export.children if name.type == "default")


def _declared(declaration: Node) -> Iterator[Bound]:
    """The names of `const a = 1, { b, c: [d] } = e`. An only declarator is declared by all of it."""
    declarators = [child for child in declaration.named_children if child.type == "variable_declarator"]
    for declarator in declarators:
        node = declaration if len(declarators) == 1 else declarator
        target, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
        if target is not None and target.type == "identifier":
            yield _of_value(target, value, node)
        else:
            yield from (Bound("variable", name, node) for name in _names(target))


def _of_loop(loop: Node) -> Iterator[Bound]:
    """The names of `for (var a of b)`."""
    kind, target = loop.child_by_field_name("kind"), loop.child_by_field_name("left")
    if kind is not None and kind.type == "var":
        yield from (Bound("variable", name, target or name) for name in _names(target))


def _exported(source: bytes, statement: Node) -> Iterator[Bound]:
    """The names of `exports.a = module.exports.b = value`, unless the value is a name, or `void 0`."""
    names = []
    assignment = value = statement.named_children[0] if statement.named_child_count else None
    while value is not None and value.type == "assignment_expression":
        left, value = value.child_by_field_name("left"), value.child_by_field_name("right")
        if left is None or left.type != "member_expression":
            return
        owner, name = left.child_by_field_name("object"), left.child_by_field_name("property")
        if owner is None or name is None or text_of(source, owner) not in _EXPORTS:
            return
        names.append(name)
    if assignment is None or value is None or value.type in ("identifier", "undefined"):
        return
    if value.type == "member_expression" or source.startswith(b"void ", value.start_byte):
        return
    yield from (_of_value(name, value, assignment) for name in names)


def _of_value(name: Node, value: Node | None, node: Node) -> Bound:
    """What a name is, by its value."""
    if value is not None and value.type in _FUNCTIONS:
        return Bound("function", name, node, value.child_by_field_name("body"))
    if value is not None and value.type == "class":
        return Bound("class", name, node, value.child_by_field_name("body"))
    return Bound("variable", name, node)


def _names(target: Node | None) -> Iterator[Node]:
    """The names in a pattern, without the keys and the defaults."""
    pending = [target] if target is not None else []
    while pending:
        node = pending.pop()
        type_ = node.type
        if type_ in ("identifier", "shorthand_property_identifier_pattern"):
            yield node
        elif type_ in _PATTERNS:
            pending += node.named_children
        elif type_ in ("assignment_pattern", "object_assignment_pattern", "pair_pattern"):
            part = node.child_by_field_name("value" if type_ == "pair_pattern" else "left")
            if part is not None:
                pending.append(part)
