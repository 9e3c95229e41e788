"""Names in C and C++: functions, their parameters, and the scopes of what is defined outside of its class."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import (
    ASSIGNED,
    BLOCK,
    CLASS,
    CONST,
    DECLARED,
    DEFINED,
    FUNCTION,
    LAMBDA,
    METHODS,
    MODULE,
    NAMESPACE,
    OPTIONAL,
    PARAMETER,
    PRIVATE,
    REST,
    Scope,
)
from diptych.names.languages.c.declarators import Declarator, unwrapped
from diptych.names.languages.c.preprocessor import Preprocessor
from diptych.names.languages.c.shapes import dotted
from diptych.names.languages.c.types import UNKNOWN, annotation, class_shape
from diptych.names.languages.collected import Collected


class Functions(Preprocessor):
    """Definitions and prototypes of functions, lambdas, and what these take."""

    def __init__(self, made: Collected, *, cpp: bool) -> None:
        super().__init__(made, cpp=cpp)
        self._methods: dict[tuple[int, str], int] = {}

    def _owner(self, declared: Declarator, scope: int) -> int:
        """The scope of a member that is defined outside of its class, or `scope`."""
        if not declared.owner:
            return scope
        source = self.made.source
        text = ".".join(filter(None, (dotted(source, one) for one in declared.owner)))
        if (scope, text) not in self._methods:
            self._methods[scope, text] = len(self.made.scopes)
            known = Scope(CLASS, scope, (0, 0), (0, 0), text, (0, 0), (f":type[{text}]",), "", (METHODS,))
            self.made.scopes.append(known)
        return self._methods[scope, text]

    def _prototype(self, node: Node, declared: Declarator, scope: int) -> None:
        owner = self._owner(declared, scope)
        inner = self._function(node, declared, owner)
        self._bind(declared.name, owner, DECLARED, inner=inner)
        self._parameters(declared, inner)

    def function(self, node: Node, scope: int) -> None:
        """`T f(…) {}`."""
        declared = unwrapped(node.child_by_field_name("declarator"))
        if declared is None:
            self._later(node.named_children, scope)
            return
        owner = self._owner(declared, scope)
        inner = self._function(node, declared, owner)
        is_macro = node.child_by_field_name("type") is None and self.made.text(declared.name).isupper()
        if not is_macro or self.made.scopes[owner].name == self.made.text(declared.name):
            # The call of a macro with a block looks like a function without a type.
            self._bind(declared.name, owner, DEFINED, inner=inner)
        self._parameters(declared, inner)
        if self._complete:
            skipped = node.child_by_field_name("declarator")
            self._later([one for one in node.named_children if one != skipped], inner)

    def _function(self, node: Node, declared: Declarator, scope: int) -> int:
        source, given = self.made.source, node.child_by_field_name("type")
        hidden = self.made.scopes[scope].kind == MODULE and has_word(source, node, b"static")
        hidden = hidden or self._is_in_unnamed(scope)
        function = declared.function
        returns = annotation(source, given)
        if given is not None and given.type == "placeholder_type_specifier" and function is not None:
            trailing = [one for one in function.named_children if one.type == "trailing_return_type"]
            returns = annotation(source, trailing[0].named_children[0]) if trailing else ""
        taken = tuple(self._taken(declared)) if self._cpp else ()
        inner = self.made.open(
            FUNCTION, scope, node, declared.name, bases=taken, returns=returns,
            decorators=(*((PRIVATE,) if hidden else ()), *((CONST,) if _is_const(source, function) else ())),
        )  # fmt: skip
        self._template_parameters(node, inner)
        return inner

    def _is_in_unnamed(self, scope: int) -> bool:
        around = self.made.scopes[scope]
        return around.kind == NAMESPACE and not around.name and around.parent == 0

    def _taken(self, declared: Declarator) -> list[str]:
        """The shape of each parameter."""
        given = declared.function.child_by_field_name("parameters") if declared.function is not None else None
        found = []
        for one in given.children if given is not None else ():
            if one.type in ("parameter_declaration", "optional_parameter_declaration"):
                inner = unwrapped(one.child_by_field_name("declarator"))
                shape = annotation(self.made.source, one.child_by_field_name("type"), inner) or f":{UNKNOWN}"
                found.append(OPTIONAL + shape if one.type.startswith("optional") else shape)
            elif one.type in ("...", "variadic_parameter", "variadic_parameter_declaration"):
                found.append(f"{REST}:{UNKNOWN}")
        return [] if found == [":void"] else found

    def _parameters(self, declared: Declarator, scope: int) -> None:
        """The parameters of a function, if the file itself is what asks."""
        if not self._complete:
            return
        node: Node | None = declared.name
        while node is not None and node.type != "function_declarator":
            node = node.parent
        given = node.child_by_field_name("parameters") if node is not None else None
        if given is None or (declared.function is None and not declared.is_pointed):
            return
        if declared.function is None:
            scope = self.made.open(BLOCK, scope, given)
        self._later([given], scope)

    def parameter(self, node: Node, scope: int) -> None:
        """A parameter."""
        given, declarator = node.child_by_field_name("type"), node.child_by_field_name("declarator")
        declared = unwrapped(declarator)
        if declared is not None:
            self._bind(declared.name, scope, PARAMETER, annotation(self.made.source, given, declared))
            self._parameters(declared, scope)
        self._later(
            [one for one in (given, node.child_by_field_name("default_value")) if one is not None], scope
        )

    def lambda_(self, node: Node, scope: int) -> None:
        """`[…](…) {…}`."""
        self._later(node.named_children, self.made.open(LAMBDA, scope, node))

    def _template_parameters(self, node: Node, inner: int) -> None:
        around = node.parent
        if around is None or around.type != "template_declaration":
            return
        given = around.child_by_field_name("parameters")
        for one in given.named_children if given is not None else ():
            name = next((child for child in one.named_children if child.type == "type_identifier"), None)
            if name is not None and "type_parameter" in one.type:
                is_class = self.made.scopes[inner].kind == CLASS
                self._bind(name, inner, PARAMETER if is_class else ASSIGNED, class_shape(b"", None))


def _is_const(source: bytes, function: Node | None) -> bool:
    """Whether a method has `const` after its parameters."""
    children = function.named_children if function is not None else ()
    return any(
        source.startswith(b"const", child.start_byte) for child in children if child.type == "type_qualifier"
    )


def has_word(source: bytes, node: Node, word: bytes) -> bool:
    """Whether `word` is among what a declaration begins with."""
    start, end = node.byte_range
    # The bytes first: nodes are expensive.
    if source.find(word, start, end) < 0:
        return False
    return any(
        source.startswith(word, child.start_byte)
        for child in node.children
        if child.type == "storage_class_specifier"
    )
