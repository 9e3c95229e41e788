"""The symbol of a definition: kind, container, signature and documentation, from the syntax tree."""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.indexer import text
from diptych.indexer.comments import Comments
from diptych.indexer.grammar import DEFINITION, Pattern, Prepared
from diptych.indexer.languages.c_declarators import qualified_name
from diptych.model import Range, Symbol

# (start, -end, start of the name, pattern, its node, all captures)
Definition = tuple[int, int, int, Pattern, Node, dict[str, list[Node]]]

# Inside one of these ("" is a scope) a function is a method and a variable a field.
_TYPES = frozenset({"class", "struct", "enum", "interface", "trait", ""})
_MEMBER = {
    "function": "method",
    "prototype": "method",
    "variable": "field",
    "global": "field",
    "global_constant": "constant",
    "property": "field",
}
# Symbols only outside of functions.
_GLOBAL = {"global": "variable", "global_constant": "constant", "prototype": "function", "property": ""}
# Symbols only inside of another one: `call<{ inner: string }>()` names none of the file.
_INSIDE = {"inner_field": "field", "inner_method": "method"}
_OUTERMOST = frozenset({"file", "namespace", "module"})
_NO_BODY = frozenset({"variable", "constant", "field"})
# `EXPORT(char *) name(void)`: the tree begins inside of the macro, which was blanked for the parser.
_WRAPPER = re.compile(rb"[A-Za-z_]\w*+[ \t]*+\([ \t]*+\Z")
_CONDITIONAL = re.compile(rb"^[ \t]*#[ \t]*(?:if|el|endif)[^\n]*", re.MULTILINE)
# Nodes of names that may be in quotes or backticks.
_QUOTED = frozenset({"string", "identifier", "simple_identifier", "type_identifier"})
_SPACE = re.compile(r"\s")
_DOT = re.compile(r" ?(\.|::) ?")
_STRING_START = re.compile(rb"[rRuU]{0,2}[\"']")

# A named tuple of values that are of the right types, at half the cost.
_new = tuple.__new__


