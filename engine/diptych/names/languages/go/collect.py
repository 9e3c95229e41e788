"""Names in Go: a walk over the tree, from declaration to declaration.

What only the file itself can see is in functions: without `complete` they are not entered. The methods of a
type are in a scope by themselves, under the type's name: the type may be in another file of the package.
"""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import (
    ASSIGNED,
    BLOCK,
    CLASS,
    DEFINED,
    FIELD,
    FUNCTION,
    IMPORTED,
    LAMBDA,
    METHODS,
    MODULE,
    PARAMETER,
    FileFacts,
    Scope,
)
from diptych.names.languages import Captured
from diptych.names.languages.collected import Collected
from diptych.names.languages.go.shapes import shape_of, shapes_of
from diptych.names.languages.go.types import annotation, class_shape, result_text
from diptych.names.languages.shapes import extended
from diptych.names.languages.walk import Walk

_TOP = frozenset({"source_file", "ERROR", "import_declaration", "import_spec_list", "type_declaration",
                  "const_declaration", "var_declaration", "var_spec_list"})  # fmt: skip
_SCOPED = frozenset({"if_statement", "for_statement", "expression_switch_statement", "block",
                     "expression_case", "default_case", "communication_case", "type_case"})  # fmt: skip


def collect(
    source: bytes,
    captures: list[Captured],
    *,
    complete: bool,
    around: int = MODULE,  # noqa: ARG001 - functions are not parsed alone
) -> FileFacts:
    """What a file says about names; see `diptych.names.languages.Collect`."""
    return _Walk(Collected(source, complete=complete)).facts(captures)


