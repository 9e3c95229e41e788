"""Names in Rust: a walk over the tree, from item to item.

What only the file itself can see is in functions: without `complete` they are not entered. Each `impl` is a
scope by itself, under the type's name, that extends the type: the type may be in another file of the crate.
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
    MACRO,
    METHODS,
    MODULE,
    NAMESPACE,
    PARAMETER,
    FileFacts,
)
from diptych.names.languages import Captured
from diptych.names.languages.collected import Collected
from diptych.names.languages.rust.modules import MOD
from diptych.names.languages.rust.patterns import bound_by
from diptych.names.languages.rust.shapes import shape_of
from diptych.names.languages.rust.types import annotation, class_shape
from diptych.names.languages.rust.uses import used
from diptych.names.languages.shapes import extended
from diptych.names.languages.walk import Walk

_TOP = frozenset({"source_file", "ERROR", "declaration_list", "enum_variant_list", "foreign_mod_item"})
_SCOPED = frozenset({"block", "if_expression", "while_expression", "match_arm", "loop_expression"})
_NO_NAMES = frozenset({"token_tree", "macro_rule"})


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
    opaque = _NO_NAMES

    def _rest(self, node: Node, scope: int, *skipped: Node | None) -> None:
        """Enter what only the file itself can see, apart from some children."""
        if self._complete:
            self._later([one for one in node.named_children if one not in skipped], scope)

    def _modules(self, scope: int) -> list[str]:
        """The names of the modules with bodies around a scope, the outermost first."""
        found: list[str] = []
        while scope > 0:
            around = self.made.scopes[scope]
            if around.kind == NAMESPACE:
                found.insert(0, around.name)
            scope = around.parent
        return found

    def module(self, node: Node, scope: int) -> None:
        """`mod a;`, `mod a {}`."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None:
            return
        if body is None:
            within = "/".join([*self._modules(scope), self.made.text(name)])
            self._bind(name, scope, IMPORTED, f"<{MOD}{within}")
            return
        inner = self.made.open(NAMESPACE, scope, node, name)
        self._bind(name, scope, DEFINED, inner=inner)
        self._later(body.named_children, inner)

    def use(self, node: Node, scope: int) -> None:
        """`use a::{b, c as d, e::*};`."""
        for module, name, item in used(self.made.source, node, self._modules(scope)):
            if name is None:
                self.made.stars.append((scope, module))
                continue
            shape = f"<{module}>{item}" if item else f"<{module}"
            # `a::{self}` brings `a`.
            text = item or module if name.type == "self" else self.made.text(name)
            self.made.bind(text, scope, name.start_point, IMPORTED, shape)

    def crate(self, node: Node, scope: int) -> None:
        """`extern crate a as b;`."""
        name = node.child_by_field_name("name")
        if name is not None:
            bound = node.child_by_field_name("alias") or name
            self._bind(bound, scope, IMPORTED, f"<{self.made.text(name)}")

    def type_(self, node: Node, scope: int) -> None:
        """A struct, a union, an enum or a trait."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None:
            return
        bounds = node.child_by_field_name("bounds")
        given = bounds.named_children if bounds is not None else []
        bases = tuple(class_shape(self.made.source, one) for one in given if one.type != "lifetime")
        kind = f"!{node.type.removesuffix('_item')}"
        inner = self.made.open(CLASS, scope, node, name, bases=bases, decorators=(kind,))
        self._bind(name, scope, DEFINED, inner=inner)
        self._type_parameters(node, inner, PARAMETER)
        if body is not None:
            self._later([body] if body.type != "field_declaration_list" else body.named_children, inner)
        self._rest(node, inner, name, body)

    def variant(self, node: Node, scope: int) -> None:
        """A variant of an enum: a class that extends it."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is not None:
            bases = (f":type[{self.made.scopes[scope].name}]",)
            inner = self.made.open(CLASS, scope, node, name, bases=bases, decorators=("!variant",))
            self._bind(name, scope, DEFINED, inner=inner)
            is_named = body is not None and body.type == "field_declaration_list"
            if body is not None and (is_named or self._complete):
                self._later(body.named_children, inner)

    def field(self, node: Node, scope: int) -> None:
        """A field of a struct."""
        name, given = node.child_by_field_name("name"), node.child_by_field_name("type")
        if name is not None:
            self._bind(name, scope, FIELD, annotation(self.made.source, given))
        self._rest(node, scope, name)

    def impl(self, node: Node, scope: int) -> None:
        """`impl T {}`, `impl A for T {}`."""
        given, trait = node.child_by_field_name("type"), node.child_by_field_name("trait")
        body = node.child_by_field_name("body")
        name = _last_name(given)
        bases = tuple(class_shape(self.made.source, one) for one in (given, trait) if one is not None)
        inner = self.made.open(CLASS, scope, node, name, bases=bases, decorators=(METHODS,))
        self._type_parameters(node, inner, PARAMETER)
        self._later(body.named_children if body is not None else [], inner)
        self._rest(node, inner, body)

    def _type_parameters(self, node: Node, inner: int, how: int) -> None:
        given = node.child_by_field_name("type_parameters")
        for one in given.named_children if given is not None else ():
            name = one if one.type == "type_identifier" else one.child_by_field_name("name")
            if name is not None and name.type in ("type_identifier", "identifier"):
                bounds = one.child_by_field_name("bounds") if one != name else None
                self._bind(name, inner, how, class_shape(self.made.source, bounds))

    def function(self, node: Node, scope: int) -> None:
        """`fn f() {}`, with or without a body."""
        name = node.child_by_field_name("name")
        if name is None:
            return
        returns = annotation(self.made.source, node.child_by_field_name("return_type"))
        inner = self.made.open(FUNCTION, scope, node, name, returns=returns)
        self._bind(name, scope, DEFINED, inner=inner)
        self._type_parameters(node, inner, ASSIGNED)
        self._rest(node, inner, name)

    def parameter(self, node: Node, scope: int) -> None:
        """A parameter of a function or a closure."""
        pattern, given = node.child_by_field_name("pattern"), node.child_by_field_name("type")
        self._pattern(pattern, scope, annotation(self.made.source, given), PARAMETER)
        self._rest(node, scope, pattern if pattern is not None and pattern.type == "identifier" else None)

    def _pattern(self, pattern: Node | None, scope: int, shape: str, how: int = ASSIGNED) -> None:
        for name, one in bound_by(self.made.source, pattern, shape):
            self._bind(name, scope, how, one)

    def let(self, node: Node, scope: int) -> None:
        """`let a: T = …`, `if let Some(a) = …`."""
        pattern, value = node.child_by_field_name("pattern"), node.child_by_field_name("value")
        given = node.child_by_field_name("type")
        self._pattern(
            pattern, scope, annotation(self.made.source, given) or shape_of(self.made.source, value)
        )
        self._later([one for one in node.named_children if one != pattern or one.type != "identifier"], scope)

    def for_(self, node: Node, scope: int) -> None:
        """`for a in b {}`."""
        inner = self.made.open(BLOCK, scope, node)
        pattern, value = node.child_by_field_name("pattern"), node.child_by_field_name("value")
        self._pattern(pattern, inner, extended(shape_of(self.made.source, value), "*"))
        self._rest(node, inner)

    def match(self, node: Node, scope: int) -> None:
        """`match a {}`: each arm binds what its pattern says."""
        value, body = node.child_by_field_name("value"), node.child_by_field_name("body")
        shape = shape_of(self.made.source, value)
        self._later([value] if value is not None else [], scope)
        for arm in body.named_children if body is not None else ():
            if arm.type == "match_arm":
                inner = self.made.open(BLOCK, scope, arm)
                pattern = arm.child_by_field_name("pattern")
                held = (
                    pattern.named_children[0] if pattern is not None and pattern.named_child_count else None
                )
                self._pattern(held, inner, shape)
                self._later(arm.named_children, inner)

    def closure(self, node: Node, scope: int) -> None:
        """`|a, b| …`."""
        inner = self.made.open(LAMBDA, scope, node)
        given = node.child_by_field_name("parameters")
        for one in given.named_children if given is not None else ():
            if one.type != "parameter":
                self._pattern(one, inner, "", PARAMETER)
        self._rest(node, inner)

    def value(self, node: Node, scope: int) -> None:
        """`const A: T = …`, `static A: T = …`."""
        name, given = node.child_by_field_name("name"), node.child_by_field_name("type")
        if name is not None:
            self._bind(name, scope, ASSIGNED, annotation(self.made.source, given))
        self._rest(node, scope, name)

    def alias(self, node: Node, scope: int) -> None:
        """`type A = B;`."""
        name, given = node.child_by_field_name("name"), node.child_by_field_name("type")
        if name is not None:
            self._bind(name, scope, ASSIGNED, class_shape(self.made.source, given))
        self._rest(node, scope, name)

    def macro(self, node: Node, scope: int) -> None:
        """`macro_rules! a {}`."""
        name = node.child_by_field_name("name")
        if name is not None:
            self._bind(name, scope, MACRO)


def _last_name(given: Node | None) -> Node | None:
    while given is not None and given.type not in ("type_identifier", "primitive_type"):
        inner = given.child_by_field_name("name") or given.child_by_field_name("type")
        given = inner or given.child_by_field_name("trait")
    return given


_Walk.visits = {
    "mod_item": _Walk.module,
    "use_declaration": _Walk.use,
    "extern_crate_declaration": _Walk.crate,
    **dict.fromkeys(("struct_item", "union_item", "enum_item", "trait_item"), _Walk.type_),
    "enum_variant": _Walk.variant,
    "field_declaration": _Walk.field,
    "impl_item": _Walk.impl,
    "function_item": _Walk.function,
    "function_signature_item": _Walk.function,
    "parameter": _Walk.parameter,
    "let_declaration": _Walk.let,
    "let_condition": _Walk.let,
    "for_expression": _Walk.for_,
    "match_expression": _Walk.match,
    "closure_expression": _Walk.closure,
    "const_item": _Walk.value,
    "static_item": _Walk.value,
    "type_item": _Walk.alias,
    "associated_type": _Walk.alias,
    "macro_definition": _Walk.macro,
}
