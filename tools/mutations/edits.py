"""The edits that break the engine.

Each names a module, a function in it, and a point in the function by what occurs there (`points` says how),
so that it survives changes around the point.

The tree is edited, and `ast.unparse` writes the file. So no edit can leave wrong indentation or half a
statement, and several edits to one file cannot shift each other's positions. Comments and line numbers are
lost, which is no harm: a mutated file is run, not read.
"""

from __future__ import annotations

import ast
import textwrap
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from .errors import MutationError
from .points import Function, Place, chosen, conditions, expressions, function_at, occurs, pattern, statements


@dataclass(frozen=True, slots=True)
class Edit(ABC):
    """A change at one point of one function."""

    module: str
    """Below `diptych`, as `journal.writer`."""
    function: str
    """`Class.method` or `function`."""
    point: str
    """What occurs there."""
    nth: int = field(default=0, kw_only=True)
    """Which of several, counted from 1; with 0 there must be one alone."""

    @property
    def file(self) -> str:
        """The module's file, below `engine/diptych`."""
        return self.module.replace(".", "/") + ".py"

    def apply(self, tree: ast.Module) -> None:
        """Make the edit in the module's tree. Raises MutationError if the point is missing or ambiguous."""
        self._change(function_at(tree, self.module, self.function))

    @abstractmethod
    def _change(self, function: Function) -> None: ...

    @property
    def _where(self) -> str:
        return f"{self.function} of {self.module}"

    def _statement(self, function: Function) -> Place:
        found = statements(function, pattern(self.point))
        return chosen(found, self.nth, self._where, "statement", self.point)


class Drop(Edit):
    """The statement is removed; where it is an `if`, a loop or a `with`, so is its block."""

    __slots__ = ()

    def _change(self, function: Function) -> None:
        place = self._statement(function)
        if getattr(place.statement, "orelse", []):
            raise MutationError(
                f"{self._where}: the statement with {self.point} has an else, which would be lost"
            )
        _take(place)


class _Decide(Edit):
    """A condition always has the same answer. It is the smallest one that has the point in it."""

    __slots__ = ()
    _answer: ClassVar[bool]

    def _change(self, function: Function) -> None:
        found = conditions(function, pattern(self.point))
        old = chosen(found, self.nth, self._where, "condition", self.point)
        _Deciding(old, ast.Constant(self._answer)).visit(function)


class Never(_Decide):
    """The condition never holds; the other operands of an `or` remain."""

    __slots__ = ()
    _answer = False


class Always(_Decide):
    """The condition always holds; the other operands of an `and` remain."""

    __slots__ = ()
    _answer = True


@dataclass(frozen=True, slots=True)
class Replace(Edit):
    """Another expression replaces the one that the point names: a value, a call, a callee, an argument."""

    by: str

    def _change(self, function: Function) -> None:
        found = expressions(function, pattern(self.point))
        old = chosen(found, self.nth, self._where, "expression", self.point)
        _Replacing(old, pattern(self.by)).visit(function)


@dataclass(frozen=True, slots=True)
class WithoutArgument(Edit):
    """A call, named by its callee, loses the argument in which `argument` occurs."""

    argument: str

    def _change(self, function: Function) -> None:
        callee, argument = pattern(self.point), pattern(self.argument)
        found = [
            (call, given)
            for call in expressions(function, ast.Call(callee, [ast.Constant(...)], []))
            if isinstance(call, ast.Call)
            for given in (*call.args, *call.keywords)
            if occurs(argument, given)
        ]
        named = f"{self.argument} in a call of {self.point}"
        call, gone = chosen(found, self.nth, self._where, "argument", named)
        call.args = [given for given in call.args if given is not gone]
        call.keywords = [given for given in call.keywords if given is not gone]


@dataclass(frozen=True, slots=True)
class Instead(Edit):
    """Other statements replace this one."""

    code: str

    def _change(self, function: Function) -> None:
        block, at = self._statement(function)
        block[at : at + 1] = _parsed(self.code)


@dataclass(frozen=True, slots=True)
class Before(Edit):
    """Further statements come before this one."""

    code: str

    def _change(self, function: Function) -> None:
        block, at = self._statement(function)
        block[at:at] = _parsed(self.code)


@dataclass(frozen=True, slots=True)
class After(Edit):
    """Further statements come after this one, and after its block where it has one."""

    code: str

    def _change(self, function: Function) -> None:
        block, at = self._statement(function)
        block[at + 1 : at + 1] = _parsed(self.code)


@dataclass(frozen=True, slots=True)
class Move(Edit):
    """The statement moves before another one of the same function, which `before` names."""

    before: str

    def _change(self, function: Function) -> None:
        moved = self._statement(function)
        found = [
            place
            for place in statements(function, pattern(self.before))
            if place.statement is not moved.statement
        ]
        target = chosen(found, 0, self._where, "statement", self.before).statement
        statement = _take(moved)
        # Found again: taking the other one may have shifted it.
        block, at = next(p for p in statements(function, pattern(self.before)) if p.statement is target)
        block.insert(at, statement)


def _take(place: Place) -> ast.stmt:
    statement = place.block.pop(place.at)
    if not place.block:
        place.block.append(ast.Pass())
    return statement


def _parsed(code: str) -> list[ast.stmt]:
    return ast.parse(textwrap.dedent(code)).body


class _Replacing(ast.NodeTransformer):
    """Puts one expression in the place of another."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, or what takes its place."""
        found: ast.AST = self._new if node is self._old else super().visit(node)
        return found


class _Deciding(_Replacing):
    """Puts True or False in the place of a condition, and works out the `and` and `or` around it."""

    _new: ast.Constant

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """What is left of an `and` or `or`."""
        self.generic_visit(node)
        if self._new not in node.values:
            return node
        if isinstance(node.op, ast.Or) == self._new.value:
            return self._new
        node.values.remove(self._new)
        return node if len(node.values) > 1 else node.values[0]
