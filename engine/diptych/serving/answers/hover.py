"""What a name means, in a few lines."""

from __future__ import annotations

from typing import NamedTuple

from diptych.model import Symbol
from diptych.serving.answers.definition import Definition, definition
from diptych.serving.source import StoreSource


class Hover(NamedTuple):
    """What is known of the likeliest definition of a name. `place` is where the name was asked about.

    `signature` is source text, `documentation` text as it is written; "" where there is none.
    """

    name: str
    place: tuple[int, int]
    definition: Definition
    language: str
    signature: str
    documentation: str


def hover(source: StoreSource, path: str, row: int, column: int) -> Hover | None:
    """What the name at a place means; None where there is no name, or nothing is known of it.

    Raises InvalidArgumentError for a file without names or a place outside of it, CorruptionError.
    """
    found = definition(source, path, row, column)
    if not found.definitions:
        return None
    best = found.definitions[0]
    parsed = source.parsed(best.path)
    symbol = symbol_at(source, best.path, best.row, best.column)
    if symbol is None and best.kind == "module":
        text = ""
    else:
        text = (symbol.signature if symbol is not None else "") or best.text
    documentation = symbol.documentation if symbol is not None else ""
    return Hover(
        found.name, found.place, best, parsed.language if parsed is not None else "", text, documentation
    )


def symbol_at(source: StoreSource, path: str, row: int, column: int) -> Symbol | None:
    """The symbol whose name is written at a place."""
    record = source.record(path)
    for symbol in record.symbols if record is not None else ():
        if symbol.name_range[:2] == (row, column):
            return symbol
    return None
