"""Classes, interfaces, types and objects of JavaScript and TypeScript, and their members."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from diptych.names.facts import (
    ASSIGNED,
    BLOCK,
    CLASS,
    DEFINED,
    FIELD,
    IMPLEMENTED,
    IMPORTED,
    LAMBDA,
    OF_CLASS,
    PARAMETER,
    STATIC,
)
from diptych.names.languages.collected import Collected
from diptych.names.languages.ecmascript.assigned import assignments_to_this, field_shape, locals_of
from diptych.names.languages.ecmascript.doc import said_type
from diptych.names.languages.ecmascript.functions import Functions
from diptych.names.languages.ecmascript.shapes import (
    FUNCTIONS,
    declared_shape,
    key_text,
    shape_of,
)
from diptych.names.languages.ecmascript.types import (
    annotation,
    class_shape,
    declared_type,
    is_mapped,
    type_arguments,
)

MAX_OBJECT_DEPTH = 4
_MODIFIERS = frozenset({"accessibility_modifier", "override_modifier", "readonly"})
_CLASSES = frozenset({"class", "class_declaration", "abstract_class_declaration"})
_WRAPPED = frozenset({"as_expression", "satisfies_expression", "parenthesized_expression"})


class Classes(Functions):
    """What has members. With `declares_fields`, fields are declared; else methods assign them."""

    def __init__(self, made: Collected, declares_fields: bool) -> None:
        super().__init__(made)
        self._declares_fields = declares_fields
        self._reads_docs = not declares_fields
        self._accessors: set[tuple[int, str]] = set()

    def class_(self, node: Node, scope: int) -> None:
        """A class that is declared, or in an expression."""
        name = node.child_by_field_name("name")
        if node.type == "class":
            self._class_expression(node, scope, name)
            return
        inner = self._class(node, scope, name)
        if name is not None:
            self._note_named(scope, self._made.text(name), inner)
            self._made.bind(self._made.text(name), scope, name.start_point, DEFINED, inner=inner)

    def _class_expression(self, node: Node, scope: int, name: Node | None) -> int:
        """A class in an expression, called `name`; its own name is seen inside alone."""
        own = node.child_by_field_name("name")
        if own is None or not self._complete:
            return self._class(node, scope, name)
        around = self._made.open(BLOCK, scope, node)
        inner = self._class(node, around, name)
        self._made.bind(self._made.text(own), around, own.start_point, DEFINED, inner=inner)
        return inner

    def _class(self, node: Node, scope: int, name: Node | None) -> int:
        bases = tuple(self._bases(node))
        implemented = tuple(self._implemented(node))
        inner = self._made.open(CLASS, scope, node, name, bases=bases, decorators=implemented)
        self._type_parameters(node, inner, PARAMETER)
        body = node.child_by_field_name("body")
        if body is not None:
            self._members(body, inner)
        if self._complete:
            others = [child for child in node.named_children if child.type in ("class_heritage", "decorator")]
            self._later(others, scope)
        return inner

    def _bases(self, node: Node) -> list[str]:
        source = self._made.source
        heritage = next((child for child in node.named_children if child.type == "class_heritage"), None)
        if heritage is None:
            return []
        clause = next((one for one in heritage.named_children if one.type == "extends_clause"), None)
        if clause is None:
            extends = any(child.type == "extends" for child in heritage.children)
            return [shape_of(source, heritage.named_children[0])] if extends else []
        value = shape_of(source, clause.child_by_field_name("value"))
        arguments = type_arguments(source, clause.child_by_field_name("type_arguments"))
        return [f":type[{value}{arguments}]" if arguments and "(" not in value else value]

    def _implemented(self, node: Node) -> Iterator[str]:
        heritage = next((child for child in node.named_children if child.type == "class_heritage"), None)
        for clause in heritage.named_children if heritage is not None else ():
            for one in clause.named_children if clause.type == "implements_clause" else ():
                if shape := class_shape(self._made.source, one):
                    yield IMPLEMENTED + shape

    def interface(self, node: Node, scope: int) -> None:
        """`interface I extends J {}`."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        clause = next((one for one in node.named_children if one.type == "extends_type_clause"), None)
        given = clause.named_children if clause is not None else []
        bases = tuple(shape for one in given if (shape := class_shape(self._made.source, one)))
        if name is None or body is None:
            return
        inner = self._made.open(CLASS, scope, node, name, bases=bases, decorators=("!interface",))
        self._made.bind(self._made.text(name), scope, name.start_point, DEFINED, inner=inner)
        self._type_parameters(node, inner, PARAMETER)
        self._members(body, inner)

    def alias(self, node: Node, scope: int) -> None:
        """`type X = …`: a class where it lists members, else another name."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or value is None:
            return
        parts = _intersected(value)
        bodies = [one for one in parts if one.type == "object_type" and not is_mapped(self._made.source, one)]
        text, place = self._made.text(name), name.start_point
        if bodies:
            shapes = (class_shape(self._made.source, one) for one in parts if one not in bodies)
            bases = tuple(shape for shape in shapes if shape)
            inner = self._made.open(CLASS, scope, node, name, bases=bases, decorators=("!type",))
            self._made.bind(text, scope, place, DEFINED, inner=inner)
            for body in bodies:
                self._members(body, inner)
        else:
            inner = self._made.open(BLOCK, scope, node, name)
            self._made.bind(text, scope, place, ASSIGNED, declared_type(self._made.source, value))
            self._later([value] if self._complete else [], inner)
        self._type_parameters(node, inner, PARAMETER)

    def inferred(self, node: Node, scope: int) -> None:
        """`infer T` in a type."""
        for name in node.named_children[:1]:
            self._made.bind(
                self._made.text(name), scope, name.start_point, ASSIGNED, declared_type(b"", None)
            )

    def mapped(self, node: Node, scope: int) -> None:
        """`[K in keyof T]` in a type."""
        name = node.child_by_field_name("name")
        if name is not None:
            text = self._made.text(name)
            self._made.bind(text, scope, name.start_point, PARAMETER, declared_type(b"", None))
        self._later(node.named_children[1:], scope)

    def literal_type(self, node: Node, scope: int) -> None:
        """`{ a: string }` as a type, without a name."""
        if self._complete:
            self._members(node, self._made.open(CLASS, scope, node, decorators=("!type",)))

    def enum(self, node: Node, scope: int) -> None:
        """`enum E { a, b }`."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return
        inner = self._made.open(CLASS, scope, node, name, decorators=("!enum",))
        text = self._made.text(name)
        self._made.bind(text, scope, name.start_point, DEFINED, inner=inner)
        for member in body.named_children:
            key = member.child_by_field_name("name") if member.type == "enum_assignment" else member
            if key is not None and (written := key_text(self._made.source, key)):
                self._made.bind(written, inner, key.start_point, FIELD, f":{text}")
            if member.type == "enum_assignment":
                self._later(member.named_children[1:] if self._complete else [], inner)

    def _note_accessors(self, body: Node, inner: int) -> None:
        for member in body.named_children if self._reads_docs else ():
            if member.type == "method_definition" and any(one.type == "set" for one in member.children):
                self._accessors.add((inner, key_text(self._made.source, member.child_by_field_name("name"))))

    def _members(self, body: Node, inner: int) -> None:
        self._note_accessors(body, inner)
        for member in body.named_children:
            if member.type in _METHODS:
                self._method(member, inner)
            elif member.type in _FIELDS:
                self._field(member, inner)
            elif member.type == "call_signature":
                function = self._function(member, inner, None)
                self._made.bind("()", inner, member.start_point, DEFINED, inner=function)
            elif member.type == "index_signature":
                declared = annotation(self._made.source, member.child_by_field_name("type"))
                self._made.bind("[]", inner, member.start_point, FIELD, declared)
                self._later([member] if self._complete else [], inner)
            elif member.type == "class_static_block":
                self._static_block(member, inner)
            elif self._complete:
                self._later([member], inner)

    def _static_block(self, node: Node, owner: int) -> None:
        """`static { … }`: its `var`s are its own, as those of a function."""
        if self._complete:
            inner = self._made.open(LAMBDA, owner, node)
            self._later(node.named_children, inner)

    def _method(self, node: Node, owner: int) -> None:
        name = node.child_by_field_name("name")
        if name is None:
            return
        text = key_text(self._made.source, name)
        accessor = next((one.type for one in node.children if one.type in ("get", "set")), "")
        marks = (OF_CLASS,) if _is_static(node) else ()
        decorators = ("property", *marks) if accessor == "get" else marks
        inner = self._function(node, owner, name, decorators=decorators)
        how = DEFINED if accessor != "set" else STATIC if marks else FIELD
        if text:
            self._made.bind(text, owner, name.start_point, how, inner=inner if how == DEFINED else -1)
        if text == "constructor":
            self._parameter_properties(node, owner)
        if not self._declares_fields:
            self._assigned_fields(node, owner)
        if self._complete:
            self._later([one for one in node.named_children if one.type == "decorator"], owner)

    def _parameter_properties(self, constructor: Node, owner: int) -> None:
        parameters = constructor.child_by_field_name("parameters")
        for parameter in parameters.named_children if parameters is not None else ():
            name = parameter.child_by_field_name("pattern")
            is_field = any(child.type in _MODIFIERS for child in parameter.children)
            if is_field and name is not None and name.type == "identifier":
                shape = declared_shape(self._made.source, parameter)
                self._made.bind(self._made.text(name), owner, name.start_point, FIELD, shape)

    def _assigned_fields(self, method: Node, owner: int) -> None:
        """`this.x = …` in a method of a class that declares no fields, or of an object."""
        source, body = self._made.source, method.child_by_field_name("body")
        if body is None:
            return
        known = None
        bound: dict[int, frozenset[bytes]] = {}
        for assignment, name in assignments_to_this(source, body):
            if self._is_accessor(owner, self._made.text(name)):
                continue
            known = locals_of(source, method) if known is None else known
            shape = field_shape(source, assignment, known, body, bound)
            self._made.bind(self._made.text(name), owner, name.start_point, FIELD, shape)

    def _is_accessor(self, owner: int, name: str) -> bool:
        """Whether a class or an object takes what is assigned to a name by a function."""
        return (owner, name) in self._accessors

    def _field(self, node: Node, owner: int) -> None:
        name = node.child_by_field_name("name") or node.child_by_field_name("property")
        value = node.child_by_field_name("value")
        text = key_text(self._made.source, name)
        if name is not None and text:
            self._bind_value(text, name, owner, STATIC if _is_static(node) else FIELD, node, value)
        elif self._complete and value is not None:
            self._later([value], owner)
        if self._complete:
            self._later([one for one in node.named_children if one not in (name, value)], owner)

    def _bind_value(
        self,
        text: str,
        name: Node,
        scope: int,
        how: int,
        holder: Node,
        value: Node | None,
        depth: int = 0,
        *,
        is_passed_on: bool = False,
    ) -> None:
        """A name and its value: a function and a class are definitions, an object is what it consists of.

        With `is_passed_on`, what an object names is that itself, as in `export { a as b }`.
        """
        value = _unwrapped(value)
        declared = holder.child_by_field_name("type")
        place = name.start_point
        says = declared is not None or (self._reads_docs and bool(said_type(self._made.source, holder)))
        if value is not None and value.type in FUNCTIONS:
            inner = self._function(value, scope, name, decorators=(OF_CLASS,) if how == STATIC else ())
            self._bind_function(text, scope, name, inner)
            own = value.child_by_field_name("name")
            if own is not None and self._complete:
                self._made.bind(self._made.text(own), inner, own.start_point, DEFINED, inner=inner)
        elif value is not None and value.type in _CLASSES:
            self._made.bind(text, scope, place, DEFINED, inner=self._class_expression(value, scope, name))
        elif value is not None and value.type == "object" and depth < MAX_OBJECT_DEPTH and not says:
            inner = self._object(value, scope, name)
            self._note_named(scope, text, inner)
            self._made.bind(text, scope, place, how, inner=inner)
            self._entries(value, inner, depth, is_passed_on=is_passed_on)
        elif declared is not None and (body := _only_object_type(declared)) is not None:
            inner = self._made.open(CLASS, scope, body, name, decorators=("!type",))
            self._made.bind(text, scope, place, how, inner=inner)
            self._members(body, inner)
            self._later([value] if value is not None and self._complete else [], scope)
        else:
            self._made.bind(text, scope, place, how, declared_shape(self._made.source, holder))
            self._later([value] if value is not None and self._complete else [], scope)

    def object(self, node: Node, scope: int) -> None:
        """An object literal without a name."""
        if self._complete:
            self._entries(node, self._object(node, scope, None), 0)

    def _object(self, node: Node, scope: int, name: Node | None) -> int:
        spread = [one.named_children[0] for one in node.named_children if one.type == "spread_element"]
        bases = tuple(shape for one in spread if (shape := shape_of(self._made.source, one)))
        return self._made.open(CLASS, scope, node, name, bases=bases, decorators=("!object",))

    def _entries(self, node: Node, inner: int, depth: int, *, is_passed_on: bool = False) -> None:
        self._note_accessors(node, inner)
        for entry in node.named_children:
            if entry.type == "method_definition":
                self._method(entry, inner)
            elif entry.type == "pair":
                key, value = entry.child_by_field_name("key"), entry.child_by_field_name("value")
                text = key_text(self._made.source, key)
                if key is None or not text:
                    self._later(entry.named_children if self._complete else [], inner)
                elif is_passed_on and value is not None and value.type == "identifier":
                    self._pass_on(text, key, inner, value)
                else:
                    self._bind_value(text, key, inner, FIELD, entry, value, depth + 1)
            elif entry.type == "shorthand_property_identifier":
                text = self._made.text(entry)
                if is_passed_on:
                    self._pass_on(text, entry, inner, entry)
                else:
                    self._made.bind(text, inner, entry.start_point, FIELD, text)
            elif self._complete:
                self._later([entry], inner)

    def _pass_on(self, name: str, at: Node, scope: int, value: Node) -> None:
        self._made.bind(name, scope, at.start_point, IMPORTED, f"<>{self._made.text(value)}")


def _is_static(member: Node) -> bool:
    return any(child.type == "static" for child in member.children)


def _unwrapped(value: Node | None) -> Node | None:
    """The value in parentheses, or before `as const`."""
    while value is not None and value.type in _WRAPPED and value.named_child_count == 1:
        value = value.named_children[0]
    return value


def _only_object_type(declared: Node) -> Node | None:
    """The `{ a: string }` that an annotation is."""
    inner = declared.named_children[0] if declared.named_child_count else None
    return inner if inner is not None and inner.type == "object_type" else None


def _intersected(value: Node) -> list[Node]:
    if value.type != "intersection_type":
        return [value]
    parts = [part for child in value.named_children for part in _intersected(child)]
    # `A & {}` is `A`.
    return [one for one in parts if one.type != "object_type" or one.named_child_count] or parts


_METHODS = frozenset({"method_definition", "method_signature", "abstract_method_signature"})
_FIELDS = frozenset({"public_field_definition", "field_definition", "property_signature"})
