"""Names in Python: one sweep over the captured nodes, in the order of the source."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from diptych.names.facts import (
    ASSIGNED,
    CLASS,
    COMPREHENSION,
    DEFINED,
    FIELD,
    FUNCTION,
    GLOBAL,
    IMPORTED,
    LAMBDA,
    MODULE,
    NONLOCAL,
    PARAMETER,
    FileFacts,
    Point,
)
from diptych.names.languages import Captured
from diptych.names.languages.collected import Collected, text_of
from diptych.names.languages.python.functions import OpenScope, first_parameter
from diptych.names.languages.python.imports import imported_items, imported_modules
from diptych.names.languages.python.patterns import captured_names, innermost_name
from diptych.names.languages.python.shapes import annotation, assigned_shape, passed_on, shape_of
from diptych.names.languages.shapes import either, extended


def collect(source: bytes, captures: list[Captured], *, complete: bool, around: int = MODULE) -> FileFacts:
    """What a Python file says about names; see `diptych.names.languages.Collect`."""
    ordered = sorted(
        ((node.start_byte, -node.end_byte, what, node) for what, node in captures), key=_by_place
    )
    sweep = _Sweep(source, complete, around)
    for start, end, what, node in ordered:
        sweep.close_before(start)
        _VISITS[what](sweep, node, -end)
    return sweep.finish()


def _by_place(item: tuple[int, int, str, Node]) -> tuple[int, int]:
    return item[0], item[1]


class _Sweep:
    def __init__(self, source: bytes, complete: bool, around: int) -> None:
        self._source = source
        self._complete = complete
        self._made = Collected(source, complete=complete)
        self._stack = [OpenScope(0, around, len(source) + 1)]
        self._decorators: list[Node] = []
        # By where a lambda begins, the binding that it is given to.
        self._given: dict[int, int] = {}

    def close_before(self, start: int) -> None:
        """Close the scopes that end before `start`."""
        while self._stack[-1].end <= start:
            self._close(self._stack.pop())

    def finish(self) -> FileFacts:
        """The facts, at the end of the file."""
        while len(self._stack) > 1:
            self._close(self._stack.pop())
        return self._made.facts()

    def function(self, node: Node, end: int) -> None:
        """A function: its name in the scope around it, then its own scope."""
        top, source = self._stack[-1], self._source
        decorators = self._decorated()
        opened = OpenScope(-1, FUNCTION, end, node, decorators)
        name = node.child_by_field_name("name")
        if name is None:
            return
        if top.number >= 0 and (self._complete or top.kind != FUNCTION):
            returned = node.child_by_field_name("return_type")
            opened.annotated = returned is not None
            opened.name = text = text_of(source, name)
            returns = annotation(source, returned)
            opened.number = self._made.open(
                FUNCTION, top.number, node, name, returns=returns, decorators=decorators
            )
            place = name.start_point
            self._bind(text, top, place, DEFINED, inner=opened.number)
            if top.kind == CLASS:
                opened.owner = top.number
                if "staticmethod" not in decorators:
                    opened.receiver = first_parameter(source, node, name)
        elif top.globals and not self._is_local(text := text_of(source, name), top):
            self._bind(text, top, name.start_point, DEFINED)
        self._stack.append(opened)
        if self._complete and opened.number >= 0:
            for parameter in opened.parameters(source):
                self._bind(parameter.name, opened, parameter.place, PARAMETER, parameter.shape)

    def class_(self, node: Node, end: int) -> None:
        """A class: its name in the scope around it, then its own scope."""
        top, source = self._stack[-1], self._source
        decorators = self._decorated()
        opened = OpenScope(-1, CLASS, end, node)
        name = node.child_by_field_name("name")
        if name is None:
            return
        if top.number >= 0 and (self._complete or top.kind != FUNCTION):
            bases = self._bases(node.child_by_field_name("superclasses"))
            opened.number = self._made.open(CLASS, top.number, node, name, bases=bases, decorators=decorators)
            self._bind(text_of(source, name), top, name.start_point, DEFINED, inner=opened.number)
        elif top.globals and not self._is_local(text := text_of(source, name), top):
            self._bind(text, top, name.start_point, DEFINED)
        self._stack.append(opened)

    def decorator(self, node: Node, _end: int) -> None:
        """A decorator of the definition that follows."""
        self._decorators.append(node)

    def lambda_(self, node: Node, end: int) -> None:
        """A lambda: a scope with its parameters."""
        opened = self._anonymous(LAMBDA, node, end)
        if (given := self._given.pop(node.start_byte, None)) is not None:
            bindings = self._made.bindings
            bindings[given] = bindings[given]._replace(inner=opened.number)
            self._wrap(opened.number, node)
        for parameter in opened.parameters(self._source):
            self._bind(parameter.name, opened, parameter.place, PARAMETER, parameter.shape)

    def comprehension(self, node: Node, end: int) -> None:
        """A comprehension: a scope, whose targets come as `for`."""
        self._anonymous(COMPREHENSION, node, end)

    def assignment(self, node: Node, _end: int) -> None:
        """An assignment, or a declaration with an annotation alone."""
        top, source = self._stack[-1], self._source
        if top.number < 0 and top.kind != FUNCTION and not top.globals:
            return
        if top.kind == FUNCTION and not self._complete:
            start, receiver = node.start_byte, top.receiver.encode() + b"."
            left_end = source.find(b"=", start, node.end_byte)
            if top.receiver and source.find(receiver, start, left_end) >= 0:
                # The bytes first: nodes are expensive.
                self._assign_fields(top, node)
                return
            top.note_assigned(node)
            if not top.globals:
                return
        left = node.child_by_field_name("left")
        if left is None:
            return
        if top.kind == FUNCTION and self._complete:
            top.note_assigned(node)
        if left.type == "attribute" and top.receiver:
            self._assign_fields(top, node)
            return
        self._targets(left, assigned_shape(self._source, node), node.child_by_field_name("right"))

    def augmented(self, node: Node, _end: int) -> None:
        """`x += 1`, which binds x too."""
        left = node.child_by_field_name("left")
        if left is not None and left.type == "identifier":
            self._targets(left, "", None)

    def import_(self, node: Node, _end: int) -> None:
        """`import a.b, c as d`."""
        top = self._stack[-1]
        if top.number < 0 and not top.globals:
            return
        for found in imported_modules(self._source, node):
            self._bind(found.name, top, found.place, IMPORTED, found.shape)

    def import_from(self, node: Node, _end: int) -> None:
        """`from a import b as c`, `from . import *`."""
        top = self._stack[-1]
        named = node.child_by_field_name("module_name")
        if (top.number < 0 and not top.globals) or named is None:
            return
        module = "".join(text_of(self._source, named).split())
        items = node.children_by_field_name("name")
        if not items and top.number >= 0:
            self._made.stars.append((top.number, module))
        for found in imported_items(self._source, module, items):
            self._bind(found.name, top, found.place, IMPORTED, found.shape)

    def return_(self, node: Node, _end: int) -> None:
        """The shape of what a function without an annotation returns."""
        top = self._stack[-1]
        if top.kind != FUNCTION or top.number < 0 or top.annotated:
            return
        value = node.named_children
        if value and (shape := shape_of(self._source, value[0])):
            top.note_returned(shape)

    def for_(self, node: Node, _end: int) -> None:
        """A loop's target, also in a comprehension."""
        if self._outside():
            return
        left = node.child_by_field_name("left")
        if left is not None:
            shape = shape_of(self._source, node.child_by_field_name("right"))
            self._targets(left, extended(shape, "*"), None)

    def as_(self, node: Node, _end: int) -> None:
        """`with … as x`, `except … as x`, `case … as x`."""
        if self._outside():
            return
        alias = node.child_by_field_name("alias")
        children = node.named_children
        if alias is None or not children:
            if len(children) == 2 and children[1].type == "identifier":
                self._targets(children[1], "", None)
            return
        target = alias.named_children[0] if alias.named_child_count else alias
        before = node.parent
        if before is not None and before.type in ("except_clause", "except_group_clause"):
            caught = children[0]
            kinds = caught.named_children if caught.type == "tuple" else [caught]
            shape = either(*(annotation(self._source, kind) for kind in kinds))
        else:
            shape = extended(shape_of(self._source, children[0]), "@")
        self._targets(target, shape, None)

    def walrus(self, node: Node, _end: int) -> None:
        """`(x := …)`: bound outside of the comprehensions around it."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None:
            return
        around = next(one for one in self._around(node) if one.kind != COMPREHENSION)
        text, place = text_of(self._source, name), name.start_point
        if not self._is_local(text, around):
            self._bind(text, around, place, ASSIGNED, shape_of(self._source, value))

    def global_(self, node: Node, _end: int) -> None:
        """`global x`: what the function binds is the file's."""
        top = self._stack[-1]
        for name in node.named_children:
            text = text_of(self._source, name)
            top.globals = top.globals | {text}
            if self._complete:
                self._bind(text, top, name.start_point, GLOBAL)

    def nonlocal_(self, node: Node, _end: int) -> None:
        """`nonlocal x`."""
        for name in node.named_children:
            text = text_of(self._source, name)
            self._bind(text, self._stack[-1], name.start_point, NONLOCAL)

    def alias(self, node: Node, _end: int) -> None:
        """`type X = …`."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if self._outside() or left is None:
            return
        name = innermost_name(left)
        shape = text_of(self._source, right) if right is not None else ""
        self._bind(text_of(self._source, name), self._stack[-1], name.start_point, ASSIGNED, shape)

    def case(self, node: Node, _end: int) -> None:
        """The names that a pattern captures."""
        for name in captured_names(node):
            self._targets(name, "", None)

    def type_parameters(self, node: Node, _end: int) -> None:
        """`def f[T]`, `class C[T]`: bound in the scope that has just been opened."""
        for parameter in node.named_children:
            name = innermost_name(parameter)
            if name.type == "identifier":
                self._targets(name, "", None)

    def _outside(self) -> bool:
        """Whether other files cannot see what is bound here, and only they are to be served."""
        top = self._stack[-1]
        return not top.globals and (top.number < 0 or (not self._complete and top.kind == FUNCTION))

    def _is_local(self, name: str, opened: OpenScope) -> bool:
        """Whether only the function can see what it binds to a name, and it is not to be served."""
        return not self._complete and opened.kind == FUNCTION and name not in opened.globals

    def _around(self, node: Node) -> Iterator[OpenScope]:
        """The scopes that see an expression, inside out: not those in whose head it is, as a default is."""
        for opened in reversed(self._stack):
            body = opened.node.child_by_field_name("body") if opened.node is not None else None
            if body is None or opened.kind == COMPREHENSION or body.start_byte <= node.start_byte:
                yield opened

    def _anonymous(self, kind: int, node: Node, end: int) -> OpenScope:
        around = next(self._around(node)).number
        opened = OpenScope(self._made.open(kind, around, node), kind, end, node)
        self._stack.append(opened)
        return opened

    def _bind(
        self, name: str, opened: OpenScope, place: Point, how: int, shape: str = "", inner: int = -1
    ) -> None:
        number = opened.number
        if name in opened.globals and how != GLOBAL:
            number = 0
        if number >= 0:
            self._made.bind(name, number, place, how, shape, inner)

    def _targets(self, target: Node, shape: str, value: Node | None) -> None:
        """Bind what is on the left of an assignment; elements of a tuple by those on the right."""
        kind, top = target.type, self._stack[-1]
        if kind == "identifier":
            name = text_of(self._source, target)
            if self._is_local(name, top):
                return
            self._bind(name, top, target.start_point, ASSIGNED, shape)
            if value is not None and value.type == "lambda" and top.number >= 0:
                self._bind_lambda(value, top)
            if name == "__all__" and top.kind == MODULE:
                self._export(value)
        elif kind in _PATTERNS:
            for part, matched in _matched(target, value):
                self._targets(part, shape_of(self._source, matched), matched)
        elif kind == "attribute" and top.receiver:
            self._field(top, target, shape)
        elif kind in ("list_splat_pattern", "parenthesized_expression", "list_splat"):
            for part in target.named_children:
                self._targets(part, "!list" if kind != "parenthesized_expression" else shape, None)

    def _bind_lambda(self, value: Node, top: OpenScope) -> None:
        """Make the last binding one of a lambda, which is visited later only where all is collected."""
        last = len(self._made.bindings) - 1
        if self._complete:
            self._given[value.start_byte] = last
        else:
            inner = self._made.open(LAMBDA, top.number, value)
            self._wrap(inner, value)
            self._made.bindings[last] = self._made.bindings[last]._replace(inner=inner)

    def _wrap(self, scope: int, value: Node) -> None:
        """Note what a lambda passes its arguments on to."""
        if wrapped := passed_on(self._source, value):
            self._made.scopes[scope] = self._made.scopes[scope]._replace(decorators=(wrapped,))

    def _assign_fields(self, top: OpenScope, node: Node) -> None:
        """`self.x = …` or `self.x, self.y = …` in a method: fields of its class."""
        left, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None:
            return
        if left.type == "attribute":
            self._field(top, left, assigned_shape(self._source, node))
            return
        top.note_assigned(node)
        for part, matched in _matched(left, value):
            if part.type == "attribute":
                self._field(top, part, shape_of(self._source, matched))

    def _field(self, top: OpenScope, target: Node, shape: str) -> None:
        """Bind an attribute of the receiver."""
        holder, name = target.child_by_field_name("object"), target.child_by_field_name("attribute")
        if holder is None or name is None or text_of(self._source, holder) != top.receiver:
            return
        shape = top.substituted(self._source, shape)
        self._made.bind(text_of(self._source, name), top.owner, name.start_point, FIELD, shape)

    def _export(self, value: Node | None) -> None:
        if value is None or value.type not in _SEQUENCES:
            return
        exported = self._made.exported = self._made.exported or []
        for item in value.named_children:
            if item.type == "string":
                exported.append(text_of(self._source, item).strip("'\""))

    def _bases(self, arguments: Node | None) -> tuple[str, ...]:
        if arguments is None:
            return ()
        shapes = (
            shape_of(self._source, argument)
            for argument in arguments.named_children
            if argument.type not in ("keyword_argument", "comment")
        )
        return tuple(shape for shape in shapes if shape)

    def _decorated(self) -> tuple[str, ...]:
        if not self._decorators:
            return ()
        nodes, self._decorators = self._decorators, []
        return tuple(
            shape_of(self._source, node.named_children[0]) for node in nodes if node.named_child_count
        )

    def _close(self, opened: OpenScope) -> None:
        if opened.returns and opened.number >= 0:
            shapes = (opened.substituted(self._source, shape) for shape in dict.fromkeys(opened.returns))
            self._made.returns(opened.number, either(*shapes))


_SEQUENCES = frozenset({"expression_list", "tuple", "list"})
_PATTERNS = frozenset({"pattern_list", "tuple_pattern", "list_pattern"})


def _matched(target: Node, value: Node | None) -> Iterator[tuple[Node, Node | None]]:
    """The parts of a pattern, each with its value where there are as many; of other targets none."""
    parts = target.named_children if target.type in _PATTERNS else []
    values = value.named_children if value is not None and value.type in _SEQUENCES else []
    for index, part in enumerate(parts):
        yield part, values[index] if len(values) == len(parts) else None


_VISITS = {
    "function": _Sweep.function,
    "class": _Sweep.class_,
    "decorator": _Sweep.decorator,
    "lambda": _Sweep.lambda_,
    "comprehension": _Sweep.comprehension,
    "assignment": _Sweep.assignment,
    "augmented": _Sweep.augmented,
    "import": _Sweep.import_,
    "import_from": _Sweep.import_from,
    "return": _Sweep.return_,
    "for": _Sweep.for_,
    "as": _Sweep.as_,
    "walrus": _Sweep.walrus,
    "global": _Sweep.global_,
    "nonlocal": _Sweep.nonlocal_,
    "alias": _Sweep.alias,
    "case": _Sweep.case,
    "type_parameters": _Sweep.type_parameters,
}
