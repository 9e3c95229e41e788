"""Where a definition is used.

The files that can name it are found first: its own, those with a recorded relation to its name, and those
that import its module, directly or through others. In each, the places where the name is written are found
in the text, and each is resolved like a separate question; those that lead to the definition are the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from diptych.indexer.languages import language_of
from diptych.model import RelationHit
from diptych.names.definitions import Found, definitions, found_of
from diptych.names.facts import FIELD, IMPORTED
from diptych.names.infer import Inference
from diptych.names.languages import language, see_each_other
from diptych.names.rules import OWN_BODY
from diptych.names.sites import ARGUMENT, Site
from diptych.names.source import Names
from diptych.names.values import Target
from diptych.serving.answers.definition import parsed_file, site_asked
from diptych.serving.answers.importing import (
    aliases_of,
    callers,
    importers,
    importing,
    importing_inside,
    is_local,
    led_to,
    names_of_module,
    sharers,
)
from diptych.serving.answers.precise import precise_at, symbols_at
from diptych.serving.answers.reference import Reference, precise_references, reference_at
from diptych.serving.answers.related import Related
from diptych.serving.answers.written import (
    Form,
    Receivers,
    imports_all,
    may_rename,
    may_write,
    places_of,
    plain_file,
    sites_by_part,
    writes,
)
from diptych.serving.files import ParsedFile
from diptych.serving.parts import Span
from diptych.serving.source import StoreSource

_MAY_BE_POSSIBLE = ("function", "method", "class", "field")
"""What is used through values whose type is not known."""
_OF_FILE = ("function", "class", "variable", "type")
"""What a file binds, where it is in no class or function."""
_MEMBERS = ("method", "field")
_ARGUMENTS = ("parameter", "field")
"""What the name in `name=value` of a call may be."""


class References(NamedTuple):
    """The references to the name at a place: the precise first, of both those in its own file, then by path.

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
    if target is None:
        return References(name, (), (), ())
    return references_to(source, target, related=True)


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


def field_of(source: StoreSource, target: Found) -> Found:
    """The field that a constructor's parameter declares as well; the same definition for all else."""
    names = source.names_of(target.path) if target.kind == "parameter" else None
    fields = [one for one in names.at_place(target.place) if one.how == FIELD] if names is not None else []
    return found_of(Target(names, fields[0]), target.evidence) if names is not None and fields else target


def references_to(
    source: StoreSource,
    target: Found,
    *,
    only_sure: bool = False,
    related: bool = False,
    by_tree: bool = False,
) -> References:
    """The references to one definition. With `only_sure`, the possible ones are not looked for.

    With `related`, those to the members that are one with it count: what it overrides, and what does so too.
    With `by_tree`, the tree decides also what the text of a file says: for those who edit.
    """
    sure: list[Reference] = []
    possible: list[Reference] = []
    found = by_file(source, target, only_sure=only_sure, related=related, by_tree=by_tree)
    for reference, is_sure in chain.from_iterable(found):
        (sure if is_sure else possible).append(reference)
    for some in (sure, possible):
        some.sort(key=lambda one: (one.evidence != "precise", one.path != target.path, one[:3]))
    return References(_written(target), (target,), tuple(sure), tuple(possible))


def by_file(
    source: StoreSource,
    target: Found,
    *,
    only_sure: bool = False,
    related: bool = False,
    by_tree: bool = False,
) -> Iterator[Iterator[tuple[Reference, bool]]]:
    """The references to one definition and whether each is sure, as they are found: file by file.

    Take all of one file before the next.
    """
    search = _Search(source, target, only_sure=only_sure, related=related, by_tree=by_tree)
    symbols = symbols_at(source, target)
    if symbols:
        yield precise_references(source, symbols, target.path)
    for path, name in search.places():
        if symbols and source.precise_of(path) is not None:
            # What was imported of the file says it all.
            continue
        if search.may_name(path, name):
            yield search.found_in(path, name)


