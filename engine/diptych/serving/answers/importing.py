"""Which files may name a definition: those that import its file, directly or through others."""

from __future__ import annotations

from collections.abc import Iterable

from diptych.names.definitions import Found
from diptych.names.facts import (
    ASSIGNED,
    BLOCK,
    COMPREHENSION,
    DECLARED,
    FIELD,
    FUNCTION,
    GLOBAL,
    IMPORTED,
    LAMBDA,
    NONLOCAL,
)
from diptych.names.imports import MAX_IMPORTS
from diptych.names.languages import language
from diptych.names.rules import OWN_BODY, Rules
from diptych.names.source import Names
from diptych.names.values import CLASS_VALUE, Value
from diptych.serving.answers.hierarchy import descendants
from diptych.serving.answers.written import may_give, may_rename
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


def aliases_of(source: StoreSource, path: str, name: str) -> set[str]:
    """The other names under which a file imports something of that name, or passes it on."""
    names = source.names_of(path)
    imported = [one for one in names.facts.bindings if one.how == IMPORTED] if names is not None else []
    found: set[str] = set()
    pending = [name]
    while pending:
        last = pending.pop()
        endings = (f">{last}", f"<{last}", f".{last}", f"/{last}", ">default")
        new = {one.name for one in imported if one.name and one.shape.endswith(endings)} - found - {name}
        found |= new
        pending += sorted(new)
    return found


def names_of_module(source: StoreSource, path: str, module: str) -> set[str]:
    """The names that imports in a file give to the module at `module`, whatever they write for it."""
    names = source.names_of(path)
    if names is None:
        return set()
    rules = language(names.language).rules
    bound = [one for one in names.facts.bindings if one.how == IMPORTED and one.name and ">" not in one.shape]
    return {one.name for one in bound if source.module_path(rules, path, one.shape[1:]) == module}


def callers(source: StoreSource, target: Found, names: Names) -> list[str]:
    """The files that may name a parameter: in the keyword arguments of calls, where there are any."""
    if target.kind != "parameter" or language(names.language).rules.members_seen != OWN_BODY:
        return []
    *_, owner, function = ("", "", *target.qualified.split(".")[:-1])
    called = {function} if function else _names_of_lambda(names, target)
    if function in ("__init__", "__new__", "__call__"):
        called.add(owner)
        number = names.enclosing_class(names.innermost(target.place))
        below = descendants(source, Value(CLASS_VALUE, names, number)) if number >= 0 else []
        called |= {one.names.scopes[one.scope].name for one in below if one.names is not None}
    called |= {one.name for one in names.facts.bindings if one.shape in called}
    near = importing(source, names)
    # There it may be given to `partial`, and not be called.
    paths = {path for path in near if b"partial" in (source.parsed_text(path) or b"")}
    paths |= {hit.path for name in called if name for hit in source.references(name)}
    # A file may call it by another name that it was given elsewhere.
    looked_for: dict[str, set[str]] = {}
    while new := _given_names(source, {target.path, *near, *paths}, called, looked_for) - called:
        called |= new
        paths |= {hit.path for name in new for hit in source.references(name)}
    paths = led_to(source, names, paths)
    for path in sorted(paths):
        passing = source.names_of(path) if may_rename(source, path, called) else None
        if passing is not None and any(aliases_of(source, path, name) for name in called):
            paths |= importers(source, passing)
    return sorted(paths - {target.path})


def _names_of_lambda(names: Names, target: Found) -> set[str]:
    """The names that a lambda is given whose parameter the target is."""
    inner = names.innermost(target.place)
    return {one.name for one in names.facts.bindings if one.inner == inner}


def _given_names(
    source: StoreSource, paths: Iterable[str], called: set[str], looked_for: dict[str, set[str]]
) -> set[str]:
    """What is bound in these files to a function that has one of these names.

    `looked_for` are the names that were looked for in each file before, which it adds to.
    """
    found: set[str] = set()
    for path in paths:
        new = called - looked_for.setdefault(path, set())
        looked_for[path] |= new
        names = source.names_of(path) if new and may_give(source, path, new) else None
        for one in names.facts.bindings if names is not None else ():
            if one.shape and one.how in (ASSIGNED, FIELD):
                found |= {one.name for shape in one.shape.split("\n") if shape.rpartition(".")[2] in new}
    return found


def sharers(source: StoreSource, names: Names) -> set[str]:
    """The files that see a file's names without an import: in its folder, or one of the same name."""
    shares = language(names.language).rules.shares
    if shares is None:
        return set()
    folders = source.folders_named(names.path.rpartition("/")[0].rpartition("/")[2])
    near = (path for folder in folders for path in source.files_in(folder))
    return {path for path in near if shares(path, names.path)}


def is_local(source: StoreSource, target: Found) -> bool:
    """Whether only the file itself can name it: what a function binds, unless it does so for its module."""
    if "." not in target.qualified or target.kind in ("method", "field", "module", "import"):
        return False
    names = source.names_around(target.path, target.place)
    here = names.at_place(target.place) if names is not None else []
    if names is None or not here:
        return False
    alike = [one for binding in here for one in names.bound(binding.scope, binding.name)]
    if any(one.how in (GLOBAL, NONLOCAL, DECLARED) for one in alike):
        return False
    return all(_is_in_function(names, one.scope) for one in here)


def _is_in_function(names: Names, scope: int) -> bool:
    """Whether a scope is that of a function, or of statements in one."""
    while names.scopes[scope].kind in (BLOCK, COMPREHENSION):
        scope = names.scopes[scope].parent
    return names.scopes[scope].kind in (FUNCTION, LAMBDA)
