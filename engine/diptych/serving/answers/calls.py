"""What a function calls, and what calls it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from diptych.names.definitions import CALLABLE, Evidence, Found, definitions, found_of
from diptych.names.facts import DEFINED, Point
from diptych.names.places import sites_named
from diptych.names.sites import FREE, MEMBER, Site
from diptych.names.source import Names
from diptych.names.values import Target
from diptych.serving.answers.definition import line_of, parsed_file, site_asked
from diptych.serving.answers.references import references_to
from diptych.serving.files import ParsedFile
from diptych.serving.source import StoreSource, name_place

_WORD = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*(?=[ \t]*\()")


class Call(NamedTuple):
    """A caller or a callee, `depth` calls away; its definition, and where the call is."""

    depth: int
    name: str
    kind: str
    path: str
    row: int
    column: int
    evidence: Evidence
    call_path: str
    call_row: int
    call_column: int
    text: str


def calls(
    source: StoreSource, start: Found, *, direction: Literal["callers", "callees"], depth: int = 1
) -> tuple[Call, ...]:
    """The callers or callees of a definition, up to `depth` calls away, each once."""
    found: list[Call] = []
    seen = {(start.path, start.origin)}
    edge = [start]
    for level in range(1, depth + 1):
        following = []
        for one in edge:
            step = callers_of(source, one) if direction == "callers" else callees_of(source, one)
            for other, evidence, path, place in step:
                if (other.path, other.origin) in seen:
                    continue
                seen.add((other.path, other.origin))
                following.append(other)
                text = line_of(source, path, place[0])
                row, column = other.place
                where = (other.qualified or "(file)", other.kind, other.path, row, column)
                found.append(Call(level, *where, evidence, path, *place, text))
        edge = following
    return tuple(found)


CallSite = tuple[Found, Evidence, str, Point]
"""A caller or a callee, with the path and the place of the call."""


def callers_of(source: StoreSource, target: Found) -> Iterator[CallSite]:
    """Where a definition is used, and the function around that."""
    for reference in references_to(source, target, only_sure=True).references:
        if reference.role != "use":
            continue
        place = (reference.row, reference.column)
        names = source.names_around(reference.path, place)
        if names is not None:
            yield _around(names, place), reference.evidence, reference.path, place


def _around(names: Names, place: Point) -> Found:
    number = names.innermost(place, named=True)
    for binding in names.facts.bindings:
        if binding.how == DEFINED and binding.inner == number:
            return found_of(Target(names, binding), "exact")
    return found_of(Target(names, None), "exact")


def callees_of(source: StoreSource, target: Found) -> Iterator[CallSite]:
    """What a definition calls, as far as that is known."""
    parsed = source.parsed(target.path)
    if parsed is None or parsed.tree is None:
        return
    for site in _calls_in(parsed, target):
        for found in definitions(source, parsed.names, site)[:1]:
            if found.kind in CALLABLE and found.evidence != "named":
                yield found, found.evidence, target.path, site.place


def _calls_in(parsed: ParsedFile, target: Found) -> Iterator[Site]:
    names = parsed.names
    inner = next(
        (one.inner for one in names.facts.bindings if one.place == target.place and one.how == DEFINED), 0
    )
    scope = names.scopes[inner]
    begin, end = parsed.offset(*scope.start) or 0, parsed.offset(*scope.end) or len(parsed.source)
    assert parsed.tree is not None
    offsets = (match.start() for match in _WORD.finditer(parsed.source, begin, end))
    for site in sites_named(names, parsed.source, parsed.tree.root_node, offsets):
        if site.kind in (FREE, MEMBER) and site.called:
            yield site


def functions_at(source: StoreSource, path: str, row: int, column: int) -> list[Found]:
    """The functions and classes that the name at a place refers to, unless by name alone.

    Raises InvalidArgumentError for a file without names or a place outside of it.
    """
    source.begin()
    parsed = parsed_file(source, path)
    names, site = site_asked(source, parsed, row, column)
    if site is None:
        return []
    found = definitions(source, names, site, by_name=False)
    return [one for one in found if one.kind in CALLABLE][:1]


def functions_named(source: StoreSource, name: str) -> list[Found]:
    """The functions and classes of a name; with dots, of those containers."""
    source.begin()
    container, _, last = name.rpartition(".")
    found = []
    for hit in source.symbols(last):
        names = source.names_of(hit.path)
        inside = f".{hit.symbol.container}"
        if names is None or (container and not inside.endswith(f".{container}")):
            continue
        place = name_place(hit)
        found += [
            found_of(Target(names, binding), "exact")
            for binding in names.facts.bindings
            if binding.place == place and binding.how == DEFINED
        ]
    return found
