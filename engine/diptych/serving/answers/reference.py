"""One use of a definition, as it is answered: where it is, what it does there, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from diptych.names.definitions import Evidence, Found
from diptych.names.facts import Point
from diptych.names.sites import BOUND, FIELD_BOUND, ITEM, MODULE, Site
from diptych.names.source import Names
from diptych.schema.precise import DEFINITION, IMPORT, Occurrence
from diptych.serving.answers.definition import line_of
from diptych.serving.answers.precise import precise_uses
from diptych.serving.files import ParsedFile
from diptych.serving.source import StoreSource


class Reference(NamedTuple):
    """A use of a definition. `role` is "definition", "import" or "use"; `inside` is what is around it."""

    path: str
    row: int
    column: int
    role: str
    inside: str
    evidence: Evidence
    text: str


def precise_references(
    source: StoreSource, symbols: list[str], path: str
) -> Iterator[tuple[Reference, bool]]:
    """The uses of imported symbols of the file at `path`, each of which is sure."""
    for mentioning, one in precise_uses(source, symbols, path):
        if one.range[:2] != one.range[2:]:
            yield _precise_reference(source, mentioning, one), True


def _precise_reference(source: StoreSource, path: str, one: Occurrence) -> Reference:
    row, column = one.range[:2]
    role = "definition" if one.roles & DEFINITION else "import" if one.roles & IMPORT else "use"
    names = source.names_of(path)
    inside = inside_of(names, (row, column)) if names is not None else ""
    return Reference(path, row, column, role, inside, "precise", line_of(source, path, row))


def reference_at(parsed: ParsedFile, names: Names, site: Site, found: list[Found]) -> Reference:
    """The use at a site that means what was found, or is possible where that is nothing."""
    row, column = site.place
    evidence: Evidence = found[0].evidence if found else "named"
    is_defined = site.kind in (BOUND, FIELD_BOUND)
    role = "definition" if is_defined else "import" if site.kind in (ITEM, MODULE) else "use"
    inside = inside_of(names, site.place)
    return Reference(parsed.path, row, column, role, inside, evidence, parsed.line_text(row))


def inside_of(names: Names, place: Point) -> str:
    """The dotted name of the innermost definition around a place; "" for none."""
    return names.qualified(names.innermost(place, named=True))
