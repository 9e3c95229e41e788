"""Answers from imported indexes, for files that have not changed since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from diptych.names.definitions import Found
from diptych.names.facts import Point
from diptych.schema.precise import Occurrence
from diptych.schema.precise_symbols import (
    MACRO,
    METHOD,
    NAMESPACE,
    PARAMETER,
    TERM,
    TYPE,
    TYPE_PARAMETER,
    is_local,
    parse_symbol,
)
from diptych.serving.precise import PreciseFile
from diptych.serving.source import StoreSource

_KINDS = {
    NAMESPACE: "module",
    TYPE: "class",
    METHOD: "function",
    MACRO: "macro",
    TYPE_PARAMETER: "parameter",
    PARAMETER: "parameter",
}
_IN_CLASS = {METHOD: "method", TERM: "field"}


class PreciseAnswer(NamedTuple):
    """The name at a place, where it begins, and its definitions, of which there is at least one."""

    name: str
    place: Point
    found: list[Found]


def precise_at(source: StoreSource, path: str, row: int, column: int) -> PreciseAnswer | None:
    """What imported indexes say of a place.

    None where they say nothing: the file or that of the definition has changed since, or the name is of
    something outside. Raises CorruptionError.
    """
    file = source.precise_of(path)
    if file is None:
        return None
    here = file.at(row, column)
    found: dict[tuple[str, Point], Found] = {}
    for one in here:
        for definer, defined in _definitions(source, path, one.symbol):
            made = _found(source, definer, defined)
            found.setdefault((made.path, made.place), made)
    if not found:
        return None
    place = here[0].range[:2]
    return PreciseAnswer(_text(source, path, here[0]), place, list(found.values()))


def symbols_at(source: StoreSource, target: Found) -> list[str]:
    """The symbols that imported indexes give a definition."""
    file = source.precise_of(target.path)
    # They spell modules in several ways: what uses one is better found by imports.
    if file is None or target.kind == "module":
        return []
    places = {target.place, target.origin}
    at = [one for place in places for one in file.at(*place) if one.range[:2] == place]
    return list(dict.fromkeys(one.symbol for one in at if file.definitions_of(one.symbol)))


def precise_uses(source: StoreSource, symbols: list[str], path: str) -> Iterator[tuple[str, Occurrence]]:
    """Where files that have not changed since mention these symbols of `path`, each place once."""
    assert source.precise is not None or not symbols
    found: set[tuple[str, Occurrence]] = set()
    own = source.precise_of(path)
    for symbol in symbols:
        if own is None or is_local(symbol) or source.precise is None:
            mentioning, others = [path], set()
        else:
            mentioning = source.precise.mentioning(symbol)
            others = {one.record.root for one in _definers(source, symbol)} - {own.record.root}
        for other in mentioning:
            file = source.precise_of(other)
            # What is imported of another folder and defined there, too, is another symbol of that name.
            if file is not None and file.record.root not in others:
                found |= {(other, one._replace(symbol="")) for one in file.occurrences_of(symbol)}
    yield from sorted(found, key=lambda one: (one[0] != path, one[0], one[1].range))


def _definitions(source: StoreSource, path: str, symbol: str) -> Iterator[tuple[PreciseFile, Occurrence]]:
    own = source.precise_of(path)
    if own is None:
        return
    definers = [own] if is_local(symbol) else list(_definers(source, symbol))
    # Packages of one repository may have one name: then each index means its own.
    near = [file for file in definers if file.record.root == own.record.root]
    for file in near or definers:
        for one in file.definitions_of(symbol):
            yield file, one


def _definers(source: StoreSource, symbol: str) -> Iterator[PreciseFile]:
    """The files that define a symbol, and have not changed since."""
    for path in source.precise.defining(symbol) if source.precise is not None else ():
        file = source.precise_of(path)
        if file is not None and file.definitions_of(symbol):
            yield file


def _found(source: StoreSource, file: PreciseFile, defined: Occurrence) -> Found:
    path, place = file.record.path, defined.range[:2]
    parts = parse_symbol(defined.symbol)
    if parts is None:
        return Found(path, place, "variable", _text(source, path, defined), "precise", place)
    inner = [one for one in parts.descriptors if one.suffix != NAMESPACE]
    last = parts.descriptors[-1]
    if defined.range[:2] == defined.range[2:]:
        # A module is defined nowhere in its text.
        return Found(path, place, "module", "", "precise", place)
    in_class = len(inner) > 1 and inner[-2].suffix == TYPE
    kinds = _IN_CLASS if in_class and last.suffix in _IN_CLASS else _KINDS
    kind = kinds.get(last.suffix, "variable")
    return Found(path, place, kind, ".".join(one.name for one in inner), "precise", place)


def _text(source: StoreSource, path: str, one: Occurrence) -> str:
    row, start, end_row, end = one.range
    data = source.files.bytes_of(path) if source.files is not None else None
    if data is None or row != end_row:
        return ""
    lines = data.split(b"\n", row + 1)
    return lines[row][start:end].decode("utf-8", "replace") if row < len(lines) else ""
