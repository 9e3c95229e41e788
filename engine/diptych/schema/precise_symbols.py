"""The grammar of SCIP's symbols: text to parts, and parts to text.

    <scheme> ' ' <manager> ' ' <package> ' ' <version> ' ' <descriptor>+      or      'local ' <id>

A space within a part is written twice, "." stands for an empty part of the package. A descriptor is a name
with a suffix that says what it is of; a name of other than simple characters is between backticks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

NAMESPACE, TYPE, TERM, META, MACRO = "/", "#", ".", ":", "!"
METHOD, TYPE_PARAMETER, PARAMETER = "().", "[]", "()"
"""The suffixes; of a method's, the disambiguator is between the parentheses."""

MAX_SYMBOL_CHARS = 64 * 1024
_REMEMBERED_CHARS = 512

_SIMPLE = re.compile(r"[A-Za-z0-9_+$-]+\Z")
# By the grammar its id has simple characters alone; scip-python adds the name of a parameter in parentheses.
_LOCAL = re.compile(r"local [^\s]+\Z")
_NAME = r"(?:`((?:[^`]|``)+)`|([A-Za-z0-9_+$-]+))"
_DESCRIPTOR = re.compile(rf"\[{_NAME}\]|\({_NAME}\)|{_NAME}(?:\(([A-Za-z0-9_+$-]*)\)\.|([/#.:!]))")
# All of a global symbol. The last group that matched is the name of what it is of. What is in `(?>` is not
# tried again in another way: a symbol of spaces or backticks takes no longer than any other.
_ATOM = r"(?>`((?:[^`]|``)+)`|([A-Za-z0-9_+$-]+))"
_WHOLE = re.compile(
    rf"(?>(?:[^ ]|  )+ ){{4}}(?:\[{_ATOM}\]|\({_ATOM}\)|{_ATOM}(?>\([A-Za-z0-9_+$-]*\)\.|[/#.:!]))+\Z"
)
# Its parts may have no space, and a space twice.
_PART = re.compile(r"((?:[^ ]|  )+) ")


class Descriptor(NamedTuple):
    """One step of a symbol's path: a name, and a suffix that says what it is of."""

    name: str
    suffix: str
    disambiguator: str = ""


class Package(NamedTuple):
    """Who names a symbol, and of which package it is."""

    scheme: str
    manager: str = ""
    name: str = ""
    version: str = ""


class Global(NamedTuple):
    """A symbol that other files can name."""

    package: Package
    descriptors: tuple[Descriptor, ...]


class SymbolError(ValueError):
    """The text is no symbol. The message says why."""


def is_local(symbol: str) -> bool:
    """Whether only its own file can name a symbol."""
    return symbol.startswith("local ")


def parse_symbol(symbol: str) -> Global | None:
    """The parts of a symbol; None for a local one. Raises SymbolError."""
    if len(symbol) > MAX_SYMBOL_CHARS:
        raise SymbolError(f"the symbol {symbol:.80}… is longer than {MAX_SYMBOL_CHARS:,} characters")
    if is_local(symbol):
        if _LOCAL.match(symbol) is None:
            raise SymbolError(f"{symbol!r:.200} is no local symbol")
        return None
    parts, at = [], 0
    for _ in range(4):
        part = _PART.match(symbol, at)
        if part is None:
            raise SymbolError(f"{symbol!r:.200} has no scheme and package in front")
        parts.append(part[1].replace("  ", " "))
        at = part.end()
    scheme, *package = parts
    manager, name, version = ("" if part == "." else part for part in package)
    return Global(Package(scheme, manager, name, version), _descriptors(symbol, at))


def _descriptors(symbol: str, at: int) -> tuple[Descriptor, ...]:
    found = []
    while at < len(symbol):
        match = _DESCRIPTOR.match(symbol, at)
        if match is None:
            raise SymbolError(f"{symbol!r:.200} is no symbol from character {at + 1:,} on")
        found.append(_descriptor(match))
        at = match.end()
    if not found:
        raise SymbolError(f"{symbol!r:.200} names nothing")
    return tuple(found)


def _descriptor(match: re.Match[str]) -> Descriptor:
    *names, disambiguator, suffix = match.groups()
    if match[0][0] == "[":
        return Descriptor(_unescaped(*names[0:2]), TYPE_PARAMETER)
    if match[0][0] == "(":
        return Descriptor(_unescaped(*names[2:4]), PARAMETER)
    name = _unescaped(*names[4:6])
    return Descriptor(name, suffix) if suffix else Descriptor(name, METHOD, disambiguator)


def _unescaped(escaped: str | None, simple: str | None) -> str:
    return escaped.replace("``", "`") if escaped is not None else simple or ""


def last_name(symbol: str) -> str:
    """The name of what a symbol is of; "" for a local one. Raises SymbolError."""
    # Those of real code have some hundred characters; longer ones would make of the cache gigabytes.
    return _remembered_name(symbol) if len(symbol) <= _REMEMBERED_CHARS else _last_name(symbol)


def _last_name(symbol: str) -> str:
    match = _WHOLE.match(symbol) if len(symbol) <= MAX_SYMBOL_CHARS else None
    if match is None or is_local(symbol):
        # It says what is wrong.
        parts = parse_symbol(symbol)
        return parts.descriptors[-1].name if parts is not None else ""
    assert match.lastindex is not None
    name = match[match.lastindex]
    return name.replace("``", "`") if match.lastindex % 2 else name


_remembered_name = lru_cache(maxsize=65_536)(_last_name)


def package_text(package: Package) -> str:
    """What symbols of a package begin with, a space at its end."""
    return "".join(f"{part.replace(' ', '  ') or '.'} " for part in package)


def descriptor_text(descriptor: Descriptor) -> str:
    """A descriptor as it is written in a symbol."""
    name, suffix, disambiguator = descriptor
    written = name if _SIMPLE.match(name) else f"`{name.replace('`', '``')}`"
    if suffix == METHOD:
        return f"{written}({disambiguator})."
    if suffix in (TYPE_PARAMETER, PARAMETER):
        return f"{suffix[0]}{written}{suffix[1]}"
    return written + suffix


def symbol_text(package: Package, descriptors: Iterable[Descriptor]) -> str:
    """A symbol as text; `parse_symbol` gives the parts again."""
    return package_text(package) + "".join(map(descriptor_text, descriptors))
