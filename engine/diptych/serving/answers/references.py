"""Where a definition is used.

The files that can name it are found first: its own, those with a recorded relation to its name, and those
that import its module, directly or through others. In each, the places where the name is written are found
in the text, and each is resolved like a separate question; those that lead to the definition are the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from diptych.indexer.languages import language_of
from diptych.names.definitions import Evidence, Found, definitions
from diptych.names.facts import BLOCK, FUNCTION, IMPORTED, Point
from diptych.names.languages import LANGUAGES, language
from diptych.names.places import sites_named
from diptych.names.sites import BOUND, FIELD_BOUND, ITEM, MODULE, Site
from diptych.names.source import Names
from diptych.schema.precise import DEFINITION, IMPORT, Occurrence
from diptych.serving.answers.definition import line_of, parsed_file, site_asked
from diptych.serving.answers.precise import precise_at, precise_uses, symbols_at
from diptych.serving.files import ParsedFile
from diptych.serving.parts import Part
from diptych.serving.source import StoreSource

_WORD = rb"(?<![\w\x80-\xff$])(?:%s)(?![\w\x80-\xff$])"
_MAX_IMPORTS = 4
# A file is parsed whole where a name is at more places, or in more of it.
_PARTS_MAX = 64
_SHARE_MAX = 0.5
# Here an import names what it brings; in JavaScript a default export has any name.
_NAMED_TO_BE_USED = frozenset({"python", "go"})


class Reference(NamedTuple):
    """A use of a definition. `role` is "definition", "import" or "use"; `inside` is what is around it."""

    path: str
    row: int
    column: int
    role: str
    inside: str
    evidence: Evidence
    text: str


class References(NamedTuple):
    """The references to the name at a place, in the order of paths and lines.

    `possible` are uses of the name whose receiver is not known.
    """

    name: str
    definitions: tuple[Found, ...]
    references: tuple[Reference, ...]
    possible: tuple[Reference, ...]


def references(source: StoreSource, path: str, row: int, column: int) -> References:
    """Where the definition of the name at a place is used.

    Raises InvalidArgumentError for a file without names or a place outside of it, CorruptionError.
    """
    name, target = referred(source, path, row, column)
    return references_to(source, target) if target is not None else References(name, (), (), ())


def referred(source: StoreSource, path: str, row: int, column: int) -> tuple[str, Found | None]:
    """The name at a place, and its definition; None for one that is found by name alone. Raises as above."""
    source.begin()
    precise = precise_at(source, path, row, column)
    if precise is not None:
        return precise.name, precise.found[0]
    parsed = parsed_file(source, path)
    names, site = site_asked(source, parsed, row, column)
    if site is None:
        return "", None
    found = [one for one in definitions(source, names, site) if one.evidence != "named"]
    return site.name, found[0] if found else None


def references_to(source: StoreSource, target: Found) -> References:
    """The references to one definition."""
    sure: list[Reference] = []
    possible: list[Reference] = []
    for reference, is_sure in each_reference(source, target):
        (sure if is_sure else possible).append(reference)
    return References(_written(target), (target,), tuple(sure), tuple(possible))


def each_reference(source: StoreSource, target: Found) -> Iterator[tuple[Reference, bool]]:
    """The references to one definition and whether each is sure, as they are found, file by file."""
    name = _written(target)
    wanted = (target.path, target.origin)
    symbols = symbols_at(source, target)
    for path, one in precise_uses(source, symbols, target.path):
        if one.range[:2] != one.range[2:]:
            yield _precise_reference(source, path, one), True
    for path in _candidates(source, target, name):
        if symbols and source.precise_of(path) is not None:
            # What was imported of the file says it all.
            continue
        if not _may_name(source, path, name):
            continue
        aliases = _aliases(source, path, name)
        parsed = source.parsed(path)
        if parsed is None or parsed.language not in LANGUAGES:
            continue
        for names, site in _sites_by_part(source, parsed, name, *aliases):
            found = definitions(source, names, site, by_name=False)
            if any((one.path, one.origin) == wanted for one in found):
                yield _reference(parsed, names, site, found), True
            elif not found and target.kind in ("function", "method", "class", "field"):
                yield _reference(parsed, names, site, found), False


def _may_name(source: StoreSource, path: str, name: str) -> bool:
    """Whether a file has the name in its text, or may give what it imports any other name."""
    if language_of(path) not in _NAMED_TO_BE_USED:
        return True
    text = source.parsed_text(path)
    return text is not None and name.encode("utf-8", "surrogateescape") in text


def sites_in(parsed: ParsedFile, *words: str) -> Iterator[Site]:
    """Where a file writes a name, or another that it imports it as, in order."""
    offsets = _offsets(parsed, words)
    if offsets and parsed.tree is not None:
        yield from sites_named(parsed.names, parsed.source, parsed.tree.root_node, iter(offsets))


def _offsets(parsed: ParsedFile, words: Iterable[str]) -> list[int]:
    # The bytes first: the expression is a hundred times slower, a parse even more.
    there = [
        word for word in (one.encode("utf-8", "surrogateescape") for one in words) if word in parsed.source
    ]
    if not there:
        return []
    pattern = b"|".join(map(re.escape, there))
    return [match.start() for match in re.finditer(_WORD % pattern, parsed.source)]


def _sites_by_part(source: StoreSource, parsed: ParsedFile, *words: str) -> Iterator[tuple[Names, Site]]:
    """As `sites_in`, each with the names of the part of the file that was parsed for it.

    Of a file of a hundred functions most often a few write the name.
    """
    offsets = _offsets(parsed, words)
    if not offsets:
        return
    for part, inside in _parts(source, parsed, offsets):
        for site in sites_named(part.names, part.source, part.root, iter(inside)):
            yield part.names, site


def _parts(source: StoreSource, parsed: ParsedFile, offsets: list[int]) -> list[tuple[Part, list[int]]]:
    """The parts of a file around offsets that ascend, each with those in it."""
    # For a file that has changed since it was indexed, that has made the complete names.
    seen = source.names_of(parsed.path) if not parsed.is_parsed else None
    found: list[tuple[Part, list[int]]] = []
    if seen is not None and not parsed.is_parsed and len(offsets) <= _PARTS_MAX:
        left = _SHARE_MAX * len(parsed.source)
        for offset in offsets:
            if found and found[-1][0].root.start_byte <= offset < found[-1][0].root.end_byte:
                found[-1][1].append(offset)
                continue
            part = parsed.part(seen, parsed.place(offset))
            if part is None:
                break
            found.append((part, [offset]))
            left -= part.root.end_byte - part.root.start_byte
            if left < 0:
                break
        else:
            return found
    if parsed.tree is None:
        return []
    return [(Part(parsed.names, parsed.source, parsed.tree.root_node), offsets)]


def _aliases(source: StoreSource, path: str, name: str) -> set[str]:
    """The other names under which a file imports something of that name."""
    names = source.names_of(path)
    endings = (f">{name}", f"<{name}", f".{name}", f"/{name}", ">default")
    bindings = names.facts.bindings if names is not None else ()
    return {
        one.name for one in bindings if one.how == IMPORTED and one.name and one.shape.endswith(endings)
    } - {name}


def _written(target: Found) -> str:
    if target.kind == "module":
        folder, _, file = target.path.rstrip("/").rpartition("/")
        stem = file.partition(".")[0]
        return folder.rpartition("/")[2] if stem == "__init__" else stem
    return target.qualified.rpartition(".")[2]


def _precise_reference(source: StoreSource, path: str, one: Occurrence) -> Reference:
    row, column = one.range[:2]
    role = "definition" if one.roles & DEFINITION else "import" if one.roles & IMPORT else "use"
    names = source.names_of(path)
    inside = inside_of(names, (row, column)) if names is not None else ""
    return Reference(path, row, column, role, inside, "precise", line_of(source, path, row))


def _reference(parsed: ParsedFile, names: Names, site: Site, found: list[Found]) -> Reference:
    row, column = site.place
    evidence: Evidence = found[0].evidence if found else "named"
    is_defined = site.kind in (BOUND, FIELD_BOUND)
    role = "definition" if is_defined else "import" if site.kind in (ITEM, MODULE) else "use"
    inside = inside_of(names, site.place)
    return Reference(parsed.path, row, column, role, inside, evidence, parsed.line_text(row))


def inside_of(names: Names, place: Point) -> str:
    """The dotted name of the innermost definition around a place; "" for none."""
    return names.qualified(scope_around(names, place))


def scope_around(names: Names, place: Point) -> int:
    """The innermost scope with a name around a place, by number; 0 for the file."""
    around = 0
    for number, scope in enumerate(names.scopes):
        if scope.name and scope.kind != BLOCK and scope.start <= place < scope.end:
            around = number
    return around


def _candidates(source: StoreSource, target: Found, name: str) -> list[str]:
    """The files that may use a definition, its own first."""
    names = source.names_of(target.path)
    if target.kind == "parameter" or (names is not None and _is_local(names, target)):
        return [target.path, *_callers(source, target)]
    paths = {hit.path for hit in source.references(name)}
    paths |= {hit.path for hit in source.symbols(name)}
    if names is not None:
        paths |= _importers(source, names) | _sharers(source, names)
    paths.discard(target.path)
    return [target.path, *sorted(paths)]


def _is_local(names: Names, target: Found) -> bool:
    """Whether only the file itself can name it: what a function binds."""
    around = scope_around(names, target.place)
    return target.kind == "variable" and names.scopes[around].kind == FUNCTION


def _callers(source: StoreSource, target: Found) -> list[str]:
    """A parameter is named by the keyword arguments of calls elsewhere."""
    if target.kind != "parameter":
        return []
    function = target.qualified.rpartition(".")[0].rpartition(".")[2]
    owner = target.qualified.split(".")[-3:-2] if function in ("__init__", "__new__", "__call__") else []
    paths = {hit.path for called in (function, *owner) for hit in source.references(called)}
    return sorted(paths - {target.path})


def _sharers(source: StoreSource, names: Names) -> set[str]:
    """The files that see a file's names without an import: in its folder, or one of the same name."""
    shares = language(names.language).rules.shares
    if shares is None:
        return set()
    folders = source.folders_named(names.path.rpartition("/")[0].rpartition("/")[2])
    near = (path for folder in folders for path in source.files_in(folder))
    return {path for path in near if shares(path, names.path)}


def _importers(source: StoreSource, names: Names) -> set[str]:
    """The files that import a module, and those that import them: they may use what it passes on."""
    found: set[str] = set()
    rules = language(names.language).rules
    edge = {names.path}
    for _ in range(_MAX_IMPORTS):
        spelled = {said for path in edge for said in rules.spellings(source, path)}
        edge = {path for said in spelled for path in source.importers(said)} - found
        found |= edge
    return found
