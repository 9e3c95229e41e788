"""The schema of a code index: files with their symbols and relations.

Payload, a msgpack array (text is UTF-8; invalid bytes are stored unchanged, by surrogateescape):

    [content hash, language,
     [[name, kind, place, container, signature, documentation
       (, occurrence: only where an earlier symbol agrees in name, kind and container)], ...],
     [[kind, source, target, [start line, start column, end line, end column]], ...],
     names part: bin (`diptych.names.facts`; absent where it is not known)]

A symbol's place is its range and that of its name, in one array:

    [start line, start column, end line, end column
       (, the name's line - start line, its start column, its length: unless it is empty, at the start)]
    or, if the name has several lines, its end line - start line and its end column instead of its length.

A symbol's or a relation's item is the offset of its array in the payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgpack

from diptych.errors import InvalidPathError, InvalidRecordError
from diptych.model import (
    FileRecord,
    Range,
    Relation,
    RelationHit,
    SearchHit,
    Symbol,
    SymbolHit,
    occurrences,
)
from diptych.schema.base import Buffer, Projection, Schema
from diptych.schema.code_payload import (
    UNDECODABLE,
    all_stored_at,
    decoding,
    symbol_at,
    symbol_of,
    undecodable,
    unpacker_of,
)
from diptych.schema.fields import Field

MAX_PATH_BYTES = 65_535
MAX_COORDINATE = 2**32 - 1

_IMMUTABLE = frozenset((Symbol, Relation, tuple))

_SYMBOLS, _RELATIONS = 0, 1
# The item of all relations of a record, in segments from before each had one.
_ANYWHERE = 0
_FIELDS_WITH_NAMES = 5

_new = tuple.__new__


class CodeSchema(Schema[FileRecord]):
    """Files by path, symbols by name, relations by target."""

    name: ClassVar[str] = "code"
    version: ClassVar[int] = 2
    older_versions: ClassVar[tuple[int, ...]] = (1,)
    fields: ClassVar[tuple[Field, ...]] = (
        Field("name"),
        Field("kind", "exact"),
        Field("path"),
        Field("language", "exact"),
        Field("container"),
        Field("signature"),
        Field("documentation"),
    )
    default_fields: ClassVar[dict[str, float]] = {"name": 4.0, "signature": 1.0, "documentation": 1.0}
    any_case_fields: ClassVar[frozenset[str]] = frozenset(("kind", "language"))
    name_field: ClassVar[str | None] = "name"
    qualifier_fields: ClassVar[tuple[str, ...]] = ("container", "path")
    facets: ClassVar[tuple[str, ...]] = ("folder",)
    indexes: ClassVar[tuple[str, ...]] = ("symbols", "references")
    counters: ClassVar[tuple[str, ...]] = ("symbols", "relations")

    def __init__(self) -> None:
        self._pack = msgpack.Packer(unicode_errors="surrogateescape", autoreset=True).pack

    def __reduce__(self) -> tuple[type[CodeSchema], tuple[()]]:
        """For another process: a packer cannot be sent."""
        return type(self), ()

    def key(self, name: str) -> bytes:
        """A path's bytes, as Git holds them. Raises InvalidPathError."""
        if type(name) is not str:
            raise InvalidPathError(f"a path is a str, not {type(name).__name__}")
        try:
            key = name.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise InvalidPathError(f"the path {name!r} holds a lone surrogate") from None
        # This one test accepts nearly every path. The others get a detailed check.
        if not key or b"\0" in key or key[0] == 47 or b"/." in key or b"//" in key or key[0] == 46:
            _check_path(name, key)
        if key[-1] == 47 or len(key) > MAX_PATH_BYTES:
            _check_path(name, key)
        return key

    def check_key(self, key: bytes) -> None:
        """Raise InvalidPathError for a key that is not a valid path."""
        if type(key) is not bytes:
            raise InvalidPathError(f"a packed record's path is bytes, not {type(key).__name__}")
        _check_path(key.decode("utf-8", "surrogateescape"), key)

    def key_of(self, record: FileRecord) -> bytes:
        """The key of a record's path. Raises InvalidPathError, InvalidRecordError."""
        if not isinstance(record, FileRecord):
            raise InvalidRecordError(f"expected a FileRecord, not {record!r:.200}")
        return self.key(record[0])

    def pack(self, record: FileRecord) -> bytes:
        """The payload of a record. Raises InvalidRecordError."""
        path, content_hash, language, symbols, relations, names = record
        if type(content_hash) is not str or type(language) is not str:
            raise InvalidRecordError(f"{path}: content_hash and language are str")
        if type(names) is not bytes:
            raise InvalidRecordError(f"{path}: names is bytes, not {type(names).__name__}")
        if not isinstance(symbols, tuple | list) or not isinstance(relations, tuple | list):
            raise InvalidRecordError(f"{path}: symbols and relations are tuples")
        alike = set()
        stored = []
        for symbol in symbols:
            try:
                name, kind, (a, b, c, d), container, signature, documentation, (e, f, g, h) = symbol
            except (TypeError, ValueError):
                raise InvalidRecordError(f"{path}: {symbol!r:.200} is not a Symbol") from None
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
                raise InvalidRecordError(f"{path}: a field of {symbol!r:.200} has a wrong type or range")
            alike.add((name, kind, container))
            if e == g and h >= f:
                place: tuple[int, ...] = (a, b, c, d, e - a, f, h - f)
                if place[4:] == (0, b, 0):
                    place = (a, b, c, d)
            else:
                place = (a, b, c, d, e - a, f, g - a, h)
            stored.append((name, kind, place, container, signature, documentation))
        for relation in relations:
            try:
                kind, source, target, (a, b, c, d) = relation
            except (TypeError, ValueError):
                raise InvalidRecordError(f"{path}: {relation!r:.200} is not a Relation") from None
            if not (
                type(kind) is type(source) is type(target) is str
                and type(a) is type(b) is type(c) is type(d) is int
                and -1 < a <= c <= MAX_COORDINATE
                and -1 < b <= MAX_COORDINATE
                and -1 < d <= MAX_COORDINATE
            ):
                raise InvalidRecordError(f"{path}: a field of {relation!r:.200} has a wrong type or range")
        counted: Sequence[tuple[Any, ...]] = stored
        if len(alike) != len(symbols):
            counted = [
                (*symbol, count) if count else symbol
                for symbol, count in zip(stored, occurrences(symbols), strict=True)
            ]
        try:
            fields = (content_hash, language, counted, relations)
            return bytes(self._pack((*fields, names) if names else fields))
        except UnicodeEncodeError:
            raise InvalidRecordError(f"{path}: a string in the record holds a lone surrogate") from None
        except ValueError as error:
            raise InvalidRecordError(f"{path}: the record cannot be packed: {error}") from None

    @decoding
    def unpack(self, key: bytes, payload: bytes) -> FileRecord:
        """The record, equal to the one packed."""
        content_hash, language, symbols, relations, *rest = msgpack.unpackb(
            payload, use_list=False, unicode_errors="surrogateescape"
        )
        new = _new
        return new(
            FileRecord,
            (
                key.decode("utf-8", "surrogateescape"),
                content_hash,
                language,
                tuple([symbol_of(stored) for stored in symbols]),
                tuple([new(Relation, (k, s, t, new(Range, r))) for k, s, t, r in relations]),
                rest[0] if rest else b"",
            ),
        )

    @decoding
    def symbols(self, payload: bytes) -> list[tuple[Symbol, int]]:
        """The symbols, each with its occurrence, without decoding the relations."""
        unpacker = unpacker_of(payload)
        unpacker.feed(payload)
        unpacker.read_array_header()
        unpacker.skip()
        unpacker.skip()
        return [(symbol_of(stored), stored[6] if len(stored) > 6 else 0) for stored in unpacker.unpack()]

    @decoding
    def counts(self, payload: bytes) -> tuple[int, ...]:
        """`(symbols, relations)`."""
        unpacker = unpacker_of(payload)
        unpacker.feed(payload)
        unpacker.read_array_header()
        unpacker.skip()
        unpacker.skip()
        symbols = unpacker.read_array_header()
        for _ in range(symbols):
            unpacker.skip()
        return symbols, unpacker.read_array_header()

    @decoding
    def content_hash(self, payload: bytes) -> str:
        """The content hash, without decoding the rest."""
        unpacker = unpacker_of(payload)
        unpacker.feed(payload)
        unpacker.read_array_header()
        digest = unpacker.unpack()
        if type(digest) is not str:
            raise ValueError("the content hash is not a str")
        return digest

    @decoding
    def names_part(self, payload: bytes) -> tuple[str, str, bytes]:
        """Content hash, language and names part, without decoding the symbols and relations."""
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

    @decoding
    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        """Symbols by name and relations by target, with their offsets."""
        unpacker = unpacker_of(payload)
        unpacker.feed(payload)
        unpacker.read_array_header()
        unpacker.skip()
        unpacker.skip()
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

    matches_views = True

    @decoding
    def matches(
        self, index: int, term: bytes, key: bytes, payload: Buffer, items: Sequence[int]
    ) -> list[Any]:
        """SymbolHits for index 0, RelationHits for index 1."""
        path = key.decode("utf-8", "surrogateescape")
        name = term.decode("utf-8", "surrogateescape")
        if index == _RELATIONS:
            if _ANYWHERE in items:
                relations = msgpack.unpackb(payload, use_list=False, unicode_errors="surrogateescape")[3]
            else:
                relations = all_stored_at(payload, items)
            return [
                RelationHit(path, _new(Relation, (kind, source, target, _new(Range, where))))
                for kind, source, target, where in relations
                if target == name
            ]
        found = []
        for item in items:
            symbol, occurrence = symbol_at(payload, item)
            if symbol.name == name:
                found.append(SymbolHit(path, symbol, occurrence))
        return found

    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, Any]]]:
        """One document per symbol."""
        return self.project(key, payload).documents

    @decoding
    def project(self, key: bytes, payload: bytes) -> Projection:
        """Counts, terms and documents, in one pass for the speed of bulk loads."""
        _, language, symbols, relations, *_ = msgpack.unpackb(
            payload, use_list=False, unicode_errors="surrogateescape"
        )
        return _project(key, payload, language, symbols, relations)

    def snapshot_of(self, record: FileRecord) -> FileRecord | None:
        """The record with tuples for lists; None if a symbol or a relation is mutable."""
        path, content_hash, language, symbols, relations, names = record
        if _IMMUTABLE.issuperset(map(type, symbols)) and _IMMUTABLE.issuperset(map(type, relations)):
            return FileRecord(path, content_hash, language, tuple(symbols), tuple(relations), names)
        return None

    def project_record(self, key: bytes, payload: bytes, record: FileRecord) -> Projection:
        """The same, with half the work: it unpacks nothing, and only finds the offsets of symbols."""
        return _project(key, payload, record.language, record.symbols, record.relations)

    def facet(self, name: str, key: bytes) -> str:
        """The folder of a path, "" at the top."""
        assert name == "folder"
        return key.decode("utf-8", "surrogateescape").rpartition("/")[0]

    def item(self, key: bytes, payload: Buffer, item: int) -> tuple[str, Symbol, int]:
        """Path, symbol and occurrence of the symbol at offset `item`."""
        try:
            symbol, occurrence = symbol_at(payload, item)
        except UNDECODABLE as error:
            raise undecodable(error) from error
        return key.decode("utf-8", "surrogateescape"), symbol, occurrence

    def hit(self, found: tuple[str, Symbol, int], score: float) -> SearchHit:
        """The symbol, with its score."""
        path, symbol, occurrence = found
        return SearchHit(path, symbol, score, occurrence)


def _project(
    key: bytes, payload: bytes, language: str, symbols: Sequence[Any], relations: Sequence[Any]
) -> Projection:
    # Reading needs none of it.
    from diptych.schema.code_projection import project

    return project(key, payload, language, symbols, relations)


def _check_path(name: str, key: bytes) -> None:
    """Raise InvalidPathError if `name` is not a valid path."""
    if not key:
        reason = "is empty"
    elif b"\0" in key:
        reason = "holds a NUL"
    elif key[0] == 47:
        reason = "is absolute: give it relative to the repository's root"
    elif len(key) > MAX_PATH_BYTES:
        reason = f"is longer than {MAX_PATH_BYTES:,} bytes"
    elif {b"", b".", b".."} & set(key.split(b"/")):
        reason = "has an empty, `.` or `..` component"
    else:
        return
    shown = name if len(name) <= 200 else name[:200] + "…"
    raise InvalidPathError(f"the path {shown!r} {reason}")


CODE = CodeSchema()
