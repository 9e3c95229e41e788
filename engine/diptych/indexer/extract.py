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
_TYPES = frozenset({"class", "struct", "enum", "interface", "trait", ""})
# Symbols only where no function encloses them.
_GLOBAL = {"global": "variable", "global_constant": "constant"}
_OUTERMOST = frozenset({"file", "namespace", "module"})
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
    ranks = prepared.ranks
    winners: dict[int, tuple[int, int, dict[str, list[Node]]]] = {}
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
        rank = ranks[index]
        winner = winners.get(start)
        if winner is None or rank < winner[0]:
            winners[start] = (rank, index, captures)
    definitions, references = _sorted_out(patterns, winners)
    return _swept(prepared, source, definitions, references, above)


def _note(above: dict[int, Node], node: Node, source: bytes) -> None:
    """Remember a comment or attribute by the line it ends on, when nothing else stands there."""
    start, end = node.byte_range
    row, column = node.end_point
    if column == 0:
        # Some grammars count the line's end to the comment.
        row -= 1
    elif source[end : _line_end(source, end)].strip():
        return
    # What stands before an attribute is part of it: `template <...>`.
    if "comment" not in node.type or not source[source.rfind(b"\n", 0, start) + 1 : start].strip():
        above[row] = node


def _line_end(source: bytes, start: int) -> int:
    end = source.find(b"\n", start)
    return end if end >= 0 else len(source)


def _sorted_out(
    patterns: tuple[Pattern, ...], winners: dict[int, tuple[int, int, dict[str, list[Node]]]]
) -> tuple[list[_Definition], list[tuple[int, Pattern, Node]]]:
    definitions: list[_Definition] = []
    references: list[tuple[int, Pattern, Node]] = []
    for start, (_, index, captures) in winners.items():
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
        self._kinds = ["file"]
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
        while self.ends[-1] <= start:
            self.pop()
        # What has the very range of the one before is its sibling (`int a, b;`), not inside it.
        sibling = self._starts[-1] == start and self.ends[-1] == -minus_end
        container, called = _placed(self._source, self.dotted[-2 if sibling else -1], name, captures)
        role, kind, _ = self._patterns[index]
        if role == DEFINITION:
            outer = self._kinds[-2 if sibling else -1]
            kind = self._kind(kind, called, outer)
            if not kind:
                return
            head = _signature(self._source, start, -minus_end, whole, kind)
            if self._docstrings:
                documentation = _docstring(self._source, whole)
            else:
                documentation = _comment(self._source, self._above, whole)
            place = _range(self._source, whole)
            self._symbols.append(Symbol(called, kind, place, container, head, documentation))
        if sibling:
            return
        inside = f"{container}.{called}" if container else called
        self.ends.append(-minus_end)
        self.dotted.append(inside[: text.CONTAINER_MAX_CHARS])
        self._starts.append(start)
        self._kinds.append(kind)

    def _kind(self, kind: str, name: str, outer: str) -> str:
        """The symbol's kind, given that of what encloses it; "" for what is no symbol there."""
        if outer in _TYPES:
            return _MEMBER.get(kind, kind)
        if kind in _GLOBAL:
            return _GLOBAL[kind] if outer in _OUTERMOST else ""
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


def _range(source: bytes, node: Node) -> Range:
    row, column = node.end_point
    if column == 0 and row > node.start_point[0]:
        # A line's end that the grammar counts to the node (a macro's) is no part of it.
        end = node.start_byte + len(source[node.start_byte : node.end_byte].rstrip(b"\r\n"))
        row -= 1
        column = end - source.rfind(b"\n", 0, end) - 1
    return Range(*node.start_point, row, column)


def _signature(source: bytes, start: int, end: int, whole: Node, kind: str) -> str:
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
    elif kind in _TYPES:
        brace = source.find(b"{", start, end)
        end = brace if brace >= 0 else end
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
