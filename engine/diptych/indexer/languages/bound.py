"""What a walk over part of a syntax tree finds, where a query cannot say it."""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node


class Bound(NamedTuple):
    """A definition: its kind, the node of its name, that of its declaration, and its body if it has one."""

    kind: str
    name: Node
    node: Node
    body: Node | None = None


def text_of(source: bytes, node: Node) -> bytes:
    """The bytes of a node.

    Not `node.text`: of a tree whose source was read piece by piece, that reads and copies a whole piece.
    """
    start, end = node.byte_range
    return source[start:end]


class Word(NamedTuple):
    """A name that is no node of the tree: a word in a string. Its place is like a node's."""

    start_byte: int
    end_byte: int
    start_point: tuple[int, int]

    @property
    def end_point(self) -> tuple[int, int]:
        """Its end, on the line where it begins."""
        row, column = self.start_point
        return row, column + self.end_byte - self.start_byte
