"""The facts of a file while they are collected."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import MODULE, Binding, FileFacts, Point, Scope


class Collected:
    """Scopes and bindings, in the order in which they are found. Scope 0 is the file's."""

    def __init__(self, source: bytes, *, complete: bool) -> None:
        self.source = source
        self.complete = complete
        lines = source.count(b"\n")
        end = (lines, len(source) - source.rfind(b"\n") - 1)
        self.scopes: list[Scope] = [Scope(MODULE, -1, (0, 0), end)]
        self.bindings: list[Binding] = []
        self.stars: list[tuple[int, str]] = []
        self.exported: list[str] | None = None

    def text(self, node: Node) -> str:
        """The text of a node."""
        return text_of(self.source, node)

    def open(
        self,
        kind: int,
        parent: int,
        node: Node,
        name: Node | None = None,
        *,
        bases: tuple[str, ...] = (),
        returns: str = "",
        decorators: tuple[str, ...] = (),
    ) -> int:
        """Add a scope over `node`. Returns its number."""
        text, place = (text_of(self.source, name), name.start_point) if name is not None else ("", (0, 0))
        start, end = node.start_point, node.end_point
        self.scopes.append(Scope(kind, parent, start, end, text, place, bases, returns, decorators))
        return len(self.scopes) - 1

    def bind(self, name: str, scope: int, place: Point, how: int, shape: str = "", inner: int = -1) -> None:
        """Add a binding."""
        self.bindings.append(Binding(name, scope, place, how, shape, inner))

    def returns(self, scope: int, shape: str) -> None:
        """Set what a function returns."""
        self.scopes[scope] = self.scopes[scope]._replace(returns=shape)

    def facts(self) -> FileFacts:
        """What was collected."""
        exported = tuple(self.exported) if self.exported is not None else None
        return FileFacts(tuple(self.scopes), tuple(self.bindings), tuple(self.stars), exported, self.complete)


def text_of(source: bytes, node: Node) -> str:
    """The text of a node."""
    return bytes_of(source, node).decode("utf-8", "replace")


def bytes_of(source: bytes, node: Node) -> bytes:
    """The bytes of a node.

    Not `node.text`: of a tree whose source was read piece by piece, that reads and copies a whole piece.
    """
    start, end = node.byte_range
    return source[start:end]