class Definitions:
    """The symbols found so far, and the open definitions at the current position, outermost first.

    `ends` has the end offset of each open definition, and `dotted` its name prefixed by its containers.
    """

    def __init__(self, prepared: Prepared, source: bytes, comments: Comments) -> None:
        self.symbols: list[Symbol] = []
        self.ends = [len(source) + 1]
        self.dotted = [""]
        self._starts = [-1]
        self._name_starts = [-1]
        self._kinds = ["file"]
        self._docstrings = prepared.language.doc == "docstring"
        self._reserved = prepared.language.reserved
        self._upper_case_constants = prepared.language.upper_case_constants
        self._one_word = prepared.language.one_word_names
        self._source = source
        self._comments = comments
        self._definition_id = 0
        self._body: Node | None = None

    def pop(self) -> None:
        """Close the innermost definition."""
        self.ends.pop()
        self.dotted.pop()
        self._starts.pop()
        self._name_starts.pop()
        self._kinds.pop()

    def define(self, definition: Definition) -> None:
        """Add the symbol of a definition, and open the definition."""
        start, minus_end, name_start, (role, kind, _), node, captures = definition
        end, source = -minus_end, self._source
        while self.ends[-1] <= start:
            self.pop()
        if kind == "open_namespace":
            # It has the rest of the file, or what comes before the next one of its kind.
            kind, end = "namespace", len(source)
            while self.ends[-1] == end and self._kinds[-1] == kind:
                self.pop()
        # With the same range as the last one, it is a sibling (`int a, b;`), not nested in it.
        sibling = self._starts[-1] == start and self.ends[-1] == end
        outer = -2 if sibling else -1
        if kind == "property":
            # A field that a parameter declares: it is the class's, not the constructor's.
            outer = next((-n for n, k in enumerate(reversed(self._kinds), 1) if k in _TYPES), outer)
        container, name = _placed(source, self.dotted[outer], captures)
        if kind == "alias":
            # `ll='ls -l'` in Bash.
            kind = "function"
            name, equals, _ = name.partition("=")
            name = name if equals else ""
        if kind == "block":
            name = ""
        elif role == DEFINITION:
            kind = self._kind(kind, name, self._kinds[outer])
            if not kind or not name or name in self._reserved or (self._one_word and _SPACE.search(name)):
                return
            body = None if kind in _NO_BODY else self._body_of(node, captures)
            if self._docstrings:
                documentation = _docstring(source, body)
            elif self._name_starts[outer] >= 0 and source.find(b"\n", self._name_starts[outer], start) < 0:
                # What is above their line is about the outer one: `enum Mode { FAST }`.
                documentation = ""
            else:
                documentation = self._comments.of(node, body)
            head = _signature(source, node, body, kind)
            fields = (name, kind, _range(source, node), container, head, documentation)
            self.symbols.append(_new(Symbol, (*fields, _name_range(name, captures))))
        else:
            # A scope may be a type of many words: `(A, B)`.
            name = "".join(name.split())
        if sibling:
            return
        # A namespace of PHP is dotted where it contains something.
        inside = _joined(container, name.replace("\\", "."))
        self.ends.append(end)
        self.dotted.append(inside[: text.CONTAINER_MAX_CHARS])
        self._starts.append(start)
        self._name_starts.append(name_start)
        self._kinds.append(kind)

    def _body_of(self, node: Node, captures: dict[str, list[Node]]) -> Node | None:
        if "body" in captures:
            return captures["body"][0]
        # Once for a definition of many names: each search visits all of them.
        if node.id != self._definition_id:
            self._definition_id, self._body = node.id, node.child_by_field_name("body")
        return self._body

    def _kind(self, kind: str, name: str, outer: str) -> str:
        """The symbol's kind inside a definition of kind `outer`; "" if it is not a symbol there."""
        if kind in _INSIDE:
            return "" if outer in _OUTERMOST else _INSIDE[kind]
        if kind == "expression":
            return ""
        if outer in _TYPES:
            return _MEMBER.get(kind, kind)
        if kind in _GLOBAL:
            kind = _GLOBAL[kind] if outer in _OUTERMOST else ""
        if self._upper_case_constants and kind in ("constant", "variable"):
            return "constant" if name.isupper() else "variable"
        return kind


def _placed(source: bytes, enclosing: str, captures: dict[str, list[Node]]) -> tuple[str, str]:
    """The container and the name of a definition."""
    if "qualified" in captures:
        qualifier, name = qualified_name(_cut(source, captures["qualified"][0]))
        enclosing = _joined(enclosing, qualifier)
    else:
        node = captures["name"][0]
        name = _cut(source, node)
        if name.startswith(":") and node.type == "simple_symbol":
            # Of Ruby.
            name = name[1:]
        if "container" in captures:
            container = "".join(_cut(source, captures["container"][0]).split())
            enclosing = _joined(enclosing, container.replace("::", ".").replace(":", "."))
    return enclosing[: text.CONTAINER_MAX_CHARS], _plain(name)[: text.NAME_MAX_CHARS]


def _plain(name: str) -> str:
    """A name without quotes; if it has several tokens, without space around its dots."""
    if name.isidentifier():
        return name
    if name.startswith(("'", '"')):
        return name[1:].removesuffix(name[0])
    if name.startswith("`") and len(name) > len("``"):
        return unquoted(name)
    return _DOT.sub(r"\1", " ".join(name.split())) if _SPACE.search(name) else name


def unquoted(name: str) -> str:
    """A name of Kotlin, Scala or Swift without its backticks, in which any other character may be."""
    return " ".join(name.strip("`").split())


def _joined(container: str, name: str) -> str:
    return f"{container}.{name}" if container and name else container or name


