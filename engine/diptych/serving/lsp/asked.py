"""From the parameters of a request to a question, and from places in files to the protocol's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lsprotocol import types

from diptych.names.facts import Point
from diptych.serving.lsp.positions import column_of, units_of
from diptych.serving.lsp.spelling import Spelling
from diptych.serving.lsp.workspace import Root
from diptych.serving.source import StoreSource

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server

_WORD = re.compile(rb"[\w$\x80-\xff]+")


class OfDocument(Protocol):
    """Parameters about a document."""

    text_document: types.TextDocumentIdentifier


class OfPosition(OfDocument, Protocol):
    """Parameters about a place in one."""

    position: types.Position


class Asked(NamedTuple):
    """The file that a request is about, in one root, at one LSN."""

    root: Root
    path: str
    lines: Lines

    @property
    def source(self) -> StoreSource:
        """What to ask."""
        return self.root.source

    def point(self, position: types.Position) -> Point:
        """A row, and a column in bytes."""
        return self.lines.point(self.path, position)


class Lines:
    """The lines of files of one root as they are during one answer, for columns that are not bytes.

    Their URIs are spelled as the editor spelled that of its question.
    """

    def __init__(self, server: Server, root: Root, spelling: Spelling) -> None:
        self._encoding = server.encoding
        self._root = root
        self._spelling = spelling
        self._lines: dict[str, list[bytes]] = {}
        self._uris: dict[str, str] = {}
        self._counted_alike: dict[str, bool] = {}

    def line(self, path: str, row: int) -> bytes:
        """A line without its end; b"" where there is none."""
        if path not in self._lines:
            text = self._root.source.parsed_text(path)
            self._lines[path] = text.split(b"\n") if text is not None else []
        lines = self._lines[path]
        return lines[row].removesuffix(b"\r") if row < len(lines) else b""

    def point(self, path: str, position: types.Position) -> Point:
        """The place in bytes; beyond a line is its end."""
        line = self.line(path, position.line)
        return position.line, column_of(line, position.character, self._encoding)

    def position(self, path: str, place: Point) -> types.Position:
        """The place as the editor counts."""
        row, column = place
        return types.Position(row, self.units(path, row, column))

    def range(self, path: str, start: Point, end: Point) -> types.Range:
        """What is between two places."""
        return types.Range(self.position(path, start), self.position(path, end))

    def name_range(self, path: str, place: Point, name: str) -> types.Range:
        """A name that is written at a place."""
        row, column = place
        return self.range(path, place, (row, column + len(name.encode("utf-8", "surrogateescape"))))

    def plain_location(self, path: str, place: Point) -> dict[str, Any]:
        """Where a name is written, whichever it is, as a JSON value."""
        row, column = place
        word = _WORD.match(self.line(path, row), column)
        end = (row, word.end() if word is not None else column)
        return {"uri": self.uri(path), "range": self.plain_range(path, place, end)}

    def uri(self, path: str) -> str:
        """The URI of a file of the root."""
        known = self._uris.get(path)
        if known is None:
            known = self._uris[path] = self._root.uri(path, self._spelling)
        return known

    def plain_range(self, path: str, start: Point, end: Point) -> dict[str, Any]:
        """What is between two places, as a JSON value."""
        return {"start": self._plain(path, start), "end": self._plain(path, end)}

    def _plain(self, path: str, place: Point) -> dict[str, int]:
        row, column = place
        return {"line": row, "character": self.units(path, row, column)}

    def units(self, path: str, row: int, column: int) -> int:
        """A column in bytes, as the editor counts."""
        if self._encoding == "utf-8":
            return column
        alike = self._counted_alike.get(path)
        if alike is None:
            alike = self._counted_alike[path] = self._root.source.is_ascii(path)
        if alike:
            return column
        return units_of(self.line(path, row), column, self._encoding)

    def location(self, path: str, place: Point, name: str) -> types.Location:
        """Where a name is written."""
        return types.Location(self.uri(path), self.name_range(path, place, name))


def asked(server: Server, params: OfDocument) -> Asked | None:
    """The question's file; None where the URI names no file. In the answering thread."""
    located = server.roots.located(params.text_document.uri)
    if located is None:
        return None
    located.root.source.begin()
    return Asked(located.root, located.path, Lines(server, located.root, located.spelling))


def name_part(qualified: str) -> str:
    """The last part of a dotted name, as it is written."""
    return qualified.rpartition(".")[2]


_KINDS = {
    "class": types.SymbolKind.Class,
    "function": types.SymbolKind.Function,
    "method": types.SymbolKind.Method,
    "field": types.SymbolKind.Field,
    "property": types.SymbolKind.Property,
    "variable": types.SymbolKind.Variable,
    "constant": types.SymbolKind.Constant,
    "module": types.SymbolKind.Module,
    "namespace": types.SymbolKind.Namespace,
    "package": types.SymbolKind.Package,
    "interface": types.SymbolKind.Interface,
    "struct": types.SymbolKind.Struct,
    "enum": types.SymbolKind.Enum,
    "enumerator": types.SymbolKind.EnumMember,
    "constructor": types.SymbolKind.Constructor,
    "parameter": types.SymbolKind.Variable,
    "type": types.SymbolKind.Class,
    "trait": types.SymbolKind.Interface,
    "object": types.SymbolKind.Object,
    "macro": types.SymbolKind.Function,
    "union": types.SymbolKind.Struct,
}


def symbol_kind(kind: str) -> types.SymbolKind:
    """What the protocol calls a kind of symbol."""
    return _KINDS.get(kind, types.SymbolKind.Variable)


def symbol_number(kind: str) -> int:
    """The same as a JSON value."""
    return _NUMBERS.get(kind, _VARIABLE)


_NUMBERS = {name: kind.value for name, kind in _KINDS.items()}
_VARIABLE = types.SymbolKind.Variable.value


def has(capabilities: object, names: Sequence[str]) -> bool:
    """Whether the client said that it can do something; `names` lead to it."""
    for name in names:
        capabilities = getattr(capabilities, name, None)
    return bool(capabilities)
