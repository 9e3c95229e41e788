"""Reading a payload of the versions 1 and 2 of the schema "code", which is a msgpack array:

    [content hash, language,
     [[name, kind, place, container, signature, documentation
       (, occurrence: only where an earlier symbol agrees in name, kind and container)], ...],
     [[kind, source, target, [start line, start column, end line, end column]], ...],
     names part: bin (absent where it is not known)]

A symbol's place is its range and that of its name, in one array:

    [start line, start column, end line, end column
       (, the name's line - start line, its start column, its length: unless it is empty, at the start)]
    or, if the name has several lines, its end line - start line and its end column instead of its length.

Version 1 had only the first four of a place, and no names part. A symbol's or a relation's item is the offset
of its array in the payload.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack

from diptych.model import FileRecord, Range, Relation, Symbol, start_of
from diptych.schema.base import Buffer, Projection

# So many objects of one record are unpacked from a copy of it: one at a time, each costs an exception.
_MANY_ITEMS = 4
# The item of all relations of a record, in segments from before each had one.
_ANYWHERE = 0
_FIELDS_WITH_NAMES = 5
_ENDS = 4

_new = tuple.__new__


def unpacker_of(payload: Buffer) -> msgpack.Unpacker:
    """Of a payload that may be malformed."""
    # Reject a length beyond the payload before anything is allocated for it.
    return msgpack.Unpacker(
        use_list=False, unicode_errors="surrogateescape", max_buffer_size=max(len(payload), 1)
    )


def record_of(path: str, payload: bytes) -> FileRecord:
    """The whole record."""
    content_hash, language, stored, relations, *rest = _all_of(payload)
    names = rest[0] if rest else b""
    if type(content_hash) is not str or type(language) is not str or type(names) is not bytes:
        raise ValueError("the content hash, the language or the names part is of another type")
    symbols = tuple(map(symbol_of, stored))
    fields = path, content_hash, language, symbols, tuple(map(_relation_of, relations)), names
    return _new(FileRecord, fields)


def texts_of(payload: bytes) -> set[str]:
    """All texts but those of the names part."""
    record = record_of("", payload)
    return {
        *(record.content_hash, record.language),
        *(text for one in record.symbols for text in (*one[:2], *one[3:6])),
        *(text for one in record.relations for text in one[:3]),
    }


def symbols_of(payload: bytes) -> list[tuple[Symbol, int]]:
    """The symbols, each with its occurrence."""
    stored = _symbols_in(payload).unpack()
    symbols = list(map(symbol_of, stored))
    return list(zip(symbols, map(_occurrence_of, stored), strict=True))


def counts_of(payload: bytes) -> tuple[int, int]:
    """How many symbols and relations there are."""
    unpacker = _symbols_in(payload)
    symbols = unpacker.read_array_header()
    for _ in range(symbols):
        unpacker.skip()
    return symbols, unpacker.read_array_header()


def content_hash_of(payload: bytes) -> str:
    """The content hash."""
    unpacker = unpacker_of(payload)
    unpacker.feed(payload)
    unpacker.read_array_header()
    digest = unpacker.unpack()
    if type(digest) is not str:
        raise ValueError("the content hash is not a str")
    return digest


def names_part_of(payload: bytes) -> tuple[str, str, bytes]:
    """Content hash, language and names part."""
    unpacker = unpacker_of(payload)
    unpacker.feed(payload)
    fields = unpacker.read_array_header()
    digest, language = unpacker.unpack(), unpacker.unpack()
    if fields < _FIELDS_WITH_NAMES:
        return digest, language, b""
    unpacker.skip()
    unpacker.skip()
    part = unpacker.unpack()
    if type(part) is not bytes:
        raise ValueError("the names part is not bytes")
    return digest, language, part


def terms_of(payload: bytes) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
    """The names of the symbols and the targets of the relations, each with its item."""
    unpacker = _symbols_in(payload)
    tell, unpack = unpacker.tell, unpacker.unpack
    names = []
    for _ in range(unpacker.read_array_header()):
        item = tell()
        names.append((unpack()[0].encode("utf-8", "surrogateescape"), item))
    targets = []
    for _ in range(unpacker.read_array_header()):
        item = tell()
        targets.append((unpack()[2].encode("utf-8", "surrogateescape"), item))
    return names, targets


def relations_at(payload: Buffer, items: Sequence[int], target: bytes) -> list[Relation]:
    """Those of the relations at these items that have the target."""
    name = target.decode("utf-8", "surrogateescape")
    stored = _all_of(payload)[3] if _ANYWHERE in items else all_stored_at(payload, items)
    return [_relation_of(one) for one in stored if one[2] == name]


def project(key: bytes, payload: bytes) -> Projection:
    """What is derived from it."""
    # Reading needs none of it.
    from diptych.schema.code_projection import project

    # All of it is read, so that what a whole read refuses is refused here.
    record = record_of("", payload)
    return project(key, record.language, record.symbols, terms_of(payload))


def stored_at(payload: Buffer, item: int) -> Any:
    """The array that begins at an item."""
    # Most symbols and relations are shorter than this. Only a longer one is decoded twice.
    stored = _first_of(payload[item : item + 2_048]) or _first_of(payload[item:])
    if stored is None:
        raise ValueError(f"what begins at byte {item} is cut off")
    return stored


def all_stored_at(payload: Buffer, items: Sequence[int]) -> list[Any]:
    """What begins at each of these bytes, in the order of the record."""
    if len(items) < _MANY_ITEMS:
        return [stored_at(payload, item) for item in items]
    unpacker = unpacker_of(payload)
    unpacker.feed(payload)
    unpack, pass_over = unpacker.unpack, unpacker.read_bytes
    found, at = [], 0
    for item in sorted(items):
        if item < at:
            raise ValueError(f"what begins at byte {item} is within another")
        pass_over(item - at)
        found.append(unpack())
        at = unpacker.tell()
    return found


def symbol_at(payload: Buffer, item: int) -> tuple[Symbol, int]:
    """The symbol at an item, and its occurrence."""
    stored = stored_at(payload, item)
    return symbol_of(stored), _occurrence_of(stored)


def symbol_of(stored: tuple[Any, ...]) -> Symbol:
    """The symbol of its array."""
    name, kind, place, container, signature, documentation, *occurrence = stored
    texts = type(name) is type(kind) is type(container) is type(signature) is type(documentation) is str
    if not texts or (occurrence and type(occurrence[0]) is not int):
        raise ValueError("a field of a symbol is of another type")
    if len(place) == 4:
        place = _new(Range, place)
        named = start_of(place)
    elif len(place) == 7:
        a, b, c, d, line, column, size = place
        place, named = _new(Range, (a, b, c, d)), _new(Range, (a + line, column, a + line, column + size))
    else:
        # Any other length is damage, and raises ValueError.
        a, b, c, d, line, column, end_line, end_column = place
        place, named = _new(Range, (a, b, c, d)), _new(Range, (a + line, column, a + end_line, end_column))
    return _new(Symbol, (name, kind, place, container, signature, documentation, named))


def _first_of(data: Buffer) -> Any:
    """The object at the beginning of `data`, or None if `data` ends before it does.

    It takes the object from the error for extra data: an Unpacker costs twice as much.
    """
    try:
        return msgpack.unpackb(data, use_list=False, unicode_errors="surrogateescape")
    except msgpack.ExtraData as error:
        return error.unpacked
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        return None


def _occurrence_of(stored: tuple[Any, ...]) -> int:
    occurrence = stored[6] if len(stored) > 6 else 0
    return int(occurrence)


def _relation_of(stored: tuple[Any, ...]) -> Relation:
    kind, source, target, where = stored
    if not type(kind) is type(source) is type(target) is str or len(where) != _ENDS:
        raise ValueError("a relation is of other types")
    return _new(Relation, (kind, source, target, _new(Range, where)))


def _all_of(payload: Buffer) -> Any:
    return msgpack.unpackb(payload, use_list=False, unicode_errors="surrogateescape")


def _symbols_in(payload: bytes) -> msgpack.Unpacker:
    """What comes after content hash and language."""
    unpacker = unpacker_of(payload)
    unpacker.feed(payload)
    unpacker.read_array_header()
    unpacker.skip()
    unpacker.skip()
    return unpacker
