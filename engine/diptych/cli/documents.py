"""Records and hits as JSON values, and as lines."""

from __future__ import annotations

from typing import Any

from diptych.cli.output import Part, Styled
from diptych.model import (
    FileRecord,
    Relation,
    RelationHit,
    SearchHit,
    Symbol,
    SymbolHit,
    occurrences,
    symbol_id,
)


def symbol_document(symbol: Symbol) -> dict[str, Any]:
    """A symbol; its ranges as in LSP: zero-based, the end exclusive, columns in UTF-8 bytes."""
    return {**symbol._asdict(), "range": list(symbol.range), "name_range": list(symbol.name_range)}


def relation_document(relation: Relation) -> dict[str, Any]:
    """A relation."""
    return {**relation._asdict(), "range": list(relation.range)}


def hit_document(hit: SymbolHit | SearchHit) -> dict[str, Any]:
    """A symbol found."""
    found = {"path": hit.path, "id": hit.id, **symbol_document(hit.symbol)}
    return {**found, "score": hit.score} if isinstance(hit, SearchHit) else found


def relation_hit_document(hit: RelationHit) -> dict[str, Any]:
    """A relation found."""
    return {"path": hit.path, **relation_document(hit.relation)}


def record_document(record: FileRecord) -> dict[str, Any]:
    """A complete record."""
    counted = zip(record.symbols, occurrences(record.symbols), strict=True)
    return {
        "path": record.path,
        "content_hash": record.content_hash,
        "language": record.language,
        "symbols": [
            {"id": symbol_id(record.path, symbol, occurrence), **symbol_document(symbol)}
            for symbol, occurrence in counted
        ],
        "relations": [relation_document(relation) for relation in record.relations],
    }


def hit_line(hit: SymbolHit | SearchHit) -> list[Part]:
    """`path:line:column: kind name  signature`, the place of the name, one-based, as editors write it."""
    symbol = hit.symbol
    name = f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name
    signature = " ".join(symbol.signature.split())
    place = _place(hit.path, symbol.name_range[:2])
    return [place, f" {symbol.kind} ", Styled(name, "bold"), "  " if signature else "", signature]


def relation_line(hit: RelationHit) -> list[Part]:
    """`path:line:column: source calls target`, one-based."""
    relation = hit.relation
    source = relation.source or "(file)"
    place = _place(hit.path, relation.range[:2])
    return [place, f" {source} {relation.kind} ", Styled(relation.target, "bold")]


def _place(path: str, start: tuple[int, ...]) -> Styled:
    return Styled(f"{path}:{start[0] + 1}:{start[1] + 1}:", "cyan")
