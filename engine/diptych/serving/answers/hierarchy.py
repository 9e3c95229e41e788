"""Classes and what they extend, up and down, over all files."""

from __future__ import annotations

from collections.abc import Iterator

from diptych.names.definitions import Found, definitions, found_of
from diptych.names.facts import CLASS, DEFINED, Binding
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.names.source import Names
from diptych.names.values import CLASS_VALUE, Target, Value
from diptych.serving.answers.definition import parsed_file, site_asked
from diptych.serving.source import StoreSource

_INHERITS = frozenset({"extends", "implements"})
# A tree of classes that is larger is cut.
_CLASSES_MAX = 1_000


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


def family(source: StoreSource, value: Value) -> list[Value]:
    """A class, all that it extends and all that extend one of these, in the files there are."""
    seen: dict[tuple[str, int], Value] = {}
    pending = [value]
    while pending and len(seen) < _CLASSES_MAX:
        one = pending.pop()
        key = _key(one)
        if key in seen:
            continue
        seen[key] = one
        pending += _bases(source, one)
        pending += _extending(source, one)
    return list(seen.values())


def descendants(source: StoreSource, value: Value) -> list[Value]:
    """The classes that extend a class, directly or through others."""
    seen: dict[tuple[str, int], Value] = {}
    pending = [value]
    while pending and len(seen) < _CLASSES_MAX:
        for one in _extending(source, pending.pop()):
            if _key(one) not in seen:
                seen[_key(one)] = one
                pending.append(one)
    return list(seen.values())


def _bases(source: StoreSource, value: Value) -> list[Value]:
    assert value.names is not None
    inference = Inference(source, language(value.names.language).rules)
    return [one for one in inference.bases(value.names, value.scope) if one.kind == CLASS_VALUE]


def _extending(source: StoreSource, value: Value) -> Iterator[Value]:
    assert value.names is not None
    name = value.names.scopes[value.scope].name
    paths = {hit.path for hit in source.references(name) if hit.relation.kind in _INHERITS}
    for path in sorted(paths | {value.names.path}):
        names = source.names_of(path)
        for number, scope in enumerate(names.scopes if names is not None else ()):
            if scope.kind != CLASS or not scope.bases or names is None:
                continue
            other = Value(CLASS_VALUE, names, number)
            if any(_key(base) == _key(value) for base in _bases(source, other)):
                yield other


def _key(value: Value) -> tuple[str, int]:
    assert value.names is not None
    return value.names.path, value.scope


def _found_of(value: Value) -> list[Found]:
    assert value.names is not None
    return [found_of(Target(value.names, one), "exact") for one in _opening(value.names, value.scope)]


def _opening(names: Names, scope: int) -> list[Binding]:
    return [one for one in names.facts.bindings if one.inner == scope and one.how == DEFINED][:1]


def members_named(value: Value, name: str) -> list[Found]:
    """What a class itself binds by a name, the first place of it."""
    assert value.names is not None
    return [found_of(Target(value.names, one), "exact") for one in value.names.bound(value.scope, name)[:1]]
