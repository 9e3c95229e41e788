"""What is derived from a record of the schema "code": counts, terms and documents, field by field.

A bulk load spends its time here: what a field's values have in common is done at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from diptych.model import FileRecord, Symbol
from diptych.schema.base import Projection
from diptych.schema.code_weights import depth_of, place_weight, weight_at
from diptych.schema.documents import Documents

# Tantivy indexes only this many characters of a text. The record stores all of it.
_INDEXED_CHARACTERS = 4_096


def project(
    key: bytes, language: str, symbols: Sequence[Symbol], terms: Sequence[Sequence[tuple[bytes, int]]]
) -> Projection:
    """Of symbols, and of all terms with their items."""
    path = key.decode("utf-8", "replace")
    columns: dict[str, Sequence[Any]] = {}
    if symbols:
        names, kinds, _, containers, signatures, documentations, _ = zip(*symbols, strict=True)
        columns = _columns(
            name=names,
            kind=kinds,
            container=containers,
            signature=signatures,
            documentation=documentations,
        )
        columns["_weight"] = _weights(path, kinds, containers)
    same = {"path": path} | ({"language": _indexable(language)} if language else {})
    items = [item for _, item in terms[0]]
    return Projection(tuple(map(len, terms)), terms, Documents(items, columns, same))


def project_record(key: bytes, record: FileRecord, items: Sequence[int]) -> Projection:
    """Of a record that was packed, with the items of its symbols."""
    names = [symbol[0] for symbol in record.symbols]
    targets = [relation[2] for relation in record.relations]
    terms = _terms(names, items), _terms(targets, range(len(targets)))
    return project(key, record.language, record.symbols, terms)


def _terms(texts: Sequence[str], items: Sequence[int]) -> list[tuple[bytes, int]]:
    terms = [text.encode("utf-8", "surrogateescape") for text in texts]
    return list(zip(terms, items, strict=True))


def _columns(**columns: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Fields of all symbols as Tantivy needs them. None for an empty text, which would be indexed."""
    together = "".join(chain.from_iterable(columns.values()))
    if not together.isascii() or len(together) > _INDEXED_CHARACTERS:
        # Asked once for all where that decides it, as it does for most files.
        columns = {name: _indexable_column(texts) for name, texts in columns.items()}
    return {
        name: texts if "" not in texts else [text or None for text in texts]
        for name, texts in columns.items()
    }


def _indexable_column(texts: Sequence[str]) -> Sequence[str]:
    if all(map(str.isascii, texts)) and max(map(len, texts)) <= _INDEXED_CHARACTERS:
        return texts
    return list(map(_indexable, texts))


def _weights(path: str, kinds: Sequence[str], containers: Sequence[str]) -> list[int]:
    place = place_weight(path)
    return [
        weight_at(place, kind, depth_of(container))
        for kind, container in zip(kinds, containers, strict=True)
    ]


def _indexable(text: str) -> str:
    """`text` as Tantivy needs it: valid UTF-8 of bounded length."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text[:_INDEXED_CHARACTERS]
