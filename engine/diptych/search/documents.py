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
from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from diptych.change import StoredRecord, record_checksum, term_hash
from diptych.errors import CorruptSearchError, InvalidRecordError
from diptych.fs import importing
from diptych.schema.base import Schema
from diptych.schema.fields import TEXT_KINDS, VALUE_KINDS
from diptych.search.names import indexed_terms
from diptych.search.query.values import indexed
from diptych.search.words import PROSE, Known, parts_in

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
) -> Iterator[str]:
    """A schema's documents of a record, as they are indexed: JSON objects. Raises InvalidRecordError.

    JSON since Tantivy reads it without Python's lock, and in less time than it takes to make it from a dict.
    """
    name_field, qualifiers = schema.name_field, schema.qualifier_fields
    strings = [
        (field.name, f',"{field.name}":[', _texts if field.tokens in TEXT_KINDS else _quotes)
        for field in schema.fields
        if field.tokens not in VALUE_KINDS
    ]
    numbers = [field for field in schema.fields if field.tokens in VALUE_KINDS]
    same = f'{{"_key":{_quoted(key_term(key))},"_hash":{term_hash(key)},"_item":'
    for item, document in documents:
        written = [same, str(item)]
        within = []
        for name, begin, known in strings:
            value = document.get(name)
            if value is None:
                continue
            values = known[value] if type(value) is str else _several(name, value, known)
            written += (begin, values, "]")
            if name in qualifiers and value:
                within.append(values)
        for field in numbers:
            value = document.get(field.name)
            if value is not None:
                several = value if isinstance(value, list) else [value]
                values = ",".join([repr(indexed(field, one)) for one in several])
                written.append(f',"{field.name}":[{values}]')
        if name_field is not None and (named := document.get(name_field)):
            written += (',"_name":[', _names[named if isinstance(named, str) else named[0]], "]")
        if within:
            written += (',"_within":[', ",".join(within), "]")
        if "_weight" in document:
            written.append(f',"_weight":{_weight(document["_weight"])}')
        written.append("}")
        yield "".join(written)


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


def _several(name: str, value: Any, known: Known) -> str:
    """A field's values, of a list of them."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InvalidRecordError(
            f"a document of the schema has {value!r:.100} in the field {name}",
            advice="give a str or a list of them, or leave the field out",
        )
    parts = parts_in(" ".join(value)) if known is _texts else ()
    return ",".join(map(_quoted, (*value, *parts)))


def _weight(weight: Any) -> int:
    if type(weight) is int and 0 <= weight < 2**64:
        return weight
    raise InvalidRecordError(
        f"a document of the schema has the _weight {weight!r:.100}", advice="give a whole number from 0"
    )


def _with_parts(text: str) -> str:
    parts = parts_in(text)
    return ",".join(map(_quoted, (text, *parts))) if parts else _quoted(text)


def _terms_of(name: str) -> str:
    return ",".join(map(_quoted, indexed_terms(name)))


# As JSON has them: a text and the words inside its identifiers, a value, the terms of a name. Many documents
# have the same path, container, kind or signature.
_texts = Known(_with_parts, 4_096)
_quotes = Known(_quoted, 1_024)
_names = Known(_terms_of, 4_096)


def decode_stored(stored: bytes, *, where: str) -> StoredRecord:
    """The record of a record document. Raises CorruptSearchError."""
    if len(stored) >= _STORED.size:
        checksum, length = _STORED.unpack_from(stored)
        key = stored[_STORED.size : _STORED.size + length]
        payload = stored[_STORED.size + length :]
        if len(key) == length and record_checksum(key, payload) == checksum:
            return StoredRecord(key, checksum, payload)
    raise CorruptSearchError(f"a record in {where} fails its checksum", where=where)
