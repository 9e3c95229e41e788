"""What a source gives, as text: a line for each symbol and relation."""

from __future__ import annotations

from diptych.indexer.parse import record_of
from diptych.model import FileRecord


def record(language: str, source: str | bytes) -> FileRecord:
    return record_of("file", language, source.encode() if isinstance(source, str) else source)


def symbols(language: str, source: str | bytes) -> list[str]:
    """`kind container|name`, in the order of the source."""
    return [f"{one.kind} {one.container}|{one.name}" for one in record(language, source).symbols]


def relations(language: str, source: str | bytes) -> list[str]:
    """`kind source -> target`, in the order of the source."""
    return [f"{one.kind} {one.source} -> {one.target}" for one in record(language, source).relations]


def documentation(language: str, source: str | bytes) -> dict[str, str]:
    """The documentation of each symbol, by its name."""
    return {one.name: one.documentation for one in record(language, source).symbols}
