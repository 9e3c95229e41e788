"""Classes and what they extend, up and down, over all files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from diptych.names.definitions import Found, definitions, found_of
from diptych.names.facts import CLASS, DEFINED, Binding, Point
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.names.source import Names
from diptych.names.values import CLASS_VALUE, Target, Value
from diptych.serving.answers.definition import parsed_file, site_asked
from diptych.serving.answers.written import sites_in
from diptych.serving.source import StoreSource

_INHERITS = frozenset({"extends", "implements"})
# A tree of classes that is larger is cut.
_CLASSES_MAX = 1_000

Place = tuple[str, Point]


class Family(NamedTuple):
    """Classes that a member may be seen in, and the places where they ask themselves for it."""

    classes: list[Value]
    asked: set[Place]


def classes_at(source: StoreSource, path: str, row: int, column: int) -> list[Found]:
    """The class that the name at a place refers to; [] for anything else.

    Raises InvalidArgumentError for a file without names or a place outside of it.
    """
    source.begin()
    parsed = parsed_file(source, path)
    names, site = site_asked(source, parsed, row, column)
    if site is None:
        return []
    found = definitions(source, names, site, by_name=False)
    return [one for one in found if class_scope(source, one) is not None][:1]


def class_scope(source: StoreSource, found: Found) -> Value | None:
    """The class that a definition is; None for anything else."""
    names = source.names_of(found.path)
    if names is None:
        return None
    opened = (one.inner for one in names.at_place(found.place) if one.how == DEFINED and one.inner >= 0)
    scope = next((number for number in opened if names.scopes[number].kind == CLASS), -1)
    return Value(CLASS_VALUE, names, scope) if scope >= 0 else None


def supertypes(source: StoreSource, found: Found) -> list[Found]:
    """What a class extends, in the order in which it is written; what is not in any file is left out."""
    value = class_scope(source, found)
    return [one for base in _bases(source, value) for one in _found_of(base)] if value is not None else []


def subtypes(source: StoreSource, found: Found) -> list[Found]:
    """The classes that extend a class, by file and line."""
    value = class_scope(source, found)
    return (
        [one for other in _extending(source, value) for one in _found_of(other)] if value is not None else []
    )


def family(source: StoreSource, value: Value, name: str) -> Family:
    """A class, and all classes that a member `name` of it may be seen in, in the files there are.

    Those are what extends it, and what these extend. A member of one of them is the same member; so is that
    of a class that extends one of them, where that has a member of the name, or asks itself for it.
    """
    seen: dict[Place, Value] = {}
    sharing: set[Place] = set()
    asked: set[Place] = set()
    pending = [value]
    while pending and len(seen) < _CLASSES_MAX:
        one = pending.pop()
        if _key(one) in sharing:
            continue
        for below in [one, *descendants(source, one)]:
            if _key(below) in sharing:
                continue
            # What extends it extends `one` too, and has its turn in this loop.
            sharing.add(_key(below))
            for above in [below, *_ancestors(source, below)]:
                if _key(above) in seen:
                    continue
                seen[_key(above)] = above
                asking = _asking_itself(source, above, name)
                asked.update(asking)
                if asking or members_named(above, name):
                    pending.append(above)
    return Family(list(seen.values()), asked)


def descendants(source: StoreSource, value: Value) -> list[Value]:
    """The classes that extend a class, directly or through others."""
    seen: dict[Place, Value] = {}
    pending = [value]
    while pending and len(seen) < _CLASSES_MAX:
        for one in _extending(source, pending.pop()):
            if _key(one) not in seen:
                seen[_key(one)] = one
                pending.append(one)
    return list(seen.values())


def _ancestors(source: StoreSource, value: Value) -> list[Value]:
    """The classes that a class extends, directly or through others."""
    seen: dict[Place, Value] = {}
    pending = [value]
    while pending and len(seen) < _CLASSES_MAX:
        for one in _bases(source, pending.pop()):
            if _key(one) not in seen:
                seen[_key(one)] = one
                pending.append(one)
    return list(seen.values())


def _asking_itself(source: StoreSource, value: Value, name: str) -> list[Place]:
    """Where methods of a class ask for a member of their own object, which an extending class may have."""
    assert value.names is not None
    parsed = source.parsed(value.names.path)
    if parsed is None:
        return []
    inference = Inference(source, language(parsed.language).rules)
    scope = value.names.scopes[value.scope]
    found = []
    for site in sites_in(parsed, name):
        if not scope.start <= site.place < scope.end:
            continue
        receivers = inference.shape(parsed.names, site.scope, site.shape, site.place)
        if any(one.names is not None and _key(one) == _key(value) for one in receivers):
            found.append((parsed.path, site.place))
    return found


def _bases(source: StoreSource, value: Value) -> list[Value]:
    assert value.names is not None
    inference = Inference(source, language(value.names.language).rules)
    return [one for one in inference.bases(value.names, value.scope) if one.kind == CLASS_VALUE]


def _extending(source: StoreSource, value: Value) -> Iterator[Value]:
    assert value.names is not None
    name = value.names.scopes[value.scope].name
    hits = [hit for hit in source.references(name) if hit.relation.kind in _INHERITS]
    for path in sorted({value.names.path, *(hit.path for hit in hits)}):
        names = _with_classes(source, path, {hit.relation.source for hit in hits if hit.path == path})
        for number, scope in enumerate(names.scopes if names is not None else ()):
            if scope.kind != CLASS or not scope.bases or names is None:
                continue
            other = Value(CLASS_VALUE, names, number)
            if any(_key(base) == _key(value) for base in _bases(source, other)):
                yield other


def _with_classes(source: StoreSource, path: str, classes: set[str]) -> Names | None:
    """The names of a file, with these classes by their dotted names: the complete ones if one is local."""
    names = source.names_of(path)
    if names is None:
        return None
    known = {names.qualified(one) for one, scope in enumerate(names.scopes) if scope.kind == CLASS}
    return names if classes <= known else source.complete_names_of(path) or names


def _key(value: Value) -> Place:
    """Where a class is. The complete names of a file number its scopes in another way than those stored."""
    assert value.names is not None
    return value.names.path, value.names.scopes[value.scope].start


def _found_of(value: Value) -> list[Found]:
    assert value.names is not None
    return [found_of(Target(value.names, one), "exact") for one in _opening(value.names, value.scope)]


def _opening(names: Names, scope: int) -> list[Binding]:
    return [one for one in names.facts.bindings if one.inner == scope and one.how == DEFINED][:1]


def members_named(value: Value, name: str) -> list[Found]:
    """What a class itself binds by a name, the first place of it."""
    assert value.names is not None
    return [found_of(Target(value.names, one), "exact") for one in value.names.bound(value.scope, name)[:1]]
