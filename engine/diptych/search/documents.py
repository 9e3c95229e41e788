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

import struct
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from diptych.change import StoredRecord, record_checksum, term_hash
from diptych.errors import CorruptSearchError
from diptych.fs import importing
from diptych.schema.base import Schema
from diptych.schema.fields import TEXT_KINDS, VALUE_KINDS
from diptych.search.names import indexed_terms
from diptych.search.query.values import indexed
from diptych.search.words import PROSE, parts_in

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
) -> Iterator[dict[str, Any]]:
    """A schema's documents of a record, as they are indexed. Raises InvalidRecordError."""
    term, hash_ = key_term(key), term_hash(key)
    texts = [field.name for field in schema.fields if field.tokens in TEXT_KINDS]
    values = [field for field in schema.fields if field.tokens in VALUE_KINDS]
    for item, given in documents:
        document = dict(given)
        if schema.name_field is not None and (name := document.get(schema.name_field)):
            document["_name"] = indexed_terms(name if isinstance(name, str) else name[0])
        within: list[str] = []
        for field_name in texts:
            text = document.get(field_name)
            if text and (parts := parts_in(text if isinstance(text, str) else " ".join(text))):
                document[field_name] = [text, *parts] if isinstance(text, str) else [*text, *parts]
            if text and field_name in schema.qualifier_fields:
                within += (
                    [document[field_name]] if isinstance(document[field_name], str) else document[field_name]
                )
        if within:
            document["_within"] = within
        for field in values:
            value = document.get(field.name)
            if value is not None:
                several = value if isinstance(value, list) else [value]
                document[field.name] = [indexed(field, one) for one in several]
        document["_key"] = term
        document["_hash"] = hash_
        document["_item"] = item
        yield document


def decode_stored(stored: bytes, *, where: str) -> StoredRecord:
    """The record of a record document. Raises CorruptSearchError."""
    if len(stored) >= _STORED.size:
        checksum, length = _STORED.unpack_from(stored)
        key = stored[_STORED.size : _STORED.size + length]
        payload = stored[_STORED.size + length :]
        if len(key) == length and record_checksum(key, payload) == checksum:
            return StoredRecord(key, checksum, payload)
    raise CorruptSearchError(f"a record in {where} fails its checksum", where=where)
