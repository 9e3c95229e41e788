"""Names in C and C++: a walk over the tree, from declaration to declaration.

What only the file itself can see is in functions: without `complete` they are not entered. Members that are
defined outside of their class are in a scope by themselves, under the class's name, that extends the class.
"""

from __future__ import annotations

from itertools import zip_longest

from tree_sitter import Node

from diptych.names.facts import (
    ASSIGNED,
    BLOCK,
    CLASS,
    DECLARED,
    DEFINED,
    FIELD,
    FUNCTION,
    IMPORTED,
    LAMBDA,
    MODULE,
    NAMESPACE,
    FileFacts,
)
from diptych.names.languages import Captured
from diptych.names.languages.c.declarators import Declarator, unwrapped
from diptych.names.languages.c.functions import Functions, has_word
from diptych.names.languages.c.rules import TAGGED
from diptych.names.languages.c.shapes import dotted, shape_of
from diptych.names.languages.c.types import TAGS, annotation, class_shape
from diptych.names.languages.collected import Collected
from diptych.names.languages.shapes import extended

_TOP = frozenset({"translation_unit", "ERROR", "linkage_specification", "declaration_list",
                  "field_declaration_list", "template_declaration"})  # fmt: skip
_SCOPED = frozenset({"compound_statement", "for_statement", "if_statement", "while_statement",
                     "switch_statement", "catch_clause"})  # fmt: skip
_KINDS = {"struct_specifier": ("!struct",), "union_specifier": ("!union",), "enum_specifier": ("!enum",)}


def collect(
    source: bytes,
    captures: list[Captured],
    *,
    complete: bool,
    around: int = MODULE,  # noqa: ARG001 - functions are not parsed alone
) -> FileFacts:
    """What a file of C says about names; see `diptych.names.languages.Collect`."""
    return _Walk(Collected(source, complete=complete), cpp=False).facts(captures)


def collect_cpp(
    source: bytes,
    captures: list[Captured],
    *,
    complete: bool,
    around: int = MODULE,  # noqa: ARG001 - functions are not parsed alone
) -> FileFacts:
    """What a file of C++ says about names; see `diptych.names.languages.Collect`."""
    return _Walk(Collected(source, complete=complete), cpp=True).facts(captures)


