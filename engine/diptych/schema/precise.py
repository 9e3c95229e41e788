"""The schema of precise answers: what an index made by others says of each file, as of a content hash.

Payload, a msgpack array. A range is `[start row, start column, end row, end column]`, columns in UTF-8 bytes:

    [content hash, language, producer,
     [symbol, ...]                                                  sorted, each once
     [[symbol by number, roles, *range (, *enclosing range)], ...]  in the order of ranges
     [[symbol, kind, display name, [documentation, ...], signature, enclosing symbol,
       [[symbol, flags], ...]], ...]                                sorted by symbol
     root]

In version 1 there was no root. Roles and kinds are SCIP's numbers. The item of a symbol is the offset of its
string in the payload.
"""

# The contract has search documents; this schema has none.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, ClassVar, NamedTuple, ParamSpec, TypeVar

import msgpack

from diptych.errors import CorruptionError, InvalidRecordError
from diptych.model import Range
from diptych.schema.base import Buffer, Schema
from diptych.schema.code import CODE
from diptych.schema.fields import Field

LOCAL = "local "
"""How a symbol begins that only its own file can name."""

DEFINITION, IMPORT, WRITE, READ = 1, 2, 4, 8
"""Bits of `Occurrence.roles`."""

IS_REFERENCE, IS_IMPLEMENTATION, IS_TYPE_DEFINITION, IS_DEFINITION = 1, 2, 4, 8
"""Bits of `Relationship.flags`."""

MAX_COORDINATE = 2**31 - 1
MAX_NUMBER = 2**31 - 1

_DEFINITIONS, _OCCURRENCES = 0, 1
_ROW, _ROW_ENCLOSED = 6, 10
_ARRAY_OF_6, _ARRAY_OF_7, _EMPTY = b"\x96", b"\x97", b"\xa0"

Arguments = ParamSpec("Arguments")
Decoded = TypeVar("Decoded")

_new = tuple.__new__


class Occurrence(NamedTuple):
    """A place where a symbol is written. `enclosing` is what it is a part of, for a definition all of it."""

    range: Range
    symbol: str
    roles: int = 0
    enclosing: Range | None = None


class Relationship(NamedTuple):
    """What a symbol has to do with another."""

    symbol: str
    flags: int


class SymbolInformation(NamedTuple):
    """What is said of a symbol where it is defined."""

    symbol: str
    kind: int = 0
    display_name: str = ""
    documentation: tuple[str, ...] = ()
    signature: str = ""
    enclosing_symbol: str = ""
    relationships: tuple[Relationship, ...] = ()


class PreciseRecord(NamedTuple):
    """What an index made by others says of one file. It counts while the file has that content hash.

    `path` is as in `diptych.model.FileRecord`. `root` is the folder whose index it was, relative to the
    repository; "" for the repository's own, or where an older import did not say. Equal records have equal
    payloads, if `ordered`.
    """

    path: str
    content_hash: str
    language: str
    producer: str
    occurrences: tuple[Occurrence, ...]
    symbols: tuple[SymbolInformation, ...]
    root: str = ""

    def ordered(self) -> PreciseRecord:
        """The same, each thing once, in the order in which it is stored."""
        try:
            occurrences = sorted(set(self.occurrences))
        except TypeError:
            # Two that differ only in that one has no enclosing range.
            occurrences = sorted(set(self.occurrences), key=_occurrence_order)
        told: dict[str, SymbolInformation] = {}
        for one in self.symbols:
            if one.relationships:
                one = one._replace(relationships=tuple(sorted(set(one.relationships))))
            told.setdefault(one.symbol, one)
        return self._replace(
            occurrences=tuple(occurrences), symbols=tuple([told[symbol] for symbol in sorted(told)])
        )


def _occurrence_order(one: Occurrence) -> tuple[Any, ...]:
    return one.range, one.symbol, one.roles, one.enclosing or ()


# The errors of msgpack, and of values in the wrong place.
_UNDECODABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, msgpack.UnpackException)


def _decoding(method: Callable[Arguments, Decoded]) -> Callable[Arguments, Decoded]:
    """Raise a CorruptionError if `method` fails on a malformed payload."""

    @wraps(method)
    def decode(*arguments: Arguments.args, **options: Arguments.kwargs) -> Decoded:
        try:
            return method(*arguments, **options)
        except _UNDECODABLE as error:
            raise CorruptionError(
                f"a precise record does not decode: {error!r}",
                advice="import the index again with `diptych scip import`",
            ) from error

    return decode


