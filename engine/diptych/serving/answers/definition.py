"""Where a name is defined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from diptych.errors import InvalidArgumentError
from diptych.names.definitions import Evidence, Found, definitions
from diptych.names.facts import Point
from diptych.names.languages import LANGUAGES
from diptych.names.places import site_at
from diptych.names.sites import Site
from diptych.names.source import Names
from diptych.serving.answers.precise import precise_at
from diptych.serving.files import ParsedFile
from diptych.serving.source import StoreSource


class Definition(NamedTuple):
    """A definition, and how sure it is that it is the one.

    `candidate` and `candidates` count the definitions found by name alone, from 1; they are 0 for others.
    `text` is the line, "" where there is no file to read it from.
    """

    path: str
    row: int
    column: int
    kind: str
    name: str
    evidence: Evidence
    candidate: int
    candidates: int
    text: str


class Answer(NamedTuple):
    """The definitions of the name at a place, the likeliest first. `name` is "" where there is no name."""

    name: str
    place: Point
    definitions: tuple[Definition, ...]


class Defined(NamedTuple):
    """The same without the lines of the definitions."""

    name: str
    place: Point
    found: Sequence[Found]


def definition(source: StoreSource, path: str, row: int, column: int) -> Answer:
    """What the name at a place of a file refers to.

    Raises InvalidArgumentError for a file without names or a place outside of it, CorruptionError.
    """
    name, place, found = defined(source, path, row, column)
    return Answer(name, place, tuple(described(source, one) for one in found))


def defined(source: StoreSource, path: str, row: int, column: int) -> Defined:
    """The same, where nobody needs the lines. Raises as above."""
    source.begin()
    precise = precise_at(source, path, row, column)
    if precise is not None:
        return Defined(precise.name, precise.place, precise.found)
    parsed = parsed_file(source, path)
    names, site = site_asked(source, parsed, row, column)
    if site is None:
        return Defined("", (row, column), ())
    return Defined(site.name, site.place, definitions(source, names, site))


def site_asked(source: StoreSource, parsed: ParsedFile, row: int, column: int) -> tuple[Names, Site | None]:
    """The name at a place, None where there is none, and the names of its file as far as the place sees them.

    Only a part of the file is parsed for it. Raises InvalidArgumentError for a place outside.
    """
    offset = offset_in(parsed, row, column)
    seen = source.names_of(parsed.path) if not parsed.is_parsed else None
    # For a file that has changed since it was indexed, that has made the complete names.
    inside = (row, column - parsed.is_after_name(row, column))
    part = parsed.part(seen, inside) if seen is not None and not parsed.is_parsed else None
    if part is not None:
        return part.names, site_at(part.names, part.source, part.root, offset)
    return parsed.names, site_in(parsed, row, column)


def parsed_file(source: StoreSource, path: str) -> ParsedFile:
    """The file at `path`. Raises InvalidArgumentError."""
    parsed = source.parsed(path)
    if parsed is None:
        raise InvalidArgumentError(
            f"{path} cannot be read", advice="name a file of the repository, relative to it"
        )
    if parsed.language not in LANGUAGES:
        raise InvalidArgumentError(
            f"{path}: names are not resolved in {parsed.language} yet",
            advice="find definitions by name with `diptych symbol`",
        )
    return parsed


def site_in(parsed: ParsedFile, row: int, column: int) -> Site | None:
    """The name at a place; None where there is none. Raises InvalidArgumentError for a place outside."""
    offset = offset_in(parsed, row, column)
    if parsed.tree is None:
        return None
    return site_at(parsed.names, parsed.source, parsed.tree.root_node, offset)


def offset_in(parsed: ParsedFile, row: int, column: int) -> int:
    """The byte at a place. Raises InvalidArgumentError for a place outside."""
    offset = parsed.offset(row, column)
    if offset is None:
        lines = len(parsed.lines)
        if not 0 <= row < lines:
            message = f"{parsed.path} has {lines:,} lines, not {row + 1:,}"
        else:
            message = f"line {row + 1:,} of {parsed.path} has {len(parsed.lines[row]):,} bytes"
        raise InvalidArgumentError(message, advice="lines and columns count from 1, columns in UTF-8 bytes")
    return offset


def described(source: StoreSource, found: Found) -> Definition:
    """A definition with the text of its line."""
    row, column = found.place
    return Definition(
        found.path,
        row,
        column,
        found.kind,
        found.qualified,
        found.evidence,
        found.candidate,
        found.candidates,
        line_of(source, found.path, row),
    )


def line_of(source: StoreSource, path: str, row: int) -> str:
    """A line of a file as it is now; "" where there is none."""
    data = source.files.bytes_of(path) if source.files is not None else None
    if data is None:
        return ""
    lines = data.split(b"\n", row + 1)
    return lines[row].decode("utf-8", "replace").strip() if row < len(lines) else ""
