"""Python: the names that a module or a class binds, and those in an annotation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from diptych.indexer.languages.bound import Bound, Word, text_of

# Statements whose blocks are in the scope of what surrounds them, and what leads to these blocks.
_SAME_SCOPE = frozenset(
    {
        "block",
        "if_statement",
        "elif_clause",
        "else_clause",
        "for_statement",
        "while_statement",
        "try_statement",
        "except_clause",
        "except_group_clause",
        "finally_clause",
        "with_statement",
        "with_clause",
        "match_statement",
        "case_clause",
    }
)
_TARGETS = frozenset(
    {
        "pattern_list",
        "tuple_pattern",
        "list_pattern",
        "list_splat_pattern",
        "as_pattern_target",
        "tuple",
        "list",
        "list_splat",
        "parenthesized_expression",
    }
)
# What has names in an annotation, besides those that `annotated` names.
_ANNOTATION = frozenset(
    {
        "type",
        "binary_operator",
        "union_type",
        "constrained_type",
        "member_type",
        "splat_type",
        "list",
        "tuple",
        "parenthesized_expression",
        "type_parameter",
        "list_splat",
    }
)
_ENUM_BASES = (b"Enum", b"Flag")
_DOTTED = re.compile(rb"(?:[^\W\d]\w*\s*\.\s*)*([^\W\d]\w*)")


def bound(source: bytes, scope: Node) -> Iterator[Bound]:
    """The names that a `module` or a `class_definition` binds by assignments, `for` and `with`.

    Also in its `if`, `try`, `with`, loops and `match`, but not in its functions and classes.
    """
    if scope.type == "module":
        kind, value_kind, pending = "variable", "variable", [scope]
    else:
        body = scope.child_by_field_name("body")
        kind, value_kind = "field", "constant" if _is_enum(source, scope) else "field"
        pending = [body] if body is not None else []
    while pending:
        for child in pending.pop().named_children:
            type_ = child.type
            if type_ == "expression_statement":
                for expression in child.named_children:
                    if expression.type == "assignment":
                        yield from _assigned(source, expression, kind, value_kind)
            elif type_ in _SAME_SCOPE:
                pending.append(child)
                if type_ == "for_statement":
                    left = child.child_by_field_name("left")
                    yield from (Bound(kind, name, left or name) for name in _names(left))
            elif type_ == "with_item":
                value = child.child_by_field_name("value")
                if value is not None and value.type == "as_pattern":
                    target = value.child_by_field_name("alias")
                    yield from (Bound(kind, name, child) for name in _names(target))


def _is_enum(source: bytes, scope: Node) -> bool:
    bases = scope.child_by_field_name("superclasses")
    if bases is None:
        return False
    return any(
        base.type in ("identifier", "attribute") and source.endswith(_ENUM_BASES, 0, base.end_byte)
        for base in bases.named_children
    )


def _assigned(source: bytes, assignment: Node, kind: str, value_kind: str) -> Iterator[Bound]:
    """The targets of `a = b, c = value`; each is declared by all of it."""
    link: Node | None = assignment
    while link is not None and link.type == "assignment":
        right = link.child_by_field_name("right")
        for name in _names(link.child_by_field_name("left")):
            is_member = (
                right is not None
                and value_kind == "constant"
                and not source.startswith(b"_", name.start_byte)
            )
            yield Bound(value_kind if is_member else kind, name, assignment)
        link = right


def _names(target: Node | None) -> Iterator[Node]:
    pending = [target] if target is not None else []
    while pending:
        node = pending.pop()
        type_ = node.type
        if type_ == "identifier":
            yield node
        elif type_ in _TARGETS:
            pending += node.named_children


def annotated(source: bytes, annotation: Node) -> Iterator[Node | Word]:
    """The names in an annotation, each without its qualifier, also in a string: a forward reference.

    The arguments of `Literal` are values.
    """
    pending = [annotation]
    while pending:
        node = pending.pop()
        type_ = node.type
        if type_ == "identifier":
            yield node
        elif type_ == "attribute":
            name = node.child_by_field_name("attribute")
            if name is not None:
                yield name
        elif type_ == "string":
            yield from _forward(source, node)
        elif type_ in ("subscript", "generic_type"):
            first = node.named_children[0]
            literal = text_of(source, first).rpartition(b".")[2] == b"Literal"
            pending += [first] if literal else node.named_children
        elif type_ in _ANNOTATION:
            pending += node.named_children


def _forward(source: bytes, string: Node) -> Iterator[Word]:
    for content in string.named_children:
        text, (row, column) = text_of(source, content), content.start_point
        if content.type != "string_content" or b"\n" in text or b"Literal" in text:
            continue
        for match in _DOTTED.finditer(text):
            start, end = match.span(1)
            begin = content.start_byte
            yield Word(begin + start, begin + end, (row, column + start))
