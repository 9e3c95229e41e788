"""Symbols for the definitions of a record: the file's path, then what each is in, then its name.

A name that is bound again in the same scope has one symbol, defined where it is bound first; functions of one
name are told apart by a number.
"""

from __future__ import annotations

from typing import NamedTuple

from diptych.model import FileRecord, Symbol, occurrences
from diptych.names.facts import Point
from diptych.schema.precise_symbols import (
    MACRO,
    METHOD,
    NAMESPACE,
    TERM,
    TYPE,
    Descriptor,
    Package,
    descriptor_text,
    package_text,
)

# By our kind: the suffix of a descriptor, and SCIP's number of the kind.
_KINDS = {
    "class": (TYPE, 7),
    "constant": (TERM, 8),
    "constructor": (METHOD, 9),
    "enum": (TYPE, 11),
    "enumerator": (TERM, 12),
    "field": (TERM, 15),
    "function": (METHOD, 17),
    "interface": (TYPE, 21),
    "macro": (MACRO, 25),
    "method": (METHOD, 26),
    "module": (NAMESPACE, 29),
    "namespace": (NAMESPACE, 30),
    "object": (TYPE, 33),
    "package": (NAMESPACE, 35),
    "property": (TERM, 41),
    "struct": (TYPE, 49),
    "trait": (TYPE, 53),
    "type": (TYPE, 54),
    "union": (TYPE, 59),
    "variable": (TERM, 61),
}
_OTHER = (TERM, 61)
FILE_KIND = 16


class Named(NamedTuple):
    """A definition and its symbol. `is_first` is False where an earlier one binds the same symbol."""

    symbol: str
    kind: int
    defined: Symbol
    is_first: bool


class FileSymbols(NamedTuple):
    """The symbols of one file."""

    module: str
    named: tuple[Named, ...]
    by_place: dict[Point, str]
    """By where a definition's name is written."""
    by_name: dict[str, str]
    """By the dotted name of a definition."""


def symbols_of(record: FileRecord, package: Package) -> FileSymbols:
    """The symbols of the definitions of a record."""
    module = package_text(package) + module_text(record.path)
    path_of = {"": ""}
    made: list[Named] = []
    by_place: dict[Point, str] = {}
    by_name: dict[str, str] = {}
    seen: set[str] = set()
    for one, count in zip(record.symbols, occurrences(record.symbols), strict=True):
        if not one.name:
            continue
        suffix, kind = _KINDS.get(one.kind, _OTHER)
        disambiguator = f"+{count}" if count and suffix == METHOD else ""
        inside = path_of.get(one.container)
        if inside is None:
            # What is defined in another file: a method outside of its class.
            inside = path_of[one.container] = "".join(
                descriptor_text(Descriptor(part, TYPE)) for part in one.container.split(".") if part
            )
        text = inside + descriptor_text(Descriptor(one.name, suffix, disambiguator))
        dotted = f"{one.container}.{one.name}" if one.container else one.name
        path_of.setdefault(dotted, text)
        symbol = module + text
        made.append(Named(symbol, kind, one, symbol not in seen))
        seen.add(symbol)
        by_place.setdefault(one.name_range[:2], symbol)
        by_name.setdefault(dotted, symbol)
    return FileSymbols(module, tuple(made), by_place, by_name)


def module_text(path: str) -> str:
    """The descriptors of a file: a namespace for each part of its path."""
    printable = path.encode("utf-8", "replace").decode()
    return "".join(descriptor_text(Descriptor(part, NAMESPACE)) for part in printable.split("/"))
