"""Names in Java: a walk over the tree, from declaration to declaration.

What only the file itself can see is in methods and initializers: without `complete` they are not entered.
"""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.annotations import ARRAY
from diptych.names.facts import (
    ASSIGNED,
    BLOCK,
    CLASS,
    DEFINED,
    FIELD,
    FUNCTION,
    IMPORTED,
    LAMBDA,
    MODULE,
    PARAMETER,
    PRIVATE,
    REST,
    FileFacts,
)
from diptych.names.languages import Captured
from diptych.names.languages.collected import Collected
from diptych.names.languages.java.shapes import shape_of
from diptych.names.languages.java.types import (
    UNKNOWN,
    annotation,
    class_shape,
    dimensions_of,
    type_text,
)
from diptych.names.languages.shapes import extended
from diptych.names.languages.walk import Walk

_TOP = frozenset({"program", "ERROR", "class_body", "interface_body", "enum_body", "enum_body_declarations",
                  "annotation_type_body"})  # fmt: skip
_SCOPED = frozenset({"block", "for_statement", "switch_block", "switch_rule", "catch_clause",
                     "try_with_resources_statement"})  # fmt: skip
_KINDS = {
    "class_declaration": (),
    "interface_declaration": ("!interface",),
    "enum_declaration": ("!enum",),
    "record_declaration": ("!record",),
    "annotation_type_declaration": ("!interface",),
}


def collect(
    source: bytes,
    captures: list[Captured],
    *,
    complete: bool,
    around: int = MODULE,  # noqa: ARG001 - methods are not parsed alone
) -> FileFacts:
    """What a file says about names; see `diptych.names.languages.Collect`."""
    return _Walk(Collected(source, complete=complete)).facts(captures)


