"""What Tantivy is given: the search fields, and a record as documents.

The core's own fields:

    _key     the record's key as a term, by which all its documents are found
    _type    "record"; a schema's documents have none
    _hash    XXH3-64 of the key (fast field), by which a hit finds its record
    _item    the item the document stands for (fast field); none in records
    _name    terms of the document's name (`diptych.search.names`), where the schema has a field of names
    _within  the words of what the name is in, where the schema says which fields have it
    _weight  how much the document counts (fast field), where the schema gives it
    _stored  a record document's checksum (u64), key length (u32), key and payload, from which the records of
             a segment can be rebuilt
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from diptych.change import StoredRecord, record_checksum, term_hash
from diptych.errors import CorruptSearchError
from diptych.fs import importing
from diptych.schema.base import Schema
from diptych.schema.documents import Documents
from diptych.schema.fields import VALUE_KINDS
from diptych.search.values import name_terms_of, values_of, weights_of
from diptych.search.words import PROSE

if TYPE_CHECKING:
    import tantivy

_STORED = struct.Struct("<QI")
# A term longer than this is replaced by its hash; Tantivy drops terms of more than 65,530 bytes.
_TERM_BYTES = 512

RECORD_TYPE = "record"


def tantivy_schema(schema: Schema[Any]) -> tantivy.Schema:
    """The fields above, and the schema's."""
    with importing("tantivy"):
        import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("_key", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("_type", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("_hash", fast=True)
    builder.add_unsigned_field("_item", fast=True)
    builder.add_bytes_field("_stored", stored=True)
    for field in schema.fields:
        if field.tokens == "exact":
            builder.add_text_field(field.name, tokenizer_name="raw", index_option="basic")
        elif field.tokens == "real":
            builder.add_float_field(field.name, indexed=True, fast=True)
        elif field.tokens in VALUE_KINDS:
            builder.add_integer_field(field.name, indexed=True, fast=True)
        else:
            builder.add_text_field(field.name, tokenizer_name=PROSE if field.tokens == "prose" else "default")
    # After the schema's, whose numbers stay those of an index of format 1: migration reads its records.
    builder.add_text_field("_name", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("_within", index_option="basic")
    builder.add_unsigned_field("_weight", fast=True)
    return builder.build()


def key_term(key: bytes) -> str:
    """The term of a key. No two keys have the same."""
    if len(key) <= _TERM_BYTES:
        try:
            return "=" + key.decode()
        except UnicodeDecodeError:
            pass
    return "#" + blake3(key).hexdigest()


def record_document(key: bytes, checksum: int, payload: bytes) -> dict[str, Any]:
    """The document that holds the record itself."""
    stored = _STORED.pack(checksum, len(key)) + key + payload
    return {"_key": key_term(key), "_type": RECORD_TYPE, "_stored": stored}


def item_documents(
    schema: Schema[Any], key: bytes, documents: Iterable[tuple[int, dict[str, Any]]]
) -> list[str]:
    """A schema's documents of a record, as they are indexed: JSON objects. Raises InvalidRecordError."""
    return documents_of_records(schema, [(key, Documents.of(documents))])


def documents_of_records(schema: Schema[Any], records: Sequence[tuple[bytes, Documents]]) -> list[str]:
    """`item_documents` of several records, one after the other: for less than of each alone.

    JSON since Tantivy reads it without Python's lock, and in less time than it takes to make it from a dict.
    They are made field by field, and put together from what each document has between `[` and `]`.
    """
    found = [documents for _, documents in records]
    counts = list(map(len, found))
    begins = [f'{{"_key":{_quoted(key_term(key))},"_hash":{term_hash(key)}' for key, _ in records]
    in_common = set(chain.from_iterable(documents.same for documents in found))
    arrays: list[tuple[str, list[str]]] = []
    within: list[list[str]] = []
    for field in schema.fields:
        name = field.name
        if name in in_common:
            values = [documents.same.get(name) for documents in found]
            written = values_of(field, values)
            begins = [
                f'{begin},"{name}":[{one}]' if one else begin
                for begin, one in zip(begins, written, strict=True)
            ]
            if name in schema.qualifier_fields:
                within.append(_for_each(_where(values, written), counts))
        if (column := _column(name, found)) is not None:
            written = values_of(field, column)
            arrays.append((name, written))
            if name in schema.qualifier_fields:
                within.append(_where(column, written))
    if schema.name_field is not None:
        names = _column(schema.name_field, found, or_same=schema.name_field in in_common)
        if names is not None:
            arrays.append(("_name", name_terms_of(names)))
    if len(within) == 1:
        arrays.append(("_within", within[0]))
    elif within:
        arrays.append(("_within", [",".join(filter(None, values)) for values in zip(*within, strict=True)]))
    if (weights := _column("_weight", found, or_same="_weight" in in_common)) is not None:
        arrays.append(("_weight", weights_of(weights)))
    items = chain.from_iterable(documents.items for documents in found)
    # `items` ends the documents: what they have in common is repeated without end.
    pieces: list[Iterable[str]] = [_for_each(begins, counts), repeat(',"_item":'), map(str, items)]
    end = ""
    for name, written in arrays:
        if "" in written:
            pieces.append([f'{end},"{name}":[{one}]' if one else end for one in written])
            end = ""
        else:
            pieces += (repeat(f'{end},"{name}":['), written)
            end = "]"
    return list(map("".join, zip(*pieces, repeat(f"{end}}}"), strict=False)))


def _for_each(values: Sequence[str], counts: Sequence[int]) -> list[str]:
    """The value of each record, as often as it has documents."""
    return list(chain.from_iterable(map(repeat, values, counts)))


def _where(values: Sequence[Any], written: Sequence[str]) -> list[str]:
    """What is written of values that are not empty; "" for the others."""
    return [one if value else "" for value, one in zip(values, written, strict=True)]


def _column(name: str, found: Sequence[Documents], *, or_same: bool = False) -> Sequence[Any] | None:
    """A field's columns of all records as one, None where a record has none; None where no record has one.

    `or_same`: a value that a record's documents have in common counts as a column.
    """
    if or_same:
        columns = [documents.column(name) for documents in found]
    else:
        columns = [None if name in documents.same else documents.columns.get(name) for documents in found]
    if not any(columns):
        return None
    if len(columns) == 1:
        return columns[0]
    each = [
        repeat(None, len(documents)) if column is None else column
        for column, documents in zip(columns, found, strict=True)
    ]
    return list(chain.from_iterable(each))


def document_adder(
    writer: tantivy.IndexWriter, schema: Schema[Any], fields: tantivy.Schema
) -> Callable[[str], object]:
    """What gives a writer the documents that `item_documents` makes."""
    if any(field.tokens == "real" for field in schema.fields):
        from tantivy import Document

        # The last digit of a real is not exact where Tantivy reads it from JSON.
        return lambda text: writer.add_document(Document.from_dict(json.loads(text), fields))
    add: Callable[[str], object] = writer.add_json
    return add


def decode_stored(stored: bytes, *, where: str) -> StoredRecord:
    """The record of a record document. Raises CorruptSearchError."""
    if len(stored) >= _STORED.size:
        checksum, length = _STORED.unpack_from(stored)
        key = stored[_STORED.size : _STORED.size + length]
        payload = stored[_STORED.size + length :]
        if len(key) == length and record_checksum(key, payload) == checksum:
            return StoredRecord(key, checksum, payload)
    raise CorruptSearchError(f"a record in {where} fails its checksum", where=where)
