"""The type of what a name refers to, and what implements a class or a method."""

from __future__ import annotations

from diptych.names.definitions import Found, definitions, found_of
from diptych.names.facts import DEFINED
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.names.values import CLASS_VALUE, FUNCTION_VALUE, INSTANCE, Target, Value
from diptych.serving.answers.definition import parsed_file, site_asked
from diptych.serving.answers.hierarchy import class_scope, members_named, subtypes
from diptych.serving.source import StoreSource

_IMPLEMENTATIONS_MAX = 200


def type_definitions(source: StoreSource, path: str, row: int, column: int) -> list[Found]:
    """The classes of what the name at a place refers to, as far as they are in files.

    Of a function, the classes of what it returns. Raises InvalidArgumentError for a file without names or a
    place outside of it.
    """
    source.begin()
    parsed = parsed_file(source, path)
    seen, site = site_asked(source, parsed, row, column)
    if site is None:
        return []
    inference = Inference(source, language(parsed.language).rules)
    found: list[Found] = []
    for one in definitions(source, seen, site, by_name=False):
        names = source.complete_names_of(one.path)
        for binding in names.at_place(one.place) if names is not None else ():
            assert names is not None
            for value in inference.of_target(Target(names, binding)):
                values = inference.called(value) if value.kind == FUNCTION_VALUE else [value]
                found += [of for other in values for of in _class_of(other) if of not in found]
    return found


def _class_of(value: Value) -> list[Found]:
    if value.names is None or value.kind not in (INSTANCE, CLASS_VALUE):
        return []
    opening = [one for one in value.names.facts.bindings if one.inner == value.scope and one.how == DEFINED]
    return [found_of(Target(value.names, one), "inferred") for one in opening[:1]]


def implementations(source: StoreSource, path: str, row: int, column: int) -> list[Found]:
    """The classes that extend the class at a place, or the methods that override the one there, at any depth.

    Raises InvalidArgumentError for a file without names or a place outside of it.
    """
    source.begin()
    parsed = parsed_file(source, path)
    seen, site = site_asked(source, parsed, row, column)
    found = definitions(source, seen, site, by_name=False)[:1] if site is not None else []
    if not found:
        return []
    target, member = found[0], ""
    owner = class_scope(source, target)
    if owner is None:
        names = source.complete_names_of(target.path)
        scopes = [one.scope for one in names.at_place(target.place)] if names is not None else []
        opening = _class_of(Value(CLASS_VALUE, names, scopes[0])) if scopes else []
        if not opening:
            return []
        target, member = opening[0], target.qualified.rpartition(".")[2]
    below = _below(source, target)
    if not member:
        return below
    values = [value for one in below if (value := class_scope(source, one)) is not None]
    return [one for value in values for one in members_named(value, member)]


def _below(source: StoreSource, target: Found) -> list[Found]:
    found: dict[tuple[str, object], Found] = {}
    pending = [target]
    while pending and len(found) < _IMPLEMENTATIONS_MAX:
        for one in subtypes(source, pending.pop()):
            if (one.path, one.place) not in found:
                found[one.path, one.place] = one
                pending.append(one)
    return sorted(found.values(), key=lambda one: (one.path, one.place))
