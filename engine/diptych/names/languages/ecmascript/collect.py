"""Names in JavaScript and TypeScript: a walk over the tree, from declaration to declaration.

What only the file itself can see is in functions: without `complete` they are not entered. A stack of nodes
takes the place of recursion, since expressions nest deeper than calls may.
"""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from diptych.names.annotations import written_at
from diptych.names.facts import (
    ASSIGNED,
    BLOCK,
    CLASS,
    DEFINED,
    EXPORTED,
    FIELD,
    FUNCTION,
    MODULE,
    NAMESPACE,
    STATIC,
    FileFacts,
)
from diptych.names.languages import Captured
from diptych.names.languages.collected import Collected
from diptych.names.languages.ecmascript.classes import Classes
from diptych.names.languages.ecmascript.documented import declared_in
from diptych.names.languages.ecmascript.exports import Exports, required_item
from diptych.names.languages.ecmascript.shapes import (
    FUNCTIONS,
    MODULE_OBJECTS,
    OWN_EXPORTS,
    defined_property,
    key_text,
    shape_of,
)
from diptych.names.languages.ecmascript.types import IMPORT_ALIAS

# What is seen in its block alone.
_LOCAL = frozenset({
    "lexical_declaration", "using_declaration", "class_declaration", "abstract_class_declaration",
    "function_declaration", "generator_function_declaration", "enum_declaration", "interface_declaration",
    "type_alias_declaration",
})  # fmt: skip
_CASES = frozenset({"switch_case", "switch_default"})
_TRANSPARENT = frozenset(
    {"program", "ERROR", "ambient_declaration", "expression_statement", "export_statement"}
)


def collect(
    source: bytes,
    captures: list[Captured],
    *,
    complete: bool,
    around: int = MODULE,  # noqa: ARG001 - functions are not parsed alone
    declares_fields: bool,
) -> FileFacts:
    """What a file says about names; see `diptych.names.languages.Collect`.

    With `declares_fields`, a class has the fields that it declares; else those that its methods assign.
    """
    walk = _Walk(Collected(source, complete=complete), declares_fields)
    for _, node in captures:
        if node.parent is None:
            walk.run(node)
    return walk.finish()


