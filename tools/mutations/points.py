"""Finds points in parsed source: a function by its qualified name, and places in it by what occurs there.

What occurs is written as a short expression, a pattern, and compared as a tree, so that layout and comments
do not count. In it `...` stands for any expression, and as a call's last argument for any further arguments
or none:

    fs.fsync_dir              that name, called or not
    fs.fsync_dir(...)         a call of it
    fs.fsync_dir(temporary)   a call of it with this argument alone
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from .errors import MutationError

Function = ast.FunctionDef | ast.AsyncFunctionDef
_Found = TypeVar("_Found")
_HOLDS_STATEMENTS = ast.stmt | ast.excepthandler | ast.match_case


class Place(NamedTuple):
    """A statement: `block[at]`."""

    block: list[ast.stmt]
    at: int

    @property
    def statement(self) -> ast.stmt:
        """The statement itself."""
        return self.block[self.at]


def function_at(tree: ast.Module, module: str, name: str) -> Function:
    """The function of a qualified name, `Class.method` or `outer.inner`. Raises MutationError."""
    scopes: list[ast.AST] = [tree]
    for part in name.split("."):
        scopes = [
            node
            for scope in scopes
            for node in _own_definitions(scope)
            if isinstance(node, Function | ast.ClassDef) and node.name == part
        ]
    functions = [scope for scope in scopes if isinstance(scope, Function)]
    if len(functions) != 1:
        found = f"{len(functions)} functions" if functions else "no function"
        raise MutationError(f"{module} has {found} {name}")
    return functions[0]


def _own_definitions(scope: ast.AST) -> Iterator[ast.AST]:
    """Definitions directly in a scope, also below an `if` or a `try`."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.expr):
            yield from _own_definitions(node)


def pattern(text: str) -> ast.expr:
    """A pattern as a tree. Raises SyntaxError."""
    return ast.parse(text, mode="eval").body


def fits(wanted: object, node: object) -> bool:
    """Whether a part of a tree fits a part of a pattern; reading and assigning are the same here."""
    if _is_anything(wanted):
        return isinstance(node, ast.expr)
    if type(wanted) is not type(node):
        return False
    if isinstance(wanted, ast.Call) and isinstance(node, ast.Call) and wanted.args:
        *first, last = wanted.args
        if _is_anything(last):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            return (
                fits(wanted.func, node.func)
                and fits(first, node.args[: len(first)])
                and all(fits(keyword.value, given.get(keyword.arg)) for keyword in wanted.keywords)
            )
    if isinstance(wanted, ast.AST):
        return all(
            fits(value, getattr(node, name, None)) for name, value in ast.iter_fields(wanted) if name != "ctx"
        )
    if isinstance(wanted, list) and isinstance(node, list):
        return len(wanted) == len(node) and all(map(fits, wanted, node))
    return wanted == node


def _is_anything(wanted: object) -> bool:
    return isinstance(wanted, ast.Constant) and wanted.value is Ellipsis


def occurs(wanted: ast.expr, node: ast.AST) -> bool:
    """Whether `node` or a part of it fits the pattern."""
    return any(fits(wanted, part) for part in ast.walk(node))


def in_order(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `node`, in the order of the source."""
    for child in ast.iter_child_nodes(node):
        yield child
        yield from in_order(child)


def in_body(function: Function) -> Iterator[ast.AST]:
    """All nodes in the body of a function, those of the functions inside it too."""
    for statement in function.body:
        yield statement
        yield from in_order(statement)


def statements(function: Function, wanted: ast.expr) -> list[Place]:
    """Statements in which the pattern occurs; of an `if`, a loop or a `with` only the head counts."""
    return [
        place for place in _places(function) if any(occurs(wanted, part) for part in _head(place.statement))
    ]


def _places(node: ast.AST) -> Iterator[Place]:
    for _, value in ast.iter_fields(node):
        for index, part in enumerate(value if isinstance(value, list) else ()):
            if isinstance(part, ast.stmt):
                yield Place(value, index)
            if isinstance(part, _HOLDS_STATEMENTS):
                yield from _places(part)


def _head(statement: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(statement, Function | ast.ClassDef):
        return
    for part in ast.iter_child_nodes(statement):
        if not isinstance(part, _HOLDS_STATEMENTS):
            yield part


def expressions(function: Function, wanted: ast.expr) -> list[ast.expr]:
    """Expressions that fit the pattern, without targets of assignments, which have no value to replace."""
    return [
        node
        for node in in_body(function)
        if isinstance(node, ast.expr)
        and isinstance(getattr(node, "ctx", None), ast.Load | None)
        and fits(wanted, node)
    ]


def conditions(function: Function, wanted: ast.expr) -> list[ast.expr]:
    """The smallest conditions in which the pattern occurs: a test, or one operand of its `and` or `or`."""
    found = [
        condition
        for node in in_body(function)
        for condition in _conditions_of(node)
        if not isinstance(condition, ast.BoolOp) and occurs(wanted, condition)
    ]
    return [outer for outer in found if not any(inner is part for inner in found for part in in_order(outer))]


def _conditions_of(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.If() | ast.While() | ast.IfExp() | ast.Assert():
            return [node.test]
        case ast.comprehension():
            return node.ifs
        case ast.BoolOp():
            return node.values
    return []


def chosen(found: Sequence[_Found], nth: int, where: str, kind: str, named: str) -> _Found:
    """The nth of those found, counted from 1, or with 0 the only one. Raises MutationError."""
    count = len(found)
    if not count:
        raise MutationError(f"{where} has no {kind} with {named}")
    if nth == 0 and count > 1:
        raise MutationError(f"{where} has {count} {kind}s with {named}: nth must say which")
    if not 0 <= nth <= count:
        raise MutationError(f"{where} has {count} {kind}s with {named}, and nth is {nth}")
    return found[max(nth, 1) - 1]
