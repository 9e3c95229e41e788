"""What can be written at a place, the likeliest first."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from diptych.names.definitions import found_of
from diptych.names.facts import CLASS, DELETED, GLOBAL, NONLOCAL, PARAMETER, Point
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.names.places import site_at
from diptych.names.sites import MEMBER, Site
from diptych.names.source import Names
from diptych.names.values import CLASS_VALUE, INSTANCE, MODULE_VALUE, Target, Value
from diptych.search.typed import Typed
from diptych.serving.answers.definition import offset_in, parsed_file, site_asked, site_in
from diptych.serving.files import ParsedFile
from diptych.serving.source import StoreSource

COMPLETIONS_MAX = 200
_FROM_INDEX_MAX = 50
_SHORTEST_FOR_INDEX = 2

_TYPED = re.compile(rb"[\w$\x80-\xff]*$")
_DOT = re.compile(rb"(?<!\d)\.\s*$")
_IMPORT_ITEMS = re.compile(rb"^\s*from\s+([.\w]+)\s+import\s+[\w\s,(]*$")
_IMPORT_MODULE = re.compile(rb"^\s*(?:from|import)\s+([.\w]*)$")
_PLACEHOLDER = b"diptych_completes_here"
_NOT_NAMES = (GLOBAL, NONLOCAL, DELETED)

LOCAL, MEMBERS, IMPORTED, BUILTIN, ELSEWHERE = range(5)
"""Where a completion comes from: what is seen at the place, the members of what is before the dot, what the
import names, the language, other files by name."""


class Completion(NamedTuple):
    """A name that can be written. `path` is "" for what the language has; else the name is defined there."""

    name: str
    kind: str
    origin: int
    path: str = ""
    place: Point = (0, 0)
    inside: str = ""


class Completions(NamedTuple):
    """The completions of what is typed from `start` on. Without `is_complete` there may be more."""

    start: Point
    items: tuple[Completion, ...]
    is_complete: bool


def completions(
    source: StoreSource, path: str, row: int, column: int, *, limit: int = COMPLETIONS_MAX
) -> Completions:
    """What can be written at a place of a file.

    Raises InvalidArgumentError for a file without names or a place outside of it, CorruptionError.
    """
    source.begin()
    parsed = parsed_file(source, path)
    offset = offset_in(parsed, row, column)
    line = parsed.lines[row][:column]
    typed = _TYPED.search(line)
    assert typed is not None
    before = line[: typed.start()]
    prefix = typed[0].decode("utf-8", "replace")
    start = (row, typed.start())
    if parsed.language == "python" and (found := _imports(source, parsed, before)) is not None:
        return _chosen(start, found, prefix, limit, is_complete=True)
    names, site = (
        site_asked(source, parsed, *start) if prefix else _site_to_write(source, parsed, start, offset)
    )
    inference = Inference(source, language(parsed.language).rules)
    if _DOT.search(before):
        found = _members_at(inference, names, site)
        return _chosen(start, found, prefix, limit, is_complete=True)
    scope = site.scope if site is not None else names.innermost(start)
    found = [*_seen(inference, names, scope), *_of_language(parsed, inference)]
    others = _elsewhere(source, path, prefix)
    is_complete = len(prefix) >= _SHORTEST_FOR_INDEX and len(others) < _FROM_INDEX_MAX
    return _chosen(start, [*found, *others], prefix, limit, is_complete=is_complete)


def _site_to_write(
    source: StoreSource, parsed: ParsedFile, place: Point, offset: int
) -> tuple[Names, Site | None]:
    """The site that a name would be which begins at a place, and the names that are seen there."""
    written = parsed.source[:offset] + _PLACEHOLDER + parsed.source[offset:]
    there = ParsedFile(parsed.path, parsed.language, written, "")
    seen = source.names_of(parsed.path) if _is_sound(source, parsed) else None
    part = there.part_with(seen, place, len(_PLACEHOLDER)) if seen is not None else None
    if part is not None:
        return part.names, site_at(part.names, part.source, part.root, offset)
    return there.names, site_in(there, *place)


def _is_sound(source: StoreSource, parsed: ParsedFile) -> bool:
    """Whether a file says right where its definitions are. What is missing right here may be an error."""
    tree = parsed.tree_made() if source.is_as_recorded(parsed.path) else parsed.tree
    return tree is None or not tree.root_node.has_error


def _chosen(
    start: Point, found: Iterable[Completion], prefix: str, limit: int, *, is_complete: bool
) -> Completions:
    """Of each name the first, those that are like what was typed, the likeliest first."""
    by_name: dict[str, Completion] = {}
    for one in found:
        if one.name and not one.name.startswith(_PLACEHOLDER.decode()):
            by_name.setdefault(one.name, one)
    ranked = []
    wanted = Typed(prefix)
    for one in by_name.values():
        like = wanted.likeness(one.name) if prefix else 0
        if like is not None and (one.name != prefix or one.path):
            hidden = len(one.name) - len(one.name.lstrip("_")) if not prefix.startswith("_") else 0
            ranked.append((like, hidden, one.origin, one.name.lower(), one))
    ranked.sort(key=lambda pair: pair[:4])
    return Completions(
        start, tuple(pair[-1] for pair in ranked[:limit]), is_complete and len(ranked) <= limit
    )


def _imports(source: StoreSource, parsed: ParsedFile, before: bytes) -> list[Completion] | None:
    """What an import statement can name here; None outside of one."""
    inference = Inference(source, language(parsed.language).rules)
    items = _IMPORT_ITEMS.match(before)
    if items is not None:
        module = items[1].decode("utf-8", "replace")
        values = [Value(MODULE_VALUE, one.names) for one in inference.module_targets(parsed.path, module)]
        found = [one for value in values for one in _members(inference, value)]
        path = inference.rules.module_path(source, parsed.path, module)
        return [*found, *_modules_in(source, _folder_of(path))]
    opened = _IMPORT_MODULE.match(before)
    if opened is None:
        return None
    module = opened[1].decode("utf-8", "replace").rstrip(".")
    if module:
        return _modules_in(source, _folder_of(inference.rules.module_path(source, parsed.path, module)))
    folders = dict.fromkeys(("", parsed.path.rpartition("/")[0]))
    return [one for folder in folders for one in _modules_in(source, folder)]


def _folder_of(path: str | None) -> str | None:
    """The folder of a package's own file, or a folder; None for a module."""
    if path is None:
        return None
    folder, _, file = path.rpartition("/")
    return folder if not file or file.startswith("__init__.") else None


