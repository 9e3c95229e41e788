"""What a parsed file defines and refers to: from tree-sitter's matches to symbols and relations.

One pass of one query over the tree, then one sweep over what it found, in the order of the source: open
definitions form a stack, whose dotted names are the containers of what follows. Speed matters here (a
standard library has half a million references), so nodes are asked for as little as can be: text is
sliced from the source, and no node's parent is ever looked up.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.indexer import text
from diptych.indexer.expand import expanded
from diptych.indexer.grammar import (
    ATTRIBUTE,
    COMMENT,
    DEFINITION,
    EXPANDED,
    IGNORED,
    REFERENCE,
    SCOPE,
    Pattern,
    Prepared,
)
from diptych.model import Range, Relation, Symbol

# Inside one of these a function is a method and a variable a field.
_TYPES = frozenset({"class", "struct", "enum", "interface", "trait", "scope"})
_ABOVE = frozenset({COMMENT, ATTRIBUTE})
_DEFINITIONS = frozenset({DEFINITION, SCOPE})
_REFERENCES = frozenset({REFERENCE, EXPANDED})
_MEMBER = {"function": "method", "variable": "field"}
_ARGUMENTS = re.compile(r"<[^<>]*>")
_new = tuple.__new__

_Definition = tuple[int, int, int, Node, Node, dict[str, list[Node]]]


def extract(prepared: Prepared, source: bytes) -> tuple[list[Symbol], list[Relation]]:
    """The symbols and relations of `source` (UTF-8 bytes), each list in the order of the source.

    Syntax errors are tolerated: what tree-sitter could make of the rest is returned.
    """
    tree = prepared.parser.parse(source)
    patterns = prepared.patterns
    winners: dict[int, tuple[int, dict[str, list[Node]]]] = {}
    above: dict[int, Node] = {}
    for index, captures in prepared.cursor.matches(tree.root_node):
        nodes = captures.get("name")
        if nodes is None:
            nodes = captures.get("qualified")
            if nodes is None:
                role, _, capture = patterns[index]
                if role in _ABOVE:
                    _note(above, captures[capture][0], source)
                continue
        start = nodes[0].start_byte
        winner = winners.get(start)
        if winner is None or index < winner[0]:
            winners[start] = (index, captures)
    definitions, references = _sorted_out(patterns, winners)
    return _swept(prepared, source, definitions, references, above)


def _note(above: dict[int, Node], node: Node, source: bytes) -> None:
    """Remember a comment or attribute by the line it ends on, when it stands alone there."""
    start = node.start_byte
    line = source.rfind(b"\n", 0, start) + 1
    if not source[line:start].strip():
        row, column = node.end_point
        # Some grammars count the line's end to the comment.
        above[row - 1 if column == 0 else row] = node


def _sorted_out(
    patterns: tuple[Pattern, ...], winners: dict[int, tuple[int, dict[str, list[Node]]]]
) -> tuple[list[_Definition], list[tuple[int, Pattern, Node]]]:
    definitions: list[_Definition] = []
    references: list[tuple[int, Pattern, Node]] = []
    for start, (index, captures) in winners.items():
        pattern = patterns[index]
        role = pattern.role
        if role in _REFERENCES:
            references.append((start, pattern, captures["name"][0]))
        elif role in _DEFINITIONS:
            whole = captures[pattern.capture][0]
            name = (captures.get("name") or captures["qualified"])[0]
            definitions.append((whole.start_byte, -whole.end_byte, index, whole, name, captures))
        else:
            assert role == IGNORED
    definitions.sort(key=_by_place)
    references.sort(key=_by_start)
    return definitions, references


def _by_place(definition: _Definition) -> tuple[int, int, int]:
    return definition[0], definition[1], definition[4].start_byte


def _by_start(reference: tuple[int, Pattern, Node]) -> int:
    return reference[0]


def _swept(
    prepared: Prepared,
    source: bytes,
    definitions: list[_Definition],
    references: list[tuple[int, Pattern, Node]],
    above: dict[int, Node],
) -> tuple[list[Symbol], list[Relation]]:
    symbols: list[Symbol] = []
    relations: list[Relation] = []
    stack = _Stack(prepared, source, above, symbols)
    ends, dotted = stack.ends, stack.dotted
    pending = definitions[::-1]
    next_start = pending[-1][0] if pending else len(source) + 1
    for start, (role, kind, _), node in references:
        while next_start <= start:
            stack.define(pending.pop())
            next_start = pending[-1][0] if pending else len(source) + 1
        while ends[-1] <= start:
            stack.pop()
        end = node.end_byte
        row, column = node.start_point
        if role == REFERENCE:
            target = source[start:end].decode("utf-8", "replace")
            if len(target) > text.NAME_MAX_CHARS:
                target = target[: text.NAME_MAX_CHARS]
            place = _new(Range, (row, column, row, column + end - start))
            relations.append(_new(Relation, (kind, dotted[-1], target, place)))
        else:
            place = Range(row, column, *node.end_point)
            relations += [
                Relation("imports", dotted[-1], target[: text.NAME_MAX_CHARS], place)
                for target in expanded(kind, source[start:end])
            ]
    while pending:
        stack.define(pending.pop())
    return symbols, relations


class _Stack:
    """The definitions that are open at a place in the source, outermost first."""

    def __init__(
        self, prepared: Prepared, source: bytes, above: dict[int, Node], symbols: list[Symbol]
    ) -> None:
        self.ends = [len(source) + 1]
        self.dotted = [""]
        self._starts = [-1]
        self._kinds = [""]
        self._patterns = prepared.patterns
        self._docstrings = prepared.language.doc == "docstring"
        self._upper_case_constants = prepared.language.upper_case_constants
        self._source = source
        self._above = above
        self._symbols = symbols

    def pop(self) -> None:
        self.ends.pop()
        self.dotted.pop()
        self._starts.pop()
        self._kinds.pop()

    def define(self, definition: _Definition) -> None:
        """Emit the symbol of a definition, and open it."""
        start, minus_end, index, whole, name, captures = definition
        # What has the very range of the one before is its sibling (`int a, b;`), not inside it.
        while self.ends[-1] <= start or (self._starts[-1] == start and self.ends[-1] == -minus_end):
            self.pop()
        container, called = _placed(self._source, self.dotted[-1], name, captures)
        kind = "scope"
        if self._patterns[index].role == DEFINITION:
            kind = self._kind(self._patterns[index].kind, called, container)
            head = _signature(self._source, start, -minus_end, whole)
            if self._docstrings:
                documentation = _docstring(self._source, whole)
            else:
                documentation = _comment(self._source, self._above, whole)
            place = Range(*whole.start_point, *whole.end_point)
            self._symbols.append(Symbol(called, kind, place, container, head, documentation))
        inside = f"{container}.{called}" if container else called
        self.ends.append(-minus_end)
        self.dotted.append(inside[: text.CONTAINER_MAX_CHARS])
        self._starts.append(start)
        self._kinds.append(kind)

    def _kind(self, kind: str, name: str, container: str) -> str:
        if self._kinds[-1] in _TYPES or container != self.dotted[-1]:
            return _MEMBER.get(kind, kind)
        if self._upper_case_constants and (kind == "constant" or kind == "variable"):
            return "constant" if name.isupper() else "variable"
        return kind


def _placed(source: bytes, enclosing: str, name: Node, captures: dict[str, list[Node]]) -> tuple[str, str]:
    """The container and the name of a definition."""
    called = _cut(source, name)
    if "container" in captures:
        enclosing = _joined(enclosing, _cut(source, captures["container"][0]))
    elif "qualified" in captures:
        qualifier, _, called = _without_arguments(called).rpartition("::")
        enclosing = _joined(enclosing, qualifier.strip(": ").replace("::", "."))
    return enclosing[: text.CONTAINER_MAX_CHARS], called[: text.NAME_MAX_CHARS]


def _joined(container: str, name: str) -> str:
    return f"{container}.{name}" if container and name else container or name


def _without_arguments(qualified: str) -> str:
    """`Stack<T>::push` as `Stack::push`; the angle brackets of `operator<` stay."""
    head, operator, tail = qualified.partition("operator")
    while "<" in head and ">" in head:
        shorter = _ARGUMENTS.sub("", head)
        if shorter == head:
            break
        head = shorter
    return head + operator + tail


def _cut(source: bytes, node: Node) -> str:
    start, end = node.byte_range
    return source[start : min(end, start + 4 * text.NAME_MAX_CHARS)].decode("utf-8", "replace")


def _signature(source: bytes, start: int, end: int, whole: Node) -> str:
    """The head of a definition: all before its body, on one line."""
    body = whole.child_by_field_name("body")
    if body is not None:
        end = body.start_byte
        if source.find(b"#", start, end) >= 0 or source.find(b"//", start, end) >= 0:
            # A comment may stand between the head and the body: take the tokens before the first.
            for child in whole.children:
                if child.is_extra or child.start_byte >= end:
                    end = child.start_byte
                    break
    return text.folded(source[start:end], text.SIGNATURE_MAX_CHARS).rstrip(" :{;,=")


def _docstring(source: bytes, whole: Node) -> str:
    body = whole.child_by_field_name("body")
    if body is None:
        return ""
    first = body.named_child(0) if body.named_child_count else None
    if first is None or first.type != "expression_statement":
        return ""
    literal = first.named_child(0)
    if literal is None or literal.type not in ("string", "concatenated_string"):
        return ""
    start, end = literal.byte_range
    return text.docstring(source[start:end])


def _comment(source: bytes, above: dict[int, Node], whole: Node) -> str:
    """The comment block that ends on the line above a definition; attributes may stand between."""
    row = whole.start_point[0] - 1
    block: list[bytes] = []
    size = 0
    while (node := above.get(row)) is not None and size < text.DOCUMENTATION_MAX_CHARS * 8:
        row = node.start_point[0] - 1
        if "comment" not in node.type:
            continue
        start, end = node.byte_range
        block.append(source[start:end].rstrip(b"\r\n"))
        size += end - start
    return text.comment(b"\n".join(reversed(block))) if block else ""