class _Walk(Walk):
    top = _TOP
    scoped = _SCOPED

    def __init__(self, made: Collected) -> None:
        super().__init__(made)
        self._methods: dict[str, int] = {}

    def _bind(self, name: Node, scope: int, how: int, shape: str = "", inner: int = -1) -> None:
        text = self.made.text(name)
        if text != "_":
            self.made.bind(text, scope, name.start_point, how, shape, inner)

    def import_(self, node: Node, scope: int) -> None:
        """`import name "path"`."""
        path = node.child_by_field_name("path")
        if path is None:
            return
        module = self.made.text(path)[1:-1]
        name = node.child_by_field_name("name")
        if name is None:
            self.made.bind(package_name(module), scope, path.start_point, IMPORTED, f"<{module}")
        elif name.type == "dot":
            self.made.stars.append((scope, module))
        elif name.type == "package_identifier":
            self._bind(name, scope, IMPORTED, f"<{module}")

    def function(self, node: Node, scope: int) -> None:
        """`func f() {}`."""
        name = node.child_by_field_name("name")
        if name is not None:
            self._bind(name, scope, DEFINED, inner=self._function(node, scope, name))

    def method(self, node: Node, _scope: int) -> None:
        """`func (r T) f() {}`: a member of the type."""
        name, receiver = node.child_by_field_name("name"), node.child_by_field_name("receiver")
        given = receiver.named_children if receiver is not None else []
        owner = receiver_type(given[0].child_by_field_name("type")) if given else None
        if name is None or owner is None:
            return
        scope = self._methods_of(self.made.text(owner))
        inner = self._function(node, scope, name)
        self._bind(name, scope, DEFINED, inner=inner)
        shape = annotation(self.made.source, given[0].child_by_field_name("type"))
        if self._complete:
            for one in given[0].children_by_field_name("name"):
                self._bind(one, inner, ASSIGNED, shape)
            self._later(given, inner)

    def _methods_of(self, owner: str) -> int:
        if owner not in self._methods:
            self._methods[owner] = len(self.made.scopes)
            self.made.scopes.append(Scope(CLASS, 0, (0, 0), (0, 0), owner, decorators=(METHODS,)))
        return self._methods[owner]

    def literal(self, node: Node, scope: int) -> None:
        """A function in an expression."""
        self._function(node, scope, None)

    def _function(self, node: Node, scope: int, name: Node | None) -> int:
        source = self.made.source
        text = result_text(source, node)
        kind = LAMBDA if name is None else FUNCTION
        inner = self.made.open(kind, scope, node, name, returns=f":{text}" if text else "")
        self._type_parameters(node, inner, ASSIGNED)
        if self._complete:
            for one in _declarations(node.child_by_field_name("parameters")):
                shape = annotation(source, one.child_by_field_name("type"))
                if one.type == "variadic_parameter_declaration" and shape:
                    shape = f":Slice[{shape[1:]}]"
                for parameter in one.children_by_field_name("name"):
                    self._bind(parameter, inner, PARAMETER, shape)
            for one in _declarations(node.child_by_field_name("result")):
                for result in one.children_by_field_name("name"):
                    self._bind(result, inner, ASSIGNED, annotation(source, one.child_by_field_name("type")))
            self._later([one for one in node.named_children if one != name], inner)
        return inner

    def _type_parameters(self, node: Node, inner: int, how: int) -> None:
        for one in _declarations(node.child_by_field_name("type_parameters")):
            shape = class_shape(self.made.source, one.child_by_field_name("type"))
            for name in one.children_by_field_name("name"):
                self._bind(name, inner, how, shape)

    def type_(self, node: Node, scope: int) -> None:
        """`type T struct {}`, or of another kind."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("type")
        if name is None or body is None:
            return
        kind = {"struct_type": "!struct", "interface_type": "!interface"}.get(body.type, "!type")
        inner = self.made.open(CLASS, scope, node, name, decorators=(kind,))
        self._bind(name, scope, DEFINED, inner=inner)
        self._type_parameters(node, inner, PARAMETER)
        self._body(body, inner)

    def _body(self, body: Node, inner: int) -> None:
        if body.type == "struct_type":
            bases = self._fields(body, inner)
        elif body.type == "interface_type":
            bases = self._methods_listed(body, inner)
        else:
            bases = [class_shape(self.made.source, body)]
            self._later([body] if self._complete else [], inner)
        self.made.scopes[inner] = self.made.scopes[inner]._replace(bases=tuple(one for one in bases if one))

    def alias(self, node: Node, scope: int) -> None:
        """`type T = U`."""
        name, given = node.child_by_field_name("name"), node.child_by_field_name("type")
        if name is not None:
            self._bind(name, scope, ASSIGNED, class_shape(self.made.source, given))
            self._later([given] if given is not None and self._complete else [], scope)

    def struct(self, node: Node, scope: int) -> None:
        """A struct or an interface without a name."""
        if self._complete:
            self._body(node, self.made.open(CLASS, scope, node, decorators=("!struct",)))

    def _fields(self, body: Node, inner: int) -> list[str]:
        bases = []
        for field in body.named_children[0].named_children if body.named_child_count else ():
            given = field.child_by_field_name("type")
            if field.type != "field_declaration" or given is None:
                continue
            names = field.children_by_field_name("name")
            shape = annotation(self.made.source, given)
            for name in names:
                if given.type == "struct_type":
                    holder = self.made.open(CLASS, inner, given, name, decorators=("!struct",))
                    self._bind(name, inner, FIELD, inner=holder)
                    self._body(given, holder)
                else:
                    self._bind(name, inner, FIELD, shape)
            embedded = receiver_type(given) if not names else None
            if embedded is not None:
                # Its members are the struct's, and it is a field of that name.
                self._bind(embedded, inner, FIELD, shape)
                bases.append(class_shape(self.made.source, given))
            if given.type != "struct_type" and self._complete:
                self._later([given], inner)
        return bases

    def _methods_listed(self, body: Node, inner: int) -> list[str]:
        bases = []
        for member in body.named_children:
            name = member.child_by_field_name("name")
            if member.type == "method_elem" and name is not None:
                self._bind(name, inner, DEFINED, inner=self._function(member, inner, name))
            elif member.type == "type_elem" and member.named_child_count == 1:
                bases.append(class_shape(self.made.source, member))
                self._later([member] if self._complete else [], inner)
        return bases

    def variable(self, node: Node, scope: int) -> None:
        """`var a, b T = …`, `const a = …`."""
        names, values = node.children_by_field_name("name"), node.child_by_field_name("value")
        names = [one for one in names if one.type == "identifier"]
        declared = node.child_by_field_name("type")
        if declared is not None and declared.type == "struct_type" and names:
            holder = self.made.open(CLASS, scope, declared, names[0], decorators=("!struct",))
            self._body(declared, holder)
            for name in names:
                self._bind(name, scope, ASSIGNED, inner=holder)
        else:
            shape = annotation(self.made.source, declared)
            shapes = [shape] * len(names) if shape else shapes_of(self.made.source, values, len(names))
            for name, one in zip(names, shapes, strict=True):
                self._bind(name, scope, ASSIGNED, one)
            self._later([declared] if declared is not None and self._complete else [], scope)
        self._later([values] if values is not None and self._complete else [], scope)

    def short(self, node: Node, scope: int) -> None:
        """`a, b := …`."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        names = left.named_children if left is not None else []
        for name, shape in zip(names, shapes_of(self.made.source, right, len(names)), strict=True):
            if name.type == "identifier":
                self._bind(name, scope, ASSIGNED, shape)
        self._later([right] if right is not None else [], scope)

    def range_(self, node: Node, scope: int) -> None:
        """`for a, b := range c`."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        names = left.named_children if left is not None else []
        is_bound = any(child.type == ":=" for child in node.children)
        shape = shape_of(self.made.source, right)
        for index, name in enumerate(names):
            if name.type == "identifier" and is_bound:
                self._bind(name, scope, ASSIGNED, extended(shape, "[]") if index else "")
        self._later([right] if right is not None else [], scope)
        self._later(names if not is_bound else [], scope)

    def received(self, node: Node, scope: int) -> None:
        """`case a := <-c`."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        names = left.named_children if left is not None else []
        if any(child.type == ":=" for child in node.children):
            for index, name in enumerate(names):
                if name.type == "identifier":
                    self._bind(name, scope, ASSIGNED, "" if index else shape_of(self.made.source, right))
        self._later([right] if right is not None else [], scope)

    def type_switch(self, node: Node, scope: int) -> None:
        """`switch a := b.(type)`."""
        if not self._complete:
            return
        inner = self.made.open(BLOCK, scope, node)
        alias = node.child_by_field_name("alias")
        names = [one for one in alias.named_children if one.type == "identifier"] if alias is not None else []
        for name in names:
            self._bind(name, inner, ASSIGNED)
        for case in node.named_children:
            if case.type != "type_case":
                self._later([case] if case != alias else [], inner)
                continue
            held = self.made.open(BLOCK, inner, case)
            given = case.children_by_field_name("type")
            for name in names if len(given) == 1 else ():
                # In this case it is of the case's type; it is bound where the switch binds it.
                self._bind(name, held, ASSIGNED, annotation(self.made.source, given[0]))
            self._later(case.named_children, held)