class _Walk(Walk):
    top = _TOP
    scoped = _SCOPED

    def import_(self, node: Node, scope: int) -> None:
        """`import a.B;`, `import a.*;`, both `static` too."""
        named = node.named_children[0] if node.named_child_count else None
        if named is None:
            return
        text = "".join(self.made.text(named).split())
        if any(child.type == "asterisk" for child in node.named_children):
            self.made.stars.append((scope, text))
            return
        module, _, item = text.rpartition(".")
        name = named.child_by_field_name("name") or named
        if module:
            self.made.bind(item, scope, name.start_point, IMPORTED, f"<{module}>{item}")

    def class_(self, node: Node, scope: int) -> None:
        """A class, an interface, an enum, a record or an annotation."""
        name = node.child_by_field_name("name")
        if name is None:
            return
        bases = tuple(class_shape(self.made.source, one) for one in _bases(node))
        inner = self.made.open(CLASS, scope, node, name, bases=bases, decorators=_KINDS[node.type])
        self._bind(name, scope, DEFINED, inner=inner)
        self._type_parameters(node, inner, PARAMETER)
        if node.type == "record_declaration":
            self._components(node, inner)
        self._later([one for one in node.named_children if one != name], inner)

    def _components(self, node: Node, inner: int) -> None:
        """The components of a record: each is a field, and a method that returns it."""
        body = node.child_by_field_name("body")
        own = {
            self.made.text(name)
            for member in (body.named_children if body is not None else ())
            if member.type == "method_declaration"
            and (name := member.child_by_field_name("name")) is not None
        }
        for name, shape, _ in self._declared(node.child_by_field_name("parameters")):
            self._bind(name, inner, FIELD, shape)
            if self.made.text(name) not in own:
                method = self.made.open(FUNCTION, inner, name, name, returns=shape)
                self._bind(name, inner, DEFINED, inner=method)

    def body(self, node: Node, scope: int) -> None:
        """The body of a class; one without a name is a class that extends what is created, or a constant."""
        around = node.parent
        if around is None or around.type not in ("object_creation_expression", "enum_constant"):
            self._later(node.named_children, scope)
        elif self._complete:
            created = around.child_by_field_name("type")
            base = class_shape(self.made.source, created) if created is not None else self._own_class(scope)
            self._later(node.named_children, self.made.open(CLASS, scope, node, bases=(base,)))

    def _own_class(self, scope: int) -> str:
        return f":type[{self.made.scopes[scope].name}]"

    def _type_parameters(self, node: Node, inner: int, how: int) -> None:
        given = node.child_by_field_name("type_parameters")
        for one in given.named_children if given is not None else ():
            names = [child for child in one.named_children if child.type in ("type_identifier", "identifier")]
            bound = next((child for child in one.named_children if child.type == "type_bound"), None)
            if names:
                self._bind(names[0], inner, how, class_shape(self.made.source, bound))

    def method(self, node: Node, scope: int) -> None:
        """A method, a constructor, or a member of an annotation."""
        name = node.child_by_field_name("name")
        if name is None:
            return
        source, parameters = self.made.source, node.child_by_field_name("parameters")
        returns = annotation(
            source, node.child_by_field_name("type"), dimensions_of(node.child_by_field_name("dimensions"))
        )
        taken = tuple(rest + (shape or f":{UNKNOWN}") for _, shape, rest in self._declared(parameters))
        hidden = (PRIVATE,) if _is_private(node) else ()
        inner = self.made.open(FUNCTION, scope, node, name, bases=taken, returns=returns, decorators=hidden)
        self._bind(name, scope, DEFINED, inner=inner)
        self._type_parameters(node, inner, ASSIGNED)
        if self._complete:
            self._taken(parameters, inner)
            self._later([one for one in node.named_children if one != name], inner)

    def _taken(self, parameters: Node | None, inner: int) -> None:
        for one, shape, rest in self._declared(parameters):
            self._bind(one, inner, PARAMETER, f":{ARRAY}[{shape[1:]}]" if rest and shape else shape)

    def _declared(self, parameters: Node | None) -> list[tuple[Node, str, str]]:
        """The name of each parameter, its shape, and `REST` for one that takes the rest."""
        found = []
        for one in parameters.named_children if parameters is not None else ():
            if one.type == "formal_parameter":
                name, rest = one.child_by_field_name("name"), ""
                more = dimensions_of(one.child_by_field_name("dimensions"))
                shape = annotation(self.made.source, one.child_by_field_name("type"), more)
            elif one.type == "spread_parameter":
                inner = [child for child in one.named_children if child.type == "variable_declarator"]
                name, rest = (inner[0].child_by_field_name("name") if inner else None), REST
                types = [child for child in one.named_children if child.type not in _NO_TYPES]
                shape = annotation(self.made.source, types[0] if types else None)
            else:
                continue
            if name is not None:
                found.append((name, shape, rest))
        return found

    def parameters(self, node: Node, scope: int) -> None:
        """What a method takes is bound by the method: here only the types and annotations count."""
        for one in node.named_children:
            if one.type == "spread_parameter":
                self._later(
                    [child for child in one.named_children if child.type != "variable_declarator"], scope
                )
            else:
                self._later(one.named_children, scope)

    def constant(self, node: Node, scope: int) -> None:
        """A constant of an enum."""
        name = node.child_by_field_name("name")
        if name is not None:
            self._bind(name, scope, FIELD, f":{self.made.scopes[scope].name}")
            if self._complete:
                self._later([one for one in node.named_children if one != name], scope)

    def variables(self, node: Node, scope: int) -> None:
        """Fields, constants and local variables: `T a = …, b;`."""
        source, declared = self.made.source, node.child_by_field_name("type")
        in_class = self.made.scopes[scope].kind == CLASS
        self._inside(declared, scope)
        for one in node.children_by_field_name("declarator"):
            name, value = one.child_by_field_name("name"), one.child_by_field_name("value")
            if name is None:
                continue
            more = dimensions_of(one.child_by_field_name("dimensions"))
            shape = annotation(source, declared, more)
            if not shape and declared is not None and type_text(source, declared) == "var":
                shape = shape_of(source, value)
            self._bind(name, scope, FIELD if in_class else ASSIGNED, shape)
            self._inside(value, scope)
        if self._complete:
            self._later([one for one in node.named_children if one.type == "modifiers"], scope)

    def for_each(self, node: Node, scope: int) -> None:
        """`for (T a : b)`."""
        if not self._complete:
            return
        inner = self.made.open(BLOCK, scope, node)
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        declared = node.child_by_field_name("type")
        if name is not None:
            item = extended(shape_of(self.made.source, value), "*")
            self._bind(name, inner, ASSIGNED, annotation(self.made.source, declared) or item)
        self._later([one for one in node.named_children if one != name], inner)

    def named(self, node: Node, scope: int) -> None:
        """A resource, what is caught, or what `instanceof` has tested: a type and a name."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        declared = node.child_by_field_name("type") or node.child_by_field_name("right")
        if declared is None:
            declared = next((one for one in node.named_children if one.type == "catch_type"), None)
        if name is not None:
            # What a condition binds is seen after its statement too, if it ends what it is false for.
            shape = annotation(self.made.source, declared) or shape_of(self.made.source, value)
            self._bind(name, scope, ASSIGNED, shape)
        self._later([one for one in node.named_children if one != name], scope)

    def pattern(self, node: Node, scope: int) -> None:
        """`T a` in a pattern."""
        given = [one for one in node.named_children if one.type != "modifiers"]
        if len(given) == 2 and given[1].type == "identifier":
            self._bind(given[1], scope, ASSIGNED, annotation(self.made.source, given[0]))
            given = given[:1]
        self._later(given, scope)

    def lambda_(self, node: Node, scope: int) -> None:
        """`(a, b) -> …`: parameters without types say nothing."""
        if not self._complete:
            return
        inner = self.made.open(LAMBDA, scope, node)
        given, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
        if given is not None and given.type == "identifier":
            self._bind(given, inner, PARAMETER)
        elif given is not None and given.type == "inferred_parameters":
            for one in given.named_children:
                self._bind(one, inner, PARAMETER)
        elif given is not None:
            self._taken(given, inner)
            self._pending.append((given, inner))
        self._inside(body, inner)


_NO_TYPES = frozenset({"modifiers", "variable_declarator", "line_comment", "block_comment"})


def _is_private(node: Node) -> bool:
    return any(
        word.type == "private"
        for one in node.children[:1]
        if one.type == "modifiers"
        for word in one.children
    )


def _bases(node: Node) -> list[Node]:
    """The types that a class extends and implements."""
    found = []
    for one in node.named_children:
        if one.type == "superclass":
            found += one.named_children[-1:]
        elif one.type in ("super_interfaces", "extends_interfaces") and one.named_child_count:
            found += one.named_children[0].named_children
    return found


_Walk.visits = {
    "import_declaration": _Walk.import_,
    "class_declaration": _Walk.class_,
    "interface_declaration": _Walk.class_,
    "enum_declaration": _Walk.class_,
    "record_declaration": _Walk.class_,
    "annotation_type_declaration": _Walk.class_,
    "class_body": _Walk.body,
    "method_declaration": _Walk.method,
    "constructor_declaration": _Walk.method,
    "compact_constructor_declaration": _Walk.method,
    "annotation_type_element_declaration": _Walk.method,
    "formal_parameters": _Walk.parameters,
    "enum_constant": _Walk.constant,
    "field_declaration": _Walk.variables,
    "constant_declaration": _Walk.variables,
    "local_variable_declaration": _Walk.variables,
    "enhanced_for_statement": _Walk.for_each,
    "resource": _Walk.named,
    "catch_formal_parameter": _Walk.named,
    "instanceof_expression": _Walk.named,
    "type_pattern": _Walk.pattern,
    "record_pattern_component": _Walk.pattern,
    "lambda_expression": _Walk.lambda_,
}
