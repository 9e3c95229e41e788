"""What Tantivy is given: the search fields, and a record as documents.

The core's own fields:

    _key     the record's key as a term, by which all its documents are found
    _type    "record"; a schema's documents have none
    _hash    XXH3-64 of the key (fast field), by which a hit finds its record
    _item    the item the document stands for (fast field); none in records
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
        else:
            builder.add_text_field(field.name)
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


def item_documents(key: bytes, documents: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """A schema's documents of a record, with the core's fields."""
    term, hash_ = key_term(key), term_hash(key)
    for item, document in documents:
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