def receiver_type(node: Node | None) -> Node | None:
    """The name of a type, without what is around it."""
    while node is not None and node.type not in ("type_identifier",):
        inner = node.child_by_field_name("name") or node.child_by_field_name("type")
        if inner is None:
            inner = node.named_children[0] if node.named_child_count else None
        node = inner
    return node


def package_name(module: str) -> str:
    """The name that an import without one most likely binds: the last part that is not a version."""
    parts = module.split("/")
    last = parts.pop()
    if parts and last[:1] == "v" and last[1:].isdigit():
        last = parts.pop()
    return last.partition(".")[0].removeprefix("go-")


def _declarations(given: Node | None) -> list[Node]:
    if given is None or given.type not in ("parameter_list", "type_parameter_list"):
        return []
    return [one for one in given.named_children if one.child_by_field_name("type") is not None]


_Walk.visits = {
    "import_spec": _Walk.import_,
    "function_declaration": _Walk.function,
    "method_declaration": _Walk.method,
    "func_literal": _Walk.literal,
    "type_spec": _Walk.type_,
    "type_alias": _Walk.alias,
    "struct_type": _Walk.struct,
    "interface_type": _Walk.struct,
    "const_spec": _Walk.variable,
    "var_spec": _Walk.variable,
    "short_var_declaration": _Walk.short,
    "range_clause": _Walk.range_,
    "receive_statement": _Walk.received,
    "type_switch_statement": _Walk.type_switch,
}