def _modules_in(source: StoreSource, folder: str | None) -> list[Completion]:
    if folder is None:
        return []
    found = []
    for path in source.files_in(folder):
        stem, _, suffix = path.rpartition("/")[2].rpartition(".")
        if suffix in ("py", "pyi") and stem.isidentifier() and stem != "__init__":
            found.append(Completion(stem, "module", IMPORTED, path))
    packages = source.packages_in(folder)
    return found + [
        Completion(path.rpartition("/")[2], "module", IMPORTED, f"{path}/__init__.py") for path in packages
    ]


def _members_at(inference: Inference, names: Names, site: Site | None) -> list[Completion]:
    if site is None or site.kind != MEMBER:
        return []
    values = inference.shape(names, site.scope, site.shape, site.after)
    return [one for value in values for one in _members(inference, value)]


def _members(inference: Inference, value: Value) -> Iterator[Completion]:
    """All members of a value that are in some file, those of a class before those of its bases."""
    if value.names is None:
        return
    if value.kind == MODULE_VALUE:
        yield from _bound_in(value.names, max(value.names.exports, 0), MEMBERS)
    if value.kind in (INSTANCE, CLASS_VALUE):
        for owner in inference.linearised(value):
            if owner.names is not None:
                yield from _bound_in(owner.names, owner.scope, MEMBERS, parameters=False)


def _bound_in(names: Names, scope: int, origin: int, *, parameters: bool = True) -> Iterator[Completion]:
    for (inside, name), bindings in names.by_scope.items():
        first = bindings[0]
        if inside != scope or first.how in _NOT_NAMES or not (parameters or first.how != PARAMETER):
            continue
        kind = found_of(Target(names, first), "exact").kind
        yield Completion(name, kind, origin, names.path, first.place, names.qualified(scope))


def _seen(inference: Inference, names: Names, scope: int) -> Iterator[Completion]:
    """The names that are seen in a scope, the nearest first."""
    first = True
    while scope >= 0:
        if first or names.scopes[scope].kind != CLASS:
            yield from _bound_in(names, scope, LOCAL)
        first, scope = False, names.scopes[scope].parent
    for _, module in names.facts.stars:
        for target in inference.module_targets(names.path, module):
            exported = target.names.facts.exported
            for one in _bound_in(target.names, 0, LOCAL):
                if one.name in exported if exported is not None else not one.name.startswith("_"):
                    yield one


def _of_language(parsed: ParsedFile, inference: Inference) -> Iterator[Completion]:
    for name in inference.rules.builtins or ():
        yield Completion(name, "builtin", BUILTIN)
    for name in keyword.kwlist if parsed.language == "python" else ():
        yield Completion(name, "keyword", BUILTIN)


def _elsewhere(source: StoreSource, path: str, prefix: str) -> list[Completion]:
    """What other files define at their top level, by the beginning of the name."""
    if len(prefix) < _SHORTEST_FOR_INDEX:
        return []
    hits = source.view.symbols_like(prefix, limit=_FROM_INDEX_MAX)
    return [
        Completion(hit.symbol.name, hit.symbol.kind, ELSEWHERE, hit.path, hit.symbol.name_range[:2])
        for hit in hits
        if hit.path != path and not hit.symbol.container
    ]