class _Search:
    """The search for the uses of one definition.

    `passed_on` are the files that others may import it from under another name, and that name.
    """

    def __init__(
        self, source: StoreSource, target: Found, *, only_sure: bool, related: bool, by_tree: bool
    ) -> None:
        self.source = source
        self.only_sure = only_sure
        self._by_tree = by_tree
        self.target = target = field_of(source, target)
        self.name = _written(target)
        self.passed_on: list[tuple[Names, str]] = []
        names = source.names_of(target.path)
        self._language = names.language if names is not None else ""
        self._sought: dict[str, set[str]] = {}
        self._inside: dict[str, set[str]] = {}
        self._by_name: dict[str, set[str]] = {}
        is_member = self.target.kind in _MEMBERS
        self._related = Related(source, target) if related and is_member else None

    @cached_property
    def relations(self) -> list[RelationHit]:
        """The recorded relations to the name."""
        return self.source.references(self.name)

    def places(self) -> Iterator[tuple[str, str]]:
        """The files that may use the definition, each with the name that it may have there."""
        for path in self.paths():
            yield path, self.name
        # It grows with what is found in these.
        for names, alias in self.passed_on:
            for path in sorted(importers(self.source, names)):
                yield path, alias

    def found_in(self, path: str, name: str) -> Iterator[tuple[Reference, bool]]:
        """The uses in one file by that name, or one that an import there gives, and whether each is sure."""
        may_be_renamed = language_of(path) != "python" or may_rename(self.source, path, (name,))
        aliases = aliases_of(self.source, path, name) if may_be_renamed else set()
        if self.target.kind == "module" and may_be_renamed:
            # `require('./a.js')`, `import * as b from './folder'`: what is written is not the file's name.
            aliases |= names_of_module(self.source, path, self.target.path) - {name}
        sought = self._sought.setdefault(path, set())
        words = {name, *aliases} - sought
        sought |= words
        parsed = self.source.parsed(path) if words else None
        if parsed is None or not see_each_other(parsed.language, self._language):
            return
        # One for the file: what is known of its classes counts for all its sites.
        inference = Inference(self.source, language(parsed.language).rules)
        self._note_passed_on(path, aliases, inference)
        form = Form.ANY if aliases else self._form(path, name, inference)
        within = self._function if path == self.target.path else None
        last = None
        seen = self._receivers(parsed.language)
        offsets = places_of(parsed, *words, form=form, within=within, receivers=seen)
        is_by_text = offsets and self.target.kind != "parameter" and not self._by_tree
        plain = plain_file(self.source, parsed) if is_by_text else None
        if plain is not None:
            decided, offsets = plain.decided(offsets, inference)
            for site, found in decided:
                if (uses := self._used(parsed, plain.seen, site, found, name)) is not None:
                    yield uses
        for names, site in sites_by_part(self.source, parsed, offsets):
            if site.kind == ARGUMENT and self.target.kind not in _ARGUMENTS:
                continue
            found = definitions(self.source, names, site, by_name=False, inference=inference)
            # Where a name means two things, both may be the target.
            uses = self._used(parsed, names, site, found, name)
            if uses is not None and not (uses[1] and site.place == last):
                yield uses
            last = site.place if uses is not None and uses[1] else last

    def _used(
        self, parsed: ParsedFile, names: Names, site: Site, found: list[Found], name: str
    ) -> tuple[Reference, bool] | None:
        """The use of the target at a site that means what was found, and whether it is sure."""
        if any(self._is_target(one) for one in found):
            return reference_at(parsed, names, site, found), True
        if self.only_sure or found or name != self.name or self.target.kind not in _MAY_BE_POSSIBLE:
            return None
        return reference_at(parsed, names, site, found), False

    def _is_target(self, found: Found) -> bool:
        if self._related is not None and found.kind in _MEMBERS:
            return self._related.has(found)
        return (found.path, found.origin) == (self.target.path, self.target.origin)

    def _note_passed_on(self, path: str, aliases: set[str], inference: Inference) -> None:
        """Note the other names that the file at `path` gives the definition for others to import."""
        names = self.source.names_of(path) if aliases else None
        if names is None or self._function is not None:
            return
        for alias in sorted(aliases):
            # Also what an object names that the file exports.
            given = [one.inner for one in names.facts.bindings if one.scope == names.exports]
            scopes = {0, max(names.exports, 0), *(one for one in given if one >= 0)}
            bound = [one for scope in scopes for one in names.bound(scope, alias)]
            found = inference.followed(names, [one for one in bound if one.how == IMPORTED])
            if any(self._is_target(found_of(one, "exact")) for one in found):
                self.passed_on.append((names, alias))

    @cached_property
    def _function(self) -> Span | None:
        """The function that the target is a parameter or a variable of. Nothing else sees it by its name."""
        names = self.source.names_of(self.target.path)
        if names is None or not (self.target.kind == "parameter" or self._is_local):
            return None
        number = names.outermost_function(self.target.place)
        return (names.scopes[number].start, names.scopes[number].end) if number >= 0 else None

    @cached_property
    def _is_local(self) -> bool:
        return is_local(self.source, self.target)

    def _form(self, path: str, name: str, inference: Inference) -> Form:
        """How the file at `path` has to write the name to mean the target."""
        kind = self.target.kind
        if path == self.target.path or inference.rules.members_seen != OWN_BODY:
            return Form.ANY
        if kind == "module" and (path in self._importing or path in self._importing_package):
            # What an import says of it is written there.
            return Form.ANY
        if kind == "parameter":
            return Form.ARGUMENT
        if kind in _MEMBERS or not self._may_import(path, name, inference):
            return Form.MEMBER_OR_ARGUMENT if kind in _ARGUMENTS else Form.MEMBER
        return Form.ANY

    def _receivers(self, language: str) -> Receivers:
        """The receivers of members that may surely mean the target."""
        if not self.only_sure or language != "python":
            return Receivers.ANY
        is_of_file = self.target.kind in _OF_FILE and "." not in self.target.qualified
        # An object has it where a class imports it.
        is_in_class = not is_of_file or self._importing_inside(self.name)
        return Receivers.NO_LITERALS if is_in_class else Receivers.NO_SELF

    def _may_import(self, path: str, name: str, inference: Inference) -> bool:
        """Whether the name by itself may mean the target in a file: that takes an import that leads there."""
        names = self.source.names_of(path)
        if names is None or path in self._importing_inside(name):
            return True
        imported = [one for one in names.facts.bindings if one.name == name and one.how == IMPORTED]
        found = inference.followed(names, imported)
        if names.facts.stars:
            found += inference.module_members(names, name)
        return any(one.names.path == self.target.path for one in found)

    def _importing_inside(self, name: str) -> set[str]:
        """The files that import the name in a function or a class."""
        if name not in self._inside:
            relations = self.relations if name == self.name else self.source.references(name)
            imports = (hit for hit in relations if hit.relation.kind == "imports")
            self._inside[name] = {hit.path for hit in imports if hit.relation.source}
        return self._inside[name]

    def paths(self) -> Iterator[str]:
        """The files that may use the definition, its own first, then those that most likely do.

        What is expensive to find comes last, and is not looked for by one who stops before.
        """
        names = self.source.names_of(self.target.path)
        yield self.target.path
        if self.target.kind == "parameter" or self._is_local:
            yield from callers(self.source, self.target, names) if names is not None else ()
            return
        known: set[str] = {self.target.path}
        for paths in self._groups(names):
            yield from sorted(paths - known)
            known |= paths

    def _groups(self, names: Names | None) -> Iterator[Set[str]]:
        yield self._importing
        if names is not None and self.target.kind == "module":
            # `import package.module` names both.
            yield self._importing_package
        if self.target.kind != "import":
            # What is defined outside of the repository, each file imports by itself.
            paths = {hit.path for hit in self.relations}
            paths |= {hit.path for hit in self.source.symbols(self.name)}
            yield self._led_here(paths) if self.only_sure else paths
        if names is not None and language(names.language).rules.paths:
            # An import names a type, not the module that its members are in.
            outer = self.target.qualified.partition(".")[0]
            yield {hit.path for hit in self.source.references(outer)}
        if names is not None:
            yield sharers(self.source, names) | importers(self.source, names)
            yield self._included_with(names)
        for path in self._related.others if self._related is not None else ():
            above = self.source.names_of(path)
            yield {path, *importers(self.source, above)} if above is not None else {path}

    @cached_property
    def _importing(self) -> frozenset[str]:
        """The files that import the module of the target themselves."""
        names = self.source.names_of(self.target.path)
        return importing(self.source, names) if names is not None else frozenset()

    @cached_property
    def _importing_package(self) -> set[str]:
        """The files that import a module of the package that the target is, which names it too."""
        names = self.source.names_of(self.target.path)
        return importing_inside(self.source, names) if names is not None else set()

    def may_name(self, path: str, name: str) -> bool:
        """Whether a file may write a name that means the target, by its text and its recorded imports."""
        if self.target.kind == "parameter" and path != self.target.path and language_of(path) == "python":
            # Calls alone may name it, and whatever a file imports under another name is no parameter.
            return writes(self.source, path, name, Form.ARGUMENT)
        if not may_write(self.source, path, name):
            return False
        kind = self.target.kind
        may_be_possible = not self.only_sure and kind in _MAY_BE_POSSIBLE
        if may_be_possible or path == self.target.path or language_of(path) != "python":
            return True
        form = Form.MEMBER_OR_ARGUMENT if kind in _ARGUMENTS else Form.MEMBER
        return (
            kind == "module"
            or writes(self.source, path, name, form)
            or (kind not in _MEMBERS and self._imports_name(path, name))
        )

    def _imports_name(self, path: str, name: str) -> bool:
        """Whether a file imports the name, as far as that can be told without its names."""
        if name not in self._by_name:
            relations = self.relations if name == self.name else self.source.references(name)
            self._by_name[name] = {hit.path for hit in relations if hit.relation.kind == "imports"}
        is_recorded = path in self._by_name[name] or not self.source.is_as_recorded(path)
        return is_recorded or imports_all(self.source, path)

    def _led_here(self, paths: Iterable[str]) -> set[str]:
        """Those of the files that imports may lead from to what the target's module binds."""
        names = self.source.names_of(self.target.path)
        return led_to(self.source, names, paths) if names is not None else set(paths)

    def _included_with(self, names: Names) -> set[str]:
        """In C, the files that see a declaration of the target: by its header, or included after it."""
        rules = language(names.language).rules
        bound = [Target(names, one) for one in names.at_place(self.target.place) if one.name == self.name]
        if not rules.includes or not bound:
            return set()
        inference = Inference(self.source, rules)
        found: set[str] = set()
        for one in {target.path: target.names for target in inference.linked(bound, self.name)}.values():
            near = importers(self.source, one)
            including = [one, *filter(None, map(self.source.names_of, sorted(near)))]
            found.update(near, *map(inference.includes, including))
        return found


def _written(target: Found) -> str:
    if target.kind == "module":
        folder, _, file = target.path.rstrip("/").rpartition("/")
        stem = file.partition(".")[0]
        return folder.rpartition("/")[2] if stem == "__init__" else stem
    return target.qualified.rpartition(".")[2]
