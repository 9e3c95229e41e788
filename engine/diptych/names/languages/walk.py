"""The walk over a file's tree that Go, Java, C, C++ and Rust share: from declaration to declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tree_sitter import Node

from diptych.names.facts import BLOCK, FileFacts
from diptych.names.languages import Captured
from diptych.names.languages.collected import Collected


class Walk:
    """Visits the nodes of `visits`, and enters others: those of `top`, or where all is collected, all.

    A language names its visits after its class, since they are its methods. What is only seen from within a
    function is collected where the facts are to be complete.
    """

    visits: ClassVar[Mapping[str, Callable[[Any, Node, int], None]]]
    """By a node's type: what is called with it and the number of the scope that it is in."""
    top: ClassVar[frozenset[str]]
    """Nodes that are entered in any case."""
    scoped: ClassVar[frozenset[str]] = frozenset()
    """Nodes that are a block scope where they are entered."""
    opaque: ClassVar[frozenset[str]] = frozenset()
    """Nodes that are never entered."""

    def __init__(self, made: Collected) -> None:
        self.made = made
        self._complete = made.complete
        self._pending: list[tuple[Node, int]] = []

    def facts(self, captures: list[Captured]) -> FileFacts:
        """Walk over the file whose captures these are."""
        for _, node in captures:
            if node.parent is None:
                self._run(node)
        return self.made.facts()

    def _run(self, root: Node) -> None:
        self._pending.append((root, 0))
        while self._pending:
            node, scope = self._pending.pop()
            visit = self.visits.get(node.type)
            if visit is not None:
                visit(self, node, scope)
            elif node.type not in self.opaque and (self._complete or node.type in self.top):
                if node.type in self.scoped:
                    scope = self.made.open(BLOCK, scope, node)
                self._later(node.named_children, scope)

    def _later(self, nodes: list[Node], scope: int) -> None:
        self._pending += [(node, scope) for node in reversed(nodes)]

    def _inside(self, node: Node | None, scope: int) -> None:
        """Enter what only the file itself can see."""
        if node is not None and self._complete:
            self._pending.append((node, scope))

    def _bind(self, name: Node, scope: int, how: int, shape: str = "", inner: int = -1) -> None:
        self.made.bind(self.made.text(name), scope, name.start_point, how, shape, inner)
