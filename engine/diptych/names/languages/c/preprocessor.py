"""Names in C and C++: what the preprocessor reads."""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE, TAG_OF
from diptych.names.facts import MACRO, MODULE, NAMESPACE
from diptych.names.languages.c.conditions import counts
from diptych.names.languages.collected import Collected, bytes_of
from diptych.names.languages.walk import Walk

# A macro for a name, or for a chain of names.
_CAST = re.compile(
    rb"\s*(?:\(\s*\(\s*(struct\s+|union\s+)?(\w+)\s*\*+\s*\)|(?:container_of|list_entry)\(\s*\w+\s*,"
    rb"\s*(struct\s+)?(\w+)\s*,)"
)
_CHAIN = re.compile(rb"\s*([A-Za-z_]\w*(?:(?:->|\.)[A-Za-z_]\w*)*)\s*")


class Preprocessor(Walk):
    """Macros, includes, and the branches of conditionals."""

    def __init__(self, made: Collected, *, cpp: bool) -> None:
        super().__init__(made)
        self._cpp = cpp
        self._defined: set[bytes] = set()

    def conditional(self, node: Node, scope: int) -> None:
        """`#if`: what is in a branch that does not count is in a scope by itself, which is seen through."""
        branches: list[tuple[Node, list[Node]]] = []
        branch: Node | None = node
        while branch is not None:
            rest = branch.child_by_field_name("alternative")
            skipped = (rest, branch.child_by_field_name("condition"), branch.child_by_field_name("name"))
            branches.append((branch, [one for one in branch.named_children if one not in skipped]))
            branch = rest
        is_apart = self.made.scopes[scope].kind in (MODULE, NAMESPACE)
        source, is_found = self.made.source, False
        for one, inside in branches:
            is_taken = not is_found and counts(source, one, self._defined, cpp=self._cpp)
            is_found = is_found or is_taken
            at = self.made.open(NAMESPACE, scope, one) if is_apart and not is_taken else scope
            self._later(inside, at)
        if self._complete:
            tests = [part for one, _ in branches for part in (one.child_by_field_name("condition"),) if part]
            self._later(tests, scope)

    def include(self, node: Node, _scope: int) -> None:
        """`#include "a.h"`."""
        path = node.child_by_field_name("path")
        text = self.made.text(path) if path is not None else ""
        if text[:1] in ('"', "<"):
            self.made.stars.append((0, text[:-1]))

    def macro(self, node: Node, scope: int) -> None:
        """`#define A …`."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None:
            source = self.made.source
            text = bytes_of(source, value) if value is not None else b""
            shape = _replaced(text) if node.type == "preproc_def" else _cast_to(text)
            around = self.made.scopes[scope]
            at = scope if around.kind == NAMESPACE and not around.name else 0
            if at == 0:
                self._defined.add(bytes_of(source, name))
            self._bind(name, at, MACRO, "" if shape == self.made.text(name) else shape)


def _replaced(text: bytes) -> str:
    """The shape of what a macro is a name for; "" for what is no chain of names."""
    chain = _CHAIN.fullmatch(text)
    return chain[1].decode().replace("->", ".") if chain is not None else ""


def _cast_to(text: bytes) -> str:
    """The shape of a macro that gives its argument another type."""
    cast = _CAST.match(text)
    if cast is None:
        return ""
    tag, name = cast[1] or cast[3], (cast[2] or cast[4]).decode()
    return f":{FUNCTION_TYPE}[{TAG_OF}[{name}]]" if tag else f":{FUNCTION_TYPE}[{name}]"