def _cut(source: bytes, node: Node) -> str:
    start, end = node.byte_range
    return source[start : min(end, start + 4 * text.NAME_MAX_CHARS)].decode("utf-8", "replace")


def _range(source: bytes, node: Node) -> Range:
    start_row, start_column = node.start_point
    row, column = node.end_point
    if column == 0 and row > start_row:
        # Some grammars include the newline in the node (of a macro, say). Exclude it.
        end = node.end_byte
        while end > node.start_byte and source[end - 1] in b"\r\n":
            end -= 1
        row -= 1
        column = end - source.rfind(b"\n", 0, end) - 1
    return _new(Range, (start_row, start_column, row, column))


def _name_range(name: str, captures: dict[str, list[Node]]) -> Range:
    """The range of the name, without the qualifier or the quotes that its node has."""
    node = (captures.get("name") or captures["qualified"])[0]
    row, column = node.start_point
    start, end = node.byte_range
    if len(name) == end - start and name.isascii() and name.isidentifier():
        return _new(Range, (row, column, row, column + end - start))
    end_row, end_column = node.end_point
    size = len(name.encode("utf-8", "replace"))
    if row == end_row and end - start != size:
        if "name" not in captures:
            column = max(column, end_column - size)
        elif node.type == "simple_symbol":
            column += 1
        elif node.type in _QUOTED and end_column - column == size + 2:
            column, end_column = column + 1, end_column - 1
        elif node.type in ("operator_cast", "word"):
            # With its parameters; an alias with its value.
            end_column = column + size
    return _new(Range, (row, column, end_row, end_column))


def _signature(source: bytes, node: Node, body: Node | None, kind: str) -> str:
    """The head of a definition: everything before its body, on one line, without comments."""
    start, end = node.byte_range
    # A longer signature is cut off anyway.
    end = min(end, start + 8 * text.SIGNATURE_MAX_CHARS)
    if body is not None:
        end = min(end, body.start_byte)
    elif kind in _TYPES:
        brace = source.find(b"{", start, end)
        end = brace if brace >= 0 else end
    may_be_inside = source[start - 1 : start] in (b"(", b" ")
    if may_be_inside and source.count(b")", start, end) > source.count(b"(", start, end):
        wrapper = _WRAPPER.search(source, max(start - text.NAME_MAX_CHARS, 0), start)
        start = wrapper.start() if wrapper else start
    head = source[start:end]
    if b"#" in head or b"//" in head or b"/*" in head:
        head = _without_comments(source, node, start, end)
    if b"\n#" in head:
        head = _CONDITIONAL.sub(b"", head)
    return text.folded(head, text.SIGNATURE_MAX_CHARS).rstrip(" :{;,=").removesuffix("=>").rstrip()


def _without_comments(source: bytes, node: Node, start: int, end: int) -> bytes:
    """The source from `start` to `end`, with a space for each comment that the tree has there."""
    comments = []
    pending = [node]
    while pending:
        for child in pending.pop().children:
            if child.start_byte >= end:
                break
            if "comment" in child.type:
                comments.append(child.byte_range)
            elif child.child_count:
                pending.append(child)
    parts = []
    for comment_start, comment_end in sorted(comments):
        parts.append(source[start:comment_start])
        start = max(start, comment_end)
    return b" ".join([*parts, source[start:end]])


def _docstring(source: bytes, body: Node | None) -> str:
    # Test the source first: most bodies do not begin with a string, and nodes are expensive.
    if body is None or not _STRING_START.match(source, body.start_byte) or not body.named_child_count:
        return ""
    statement = body.named_child(0)
    if statement.type != "expression_statement" or statement.named_child_count != 1:
        return ""
    literal = statement.named_child(0)
    if literal.type == "concatenated_string":
        parts = [part for part in literal.named_children if part.type == "string"]
    else:
        parts = [literal] if literal.type == "string" else []
    return text.docstring([source[part.start_byte : part.end_byte] for part in parts])
