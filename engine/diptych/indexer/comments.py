"""The comments of a file, and which of them document a definition."""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.indexer import text

_REST_OF_LINE = re.compile(rb"[ \t\r\v\f]*(?:\n|\Z)")
_LINE_BYTES = 4_096
# Limit on comments and attributes above a definition. Earlier ones are not its documentation.
_MAX_ABOVE = 1_000


class Comments:
    """Comments and attributes by the line they end on, inner comments (`//!`) by the one they begin on."""

    def __init__(self, source: bytes, directive: bytes) -> None:
        self._source = source
        self._directive = re.compile(directive) if directive else None
        self._above: dict[int, Node] = {}
        self._inside: dict[int, Node] = {}

    def note(self, node: Node) -> None:
        """Remember a comment or attribute, if nothing follows it on its line."""
        start, end = node.byte_range
        if not start and self._source.startswith(b"#!"):
            return
        row, column = node.end_point
        if column == 0:
            # Some grammars include the newline in the comment.
            row -= 1
        elif not _REST_OF_LINE.match(self._source, end):
            return
        # Text before an attribute is part of it: `template <...>`.
        if "comment" not in node.type or not self._before_in_line(start).strip():
            self._above[row] = node

    def note_inner(self, node: Node) -> None:
        """Remember a comment that documents what it is in."""
        self._inside[node.start_point[0]] = node

    def of(self, node: Node, body: Node | None) -> str:
        """The documentation of a definition: the comment block above it, or the inner one in its body."""
        block = self._block_above(node.start_point[0] - 1)
        if not block and body is not None and self._inside:
            block = self._block_inside(body.start_point[0])
        return text.comment(b"\n".join(block)) if block else ""

    def _block_above(self, row: int) -> list[bytes]:
        """The comments that end on the line `row`; attributes and directives may come between."""
        block: list[bytes] = []
        size = 0
        seen = 0
        while (found := self._above.get(row)) is not None and size < text.DOCUMENTATION_MAX_CHARS * 8:
            row = found.start_point[0] - 1
            seen += 1
            if seen > _MAX_ABOVE:
                break
            start, end = found.byte_range
            if "comment" not in found.type or (
                self._directive and self._directive.match(self._source, start)
            ):
                continue
            block.append(self._source[start:end].rstrip(b"\r\n"))
            size += end - start
        return block[::-1]

    def _block_inside(self, row: int) -> list[bytes]:
        """The inner comments that begin on the line of a body, or on the next one."""
        block: list[bytes] = []
        row += row not in self._inside
        while (found := self._inside.get(row)) is not None and len(block) < _MAX_ABOVE:
            start, end = found.byte_range
            block.append(self._source[start:end].rstrip(b"\r\n"))
            row += block[-1].count(b"\n") + 1
        return block

    def _before_in_line(self, end: int) -> bytes:
        # Bounded: a line of megabytes may have many comments.
        before = self._source[max(end - _LINE_BYTES, 0) : end]
        return before[before.rfind(b"\n") + 1 :]
