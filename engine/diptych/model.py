"""The records of a code index.

They are named tuples for speed in every commit and every read: msgpack packs a tuple without a Python call,
and a decoded record is built at C speed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from diptych.values import Value, field

RELATION_KINDS = ("calls", "extends", "implements", "imports", "references")


class Range(NamedTuple):
    """The range of a symbol: zero-based as in LSP, the end exclusive; columns count UTF-8 bytes."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int


class _Symbol(NamedTuple):
    name: str
    kind: str
    range: Range
    container: str
    signature: str
    documentation: str
    name_range: Range


class Symbol(_Symbol):
    """A definition. `container` is the dotted name of the enclosing definition, "" at the top level.

    `range` covers the declaration, `name_range` the name in it; where that is not known it is empty, at the
    declaration's start.
    """

    __slots__ = ()

    def __new__(
        cls,
        name: str,
        kind: str,
        range: Range,  # noqa: A002 - the field's name
        container: str = "",
        signature: str = "",
        documentation: str = "",
        name_range: Range | None = None,
    ) -> Symbol:
        if name_range is None:
            name_range = start_of(range)
        return tuple.__new__(cls, (name, kind, range, container, signature, documentation, name_range))


def start_of(range: Range) -> Range:  # noqa: A002 - as in Symbol
    """The empty range at the start of `range`."""
    # A symbol with an invalid range can be made; packing it fails.
    return Range(range[0], range[1], range[0], range[1]) if isinstance(range, tuple) else Range(0, 0, 0, 0)


class Relation(NamedTuple):
    """`source` (a dotted symbol name, "" for the file itself) relates to the name `target`."""

    kind: str
    source: str
    target: str
    range: Range


class _FileRecord(NamedTuple):
    path: str
    content_hash: str
    language: str
    symbols: tuple[Symbol, ...]
    relations: tuple[Relation, ...]
    names: bytes


class FileRecord(_FileRecord):
    """The record of one file.

    `path` is relative to the repository's root, with `/` between components; invalid UTF-8 is decoded as in
    `os.fsdecode` (surrogateescape). `content_hash` is `content_hash(data)` of the file's bytes. `names` is
    what the file says about names, as `diptych.names.facts` packs it; b"" where that is not known.
    """

    __slots__ = ()

    def __new__(
        cls,
        path: str,
        content_hash: str,
        language: str = "",
        symbols: Iterable[Symbol] = (),
        relations: Iterable[Relation] = (),
        names: bytes = b"",
    ) -> FileRecord:
        return tuple.__new__(cls, (path, content_hash, language, tuple(symbols), tuple(relations), names))


_put = object.__setattr__


class SymbolHit(Value):
    """A symbol and the path of its file. `occurrence` distinguishes symbols that differ only in range."""

    path: str
    symbol: Symbol
    occurrence: int = field(default=0, compare=False, repr=False)

    def __init__(self, path: str, symbol: Symbol, occurrence: int = 0) -> None:
        """A hit; see the class."""
        _put(self, "path", path)
        _put(self, "symbol", symbol)
        _put(self, "occurrence", occurrence)

    @property
    def id(self) -> str:
        """The symbol's stable identity, as `symbol_id` defines it."""
        return symbol_id(self.path, self.symbol, self.occurrence)


class RelationHit(Value):
    """A relation and the path of its file."""

    path: str
    relation: Relation

    def __init__(self, path: str, relation: Relation) -> None:
        """A hit; see the class."""
        _put(self, "path", path)
        _put(self, "relation", relation)


class SearchHit(Value):
    """A symbol found by full-text search, with Tantivy's BM25 score (higher is better)."""

    path: str
    symbol: Symbol
    score: float
    occurrence: int = field(default=0, compare=False, repr=False)

    def __init__(self, path: str, symbol: Symbol, score: float, occurrence: int = 0) -> None:
        """A hit; see the class."""
        _put(self, "path", path)
        _put(self, "symbol", symbol)
        _put(self, "score", score)
        _put(self, "occurrence", occurrence)

    @property
    def id(self) -> str:
        """The symbol's stable identity, as `symbol_id` defines it."""
        return symbol_id(self.path, self.symbol, self.occurrence)


def content_hash(data: bytes | bytearray | memoryview) -> str:
    """BLAKE3 of a file's bytes, as 64 hexadecimal digits."""
    from blake3 import blake3

    return blake3(data).hexdigest()


def symbol_id(path: str, symbol: Symbol, occurrence: int = 0) -> str:
    """A symbol's identity: 32 hexadecimal digits that depend only on path, name, kind, container.

    `occurrence` counts, in order of appearance, the symbols of one file that agree in all of these (an
    overload, a redefinition), so that no two share an identity. Every part is preceded by its length, so
    that no two tuples give the same bytes.
    """
    from blake3 import blake3

    hasher = blake3()
    for part in (path, symbol.container, symbol.kind, symbol.name, str(occurrence)):
        encoded = part.encode("utf-8", "surrogateescape")
        hasher.update(len(encoded).to_bytes(8, "little"))
        hasher.update(encoded)
    return hasher.hexdigest(16)


def occurrences(symbols: Iterable[Symbol]) -> list[int]:
    """For each symbol, how many earlier ones have the same name, kind and container."""
    seen: dict[tuple[str, str, str], int] = {}
    counted = []
    for symbol in symbols:
        alike = (symbol.name, symbol.kind, symbol.container)
        count = seen.get(alike, 0)
        seen[alike] = count + 1
        counted.append(count)
    return counted
