"""What a file consists of."""

from __future__ import annotations

from typing import NamedTuple

from diptych.errors import InvalidArgumentError
from diptych.model import Symbol
from diptych.serving.source import StoreSource


class Entry(NamedTuple):
    """A symbol of a file: its dotted name, and how deep it is in others.

    `row` and `column` are where its name begins, the end is that of the whole declaration.
    """

    name: str
    kind: str
    depth: int
    row: int
    column: int
    end_row: int
    end_column: int


def outline(source: StoreSource, path: str) -> tuple[Entry, ...]:
    """The symbols of a file as it is now, in its order. Raises InvalidArgumentError without a parser."""
    source.begin()
    record = source.record(path)
    if record is None:
        raise InvalidArgumentError(
            f"{path} cannot be read, or has no parser", advice="name a file of the repository, relative to it"
        )
    around: list[Symbol] = []
    entries = []
    for symbol in record.symbols:
        # Names of one statement have its range, and are beside each other.
        while around and (around[-1].range[2:] < symbol.range[2:] or around[-1].range == symbol.range):
            around.pop()
        name = f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name
        entries.append(Entry(name, symbol.kind, len(around), *symbol.name_range[:2], *symbol.range[2:]))
        around.append(symbol)
    return tuple(entries)
