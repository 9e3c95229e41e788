"""Documents of a SCIP file from records: their definitions, and the relations that are resolved."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from diptych.model import FileRecord, Range
from diptych.names.infer import Inference
from diptych.names.languages import LANGUAGES, language
from diptych.schema.code import CODE
from diptych.schema.precise import (
    DEFINITION,
    IMPORT,
    IS_DEFINITION,
    IS_IMPLEMENTATION,
    IS_REFERENCE,
    IS_TYPE_DEFINITION,
    READ,
    WRITE,
    Occurrence,
    PreciseRecord,
    Relationship,
    SymbolInformation,
)
from diptych.schema.precise_symbols import Package
from diptych.serving.scip.checking import Lines
from diptych.serving.scip.messages import (
    UTF8_COLUMNS,
    messages,
)
from diptych.serving.scip.naming import FILE_KIND, FileSymbols, symbols_of
from diptych.serving.scip.packages import package_of
from diptych.serving.scip.resolving import Relations
from diptych.serving.source import StoreSource

_FILES = 4_096
_START = Range(0, 0, 0, 0)


class Document(NamedTuple):
    """A document as it is written, and what is in it. `is_precise`: it was imported."""

    data: bytes
    is_precise: bool
    occurrences: int
    symbols: int


class Documents:
    """Documents of records. `unresolved` are the relations left out since it began."""

    def __init__(self, source: StoreSource) -> None:
        self.unresolved = 0
        self._source = source
        self._inferences: dict[str, Inference] = {}
        self._packages: dict[str, Package] = {}
        self._symbols: OrderedDict[str, FileSymbols | None] = OrderedDict()

    def begin(self) -> None:
        """Other files: nothing that was inferred for those before is used for them."""
        self.unresolved = 0
        self._inferences.clear()

    def document(self, record: FileRecord) -> Document | None:
        """The document of a file; None where it has changed since, or its path cannot be written.

        SCIP's paths are valid UTF-8.
        """
        text = self._source.parsed_text(record.path)
        if text is None or not self._source.is_as_recorded(record.path):
            return None
        imported = self._source.precise_of(record.path)
        if imported is None and not (record.path.isprintable() and _is_utf8(record.path)):
            return None
        made = imported.record if imported is not None else self._own(record, text)
        return Document(document_bytes(made), imported is not None, len(made.occurrences), len(made.symbols))

    def _own(self, record: FileRecord, text: bytes) -> PreciseRecord:
        """What our records say of a file."""
        symbols = self._symbols_of(record.path, record)
        assert symbols is not None
        lines = Lines(text)
        found = [Occurrence(_START, symbols.module, DEFINITION)]
        found += _definitions(symbols, lines)
        relationships: dict[str, list[Relationship]] = {}
        found += self._references(record, symbols, lines, text, relationships)
        told = [SymbolInformation(symbols.module, FILE_KIND, record.path.rpartition("/")[2])]
        for symbol, kind, one, is_first in symbols.named:
            if is_first:
                documentation = (_text(one.documentation),) if one.documentation else ()
                related = tuple(relationships.get(symbol, ()))
                told.append(
                    SymbolInformation(
                        symbol, kind, _text(one.name), documentation, _text(one.signature), "", related
                    )
                )
        return PreciseRecord(record.path, "", record.language, "", tuple(found), tuple(told)).ordered()

    def _references(
        self,
        record: FileRecord,
        symbols: FileSymbols,
        lines: Lines,
        text: bytes,
        relationships: dict[str, list[Relationship]],
    ) -> Iterator[Occurrence]:
        names = self._source.names_of(record.path) if record.language in LANGUAGES else None
        if names is None:
            self.unresolved += len(record.relations)
            return
        relations = Relations(self._source, self._inference(record.language), names, text)
        for relation in record.relations:
            found = relations.found(relation)
            symbol = self._symbol_at(found.path, found.kind, (found.place, found.origin)) if found else ""
            where = lines.in_bytes(relation.range, UTF8_COLUMNS) if symbol else None
            if where is None or lines.cuts_word(where):
                self.unresolved += 1
                continue
            yield Occurrence(where, symbol, IMPORT if relation.kind == "imports" else READ)
            own = symbols.by_name.get(relation.source)
            if relation.kind in ("extends", "implements") and own is not None:
                relationships.setdefault(own, []).append(Relationship(symbol, IS_IMPLEMENTATION))

    def _symbol_at(self, path: str, kind: str, places: tuple[tuple[int, int], ...]) -> str:
        """The symbol of a definition; "" where the records have none."""
        symbols = self._symbols_of(path)
        if symbols is None:
            return ""
        if kind == "module":
            return symbols.module
        return next((symbols.by_place[place] for place in places if place in symbols.by_place), "")

    def _symbols_of(self, path: str, record: FileRecord | None = None) -> FileSymbols | None:
        known = self._symbols.get(path)
        if known is None:
            if record is None:
                payload = self._source.view.payload(CODE.key(path))
                record = CODE.unpack(CODE.key(path), payload) if payload is not None else None
            known = symbols_of(record, self._package(record.language)) if record is not None else None
            self._symbols[path] = known
            while len(self._symbols) > _FILES:
                self._symbols.popitem(last=False)
        return known

    def _inference(self, name: str) -> Inference:
        if name not in self._inferences:
            self._inferences[name] = Inference(self._source, language(name).rules)
        return self._inferences[name]

    def _package(self, language: str) -> Package:
        if language not in self._packages:
            self._packages[language] = package_of(self._source.files, language)
        return self._packages[language]


def _definitions(symbols: FileSymbols, lines: Lines) -> Iterator[Occurrence]:
    """Where names are bound, if the name itself is written there."""
    for symbol, _, one, is_first in symbols.named:
        where = lines.in_bytes(one.name_range, UTF8_COLUMNS)
        if where is None or lines.cuts_word(where) or lines.text(where) != _text(one.name).encode():
            continue
        enclosing = lines.in_bytes(one.range, UTF8_COLUMNS)
        yield Occurrence(where, symbol, DEFINITION if is_first else WRITE, enclosing if is_first else None)


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def document_bytes(record: PreciseRecord) -> bytes:
    """A record as a document: equal bytes for equal records."""
    made = messages().document(
        relative_path=record.path, language=record.language, position_encoding=UTF8_COLUMNS
    )
    add = made.occurrences.add
    for where, symbol, roles, enclosing in record.occurrences:
        if enclosing is None:
            add(range=_numbers(where), symbol=symbol, symbol_roles=roles)
        else:
            numbers = _numbers(enclosing)
            add(range=_numbers(where), symbol=symbol, symbol_roles=roles, enclosing_range=numbers)
    for one in record.symbols:
        told = made.symbols.add(
            symbol=one.symbol,
            kind=one.kind,
            display_name=one.display_name,
            documentation=one.documentation,
            enclosing_symbol=one.enclosing_symbol,
        )
        if one.signature:
            told.signature_documentation.language = record.language
            told.signature_documentation.text = one.signature
        for symbol, flags in one.relationships:
            told.relationships.add(
                symbol=symbol,
                is_reference=bool(flags & IS_REFERENCE),
                is_implementation=bool(flags & IS_IMPLEMENTATION),
                is_type_definition=bool(flags & IS_TYPE_DEFINITION),
                is_definition=bool(flags & IS_DEFINITION),
            )
    return bytes(made.SerializeToString(deterministic=True))


def _numbers(where: Range) -> tuple[int, ...]:
    """A range as it is written: three numbers, if it is in one line."""
    row, start, end_row, end = where
    return (row, start, end) if row == end_row else (row, start, end_row, end)