class _Walk(Classes):
    def __init__(self, made: Collected, declares_fields: bool) -> None:
        super().__init__(made, declares_fields)
        self._exports = Exports(made)

    def run(self, root: Node) -> None:
        """Walk over a file."""
        self._pending.append((root, 0))
        while self._pending:
            node, scope = self._pending.pop()
            visit = _VISITS.get(node.type)
            if visit is not None:
                visit(self, node, scope)
            elif self._complete or node.type in _TRANSPARENT:
                self._later(node.named_children, scope)

    def declaration(self, node: Node, scope: int) -> None:
        """`const`, `let`, `var`."""
        target = self._function_of(scope) if node.type == "variable_declaration" else scope
        for declarator in node.named_children:
            if declarator.type != "variable_declarator":
                continue
            name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
            if name is None:
                continue
            module, item = required_item(self._made.source, value)
            value = self._given_to_exports(value, name, scope)
            if module:
                for part in self._exports.required(name, target, module, item):
                    self._pattern(part, target, ASSIGNED)
            elif name.type == "identifier":
                self._bind_value(self._made.text(name), name, target, ASSIGNED, declarator, value)
            else:
                self._pattern(name, target, ASSIGNED)
                self._later(declarator.named_children[1:] if self._complete else [], scope)
            if self._complete and (declared := declarator.child_by_field_name("type")) is not None:
                self._later([declared], scope)

    def assignment(self, node: Node, scope: int) -> None:
        """What a CommonJS module gives."""
        if self._given_to_exports(node, None, scope) is not node or self._member_given(node, scope):
            return
        if self._complete:
            self._later(node.named_children, scope)

    def _given_to_exports(self, node: Node | None, declared: Node | None, scope: int) -> Node | None:
        """What is assigned in `exports = module.exports = exports.a = value`, bound to all of these.

        With `declared`, it is bound to that name as well, later. Anything else is returned as it is.
        """
        if declared is not None and declared.type != "identifier":
            return node
        given: list[tuple[str, Node, Node]] = []
        value = node
        while value is not None and value.type == "assignment_expression":
            left = value.child_by_field_name("left")
            name, key = self._exports.assigned(left) if left is not None else ("", None)
            if not name or key is None:
                return node
            given.append((name, key, value))
            value = value.child_by_field_name("right")
        if value is None or not given:
            return node
        known = declared if declared is not None else value
        if known.type == "identifier":
            for name, key, _ in given:
                self._exports.passed_on(name, key, self._made.text(known))
            return value
        if shape_of(self._made.source, value) == "!undefined":
            # `exports.a = exports.b = void 0` says that there will be such, no more.
            return value
        # One has the value, the others are names of that one.
        last, at, holder = given.pop()
        target = self._exports.scope()
        shape = OWN_EXPORTS if last == EXPORTED else f"{OWN_EXPORTS}.{last}"
        for name, key, _ in given:
            if name != last:
                self._made.bind(name, target, key.start_point, ASSIGNED, shape)
        passes_on = last == EXPORTED and scope == 0
        self._bind_value(last, at, target, ASSIGNED, holder, value, is_passed_on=passes_on)
        return value

    def _member_given(self, node: Node, scope: int) -> bool:
        """What `f.a = …`, `f.prototype.a = …` or, in a function, `this.a = …` gives; whether it did."""
        left, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        owner = left.child_by_field_name("object") if left is not None else None
        key = left.child_by_field_name("property") if left is not None else None
        if owner is None or key is None or value is None:
            return False
        name, (members, how) = self._made.text(key), self._given_to(owner, scope)
        if name == "prototype" and value.type == "object" and self._complete and not self._declares_fields:
            function = self._seen(scope, self._made.text(owner))
            if function >= 0 and self._made.scopes[function].kind != CLASS:
                self._entries(value, self._makes(function), 0)
                return True
        if members < 0 or self._is_bound(members, name):
            return False
        first, made = len(self._made.scopes), self._made.scopes[members]
        self._bind_value(name, key, members, how, node, value)
        if value.type in FUNCTIONS and how == FIELD and made.start == made.end:
            self._made.bind("this", first, made.start, ASSIGNED, f":{written_at(made.start)}")
        return True

    def _given_to(self, owner: Node, scope: int) -> tuple[int, int]:
        """The scope of the members of what something is or makes, and how they are bound; -1 for none."""
        if owner.type == "identifier":
            seen = self._seen(scope, self._made.text(owner))
            opened = self._made.scopes[max(seen, 0)]
            if opened.kind == CLASS:
                return seen, FIELD if "!object" in opened.decorators else STATIC
            return (self._members_by(seen) if seen >= 0 and self._complete else -1), STATIC
        if self._declares_fields:
            return -1, FIELD
        if owner.type == "this":
            return (self._made_here(scope) if self._complete else -1), FIELD
        inner, last = owner.child_by_field_name("object"), owner.child_by_field_name("property")
        if inner is None or last is None or self._made.text(last) != "prototype":
            return -1, FIELD
        function = self._seen(scope, self._made.text(inner))
        if function >= 0 and self._made.scopes[function].kind == CLASS:
            return function, FIELD
        if not self._complete:
            return -1, FIELD
        is_function = function >= 0 and self._made.scopes[function].kind != CLASS
        return (self._makes(function) if is_function else -1), FIELD

    def _made_here(self, scope: int) -> int:
        """The scope of the members of what the function around makes, if it is not a method; else -1."""
        scopes = self._made.scopes
        while scope >= 0 and scopes[scope].kind != FUNCTION:
            scope = scopes[scope].parent
        if scope not in self._opened_by_name:
            return -1
        around = scopes[scope].parent
        # What is a member, in `a.run = function () {}`, has that of which it is one.
        return around if scopes[around].kind == CLASS else self._makes(scope)

    def call(self, node: Node, scope: int) -> None:
        """`Object.defineProperty(owner, "name", { … })`."""
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        given = arguments.named_children if arguments is not None else []
        is_defining = function is not None and self._made.text(function) == "Object.defineProperty"
        if is_defining and len(given) == 3 and given[1].type == "string" and self._reads_docs:
            name, (members, how) = key_text(self._made.source, given[1]), self._given_to(given[0], scope)
            if self._made.text(given[0]) in MODULE_OBJECTS:
                members, how = self._exports.scope(), ASSIGNED
            if name and members >= 0 and not self._is_bound(members, name):
                shape = defined_property(self._made.source, given[2])
                self._made.bind(name, members, given[1].start_point, how, shape)
        if self._complete:
            self._later(node.named_children, scope)

    # Blocks

    def block(self, node: Node, scope: int) -> None:
        """Statements in braces: a scope if something is declared there."""
        if not self._complete:
            return
        if _declares(node):
            scope = self._made.open(BLOCK, scope, node)
        self._later(node.named_children, scope)

    def loop(self, node: Node, scope: int) -> None:
        """`for`, with what it declares."""
        if not self._complete:
            return
        inner = self._made.open(BLOCK, scope, node)
        left, kind = node.child_by_field_name("left"), node.child_by_field_name("kind")
        if left is not None and kind is not None:
            self._pattern(left, self._function_of(inner) if kind.type == "var" else inner, ASSIGNED)
        self._later(node.named_children, inner)

    def catch(self, node: Node, scope: int) -> None:
        """`catch (error)`."""
        if not self._complete:
            return
        inner = self._made.open(BLOCK, scope, node)
        parameter = node.child_by_field_name("parameter")
        if parameter is not None:
            self._pattern(parameter, inner, ASSIGNED)
        self._later(node.named_children, inner)

    def namespace(self, node: Node, scope: int) -> None:
        """`namespace A.B {}`, `declare module "a" {}`."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None:
            return
        names = name.named_children if name.type == "nested_identifier" else [name]
        for part in names:
            inner = self._made.open(NAMESPACE, scope, node, part)
            if part.type != "string":
                self._made.bind(self._made.text(part), scope, part.start_point, DEFINED, inner=inner)
            scope = inner
        self._later(body.named_children if body is not None else [], scope)

    def comment(self, node: Node, scope: int) -> None:
        """A comment, which may declare types."""
        if self._reads_docs:
            declared_in(self._made, node, scope)

    # Modules

    def import_(self, node: Node, scope: int) -> None:
        """`import a, {b as c} from 'd'`."""
        self._exports.imported(node, scope)

    def import_alias(self, node: Node, scope: int) -> None:
        """`import A = B.C`."""
        parts = node.named_children
        if len(parts) == 2:
            shape = "".join(self._made.text(parts[1]).split())
            either = f"{shape}{IMPORT_ALIAS}{shape}]"
            self._made.bind(self._made.text(parts[0]), scope, parts[0].start_point, ASSIGNED, either)

    def export(self, node: Node, scope: int) -> None:
        """`export …`."""
        self._later(self._exports.exported(node), scope)
        value = node.child_by_field_name("value")
        default = next((child for child in node.children if child.type == "default"), None)
        if (
            value is not None
            and value.type not in ("identifier", "member_expression")
            and default is not None
        ):
            target = self._exports.scope()
            self._bind_value("default", default, target, ASSIGNED, node, value, is_passed_on=True)


def _declares(block: Node) -> bool:
    """Whether anything is declared that the block alone sees; the cases of a `switch` share one block."""
    return any(
        child.type in _LOCAL or (child.type in _CASES and _declares(child)) for child in block.named_children
    )


_VISITS: dict[str, Callable[[_Walk, Node, int], None]] = {
    "function_declaration": _Walk.function,
    "generator_function_declaration": _Walk.function,
    "function_signature": _Walk.function,
    "arrow_function": _Walk.expression,
    "function_expression": _Walk.expression,
    "generator_function": _Walk.expression,
    "function_type": _Walk.expression,
    "constructor_type": _Walk.expression,
    "return_statement": _Walk.return_,
    "class_declaration": _Walk.class_,
    "abstract_class_declaration": _Walk.class_,
    "class": _Walk.class_,
    "interface_declaration": _Walk.interface,
    "type_alias_declaration": _Walk.alias,
    "object_type": _Walk.literal_type,
    "infer_type": _Walk.inferred,
    "mapped_type_clause": _Walk.mapped,
    "enum_declaration": _Walk.enum,
    "object": _Walk.object,
    "lexical_declaration": _Walk.declaration,
    "variable_declaration": _Walk.declaration,
    "using_declaration": _Walk.declaration,
    "assignment_expression": _Walk.assignment,
    "statement_block": _Walk.block,
    "switch_body": _Walk.block,
    "for_statement": _Walk.loop,
    "for_in_statement": _Walk.loop,
    "catch_clause": _Walk.catch,
    "internal_module": _Walk.namespace,
    "module": _Walk.namespace,
    "import_statement": _Walk.import_,
    "import_alias": _Walk.import_alias,
    "export_statement": _Walk.export,
    "comment": _Walk.comment,
    "call_expression": _Walk.call,
}
