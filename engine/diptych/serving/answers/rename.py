"""Give a definition another name, everywhere where it is named.

What resolves to the definition is edited. A use whose receiver is not known is edited only if a person says
so. A name that would be taken, or would take the place of another, is refused with the place of that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, NoReturn

from tree_sitter import Node

from diptych.names.definitions import Found, definitions, found_of
from diptych.names.facts import CLASS, IMPORTED, Binding, Point
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.names.places import sites_named
from diptych.names.sites import BOUND, FREE, ITEM, MEMBER, Site
from diptych.names.source import Names
from diptych.names.values import CLASS_VALUE, FOREIGN, Target, Value
from diptych.serving.answers.definition import parsed_file, site_in
from diptych.serving.answers.hierarchy import Place, family, members_named
from diptych.serving.answers.reference import Reference
from diptych.serving.answers.references import field_of, references_to
from diptych.serving.answers.reserved import is_name, is_private, is_special, may_have
from diptych.serving.answers.written import sites_in
from diptych.serving.errors import RenameRefusedError
from diptych.serving.files import ParsedFile
from diptych.serving.source import StoreSource

# A longer name may begin with the one that is replaced.
_NAME_ENDS = rb"(?![\w\x80-\xff$])"
_SHORTHAND = frozenset({"shorthand_property_identifier", "shorthand_property_identifier_pattern"})
_LISTS_OF_NAMES = frozenset({b"__all__", b"__slots__", b"__match_args__"})


class Edit(NamedTuple):
    """A name to be replaced by `text`, at a place. With `needs_confirmation`, it may be of something else."""

    path: str
    row: int
    column: int
    text: str
    needs_confirmation: bool = False


class Rename(NamedTuple):
    """The edits that give `name` another name, by path and place."""

    name: str
    edits: tuple[Edit, ...]


class Renameable(NamedTuple):
    """What can be renamed: the name, where it was asked about, and its definition."""

    name: str
    place: Point
    target: Found


def renameable(source: StoreSource, path: str, row: int, column: int) -> Renameable:
    """What the name at a place is, if it can be renamed.

    Raises RenameRefusedError; InvalidArgumentError for a file without names or a place outside of it.
    """
    source.begin()
    parsed = parsed_file(source, path)
    site = site_in(parsed, row, column)
    if site is None:
        raise RenameRefusedError("there is no name here")
    found = definitions(source, parsed.names, site, by_name=False)
    if not found:
        raise RenameRefusedError(f"it is not known what {site.name} refers to here")
    target = field_of(source, found[0])
    if target.kind in ("module", "import"):
        what = "a module" if target.kind == "module" else "defined outside of the repository"
        raise RenameRefusedError(f"{site.name} is {what}")
    written = target.qualified.rpartition(".")[2]
    if site.name != written:
        _refuse_alias(parsed, site)
    is_member = target.kind in ("method", "field", "constructor")
    if is_special(parsed.language, site.name, is_member=is_member):
        raise RenameRefusedError(f"{site.name} means something to the language")
    return Renameable(site.name, site.place, target)


def rename(source: StoreSource, path: str, row: int, column: int, new: str) -> Rename:
    """The edits that rename what the name at a place refers to.

    Methods that override each other are renamed together. Raises RenameRefusedError, InvalidArgumentError.
    """
    wanted = renameable(source, path, row, column)
    names = source.names_of(wanted.target.path)
    if names is None or wanted.name == new:
        return Rename(wanted.name, ())
    if not is_name(names.language, new):
        raise RenameRefusedError(f"{new!r:.100} is no name in {names.language}")
    complete = source.complete_names_of(wanted.target.path) or names
    owner = _owner(complete, wanted.target)
    related = [wanted.target]
    asked: set[Place] = set()
    # A private name of Python is another one in each class.
    if owner is not None and not is_private(names.language, wanted.name):
        classes, asked = family(source, owner, wanted.name)
        related = _related(source, complete, classes, wanted, new)
    related += [other for one in related for other in _declared_beside(source, one)]
    edits: dict[Edit, None] = {}
    for target in related:
        found = references_to(source, target, by_tree=True)
        _add(source, target, found.references, wanted.name, new, edits, asked=False)
        _add(source, target, found.possible, wanted.name, new, edits, asked=True)
    if owner is None and language(names.language).rules.includes:
        _add_in_macros(source, wanted.name, new, edits)
    # Whatever class has the member that a class asks itself for, it is renamed.
    sure = [
        edit._replace(needs_confirmation=False)
        for edit in edits
        if not edit.needs_confirmation or (edit.path, (edit.row, edit.column)) in asked
    ]
    folders = {edit.path.rpartition("/")[0] for edit in sure}
    if names.language == "go" and len(folders) > 1 and not new[0].isupper():
        raise RenameRefusedError(f"{new} would not be seen from other packages, where {wanted.name} is used")
    certain = {edit[:3] for edit in sure}
    unsure = [edit for edit in edits if edit.needs_confirmation and edit[:3] not in certain]
    listed = [
        one
        for path in sorted({edit.path for edit in sure})
        for one in _in_lists(source, path, wanted, sure, new)
    ]
    _check_conflicts(source, sure, new)
    return Rename(wanted.name, tuple(sorted({*sure, *unsure, *listed})))


def _refuse_alias(parsed: ParsedFile, site: Site) -> NoReturn:
    for binding in parsed.names.facts.bindings:
        if binding.name == site.name and binding.how == IMPORTED:
            raise RenameRefusedError(
                f"{site.name} is the name that an import gives, in {parsed.path}:{binding.place[0] + 1}"
            )
    raise RenameRefusedError(f"{site.name} is another name of something")


def _owner(names: Names, target: Found) -> Value | None:
    """The class that a definition is a member of; None for anything else."""
    for binding in names.at_place(target.place):
        if names.scopes[binding.scope].kind == CLASS and target.kind != "parameter":
            return Value(CLASS_VALUE, names, binding.scope)
    return None


def _related(
    source: StoreSource, names: Names, classes: list[Value], wanted: Renameable, new: str
) -> list[Found]:
    """The members of that name in classes that share them. Raises RenameRefusedError."""
    inference = Inference(source, language(names.language).rules)
    found = []
    for one in classes:
        assert one.names is not None
        taken = members_named(one, new)
        if taken:
            raise _taken(new, taken[0].path, taken[0].place)
        for written, base in zip(
            one.names.scopes[one.scope].bases, inference.bases(one.names, one.scope), strict=True
        ):
            name = _imported(one.names, written) if names.language == "python" else base.name
            if base.kind == FOREIGN and may_have(names.language, name, wanted.name):
                where = f"{one.names.path}:{one.names.scopes[one.scope].start[0] + 1}"
                raise RenameRefusedError(
                    f"{wanted.name} may be a member of {name}, which is outside of the repository and is"
                    f" extended by the class in {where}"
                )
        found += members_named(one, wanted.name)
    return found


def _imported(names: Names, base: str) -> str:
    """The name of a base as its module has it, of the shape that the class has it in."""
    head, dot, rest = base.partition("[")[0].partition(".")
    bound = [one for one in names.bound(0, head) if one.how == IMPORTED]
    return f"{bound[0].shape[1:].replace('>', '.')}{dot}{rest}" if bound else f"{head}{dot}{rest}"


def _declared_beside(source: StoreSource, target: Found) -> list[Found]:
    """What else declares a definition of Python: the stub beside its file, or the file; overloads."""
    stem, _, suffix = target.path.rpartition(".")
    other = {"py": "pyi", "pyi": "py"}.get(suffix)
    if other is None:
        return []
    found = _declared_in(source, f"{stem}.{other}", target)
    own = _declared_in(source, target.path, target) if target.kind == "parameter" else []
    # Each overload has parameters of its own; callers mean any of them.
    return [*found, *own] if any(_is_of_overload(source, one) for one in own) else found


def _declared_in(source: StoreSource, path: str, target: Found) -> list[Found]:
    """What a file declares by the dotted name of a definition."""
    names = source.complete_names_of(path)
    name = target.qualified.rpartition(".")[2]
    bound = [one for one in names.facts.bindings if one.name == name] if names is not None else []
    declared = [found_of(Target(names, one), "exact") for one in bound if names is not None]
    alike = [one for one in declared if one.qualified == target.qualified]
    # The first of each: a parameter that is assigned to is one still.
    return list({one.origin: one for one in reversed(alike)}.values())[::-1]


def _is_of_overload(source: StoreSource, parameter: Found) -> bool:
    names = source.complete_names_of(parameter.path)
    around = names.innermost(parameter.place) if names is not None else 0
    decorators = names.scopes[around].decorators if names is not None else ()
    return any(one.rpartition(".")[2] == "overload" for one in decorators)


def _add(
    source: StoreSource,
    target: Found,
    found: Iterable[Reference],
    name: str,
    new: str,
    edits: dict[Edit, None],
    *,
    asked: bool,
) -> None:
    """Add those places where the name itself is written, and not another that an import gives."""
    written = re.compile(re.escape(name.encode("utf-8", "surrogateescape")) + _NAME_ENDS)
    for one in found:
        parsed = source.parsed(one.path)
        if parsed is not None and written.match(parsed.lines[one.row], one.column):
            node = _node_at(parsed, one.row, one.column)
            is_both = node is not None and node.type in _SHORTHAND
            text = _in_shorthand(source, target, parsed, one, name, new) if is_both else new
            edits[Edit(one.path, one.row, one.column, text, asked)] = None


def _in_shorthand(
    source: StoreSource, target: Found, parsed: ParsedFile, at: Reference, name: str, new: str
) -> str:
    """What takes the place of `name` in `{ name }`: of the property and the variable, one may keep it."""
    root = parsed.tree.root_node if parsed.tree is not None else None
    offset = parsed.offset(at.row, at.column)
    if root is None or offset is None:
        return new
    sites = list(sites_named(parsed.names, parsed.source, root, iter((offset,))))
    meant = []
    for site in sites:
        found = definitions(source, parsed.names, site, by_name=False)
        is_target = any((one.path, one.origin) == (target.path, target.origin) for one in found)
        meant.append(is_target or (at.evidence == "named" and not found))
    if all(meant):
        return new
    return f"{name}: {new}" if meant[0] else f"{new}: {name}"


def _add_in_macros(source: StoreSource, name: str, new: str, edits: dict[Edit, None]) -> None:
    """Add the calls in the bodies of macros, of which it is not known what they mean."""
    for hit in source.references(name):
        row, column = hit.relation.range[:2]
        parsed = source.parsed(hit.path)
        node = _node_at(parsed, row, column) if parsed is not None else None
        if node is not None and node.type == "preproc_arg":
            edits[Edit(hit.path, row, column, new, True)] = None


def _node_at(parsed: ParsedFile, row: int, column: int) -> Node | None:
    if parsed.tree is None:
        return None
    return parsed.tree.root_node.descendant_for_point_range((row, column), (row, column))


def _in_lists(
    source: StoreSource, path: str, wanted: Renameable, sure: list[Edit], new: str
) -> Iterator[Edit]:
    """Where a file has the name in a list of names: in `__all__`, `__slots__` or `__match_args__`."""
    parsed = source.parsed(path)
    if parsed is None or parsed.language != "python" or parsed.tree is None:
        return
    if not any(word in parsed.source for word in _LISTS_OF_NAMES):
        return
    bound = {edit[1:3] for edit in sure if edit.path == path}
    scopes = {
        one.scope for one in parsed.names.facts.bindings if one.place in bound and one.name == wanted.name
    }
    for left, text in _listed(parsed.tree.root_node):
        scope = parsed.names.innermost(_point(left))
        if text.text == wanted.name.encode() and scope in scopes:
            yield Edit(path, *_point(text), new)


def _listed(root: Node) -> Iterator[tuple[Node, Node]]:
    """Each list of names, and a string's content in it."""
    pending = [root]
    while pending:
        node = pending.pop()
        left = (
            node.child_by_field_name("left") if node.type in ("assignment", "augmented_assignment") else None
        )
        if left is not None and left.text in _LISTS_OF_NAMES:
            for text in _strings(node):
                yield left, text
        elif node.type in ("module", "block", "class_definition", "expression_statement", "if_statement"):
            pending += node.named_children


