"""A Tantivy index of symbols, as anyone would set it up: one document per symbol, one per file."""

from __future__ import annotations

import os
from typing import Any

import tantivy

from diptych.model import FileRecord

_HEAP_BYTES = 128_000_000
# What a query searches when it names no field.
_DEFAULT = ["name", "signature", "documentation"]


def schema() -> tantivy.Schema:
    """The fields that Diptych's documents have: text, filters, and what leads from a hit to its symbol."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("path", stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("kind", "language"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("name", "folders", "container", "signature", "documentation"):
        builder.add_text_field(name)
    builder.add_unsigned_field("position", stored=True)
    builder.add_bytes_field("record", stored=True)
    return builder.build()


def create(path: str) -> tantivy.Index:
    """The index in that folder, made where there is none."""
    os.makedirs(path, exist_ok=True)
    return tantivy.Index(schema(), path)


def writer(index: tantivy.Index) -> tantivy.IndexWriter:
    """Tantivy's own choice of threads, with the heap its Python package defaults to."""
    return index.writer(_HEAP_BYTES)


def add(writer: tantivy.IndexWriter, record: FileRecord, payload: bytes) -> None:
    """Add the documents of one file."""
    path = os.fsencode(record.path).decode("utf-8", "backslashreplace")
    for position, symbol in enumerate(record.symbols):
        document = tantivy.Document()
        document.add_text("path", path)
        document.add_text("name", symbol[0])
        document.add_text("kind", symbol[1])
        document.add_text("language", record.language)
        document.add_text("folders", path)
        document.add_text("container", symbol[3])
        document.add_text("signature", symbol[4])
        document.add_text("documentation", symbol[5])
        document.add_unsigned("position", position)
        writer.add_document(document)
    document = tantivy.Document()
    document.add_text("path", path)
    document.add_bytes("record", payload)
    writer.add_document(document)


def search(index: tantivy.Index, terms: tuple[str, ...], limit: int) -> list[tuple[str, int]]:
    """(path, position in the file) of the best symbols whose text holds every term."""
    query = index.parse_query(" AND ".join(terms), _DEFAULT)
    searcher = index.searcher()
    found = []
    for _, address in searcher.search(query, limit, count=False).hits:
        document: Any = searcher.doc(address)
        found.append((document.get_first("path"), document.get_first("position")))
    return found
