"""The documents of a SCIP file, one at a time, as values."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, NamedTuple

from diptych.model import Range
from diptych.schema.precise import (
    IS_DEFINITION,
    IS_IMPLEMENTATION,
    IS_REFERENCE,
    IS_TYPE_DEFINITION,
    MAX_COORDINATE,
    Occurrence,
    Relationship,
    SymbolInformation,
)
from diptych.serving.scip.errors import ScipError
from diptych.serving.scip.messages import DOCUMENTS, METADATA, Message, messages
from diptych.serving.scip.stream import FieldReader

_FLAGS = (
    ("is_reference", IS_REFERENCE),
    ("is_implementation", IS_IMPLEMENTATION),
    ("is_type_definition", IS_TYPE_DEFINITION),
    ("is_definition", IS_DEFINITION),
)


MAX_PARTS = 1_000_000
"""Of one document: its occurrences and symbols. Those of the largest source files have a tenth of it."""

_PART_BYTES = 2

_new = tuple.__new__


class Producer(NamedTuple):
    """Who made the file, and of which folder."""

    name: str = ""
    version: str = ""
    project_root: str = ""

    @property
    def text(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()


class Document(NamedTuple):
    """One document as it is in the file: columns as its producer counts them.

    `text` is "" where the producer does not give it; `position_encoding` is 0 where it does not say.
    """

    path: str
    language: str
    text: str
    position_encoding: int
    occurrences: tuple[Occurrence, ...]
    symbols: tuple[SymbolInformation, ...]
    end: int
    """Where it ends in the file: what was read so far."""


def read_documents(file: BinaryIO, where: str) -> Iterator[Producer | Document]:
    """The producer, if the file names it, and the documents, in their order.

    Raises ScipError for a file that is no index, ModuleNotFoundError without the extra `scip`.
    """
    kinds = messages()
    for number, data, end in FieldReader(file, where):
        if number == METADATA:
            yield _producer(_parsed(kinds.metadata, data, where, end))
        elif number == DOCUMENTS:
            _refuse_many_parts(data, where, end)
            yield _document(_parsed(kinds.document, data, where, end), end)


def _refuse_many_parts(data: bytes, where: str, end: int) -> None:
    """Raise ScipError for a document whose parts, empty perhaps, would take gigabytes once decoded."""
    if len(data) <= MAX_PARTS * _PART_BYTES:
        return
    for count, _ in enumerate(FieldReader(BytesIO(data), where), 1):
        if count > MAX_PARTS:
            raise ScipError(
                f"{where} has a document of more than {MAX_PARTS:,} parts, that ends at byte {end:,}",
                advice="leave the file that it is of out when the indexer runs",
            )


def _parsed(kind: type[Message], data: bytes, where: str, end: int) -> Message:
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(data)
    except (DecodeError, UnicodeDecodeError) as error:
        raise ScipError(
            f"{where} has a malformed message of {len(data):,} bytes that ends at byte {end:,}: {error}"
        ) from None


def _producer(metadata: Message) -> Producer:
    tool = metadata.tool_info
    return Producer(tool.name, tool.version, metadata.project_root)


def _document(message: Message, end: int) -> Document:
    return Document(
        message.relative_path,
        message.language,
        message.text,
        message.position_encoding,
        tuple(one for one in map(_occurrence, message.occurrences) if one is not None),
        tuple(_information(one) for one in message.symbols if one.symbol),
        end,
    )


def _occurrence(message: Message) -> Occurrence | None:
    """An occurrence; None without a symbol, as highlighting alone has none."""
    symbol = message.symbol
    if not symbol:
        return None
    enclosing = message.enclosing_range
    return _new(
        Occurrence,
        (
            _range(message.range),
            symbol,
            message.symbol_roles & MAX_COORDINATE,
            _range(enclosing) if enclosing else None,
        ),
    )


OUTSIDE = Range(MAX_COORDINATE, 0, MAX_COORDINATE, 0)
"""In place of a range of another form: no file has that line."""


def _range(numbers: Message) -> Range:
    """A range as it is given, which may be outside of any file."""
    count = len(numbers)
    if count == 3:
        row, start, end = numbers
        return _new(Range, (row, start, row, end))
    return _new(Range, numbers) if count == 4 else OUTSIDE


def _information(message: Message) -> SymbolInformation:
    signature = message.signature_documentation.text if message.HasField("signature_documentation") else ""
    return SymbolInformation(
        message.symbol,
        max(message.kind, 0),
        message.display_name,
        tuple(message.documentation),
        signature,
        message.enclosing_symbol,
        tuple(_relationship(one) for one in message.relationships if one.symbol),
    )


def _relationship(message: Message) -> Relationship:
    return Relationship(message.symbol, sum(bit for name, bit in _FLAGS if getattr(message, name)))