class PreciseSchema(Schema[PreciseRecord]):
    """Files by path; by symbol, those that define it and those that mention it."""

    name: ClassVar[str] = "precise"
    version: ClassVar[int] = 2
    older_versions: ClassVar[tuple[int, ...]] = (1,)
    fields: ClassVar[tuple[Field, ...]] = (Field("path"),)
    default_fields: ClassVar[dict[str, float]] = {"path": 1.0}
    indexes: ClassVar[tuple[str, ...]] = ("definitions", "occurrences")
    counters: ClassVar[tuple[str, ...]] = ("occurrences", "symbols")

    def key(self, name: str) -> bytes:
        """A path's bytes, as in the code schema. Raises InvalidPathError."""
        return CODE.key(name)

    def check_key(self, key: bytes) -> None:
        """Raise InvalidPathError for a key that is not a valid path."""
        CODE.check_key(key)

    def key_of(self, record: PreciseRecord) -> bytes:
        """The key of a record's path. Raises InvalidPathError, InvalidRecordError."""
        if not isinstance(record, PreciseRecord):
            raise InvalidRecordError(f"expected a PreciseRecord, not {record!r:.200}")
        return self.key(record.path)

    def pack(self, record: PreciseRecord) -> bytes:
        """The payload of a record that is `ordered`. Raises InvalidRecordError."""
        symbols = sorted({one.symbol for one in record.occurrences})
        number = {symbol: count for count, symbol in enumerate(symbols)}
        try:
            rows = [
                (number[symbol], roles, *where, *enclosing)
                if enclosing is not None
                else (number[symbol], roles, *where)
                for where, symbol, roles, enclosing in record.occurrences
            ]
            if not {_ROW, _ROW_ENCLOSED}.issuperset(map(len, rows)) or (
                rows and (min(map(min, rows)) < 0 or max(map(max, rows)) > MAX_NUMBER)
            ):
                raise InvalidRecordError(f"{record.path}: an occurrence has a number that none can have")
            return bytes(
                msgpack.packb(
                    (
                        record.content_hash,
                        record.language,
                        record.producer,
                        symbols,
                        rows,
                        record.symbols,
                        record.root,
                    ),
                    unicode_errors="surrogateescape",
                )
            )
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, InvalidRecordError):
                raise
            raise InvalidRecordError(f"{record.path}: the record cannot be packed: {error}") from None

    @_decoding
    def unpack(self, key: bytes, payload: bytes) -> PreciseRecord:
        """The record, equal to the one packed."""
        digest, language, producer, symbols, rows, told, root = msgpack.unpackb(
            payload, use_list=False, unicode_errors="surrogateescape"
        )
        return PreciseRecord(
            key.decode("utf-8", "surrogateescape"),
            digest,
            language,
            producer,
            tuple([_occurrence(symbols, row) for row in rows]),
            tuple([_information(row) for row in told]),
            root,
        )

    def upgrade(self, version: int, payload: bytes) -> bytes:
        """A payload of version 1 with no root, in the bytes of this version. Raises CorruptionError."""
        assert version in self.older_versions
        if payload[:1] != _ARRAY_OF_6:
            raise CorruptionError(
                "a precise record of version 1 does not decode",
                advice="import the index again with `diptych scip import`",
            )
        # The symbols stay at their offsets.
        return _ARRAY_OF_7 + payload[1:] + _EMPTY

    @_decoding
    def content_hash(self, payload: bytes) -> str:
        """The content hash, without decoding the rest."""
        unpacker = _unpacker(payload)
        unpacker.read_array_header()
        digest = unpacker.unpack()
        if type(digest) is not str:
            raise ValueError("the content hash is not a str")
        return digest

    @_decoding
    def counts(self, payload: bytes) -> tuple[int, ...]:
        """`(occurrences, symbols)`."""
        _, _, _, symbols, rows, _, _ = msgpack.unpackb(payload, unicode_errors="surrogateescape")
        return len(rows), len(symbols)

    @_decoding
    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        """The symbols that others can name: those defined in the file, and all."""
        unpacker = _unpacker(payload)
        unpacker.read_array_header()
        for _ in range(3):
            unpacker.skip()
        symbols = []
        for _ in range(unpacker.read_array_header()):
            item = unpacker.tell()
            symbols.append((unpacker.unpack().encode("utf-8", "surrogateescape"), item))
        defined = {row[0] for row in unpacker.unpack() if row[1] & DEFINITION}
        local = LOCAL.encode()
        every = [one for one in symbols if not one[0].startswith(local)]
        return [symbols[one] for one in sorted(defined) if not symbols[one][0].startswith(local)], every

    @_decoding
    def matches(self, index: int, term: bytes, key: bytes, payload: bytes, items: Sequence[int]) -> list[str]:
        """The path of the file, if it really has the symbol."""
        assert index in (_DEFINITIONS, _OCCURRENCES)
        for item in items:
            if _symbol_at(payload, item) == term:
                return [key.decode("utf-8", "surrogateescape")]
        return []

    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, Any]]]:
        """None: nobody searches it by words."""
        return ()

    def item(self, key: bytes, payload: Buffer, item: int) -> str:
        """The path; there are no documents."""
        return key.decode("utf-8", "surrogateescape")

    def hit(self, found: str, score: float) -> str:
        """The path; there are no documents."""
        return found


def _unpacker(payload: bytes) -> msgpack.Unpacker:
    # Reject a length beyond the payload before anything is allocated for it.
    unpacker = msgpack.Unpacker(
        use_list=False, unicode_errors="surrogateescape", max_buffer_size=max(len(payload), 1)
    )
    unpacker.feed(payload)
    return unpacker


def _symbol_at(payload: bytes, item: int) -> bytes:
    unpacker = _unpacker(bytes(payload[item:]))
    symbol = unpacker.unpack()
    if type(symbol) is not str:
        raise ValueError("a symbol is not a str")
    return symbol.encode("utf-8", "surrogateescape")


def _occurrence(symbols: tuple[str, ...], row: tuple[int, ...]) -> Occurrence:
    if len(row) == _ROW:
        number, roles, a, b, c, d = row
        return _new(Occurrence, (_new(Range, (a, b, c, d)), symbols[number], roles, None))
    number, roles, a, b, c, d, e, f, g, h = row
    enclosing = _new(Range, (e, f, g, h))
    return _new(Occurrence, (_new(Range, (a, b, c, d)), symbols[number], roles, enclosing))


def _information(row: tuple[Any, ...]) -> SymbolInformation:
    symbol, kind, display_name, documentation, signature, enclosing_symbol, relationships = row
    related = tuple([Relationship(*one) for one in relationships])
    return SymbolInformation(symbol, kind, display_name, documentation, signature, enclosing_symbol, related)


PRECISE = PreciseSchema()
