"""An oracle for any language: an index that a compiler's front end has written, in SCIP's format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from diptych.schema.precise import DEFINITION, Occurrence
from diptych.schema.precise_symbols import is_local
from diptych.serving.scip.reading import Document, read_documents
from tools.quality.names.oracle import Drawn, Spot

# The last name in a symbol, unless that is a module's.
_OWN_NAME = re.compile(r"(\w+)`?(?:#|\.|\(\)\.)$")


class ScipOracle:
    """A site is a use of a symbol that the index has a definition of.

    It is `global` unless only what it is bound in can see it: then it is a `parameter` or a `local`.
    """

    groups: tuple[str, ...] = ("global", "parameter", "local")

    def __init__(self, index: Path) -> None:
        self._index = index
        self._known: dict[str, _Symbols] = {}

    def sites(self, corpus: str) -> list[Drawn]:
        """The uses in the corpus."""
        symbols = self._symbols(corpus)
        return [
            Drawn(*spot, name, _group(symbol))
            for symbol, uses in symbols.uses.items()
            if symbol in symbols.definitions
            for spot, name in uses.items()
        ]

    def definitions(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where the symbol of each site is defined."""
        symbols = self._symbols(corpus)
        return [set(symbols.definitions.get(symbols.written_at[site[:3]], ())) for site in sites]

    def references(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """All places of the symbol that is written at each site."""
        symbols = self._symbols(corpus)
        written = [symbols.written_at[site[:3]] for site in sites]
        return [{*symbols.uses.get(symbol, ()), *symbols.definitions.get(symbol, ())} for symbol in written]

    def _symbols(self, corpus: str) -> _Symbols:
        if corpus not in self._known:
            self._known[corpus] = _Symbols(self._index, Path(corpus))
        return self._known[corpus]


class _Symbols:
    """The symbols of an index: where they are defined, and where they are used and as what."""

    def __init__(self, index: Path, corpus: Path) -> None:
        self.definitions: dict[str, list[Spot]] = {}
        self.uses: dict[str, dict[Spot, str]] = {}
        self._corpus = corpus
        self._lines: dict[str, list[str]] = {}
        with open(index, "rb") as file:
            for document in read_documents(file, str(index)):
                if isinstance(document, Document):
                    self._take(document)

    def _take(self, document: Document) -> None:
        path = document.path
        for one in document.occurrences:
            if one.range.start_line != one.range.end_line:
                continue
            # A local symbol is one of its own file.
            symbol = f"local {path} {one.symbol}" if is_local(one.symbol) else one.symbol
            spot, name = self._written(path, one)
            if one.roles & DEFINITION:
                self.definitions.setdefault(symbol, []).append(spot)
            elif name.isidentifier() and not _is_misnamed(one.symbol, name, self._before(path, one)):
                self.uses.setdefault(symbol, {})[spot] = name

    @cached_property
    def written_at(self) -> dict[Spot, str]:
        """The symbol at each place."""
        found = {spot: symbol for symbol, spots in self.uses.items() for spot in spots}
        return found | {spot: symbol for symbol, spots in self.definitions.items() for spot in spots}

    def _before(self, path: str, one: Occurrence) -> str:
        line = self._lines[path][one.range.start_line].encode("utf-16-le")
        return line[: one.range.start_column * 2].decode("utf-16-le", "replace")

    def _written(self, path: str, one: Occurrence) -> tuple[Spot, str]:
        """Where an occurrence is, and its text."""
        if path not in self._lines:
            text = (self._corpus / path).read_bytes().decode("utf-8", "replace")
            self._lines[path] = text.split("\n")
        lines, (row, start, _, end) = self._lines[path], one.range
        # Its columns count UTF-16.
        line = lines[row].encode("utf-16-le") if row < len(lines) else b""
        before, name = (
            part.decode("utf-16-le", "replace") for part in (line[: start * 2], line[start * 2 : end * 2])
        )
        return (path, row, len(before.encode())), name


def _is_misnamed(symbol: str, name: str, before: str) -> bool:
    """Whether a member is taken for another of another name: scip-python takes `__slots__` for the class."""
    own = _OWN_NAME.search(symbol)
    return before.endswith(".") and own is not None and own[1] != name


def _group(symbol: str) -> str:
    if symbol.startswith("local "):
        return "local"
    return "parameter" if symbol.endswith((")", "]")) else "global"
