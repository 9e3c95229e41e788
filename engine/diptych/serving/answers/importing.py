"""Which files import a file, directly or through others."""

from __future__ import annotations

from collections.abc import Iterable

from diptych.names.imports import MAX_IMPORTS
from diptych.names.languages import language
from diptych.names.rules import Rules
from diptych.names.source import Names
from diptych.serving.source import StoreSource

_MAX_IMPORTS = 4


def importing(source: StoreSource, names: Names) -> frozenset[str]:
    """The files that import a module themselves."""
    return _importing(source, language(names.language).rules, names.path)


def importers(source: StoreSource, names: Names, most: int = _MAX_IMPORTS) -> set[str]:
    """The files that import a module, and those that import them: they may use what it passes on."""
    found: set[str] = set()
    rules = language(names.language).rules
    edge = {names.path}
    for _ in range(most):
        if not edge:
            break
        edge = {one for path in edge for one in _importing(source, rules, path)} - found
        found |= edge
    return found


def led_to(source: StoreSource, names: Names, paths: Iterable[str]) -> set[str]:
    """Those of the files from which imports may lead to what a module binds, through any number of others.

    A file that imports a package alone may name a module of it; then it writes that name.
    """
    rules = language(names.language).rules
    if not rules.leads_to_files or rules.shares is not None:
        return set(paths)
    near = importers(source, names, MAX_IMPORTS)
    folder, _, file = names.path.rpartition("/")
    stem = folder.rpartition("/")[2] if file == rules.package_file else file.partition(".")[0]
    written = stem.encode("utf-8", "surrogateescape")
    return {
        path
        for path in paths
        if path == names.path or path in near or written in (source.parsed_text(path) or b"")
    }


def importing_inside(source: StoreSource, names: Names) -> set[str]:
    """The files that import a module of the package whose own file this is, or of one inside of it."""
    rules = language(names.language).rules
    folder, _, file = names.path.rpartition("/")
    found: set[str] = set()
    pending = [folder] if file == rules.package_file else []
    while pending:
        inside = pending.pop()
        for path in source.files_in(inside):
            found |= _importing(source, rules, path)
        pending += source.packages_in(inside)
    return found


def _importing(source: StoreSource, rules: Rules, path: str) -> frozenset[str]:
    known = source.importing.get(path)
    if known is None:
        known = source.importing[path] = frozenset(_found_importing(source, rules, path))
    return known


def _found_importing(source: StoreSource, rules: Rules, path: str) -> set[str]:
    spelled = set(rules.spellings(source, path))
    if not rules.leads_to_files:
        return source.importers_of(spelled)
    found = _leading(source, rules, spelled, path)
    if not rules.package_file:
        return found
    folder, _, file = path.rpartition("/")
    if file == rules.package_file:
        folder, _, file = folder.rpartition("/")
    # `from package import module`, where what is imported is said apart from where it is.
    said = source.importers_of([file.partition(".")[0]]) - found
    package = f"{folder}/{rules.package_file}" if folder else rules.package_file
    inside = set(rules.spellings(source, package))
    return found | (said & _leading(source, rules, inside, package, f"{folder}/")) if said else found


def _leading(source: StoreSource, rules: Rules, spelled: set[str], *targets: str) -> set[str]:
    """The files with an import that says one of these, and leads to one of the targets."""
    return {
        one
        for one, said in source.imports_of(spelled)
        if source.module_path(rules, one, said) in targets
    }