def _strings(node: Node) -> Iterator[Node]:
    pending = [node]
    while pending:
        one = pending.pop()
        if one.type == "string_content":
            yield one
        pending += one.named_children


def _point(node: Node) -> Point:
    return node.start_point[0], node.start_point[1]


def _check_conflicts(source: StoreSource, edits: list[Edit], new: str) -> None:
    """Raise RenameRefusedError where the new name means something at an edited place, or would be hidden."""
    places: dict[str, set[Point]] = {}
    for edit in edits:
        places.setdefault(edit.path, set()).add((edit.row, edit.column))
    for path, edited in places.items():
        parsed = source.parsed(path)
        if parsed is None or parsed.tree is None:
            continue
        inference = Inference(source, language(parsed.language).rules)
        bound = [
            one for one in parsed.names.facts.bindings if one.place in edited and not _is_member(parsed, one)
        ]
        for place in edited:
            site = site_in(parsed, *place)
            if site is not None and site.kind in (FREE, BOUND, ITEM):
                _check_site(inference, parsed.names, site, new)
        for other in sites_in(parsed, new):
            if other.kind not in (MEMBER,) and any(
                _sees(parsed.names, other.scope, one.scope) for one in bound
            ):
                raise _taken(new, path, other.place)


def _check_site(inference: Inference, names: Names, site: Site, new: str) -> None:
    scope = names.innermost(site.place) if site.kind == ITEM else site.scope
    taken = [one for one in inference.targets(names, scope, new) if one.binding is not None]
    if taken and site.kind != BOUND:
        raise _taken(new, taken[0].path, taken[0].place)
    if names.bound(scope, new):
        raise _taken(new, names.path, names.bound(scope, new)[0].place)


def _is_member(parsed: ParsedFile, binding: Binding) -> bool:
    return parsed.names.scopes[binding.scope].kind == CLASS


def _sees(names: Names, scope: int, outer: int) -> bool:
    """Whether what is bound in `outer` is seen in `scope`."""
    while scope >= 0:
        if scope == outer:
            return True
        scope = names.scopes[scope].parent
    return False


def _taken(new: str, path: str, place: Point) -> RenameRefusedError:
    return RenameRefusedError(f"there is a {new} already, in {path}:{place[0] + 1}:{place[1] + 1}")
