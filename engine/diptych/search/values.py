"""The values of a field in a record's documents, as JSON: the text between the brackets of each array.

Made for all documents of a record at once, each text that several have in common once.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring as _quoted
from typing import Any

from diptych.errors import InvalidRecordError
from diptych.schema.fields import TEXT_KINDS, VALUE_KINDS, Field
from diptych.search.names import CHARACTERS_MAX, indexed_terms
from diptych.search.query.values import indexed
from diptych.search.words import has_parts, parts_in

_WEIGHT_MAX = 2**64 - 1

Column = Sequence[Any]
"""A value for each document: None where it has none."""


def values_of(field: Field, column: Column) -> list[str]:
    """Each document's values in a field. Raises InvalidRecordError for one that the field cannot hold."""
    if field.tokens in VALUE_KINDS:
        return [_numbers(field, value) for value in column]
    make = _texts if field.tokens in TEXT_KINDS else _quotes
    try:
        distinct = set(column)
        if len(distinct) == len(column) and None not in distinct:
            return make(column)
        distinct.discard(None)
        texts = list(distinct)
        known = dict(zip(texts, make(texts), strict=True))
    except TypeError:
        # A document has several values, or something else than text.
        return ["" if value is None else _several(field, value) for value in column]
    known[None] = ""
    return [known[value] for value in column]


def name_terms_of(column: Column) -> list[str]:
    """The terms of each document's name: of the first, where it has several."""
    try:
        together = "\n".join(column)
    except TypeError:
        # A document has several names, or none.
        return [_terms_of(name if isinstance(name, str) else name[0]) if name else "" for name in column]
    is_plain = bool(together) and together.isascii() and all(map(str.isidentifier, column))
    if is_plain and max(map(len, column)) <= CHARACTERS_MAX:
        # Most names: nothing in them has to be quoted, and none has a newline in it.
        plain = together.replace("_", "").lower().split("\n")
        return [
            f'"={name}"' if alike in ("", name) else f'"={name}","~{alike}"'
            for name, alike in zip(column, plain, strict=True)
        ]
    return [_terms_of(name) if name else "" for name in column]


def weights_of(column: Column) -> list[str]:
    """Each document's weight. Raises InvalidRecordError."""
    if set(map(type, column)) == {int} and 0 <= min(column) <= max(column) <= _WEIGHT_MAX:
        return list(map(str, column))
    return [_weight(weight) for weight in column]


def _texts(texts: Sequence[str]) -> list[str]:
    """Texts, each followed by the words inside its identifiers."""
    quoted = list(map(_quoted, texts))
    if not has_parts("\n".join(texts)):
        return quoted
    return [
        f"{written},{','.join(map(_quoted, parts))}" if (parts := parts_in(text)) else written
        for text, written in zip(texts, quoted, strict=True)
    ]


def _quotes(texts: Sequence[str]) -> list[str]:
    return list(map(_quoted, texts))


def _several(field: Field, value: Any) -> str:
    """A text, or all of a list of them."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidRecordError(
            f"a document of the schema has {value!r:.100} in the field {field.name}",
            advice="give a str or a list of them, or leave the field out",
        )
    parts = parts_in(" ".join(texts)) if field.tokens in TEXT_KINDS else ()
    return ",".join(map(_quoted, (*texts, *parts)))


def _numbers(field: Field, value: Any) -> str:
    if value is None:
        return ""
    several = value if isinstance(value, list) else [value]
    return ",".join([repr(indexed(field, one)) for one in several])


def _terms_of(name: str) -> str:
    if name.isascii() and name.isidentifier() and len(name) <= CHARACTERS_MAX:
        # Most names: nothing in them has to be quoted.
        plain = name.replace("_", "").lower()
        return f'"={name}"' if plain in ("", name) else f'"={name}","~{plain}"'
    return ",".join(map(_quoted, indexed_terms(name)))


def _weight(weight: Any) -> str:
    if weight is None:
        return ""
    if type(weight) is int and 0 <= weight <= _WEIGHT_MAX:
        return str(weight)
    raise InvalidRecordError(
        f"a document of the schema has the _weight {weight!r:.100}", advice="give a whole number from 0"
    )
