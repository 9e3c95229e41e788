"""A record of the schema "code" as its payload: see `code_tables`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgpack

from diptych.errors import InvalidRecordError
from diptych.model import FileRecord
from diptych.schema.code_symbols import items_of, stored_symbol
from diptych.schema.code_tables import (
    HEAD,
    MAX_COORDINATE,
    MAX_SHARED_BYTES,
    RELATION_KINDS,
    encode_tables,
)

# So far from the line of its source a relation has a line of one byte. Beyond, the source is listed again.
_NEAR_LINES = 255

_RELATION_KIND_NUMBERS = {kind: number for number, kind in enumerate(RELATION_KINDS)}

_packer = msgpack.Packer(unicode_errors="surrogateescape", autoreset=True)


def pack(record: FileRecord) -> bytes:
    """The payload. Raises InvalidRecordError."""
    path, content_hash, language, symbols, relations, names = record
    if type(content_hash) is not str or type(language) is not str:
        raise InvalidRecordError(f"{path}: content_hash and language are str")
    if type(names) is not bytes:
        raise InvalidRecordError(f"{path}: names is bytes, not {type(names).__name__}")
    if not isinstance(symbols, tuple | list) or not isinstance(relations, tuple | list):
        raise InvalidRecordError(f"{path}: symbols and relations are tuples")
    packing = _Packing(path)
    try:
        packing.add_symbols(symbols)
        packing.add_relations(relations)
        return packing.payload(content_hash, language, names)
    except UnicodeEncodeError:
        raise InvalidRecordError(f"{path}: a string in the record holds a lone surrogate") from None
    except (OverflowError, ValueError) as error:
        raise InvalidRecordError(f"{path}: the record cannot be packed: {error}") from None


class _Packing:
    """The tables of a record, as they grow."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._literals: dict[str, int] = {"": 0}
        self._symbols: list[tuple[Any, ...]] = []
        self._qualified: dict[str, int] = {}
        self._targets: list[str] = []
        self._kinds: list[str] = []
        self._sizes: tuple[list[int], ...] = ([], [])
        self._sources: list[str] = []
        self._lines: list[int] = []
        self._relations: tuple[list[int], ...] = ([], [], [], [])

    def add_symbols(self, symbols: Sequence[Any]) -> None:
        """Take the symbols. Raises InvalidRecordError, UnicodeEncodeError."""
        qualified_names, alike = self._qualified, dict[tuple[str, str, str], int]()
        add = self._symbols.append
        for number, symbol in enumerate(symbols):
            try:
                name, kind, (a, b, c, d), container, signature, documentation, (e, f, g, h) = symbol
            except (TypeError, ValueError):
                raise InvalidRecordError(f"{self._path}: {symbol!r:.200} is not a Symbol") from None
            if not (
                type(name) is type(kind) is type(container) is type(signature) is type(documentation) is str
                and type(a) is type(b) is type(c) is type(d) is int
                and type(e) is type(f) is type(g) is type(h) is int
                and -1 < a <= c <= MAX_COORDINATE
                and -1 < b <= MAX_COORDINATE
                and -1 < d <= MAX_COORDINATE
                and -1 < e <= g <= MAX_COORDINATE
                and -1 < f <= MAX_COORDINATE
                and -1 < h <= MAX_COORDINATE
            ):
                raise InvalidRecordError(
                    f"{self._path}: a field of {symbol!r:.200} has a wrong type or range"
                )
            qualified = f"{container}.{name}" if container else name
            occurrence = 0
            if qualified_names.setdefault(qualified, number) != number:
                # Of the others of its name, only those of its kind and container count.
                occurrence = alike.get((name, kind, container), 0)
            alike[name, kind, container] = occurrence + 1
            add(stored_symbol(symbol, occurrence))

    def add_relations(self, relations: Sequence[Any]) -> None:
        """Take the relations. Raises InvalidRecordError."""
        uses, numbers = dict[tuple[str, str, int, int], int](), dict[str, int]()
        targets, sources, lines = self._targets, self._sources, self._lines
        kinds, (add_height, add_size) = self._kinds, [column.append for column in self._sizes]
        add_line, add_column, add_use, add_source = [column.append for column in self._relations]
        for relation in relations:
            try:
                kind, source, target, (a, b, c, d) = relation
            except (TypeError, ValueError):
                raise InvalidRecordError(f"{self._path}: {relation!r:.200} is not a Relation") from None
            if not (
                type(kind) is type(source) is type(target) is str
                and type(a) is type(b) is type(c) is type(d) is int
                and -1 < a <= c <= MAX_COORDINATE
                and -1 < b <= MAX_COORDINATE
                and -1 < d <= MAX_COORDINATE
            ):
                raise InvalidRecordError(
                    f"{self._path}: a field of {relation!r:.200} has a wrong type or range"
                )
            # Of one line, how long it is: modulo 2**32, since an end may be before its beginning.
            end = (kind, target, c - a, d if c > a else d - b & MAX_COORDINATE)
            use = uses.get(end, -1)
            if use < 0:
                use = uses[end] = len(uses)
                targets.append(target)
                kinds.append(kind)
                add_height(end[2])
                add_size(end[3])
            number = numbers.get(source, -1)
            if number < 0 or not 0 <= a - lines[number] <= _NEAR_LINES:
                number = numbers[source] = len(sources)
                sources.append(source)
                lines.append(a)
            add_line(a - lines[number])
            add_column(b)
            add_use(use)
            add_source(number)

    def payload(self, content_hash: str, language: str, names: bytes) -> bytes:
        """What was taken. Raises InvalidRecordError, UnicodeEncodeError, ValueError."""
        self._refuse_large()
        facts = bytes(_packer.pack((content_hash, language)))
        symbols = bytes(_packer.pack(self._symbols))
        kinds = [self._kind(kind) for kind in self._kinds]
        numbers, offsets = self._numbered_sources(HEAD.size + len(facts), symbols)
        literal_ends, literals = _encoded(list(self._literals))
        use_ends, targets = _encoded(self._targets)
        tables = (
            (literal_ends,),
            (use_ends, kinds, *self._sizes),
            (numbers, offsets, self._lines),
            self._relations,
        )
        return encode_tables(facts, symbols, tables, (literals, targets), names)

    def _kind(self, kind: str) -> int:
        number = _RELATION_KIND_NUMBERS.get(kind, -1)
        return number if number >= 0 else len(RELATION_KINDS) + self._literal(kind)

    def _literal(self, text: str) -> int:
        return self._literals.setdefault(text, len(self._literals))

    def _numbered_sources(self, begin: int, symbols: bytes) -> tuple[list[int], list[int]]:
        """A source is a literal, or after those the symbol of that qualified name, with its offset."""
        found = [self._qualified.get(source, -1) if source else -1 for source in self._sources]
        numbers = [
            self._literal(source) if symbol < 0 else 0
            for source, symbol in zip(self._sources, found, strict=True)
        ]
        literals = len(self._literals)
        items = items_of(symbols, begin) if max(found, default=-1) >= 0 else []
        return (
            [literals + symbol if symbol >= 0 else one for one, symbol in zip(numbers, found, strict=True)],
            [items[symbol] if symbol >= 0 else 0 for symbol in found],
        )

    def _refuse_large(self) -> None:
        """Raise InvalidRecordError for a record of much more than its payload: it would not be read."""
        texts = self._kinds, self._targets, self._sources
        longest = sum(max(map(len, some), default=0) for some in texts)
        _, _, uses, sources = self._relations
        if len(uses) * longest <= MAX_SHARED_BYTES:
            return
        both = zip(uses, sources, strict=True)
        lengths = [len(kind) + len(target) for kind, target in zip(self._kinds, self._targets, strict=True)]
        shared = sum(lengths[use] + len(self._sources[source]) for use, source in both)
        if shared > MAX_SHARED_BYTES:
            raise InvalidRecordError(
                f"{self._path}: the kinds, sources and targets of its relations have {shared:,} characters,"
                f" and {MAX_SHARED_BYTES:,} is the most"
            )


def _encoded(texts: Sequence[str]) -> tuple[list[int], bytes]:
    """Where each text ends, and all of them."""
    together = "".join(texts)
    if together.isascii():
        return list(accumulate(map(len, texts))), together.encode("ascii")
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    return list(accumulate(map(len, encoded))), b"".join(encoded)
