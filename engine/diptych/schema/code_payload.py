"""Reading a payload of version 3 of the schema "code": see `code_tables` for what it is made of."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import add
from typing import Any, NamedTuple

import msgpack

from diptych.model import FileRecord, Range, Relation, Symbol
from diptych.schema.base import Buffer
from diptych.schema.code_older import stored_at
from diptych.schema.code_symbols import items_of, occurrence_of, qualified_name, symbol_of, texts_in
from diptych.schema.code_tables import (
    HEAD,
    LITERAL_TEXTS_AT,
    LITERALS,
    LITERALS_AT,
    MAX_COORDINATE,
    MAX_SHARED_BYTES,
    NAMES_AT,
    RELATION_KINDS,
    RELATIONS,
    RELATIONS_AT,
    SOURCES,
    SOURCES_AT,
    SYMBOLS_AT,
    USE_TEXTS_AT,
    USES,
    USES_AT,
    Tables,
    begins_of,
    rows_of,
)

# The first three bits of a msgpack text of less than 32 bytes.
_SHORT_TEXT = 0b101
# Kind, source and target: a source is made of two texts of the payload, and a dot.
_TEXTS_OF_RELATION = 4

_new = tuple.__new__

Stored = Sequence[Sequence[Any]]
Terms = list[tuple[bytes, int]]


def record_of(path: str, payload: bytes) -> FileRecord:
    """The whole record."""
    tables, stored = Tables(payload), stored_symbols(payload)
    return _new(
        FileRecord,
        (
            *(path, *facts_of(payload), tuple(map(symbol_of, stored))),
            *(_relations_of(tables, stored), payload[tables.head[NAMES_AT] :]),
        ),
    )


def facts_of(payload: bytes) -> tuple[str, str]:
    """Content hash and language, without looking at the rest."""
    end = HEAD.unpack_from(payload)[SYMBOLS_AT]
    content_hash, language = msgpack.unpackb(payload[HEAD.size : end], unicode_errors="surrogateescape")
    if type(content_hash) is not str or type(language) is not str:
        raise ValueError("the content hash or the language is not a str")
    return content_hash, language


def names_part_of(payload: bytes) -> tuple[str, str, bytes]:
    """Content hash, language and names part."""
    return (*facts_of(payload), payload[Tables(payload).head[NAMES_AT] :])


def stored_symbols(payload: bytes) -> Stored:
    """The arrays of the symbols, without decoding the relations."""
    head = HEAD.unpack_from(payload)
    symbols = payload[head[SYMBOLS_AT] : head[LITERALS_AT]]
    stored: Stored = msgpack.unpackb(symbols, use_list=False, unicode_errors="surrogateescape")
    return stored


def symbols_of(payload: bytes) -> list[tuple[Symbol, int]]:
    """The symbols, each with its occurrence."""
    return [(symbol_of(stored), occurrence_of(stored)) for stored in stored_symbols(payload)]


def texts_of(payload: bytes) -> set[str]:
    """All texts but those of the names part, in a third of the time that the record takes."""
    tables, stored = Tables(payload), stored_symbols(payload)
    literals = tables.texts(LITERALS, tables.columns(LITERALS)[0])
    sources = {number - len(literals) for number in tables.columns(SOURCES)[0]}
    texts = texts_in(stored)
    # As a whole read: what is of another type must not pass for text that was looked at.
    if set(map(type, texts)) - {str}:
        raise ValueError("a text of a symbol is of another type")
    texts.update(facts_of(payload), literals, tables.texts(USES, tables.columns(USES)[0]))
    texts.update(qualified_name(stored[number]) for number in sources if number >= 0)
    return texts


def counts_of(payload: bytes) -> tuple[int, int]:
    """How many symbols and relations there are."""
    tables = Tables(payload)
    unpacker = msgpack.Unpacker()
    at = tables.head[SYMBOLS_AT]
    unpacker.feed(payload[at : min(at + 5, tables.head[LITERALS_AT])])
    return unpacker.read_array_header(), tables.count(RELATIONS)


def terms_of(payload: bytes, stored: Stored) -> tuple[Terms, Terms]:
    """The names of the symbols and the targets of the relations, each with its item."""
    tables = Tables(payload)
    items = symbol_items(payload)
    names = [
        (one[1].encode("utf-8", "surrogateescape"), item) for one, item in zip(stored, items, strict=True)
    ]
    # Where a record is indexed or verified: a read looks at no more than it needs.
    rows = _Rows.of(tables)
    _check(tables, rows, items)
    uses = rows.relations[2]
    if len(uses) * _TEXTS_OF_RELATION * len(payload) > MAX_SHARED_BYTES:
        _texts_of(tables, rows, stored)
    encoded, ends = tables.encoded(USES), rows.uses[0]
    targets = [encoded[begin:end] for begin, end in zip(begins_of(encoded, ends), ends, strict=False)]
    return names, list(zip(map(targets.__getitem__, uses), range(len(uses)), strict=True))


def symbol_items(payload: bytes) -> list[int]:
    """The items of the symbols."""
    head = HEAD.unpack_from(payload)
    return items_of(payload[head[SYMBOLS_AT] : head[LITERALS_AT]], head[SYMBOLS_AT])


def symbol_at(payload: Buffer, item: int) -> tuple[Symbol, int]:
    """The symbol at an item, and its occurrence."""
    stored = stored_at(payload, item)
    return symbol_of(stored), occurrence_of(stored)


class _Rows(NamedTuple):
    """The columns of the tables."""

    relations: list[Sequence[int]]
    uses: list[Sequence[int]]
    sources: list[Sequence[int]]
    literal_ends: Sequence[int]

    @classmethod
    def of(cls, tables: Tables) -> _Rows:
        """Those of a payload."""
        relations, uses, sources = (tables.columns(table) for table in (RELATIONS, USES, SOURCES))
        return cls(relations, uses, sources, tables.columns(LITERALS)[0])


def _check(tables: Tables, rows: _Rows, items: Sequence[int]) -> None:
    """Raise ValueError if the relations of a payload whose symbols have these items are not all there.

    What passes, `relations_at` reads as a whole read does: it finds a source's symbol by its offset.
    """
    places = [0] * len(rows.literal_ends)
    places += items
    numbers, offsets, _ = rows.sources
    if list(map(places.__getitem__, numbers)) != list(offsets):
        raise ValueError("a source is not where its symbol is")
    _, _, uses, sources = rows.relations
    kinds = rows.uses[1]
    if kinds and max(kinds) >= len(RELATION_KINDS) + len(rows.literal_ends):
        raise ValueError("a use has a kind that is not there")
    if uses and (max(uses) >= len(kinds) or max(sources) >= len(numbers)):
        raise ValueError("a relation has a use or a source that is not there")
    begins_of(tables.encoded(LITERALS), rows.literal_ends)


def _texts_of(tables: Tables, rows: _Rows, symbols: Stored) -> tuple[list[str], list[str], list[str]]:
    """The kinds and targets of the uses, and the names of the sources. Raises ValueError for too much."""
    targets = tables.texts(USES, rows.uses[0])
    literals = tables.texts(LITERALS, rows.literal_ends)
    numbers = rows.sources[0]
    # Once for each number, not for each source: many sources may be one symbol of a long name.
    known = {
        number: literals[number]
        if number < len(literals)
        else qualified_name(symbols[number - len(literals)])
        for number in set(numbers)
    }
    names = [known[number] for number in numbers]
    every = [*RELATION_KINDS, *literals]
    kinds = [every[number] for number in rows.uses[1]]
    _, _, uses, sources = rows.relations
    longest = sum(max(map(len, texts), default=0) for texts in (kinds, targets, names))
    if len(uses) * longest > MAX_SHARED_BYTES:
        both = zip(uses, sources, strict=True)
        _refuse_large(sum(len(kinds[use]) + len(targets[use]) + len(names[source]) for use, source in both))
    return kinds, targets, names


def _relations_of(tables: Tables, symbols: Stored) -> tuple[Relation, ...]:
    """All relations."""
    if not tables.count(RELATIONS):
        return ()
    rows = _Rows.of(tables)
    lines, columns, uses, sources = rows.relations
    kinds, targets, names = _texts_of(tables, rows, symbols)
    heights, sizes, bases = rows.uses[2], rows.uses[3], rows.sources[2]
    begins = list(map(add, map(bases.__getitem__, sources), lines))
    places: Iterable[Range]
    if any(heights) or max(columns) + max(sizes) > MAX_COORDINATE:
        places = [
            _range(line, column, heights[use], sizes[use])
            for line, column, use in zip(begins, columns, uses, strict=True)
        ]
    else:
        ends = list(map(add, columns, map(sizes.__getitem__, uses)))
        places = map(_new, repeat(Range), zip(begins, columns, begins, ends, strict=True))
    fields = zip(
        *(map(kinds.__getitem__, uses), map(names.__getitem__, sources)),
        *(map(targets.__getitem__, uses), places),
        strict=True,
    )
    return tuple(map(_new, repeat(Relation), fields))


def relations_at(payload: Buffer, items: Sequence[int], target: bytes) -> list[Relation]:
    """Those of the relations with these numbers that have the target, in the order of the record."""
    head = HEAD.unpack_from(payload)
    rows, first, last = rows_of(head[1]), head[RELATIONS_AT], head[LITERAL_TEXTS_AT]
    row = rows[RELATIONS]
    wanted = str(target, "utf-8", "surrogateescape")
    uses: dict[int, tuple[str, int, int] | None] = {}
    sources: dict[int, tuple[str, int]] = {}
    found, shared = [], 0
    for item in sorted(items) if len(items) > 1 else items:
        at = first + item * row.size
        line, column, use, source = row.unpack_from(payload, at)
        if at >= last:
            raise ValueError(f"there is no relation {item}")
        if use in uses:
            meant = uses[use]
        else:
            meant = uses[use] = _use(payload, head, rows, use, target)
            # Many uses and sources may be one text: it must not be decoded without end.
            shared += len(meant[0]) if meant else 0
        if meant is None:
            continue
        kind, height, size = meant
        if source in sources:
            name, base = sources[source]
        else:
            name, base = sources[source] = _source(payload, head, rows, source)
            shared += len(name)
        if shared > MAX_SHARED_BYTES:
            raise ValueError("what its relations share is too long")
        line += base
        if height:
            place = _new(Range, (line, column, line + height, size))
        else:
            place = _new(Range, (line, column, line, column + size & MAX_COORDINATE))
        found.append(_new(Relation, (kind, name, wanted, place)))
    return found


def _literal(payload: Buffer, head: Sequence[int], row: struct.Struct, number: int) -> str:
    at, texts = head[LITERALS_AT] + number * row.size, head[LITERAL_TEXTS_AT]
    begin = row.unpack_from(payload, at - row.size)[0] if number else 0
    end = row.unpack_from(payload, at)[0]
    if at >= head[USES_AT] or not begin <= end <= head[USE_TEXTS_AT] - texts:
        raise ValueError(f"there is no literal {number}")
    return str(payload[texts + begin : texts + end], "utf-8", "surrogateescape")


def _use(
    payload: Buffer, head: Sequence[int], rows: Sequence[struct.Struct], number: int, target: bytes
) -> tuple[str, int, int] | None:
    """Kind, height and size of a use, if it is one of the target."""
    row = rows[USES]
    at, texts = head[USES_AT] + number * row.size, head[USE_TEXTS_AT]
    begin = row.unpack_from(payload, at - row.size)[0] if number else 0
    end, kind, height, size = row.unpack_from(payload, at)
    if at >= head[SOURCES_AT] or not begin <= end <= head[NAMES_AT] - texts:
        raise ValueError(f"there is no use {number}")
    if payload[texts + begin : texts + end] != target:
        return None
    if kind < len(RELATION_KINDS):
        return RELATION_KINDS[kind], height, size
    return _literal(payload, head, rows[LITERALS], kind - len(RELATION_KINDS)), height, size


def _source(
    payload: Buffer, head: Sequence[int], rows: Sequence[struct.Struct], number: int
) -> tuple[str, int]:
    """The name of a source, and its line."""
    row, literal = rows[SOURCES], rows[LITERALS]
    at = head[SOURCES_AT] + number * row.size
    what, offset, line = row.unpack_from(payload, at)
    if at >= head[RELATIONS_AT]:
        raise ValueError(f"there is no source {number}")
    if what < (head[USES_AT] - head[LITERALS_AT]) // literal.size:
        return _literal(payload, head, literal, what), line
    return _name_at(payload, offset), line


def _name_at(payload: Buffer, offset: int) -> str:
    """The qualified name of the symbol whose array begins at an offset."""
    # Most containers and names have less than 32 bytes: their msgpack heads are one byte, as the array's is.
    size = payload[offset + 1]
    name_at = offset + 2 + (size & 31)
    name_size = payload[name_at]
    if size >> 5 != _SHORT_TEXT or name_size >> 5 != _SHORT_TEXT:
        return qualified_name(stored_at(payload, offset))
    name = str(payload[name_at + 1 : name_at + 1 + (name_size & 31)], "utf-8", "surrogateescape")
    if name_at == offset + 2:
        return name
    return f"{str(payload[offset + 2 : name_at], 'utf-8', 'surrogateescape')}.{name}"


def _range(line: int, column: int, height: int, size: int) -> Range:
    """Of a use: of one line `size` is the length, modulo 2**32, and of more the end column."""
    if not height:
        return _new(Range, (line, column, line, column + size & MAX_COORDINATE))
    return _new(Range, (line, column, line + height, size))


def _refuse_large(expanded: int) -> None:
    if expanded > MAX_SHARED_BYTES:
        raise ValueError("what its symbols or relations share is too long")
