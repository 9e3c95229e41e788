"""Functions of JavaScript and TypeScript: their parameters, and what they return."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import written_at
from diptych.names.facts import (
    ASSIGNED,
    BLOCK,
    CLASS,
    DEFINED,
    FUNCTION,
    LAMBDA,
    PARAMETER,
    UNREAD,
    FileFacts,
    Scope,
)
from diptych.names.languages.collected import Collected
from diptych.names.languages.ecmascript.doc import said_type
from diptych.names.languages.ecmascript.shapes import (
    context_of_function,
    declared_shape,
    pattern_shape,
    shape_of,
)
from diptych.names.languages.ecmascript.types import annotation, declared_type
from diptych.names.languages.shapes import either, extended

MAX_RETURNS = 8


class Functions:
    """The nodes that are still to be visited, each with its scope, and what functions bind."""

    def __init__(self, made: Collected) -> None:
        self._made = made
        self._complete = made.complete
        self._pending: list[tuple[Node, int]] = []
        self._returned: dict[int, list[tuple[int, str]]] = {}
        # The function that each body with a scope of its own is of.
        self._bodies: dict[int, int] = {}
        # The scopes of functions, classes and objects, by the scope and the name that they are bound in.
        self._named: dict[tuple[int, str], int] = {}
        self._names: set[str] = set()
        self._opened_by_name: set[int] = set()
        # What is bound, by scope and name, as far as it has been asked for.
        self._bound: set[tuple[int, str]] = set()
        self._bound_until = 0
        self._members_of: dict[int, int] = {}
        # Whether comments say types, as in JavaScript.
        self._reads_docs = False

    def finish(self) -> FileFacts:
        """The facts, with what functions return."""
        for function, returned in self._returned.items():
            shapes = dict.fromkeys(self._seen_from(function, scope, shape) for scope, shape in returned)
            self._made.returns(function, either(*shapes))
        return self._made.facts()

    def _later(self, nodes: list[Node], scope: int) -> None:
        self._pending += [(node, scope) for node in reversed(nodes)]

    def function(self, node: Node, scope: int) -> None:
        """`function f() {}`, also an overload's signature."""
        name = node.child_by_field_name("name")
        inner = self._function(node, scope, name)
        if name is not None:
            self._bind_function(self._made.text(name), scope, name, inner)

    def _bind_function(self, text: str, scope: int, name: Node, inner: int) -> None:
        self._note_named(scope, text, inner)
        self._made.bind(text, scope, name.start_point, DEFINED, inner=inner)

    def _note_named(self, scope: int, name: str, inner: int) -> None:
        self._named[scope, name] = inner
        self._names.add(name)
        self._opened_by_name.add(inner)

    def _seen(self, scope: int, name: str) -> int:
        """The function, class or object of that name that a scope sees; -1 for none, or something else."""
        if name not in self._names:
            return -1
        while scope >= 0 and (scope, name) not in self._named:
            if self._is_bound(scope, name):
                return -1
            scope = self._made.scopes[scope].parent
        return self._named.get((scope, name), -1)

    def _is_bound(self, scope: int, name: str) -> bool:
        bindings = self._made.bindings
        self._bound.update((one.scope, one.name) for one in bindings[self._bound_until :])
        self._bound_until = len(bindings)
        return (scope, name) in self._bound

    def _members_by(self, function: int) -> int:
        """The scope of what is assigned to a function, to its prototype, and to `this` in it."""
        if function not in self._members_of:
            place = self._made.scopes[function].place
            # Without extent: no name is in it, and no other scope begins at a name.
            self._members_of[function] = len(self._made.scopes)
            self._made.scopes.append(Scope(CLASS, function, place, place))
            self._made.bind("this", function, place, ASSIGNED, f":{written_at(place)}")
        return self._members_of[function]

    def _makes(self, function: int) -> int:
        """The scope of the members of what a function makes that is called with `new`."""
        members = self._members_by(function)
        returned = self._returned.get(function)
        own = (function, f":{written_at(self._made.scopes[members].start)}")
        if returned is not None and own not in returned:
            returned.insert(0, own)
        return members

    def expression(self, node: Node, scope: int) -> None:
        """A function in an expression; its name is seen inside alone."""
        if not self._complete:
            return
        name = node.child_by_field_name("name")
        inner = self._function(node, scope, name)
        if name is not None:
            self._made.bind(self._made.text(name), inner, name.start_point, DEFINED, inner=inner)

    def _function(
        self,
        node: Node,
        scope: int,
        name: Node | None,
        decorators: tuple[str, ...] = (),
    ) -> int:
        source, body = self._made.source, node.child_by_field_name("body")
        returned = node.child_by_field_name("return_type")
        returns = annotation(source, returned)
        is_read = returned is not None or body is None or self._complete
        said = self._said_returned(node, decorators) if returned is None and self._complete else ""
        if said:
            returns, is_read = said, True
        elif returned is None and (context := context_of_function(source, node)):
            returns, is_read = extended(context, "()"), True
        kind = LAMBDA if node.type == "arrow_function" else FUNCTION
        inner = self._made.open(
            kind, scope, node, name, returns=returns if is_read else UNREAD, decorators=decorators
        )
        self._type_parameters(node, inner, ASSIGNED)
        if self._complete:
            self._parameters(node, inner)
            if body is not None and body.type == "statement_block":
                self._later(body.named_children, self._body(node, body, inner))
            elif body is not None:
                self._later([body], inner)
            self._later([returned] if returned is not None else [], inner)
            if returned is None and not returns:
                self._returned[inner] = []
                if body is not None and body.type != "statement_block":
                    self._note_returned(inner, inner, body)
        return inner

    def _said_returned(self, node: Node, decorators: tuple[str, ...]) -> str:
        """What a comment says that a function returns, which only complete facts have."""
        if not self._reads_docs:
            return ""
        tags = ("returns", "return", "type") if "property" in decorators else ("returns", "return")
        return said_type(self._made.source, node, tags)

    def _body(self, node: Node, body: Node, inner: int) -> int:
        """The scope of a body: one of its own if parameters have defaults, which do not see into it."""
        parameters = node.child_by_field_name("parameters")
        given = parameters.named_children if parameters is not None else ()
        if not any(one.type == "assignment_pattern" or one.child_by_field_name("value") for one in given):
            return inner
        scope = self._made.open(LAMBDA, inner, body)
        self._bodies[scope] = inner
        return scope

    def _parameters(self, node: Node, inner: int) -> None:
        if self._reads_docs and (said := said_type(self._made.source, node, ("this",))):
            self._made.bind("this", inner, node.start_point, ASSIGNED, said)
        single = node.child_by_field_name("parameter")
        parameters = node.child_by_field_name("parameters")
        given = (
            [single] if single is not None else parameters.named_children if parameters is not None else []
        )
        for parameter in given:
            pattern = parameter.child_by_field_name("pattern")
            if pattern is None:
                pattern = parameter
            if pattern.type == "this":
                shape = annotation(self._made.source, parameter.child_by_field_name("type"))
                self._made.bind("this", inner, pattern.start_point, ASSIGNED, shape)
                self._later(parameter.named_children[1:], inner)
                continue
            if parameter.type == "comment":
                continue
            if pattern.type in ("object_pattern", "array_pattern"):
                # Keeps its number among the parameters.
                place = pattern.start_point
                self._made.bind("", inner, place, PARAMETER, declared_shape(self._made.source, parameter))
            self._pattern(pattern, inner, PARAMETER)
            self._later(parameter.named_children, inner)

    def return_(self, node: Node, scope: int) -> None:
        """`return value`."""
        function = self._function_of(scope)
        function = self._bodies.get(function, function)
        if node.named_child_count and function in self._returned:
            self._note_returned(function, scope, node.named_children[0])
        self._later(node.named_children, scope)

    def _note_returned(self, function: int, scope: int, value: Node) -> None:
        shape = shape_of(self._made.source, value)
        if shape and len(self._returned[function]) < MAX_RETURNS:
            self._returned[function].append((scope, shape))

    def _seen_from(self, function: int, scope: int, shape: str) -> str:
        """A shape in a block as the function around it sees it: a name of the block is what it stands for."""
        head = shape.partition(".")[0].partition("(")[0]
        while scope > function:
            for bound in self._made.bindings:
                if bound.scope == scope and bound.name == head:
                    return extended(bound.shape, shape[len(head) :]) if shape != head else bound.shape
            scope = self._made.scopes[scope].parent
        return shape

    def _type_parameters(self, node: Node, inner: int, how: int) -> None:
        parameters = node.child_by_field_name("type_parameters")
        for parameter in parameters.named_children if parameters is not None else ():
            name = parameter.child_by_field_name("name")
            if name is not None:
                shape = declared_type(self._made.source, parameter.child_by_field_name("constraint"))
                self._made.bind(self._made.text(name), inner, name.start_point, how, shape)

    def _pattern(self, pattern: Node, scope: int, how: int) -> None:
        """Bind the names in a pattern; defaults and computed keys are looked into later."""
        pending = [pattern]
        while pending:
            node = pending.pop()
            kind = node.type
            if kind in ("identifier", "shorthand_property_identifier_pattern"):
                shape = pattern_shape(self._made.source, node)
                self._made.bind(self._made.text(node), scope, node.start_point, how, shape)
            elif kind == "pair_pattern":
                value = node.child_by_field_name("value")
                pending += [value] if value is not None else []
            elif kind in ("assignment_pattern", "object_assignment_pattern"):
                left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
                pending += [left] if left is not None else []
                self._later([right] if right is not None and self._complete else [], scope)
            elif kind in ("object_pattern", "array_pattern", "rest_pattern"):
                pending += node.named_children

    def _function_of(self, scope: int) -> int:
        """The scope in which a `var` is bound."""
        while self._made.scopes[scope].kind == BLOCK:
            scope = self._made.scopes[scope].parent
        return scope
