"""The schema of a code index: files with their symbols and relations.

`diptych.schema.code_tables` says what a payload is, `diptych.schema.code_older` what one was before version
3. Both are read: an older one stays as it is, since what was derived from it has its parts by their offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from diptych.errors import InvalidPathError, InvalidRecordError
from diptych.fs import importing
from diptych.model import FileRecord, Relation, RelationHit, SearchHit, Symbol, SymbolHit
from diptych.schema import code_older as older
from diptych.schema.base import Buffer, Projection, Schema
from diptych.schema.code_payload import (
    counts_of,
    facts_of,
    names_part_of,
    record_of,
    relations_at,
    stored_symbols,
    symbol_at,
    symbol_items,
    symbols_of,
    terms_of,
    texts_of,
)
from diptych.schema.code_symbols import symbol_of
from diptych.schema.code_tables import UNDECODABLE, decoding, is_packed, undecodable
from diptych.schema.fields import Field

MAX_PATH_BYTES = 65_535

_IMMUTABLE = frozenset((Symbol, Relation, tuple))

_SYMBOLS, _RELATIONS = 0, 1


class CodeSchema(Schema[FileRecord]):
    """Files by path, symbols by name, relations by target."""

    name: ClassVar[str] = "code"
    version: ClassVar[int] = 3
    older_versions: ClassVar[tuple[int, ...]] = (1, 2)
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
        # Reading needs none of it.
        with importing("diptych.schema.code_packing"):
            from diptych.schema.code_packing import pack

        return pack(record)

    @decoding
    def unpack(self, key: bytes, payload: bytes) -> FileRecord:
        """The record, equal to the one packed."""
        path = key.decode("utf-8", "surrogateescape")
        return record_of(path, payload) if is_packed(payload) else older.record_of(path, payload)

    @decoding
    def symbols(self, payload: bytes) -> list[tuple[Symbol, int]]:
        """The symbols, each with its occurrence, without decoding the relations."""
        return symbols_of(payload) if is_packed(payload) else older.symbols_of(payload)

    @decoding
    def counts(self, payload: bytes) -> tuple[int, ...]:
        """`(symbols, relations)`."""
        return counts_of(payload) if is_packed(payload) else older.counts_of(payload)

    @decoding
    def content_hash(self, payload: bytes) -> str:
        """The content hash, without decoding the rest."""
        return facts_of(payload)[0] if is_packed(payload) else older.content_hash_of(payload)

    @decoding
    def names_part(self, payload: bytes) -> tuple[str, str, bytes]:
        """Content hash, language and names part, without decoding the symbols and relations."""
        return names_part_of(payload) if is_packed(payload) else older.names_part_of(payload)

    @decoding
    def texts(self, payload: bytes) -> set[str]:
        """All texts but those of the names part, without where each is."""
        return texts_of(payload) if is_packed(payload) else older.texts_of(payload)

    @decoding
    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        """Symbols by name and relations by target, with their items."""
        return terms_of(payload, stored_symbols(payload)) if is_packed(payload) else older.terms_of(payload)

    matches_views = True

    @decoding
    def matches(
        self, index: int, term: bytes, key: bytes, payload: Buffer, items: Sequence[int]
    ) -> list[Any]:
        """SymbolHits for index 0, RelationHits for index 1."""
        path = key.decode("utf-8", "surrogateescape")
        if index == _RELATIONS:
            at = relations_at if is_packed(payload) else older.relations_at
            return [RelationHit(path, relation) for relation in at(payload, items, term)]
        name = term.decode("utf-8", "surrogateescape")
        one = symbol_at if is_packed(payload) else older.symbol_at
        found = [one(payload, item) for item in items]
        return [SymbolHit(path, symbol, occurrence) for symbol, occurrence in found if symbol.name == name]

    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, Any]]]:
        """One document per symbol."""
        return self.project(key, payload).documents

    @decoding
    def project(self, key: bytes, payload: bytes) -> Projection:
        """Counts, terms and documents, in one pass for the speed of bulk loads."""
        # Reading needs none of it.
        from diptych.schema.code_projection import project

        if not is_packed(payload):
            return older.project(key, payload)
        stored = stored_symbols(payload)
        symbols = [symbol_of(one) for one in stored]
        return project(key, facts_of(payload)[1], symbols, terms_of(payload, stored))

    def snapshot_of(self, record: FileRecord) -> FileRecord | None:
        """The record with tuples for lists; None if a symbol or a relation is mutable."""
        path, content_hash, language, symbols, relations, names = record
        if _IMMUTABLE.issuperset(map(type, symbols)) and _IMMUTABLE.issuperset(map(type, relations)):
            return FileRecord(path, content_hash, language, tuple(symbols), tuple(relations), names)
        return None

    def project_record(self, key: bytes, payload: bytes, record: FileRecord) -> Projection:
        """The same, with half the work: it unpacks nothing."""
        from diptych.schema.code_projection import project_record

        if not is_packed(payload):
            return self.project(key, payload)
        return project_record(key, record, symbol_items(payload))

    def facet(self, name: str, key: bytes) -> str:
        """The folder of a path, "" at the top."""
        assert name == "folder"
        return key.decode("utf-8", "surrogateescape").rpartition("/")[0]

    def item(self, key: bytes, payload: Buffer, item: int) -> tuple[str, Symbol, int]:
        """Path, symbol and occurrence of the symbol that is `item`."""
        try:
            one = symbol_at if is_packed(payload) else older.symbol_at
            symbol, occurrence = one(payload, item)
        except UNDECODABLE as error:
            raise undecodable(error) from error
        return key.decode("utf-8", "surrogateescape"), symbol, occurrence

    def hit(self, found: tuple[str, Symbol, int], score: float) -> SearchHit:
        """The symbol, with its score."""
        path, symbol, occurrence = found
        return SearchHit(path, symbol, score, occurrence)


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