class _Walk(Functions):
    """Namespaces, types, and what is declared in them."""

    top = _TOP
    scoped = _SCOPED

    def namespace(self, node: Node, scope: int) -> None:
        """`namespace a::b {}`; one without a name, or inline, is seen through."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        parts = (
            []
            if name is None
            else [name]
            if name.type != "nested_namespace_specifier"
            else name.named_children
        )
        is_inline = any(child.type == "inline" for child in node.children)
        if name is None or is_inline:
            scope = self.made.open(NAMESPACE, scope, node)
        for part in parts if not is_inline else ():
            inner = self.made.open(NAMESPACE, scope, node, part)
            self._bind(part, scope, DEFINED, inner=inner)
            scope = inner
        self._later([body] if body is not None else [], scope)

    def using(self, node: Node, scope: int) -> None:
        """`using namespace a;`, `using a::b;`."""
        named = node.named_children[-1] if node.named_child_count else None
        text = dotted(self.made.source, named)
        if any(child.type == "namespace" for child in node.children):
            self.made.stars.append((scope, text))
            return
        name = named
        while name is not None and name.type == "qualified_identifier":
            name = name.child_by_field_name("name")
        module, _, item = text.rpartition(".")
        if name is not None and module:
            self._bind(name, scope, IMPORTED, f"<{module}>{item}")

    def alias(self, node: Node, scope: int) -> None:
        """`using A = B;`, `namespace a = b;`."""
        name, given = node.child_by_field_name("name"), node.child_by_field_name("type")
        if name is not None and given is not None:
            self._bind(name, scope, ASSIGNED, class_shape(self.made.source, given))
            self._later([given], scope)
        elif name is not None and node.named_child_count > 1:
            self._bind(name, scope, ASSIGNED, dotted(self.made.source, node.named_children[-1]))

    def tag(self, node: Node, scope: int) -> None:
        """A struct, a union, an enum or a class; with a body, it is defined here."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if body is None:
            return
        if name is not None and name.type == "qualified_identifier":
            declared = unwrapped(name)
            if declared is not None:
                owner = self._owner(declared, scope)
                self._bind(declared.name, owner, DEFINED, TAGGED, self._tag_scope(node, declared.name, owner))
            return
        inner = self._tag_scope(node, name, scope)
        if name is not None and name.type == "type_identifier":
            self._bind(name, self._outside(scope) if not self._cpp else scope, DEFINED, TAGGED, inner)

    def _tag_scope(self, node: Node, name: Node | None, scope: int) -> int:
        """The scope of a tag with a body, and what is in it."""
        body = node.child_by_field_name("body")
        bases = tuple(
            class_shape(self.made.source, one)
            for clause in node.named_children
            if clause.type == "base_class_clause"
            for one in clause.named_children
            if one.type not in ("access_specifier", "virtual")
        )
        kind = _KINDS.get(node.type, ())
        inner = self.made.open(CLASS, scope, node, name, bases=bases, decorators=kind)
        self._template_parameters(node, inner)
        if node.type == "enum_specifier":
            self._enumerators(body, inner, self._outside(scope) if not self._cpp else scope, node)
        elif body is not None:
            self._later(body.named_children, inner)
        if self._complete:
            self._later([one for one in node.named_children if one.type == "base_class_clause"], inner)
        return inner

    def _outside(self, scope: int) -> int:
        """In C, what a struct declares inside is declared outside of it."""
        while self.made.scopes[scope].kind == CLASS:
            scope = self.made.scopes[scope].parent
        return scope

    def _enumerators(self, body: Node | None, inner: int, scope: int, node: Node) -> None:
        is_apart = any(child.type in ("class", "struct") for child in node.children)
        name = self.made.scopes[inner].name
        for one in body.named_children if body is not None else ():
            constant = one.child_by_field_name("name") if one.type == "enumerator" else None
            if constant is not None:
                if not is_apart:
                    self._bind(constant, scope, ASSIGNED, f":{name}" if self._cpp and name else "!int")
                if self._cpp:
                    self._bind(constant, inner, FIELD, f":{name}" if name else "!int")
                self._inside(one.child_by_field_name("value"), scope)

    def typedef(self, node: Node, scope: int) -> None:
        """`typedef T a, *b;`."""
        given = node.child_by_field_name("type")
        holder = self._holder(given, scope)
        for one in node.children_by_field_name("declarator"):
            declared = unwrapped(one)
            if declared is None:
                continue
            if holder >= 0:
                self._bind(declared.name, scope, DEFINED, inner=holder)
            else:
                self._bind(declared.name, scope, ASSIGNED, class_shape(self.made.source, given, declared))
            self._parameters(declared, scope)
        if holder < 0 and given is not None:
            self._later([given] if given.type in TAGS or self._complete else [], scope)

    def _holder(self, given: Node | None, scope: int) -> int:
        """The scope of a tag without a name that is defined in a declaration; -1 for none."""
        if given is None or given.type not in TAGS or given.child_by_field_name("body") is None:
            return -1
        return self._tag_scope(given, None, scope) if given.child_by_field_name("name") is None else -1

    def field(self, node: Node, scope: int) -> None:
        """A field or a method of a struct; one without a name has its fields in the struct around it."""
        given = node.child_by_field_name("type")
        declarators = node.children_by_field_name("declarator")
        has_body = given is not None and given.type in TAGS and given.child_by_field_name("body") is not None
        if has_body and not declarators and given is not None and given.child_by_field_name("name") is None:
            body = given.child_by_field_name("body")
            if given.type == "enum_specifier":
                self._enumerators(body, scope, self._outside(scope) if not self._cpp else scope, given)
            elif body is not None:
                self._later(body.named_children, scope)
            return
        self._declared(node, given, declarators, scope)

    def declaration(self, node: Node, scope: int) -> None:
        """`T a = …, *b, f(int);`."""
        self._declared(
            node, node.child_by_field_name("type"), node.children_by_field_name("declarator"), scope
        )

    def _declared(self, node: Node, given: Node | None, declarators: list[Node], scope: int) -> None:
        in_class = self.made.scopes[scope].kind == CLASS
        is_misread = node.has_error and self.made.scopes[scope].kind in (MODULE, NAMESPACE)
        # `DECLARE_PER_CPU(int, a)` is parsed as `extern int a`, whatever its text says.
        is_extern = has_word(self.made.source, node, b"extern") or self.made.source.startswith(
            b"DECLARE_PER_CPU", node.start_byte
        )
        holder = self._holder(given, scope)
        if holder < 0 and given is not None and (given.type in TAGS or self._complete):
            self._later([given], scope)
        for one in declarators:
            declared, value = unwrapped(one), one.child_by_field_name("value")
            if declared is None:
                self._taken_apart(one, shape_of(self.made.source, value), scope)
                self._inside(value, scope)
                continue
            if declared.function is not None and not self._is_variable(declared, scope):
                self._prototype(node, declared, scope)
                continue
            if is_misread:
                # A macro that the grammar takes for a type makes the type a variable.
                continue
            owner = self._owner(declared, scope)
            if holder >= 0:
                self._bind(declared.name, owner, FIELD if in_class else ASSIGNED, inner=holder)
            else:
                shape = annotation(self.made.source, given, declared)
                if given is not None and given.type == "placeholder_type_specifier":
                    value = value or node.child_by_field_name("value")
                    shape = shape_of(self.made.source, value)
                is_only_said = is_extern and value is None
                how = FIELD if in_class else DECLARED if is_only_said else ASSIGNED
                self._bind(declared.name, owner, how, shape)
            self._parameters(declared, scope)
            self._inside(value, scope)
            self._inside(one if one.type == "array_declarator" else None, scope)
        if self._complete:
            self._later([one for one in (node.child_by_field_name("value"),) if one is not None], scope)

    def _is_variable(self, declared: Declarator, scope: int) -> bool:
        """Whether `T a(b);` is a variable with its arguments: in a function most often it is."""
        if self.made.scopes[scope].kind not in (FUNCTION, BLOCK, LAMBDA) or declared.function is None:
            return False
        given = declared.function.child_by_field_name("parameters")
        taken = given.named_children if given is not None else []
        return (
            bool(taken) and all(one.child_by_field_name("declarator") is None for one in taken) and self._cpp
        )

    def for_range(self, node: Node, scope: int) -> None:
        """`for (T a : b)`."""
        inner = self.made.open(BLOCK, scope, node)
        declared, right = unwrapped(node.child_by_field_name("declarator")), node.child_by_field_name("right")
        given = node.child_by_field_name("type")
        item = extended(shape_of(self.made.source, right), "*")
        if declared is not None:
            self._bind(declared.name, inner, ASSIGNED, annotation(self.made.source, given) or item)
        else:
            self._taken_apart(node.child_by_field_name("declarator"), item, inner)
        body = node.child_by_field_name("body")
        self._later([one for one in (given, right, body) if one is not None], inner)

    def _taken_apart(self, declarator: Node | None, shape: str, scope: int) -> None:
        """`auto& [a, b] = pair`."""
        while declarator is not None and declarator.type in ("init_declarator", "reference_declarator"):
            inner = declarator.child_by_field_name("declarator")
            last = declarator.named_children[-1] if declarator.named_child_count else None
            declarator = inner or last
        if declarator is None or declarator.type != "structured_binding_declarator":
            return
        for name, part in zip_longest(declarator.named_children, (".first", ".second")):
            if name is not None:
                self._bind(name, scope, ASSIGNED, extended(shape, part) if part is not None else "")


_Walk.visits = {
    "preproc_if": _Walk.conditional,
    "preproc_ifdef": _Walk.conditional,
    "preproc_include": _Walk.include,
    "preproc_def": _Walk.macro,
    "preproc_function_def": _Walk.macro,
    "namespace_definition": _Walk.namespace,
    "using_declaration": _Walk.using,
    "alias_declaration": _Walk.alias,
    "namespace_alias_definition": _Walk.alias,
    **dict.fromkeys(TAGS, _Walk.tag),
    "type_definition": _Walk.typedef,
    "field_declaration": _Walk.field,
    "declaration": _Walk.declaration,
    "function_definition": _Walk.function,
    "parameter_declaration": _Walk.parameter,
    "optional_parameter_declaration": _Walk.parameter,
    "for_range_loop": _Walk.for_range,
    "lambda_expression": _Walk.lambda_,
}
