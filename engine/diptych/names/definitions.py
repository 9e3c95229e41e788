"""What a site refers to, with the evidence for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from diptych.names.facts import (
    ASSIGNED,
    CLASS,
    DECLARED,
    DEFINED,
    EXPORTED,
    EXPORTS,
    FIELD,
    FUNCTION,
    GLOBAL,
    IMPORTED,
    MACRO,
    NAMESPACE,
    NONLOCAL,
    PARAMETER,
    WRAPPED,
    Binding,
    Point,
)
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.names.overloads import fitting, is_function
from diptych.names.rules import ANY
from diptych.names.sites import ARGUMENT, BOUND, FIELD_BOUND, FREE, ITEM, MODULE, OF_FILE, Site
from diptych.names.source import Defined, Names, Source
from diptych.names.values import CLASS_VALUE, FOREIGN, FUNCTION_VALUE, INSTANCE, MODULE_VALUE, Target, Value

Evidence = Literal["exact", "inferred", "named", "precise"]

CALLABLE = frozenset({"function", "method", "class"})
"""The kinds of what is called."""

MAX_CANDIDATES = 20
_MAX_IMPORTED = 40


class Found(NamedTuple):
    """A definition. `candidate` of `candidates` counts those found by name alone; 0 for the others.

    `origin` is the first place that binds the same name in the same scope: one for each definition, however
    often it is bound.
    """

    path: str
    place: Point
    kind: str
    qualified: str
    evidence: Evidence
    origin: Point
    candidate: int = 0
    candidates: int = 0


def definitions(
    source: Source, names: Names, site: Site, *, by_name: bool = True, inference: Inference | None = None
) -> list[Found]:
    """What the site refers to, the likeliest first. With `by_name`, candidates where nothing is known.

    `inference` is that of earlier questions to the same source in this language, while no file changes.
    """
    inference = inference or Inference(source, language(names.language).rules)
    inference.begin()
    if site.kind in (BOUND, FIELD_BOUND):
        return _bound(inference, names, site)
    if site.kind == FREE:
        found = inference.targets(names, site.scope, site.name, site.after, meaning=site.meaning)
        found = inference.given_by(found)
        found = inference.first_opened(names, found) if inference.rules.includes else found
        return _found(fitting(inference, names, site, found), "exact")
    if site.kind == MODULE:
        found = inference.given_by(inference.module_targets(names.path, site.module))
        return _found(found or inference.without_source(names, site.place), "exact")
    if site.kind == ITEM:
        found = inference.item_targets(names.path, site.module, site.name)
        return _found(found or inference.without_source(names, site.place), "exact")
    if site.kind == ARGUMENT:
        return _argument(inference, names, site)
    if site.kind == OF_FILE:
        given = [Target(names, one) for one in names.at_place(site.after)][:1]
        return _found(given or [Target(names, None)], "exact")
    return _member(inference, names, site, by_name)


def _bound(inference: Inference, names: Names, site: Site) -> list[Found]:
    """The binding here, then the others of the same name that mean the same.

    What is assigned once more is defined where it is bound first.
    """
    if site.shape:
        around = max(names.scopes[site.scope].parent, 0)
        values = inference.shape(names, around, site.shape, site.place)
        if declared := [one for value in values for one in inference.members(value, site.name)]:
            return _found(declared, "inferred")
    bindings = names.bound(site.scope, site.name)
    here = [binding for binding in bindings if binding.place == site.place]
    if here and any(binding.how in (GLOBAL, NONLOCAL) for binding in bindings):
        # All that is bound here is of a scope around.
        return _found(inference.targets(names, site.scope, site.name), "exact")
    meaning = inference.rules.meaning_of(names, here[0]) if here else ANY
    if here and here[0].how == DECLARED and names.function_around(site.scope) >= 0:
        return _found(inference.targets(names, site.scope, site.name, site.place, meaning=meaning), "exact")
    rest = [
        binding
        for binding in bindings
        if binding.place != site.place
        and inference.rules.means(names, binding, meaning)
        and not (inference.rules.overloads and is_function(names, binding))
    ]
    if here and here[0].how in (ASSIGNED, FIELD, IMPORTED) and not inference.rules.shadows:
        targets = inference.followed(names, sorted(here + rest, key=_first_defined))
        if here[0].how == IMPORTED and names.scopes[site.scope].kind == EXPORTS:
            # What is of another package, or a whole file, has this place alone in the file.
            own = Target(names, here[0])
            targets = [one if is_bound_in_file(one) else own for one in targets]
    else:
        targets = [Target(names, binding) for binding in here + rest]
    if inference.rules.includes:
        targets = inference.linked(targets, site.name)
    return _found(inference.given_by(targets), "exact")


def is_bound_in_file(target: Target) -> bool:
    """Whether a file binds what an import led to, rather than being it, or importing it in turn."""
    return target.binding is not None and target.binding.how != IMPORTED


def _first_defined(binding: Binding) -> tuple[bool, Point]:
    return binding.how == FIELD, binding.place


def _member(inference: Inference, names: Names, site: Site, by_name: bool) -> list[Found]:
    values = inference.shape(names, site.scope, site.shape, site.after)
    found = found_members(inference, names, site, values)
    if found or not by_name:
        return found
    nothing = inference.rules.types.nothing
    known = any(value.kind in (FOREIGN, MODULE_VALUE) and value.name not in nothing for value in values)
    return [] if known else _candidates(inference, names, site)


def found_members(inference: Inference, names: Names, site: Site, values: list[Value]) -> list[Found]:
    """The member that the site names of what its receiver may be; [] if none is known to have it."""
    targets: list[Target] = []
    for value in values:
        members = inference.meant(inference.members(value, site.name, site.meaning), site.meaning)
        targets += [one for one in members if one not in targets]
    targets = fitting(inference, names, site, targets)
    targets = inference.first_opened(names, targets) if inference.rules.includes else targets
    if not targets:
        return []
    if site.assigned:
        targets.sort(key=_is_read_alone)
    first = values[0]
    in_space = (
        inference.rules.includes
        and first.names is not None
        and first.names.scopes[first.scope].kind == NAMESPACE
    )
    return _found(targets, "exact" if first.kind == MODULE_VALUE or in_space else "inferred")


def _is_read_alone(target: Target) -> bool:
    """Whether it is a getter."""
    binding = target.binding
    return (
        binding is not None
        and binding.inner >= 0
        and "property" in target.names.scopes[binding.inner].decorators
    )


def _argument(inference: Inference, names: Names, site: Site) -> list[Found]:
    """The parameter, or the field of a class whose fields are its parameters."""
    for value in inference.shape(names, site.scope, site.shape, site.after):
        for function in _functions(inference, value):
            found = _parameters(inference.source, function, site.name)
            found = found or _wrapped(inference, function, site.name)
            if found:
                return _found(found, "exact" if value.kind == FUNCTION_VALUE else "inferred")
        if value.kind == CLASS_VALUE:
            fields = [one for one in inference.members(value, site.name) if _is_field(one)]
            if fields:
                return _found(fields, "inferred")
    return []


def _functions(inference: Inference, value: Value) -> list[Value]:
    if value.kind == FUNCTION_VALUE:
        return [value]
    types = inference.rules.types
    names = types.constructors if value.kind == CLASS_VALUE else types.call
    if value.kind not in (CLASS_VALUE, INSTANCE):
        return []
    made: list[Value] = []
    for name in names:
        for target in inference.members(value, name):
            made += [one for one in inference.of_target(target) if one.kind == FUNCTION_VALUE]
    return made


def _parameters(source: Source, function: Value, name: str) -> list[Target]:
    if function.names is None:
        return []
    start = function.names.scopes[function.scope].start
    complete = source.names_around(function.names.path, start)
    if complete is None:
        return []
    scope = complete.scope_at.get(start, -1)
    found = [one for one in complete.bound(scope, name) if one.how == PARAMETER]
    return [Target(complete, binding) for binding in found]


def _wrapped(inference: Inference, function: Value, name: str) -> list[Target]:
    """The parameter of what a function passes its arguments on to: that which it wraps."""
    if function.names is None or not inference.step():
        return []
    opened = function.names.scopes[function.scope]
    for decorator in opened.decorators:
        wrapped = decorator.removesuffix(WRAPPED)
        for value in inference.shape(function.names, opened.parent, wrapped) if wrapped != decorator else ():
            if value.kind == FUNCTION_VALUE and value.names is not None and value != function:
                return _parameters(inference.source, value, name) or _wrapped(inference, value, name)
    return []


def _is_field(target: Target) -> bool:
    return target.binding is not None and target.binding.how != DEFINED


def _candidates(inference: Inference, names: Names, site: Site) -> list[Found]:
    """Members of that name anywhere, ranked: this file, imported files, the same package, not tests."""
    imported = _imported(inference, names)
    found: dict[tuple[str, Point], tuple[tuple[object, ...], Found]] = {}

    def add(path: str, place: Point, kind: str, qualified: str) -> None:
        # What is called is a function or a class, if there is one.
        unlikely = site.called and kind not in CALLABLE
        rank = (unlikely, *_rank(names.path, imported, path, place))
        found.setdefault((path, place), (rank, Found(path, place, kind, qualified, "named", place)))

    for path in [names.path, *imported]:
        other = names if path == names.path else inference.names_of(path)
        for scope, bound in _members_named(other, site.name) if other is not None else ():
            assert other is not None
            add(path, bound.place, _kind(other, bound), _joined(other.qualified(scope), bound.name))
    for defined in inference.source.defined(site.name):
        if defined.inside:
            add(defined.path, defined.place, defined.kind, _joined(defined.inside, site.name))
    ranked = [one for _, one in sorted(found.values(), key=lambda pair: pair[0])]
    count = len(ranked)
    return [
        one._replace(candidate=number, candidates=count)
        for number, one in enumerate(ranked[:MAX_CANDIDATES], 1)
    ]


def _members_named(names: Names, name: str) -> Iterable[tuple[int, Binding]]:
    for number, scope in enumerate(names.scopes):
        if scope.kind == CLASS:
            # One place for each field is enough.
            for binding in names.bound(number, name)[:1]:
                yield number, binding


def _imported(inference: Inference, names: Names) -> list[str]:
    paths: dict[str, None] = {}
    for binding in names.facts.bindings:
        if binding.how == IMPORTED and len(paths) < _MAX_IMPORTED:
            module, _, item = binding.shape[1:].partition(">")
            path = inference.module_path(names.path, module)
            if item:
                inner = inference.item_targets(names.path, module, item)
                path = inner[0].path if inner else path
            if path is not None and path != names.path and not path.endswith("/"):
                paths[path] = None
    return list(paths)


def _rank(importer: str, imported: list[str], path: str, place: Point) -> tuple[object, ...]:
    near = 0 if path == importer else 1 if path in imported else 2
    package = importer.rpartition("/")[0]
    parts = path.split("/")
    tests = any(part in ("test", "tests") or part.startswith("test_") for part in parts)
    return near, not path.startswith(f"{package}/"), tests, len(parts), len(path), path, place


def _found(targets: Iterable[Target], evidence: Evidence) -> list[Found]:
    made: dict[tuple[str, Point], Found] = {}
    # Before the signatures of a function, the function.
    for target in sorted(targets, key=_is_signature):
        found = found_of(target, evidence)
        made.setdefault((found.path, found.place), found)
    return list(made.values())


def _is_signature(target: Target) -> bool:
    """Whether a target is Python's `@overload`, which has a signature alone."""
    binding = target.binding
    if binding is None or binding.inner < 0:
        return False
    decorators = target.names.scopes[binding.inner].decorators
    return any(one.rpartition(".")[2] == "overload" for one in decorators)


def found_of(target: Target, evidence: Evidence) -> Found:
    """A target as an answer."""
    names, binding = target
    if binding is None:
        return Found(names.path, (0, 0), "module", "", evidence, (0, 0))
    rules = language(names.language).rules
    meaning = rules.meaning_of(names, binding)
    same = [one for one in names.bound(binding.scope, binding.name) if rules.means(names, one, meaning)]
    apart = rules.overloads and is_function(names, binding)
    origin = same[0].place if same and not apart else binding.place
    name = "module.exports" if binding.name == EXPORTED else binding.name
    qualified = _joined(names.qualified(binding.scope), name)
    return Found(names.path, binding.place, _kind(names, binding), qualified, evidence, origin)


def _kind(names: Names, binding: Binding) -> str:
    if binding.how == MACRO:
        return "macro"
    if binding.how in (DEFINED, DECLARED) and binding.inner >= 0:
        opened = names.scopes[binding.inner]
        said = next((one[1:] for one in opened.decorators if one[:1] == "!"), "class")
        function = "method" if names.scopes[binding.scope].kind == CLASS else "function"
        return {CLASS: said, NAMESPACE: "namespace"}.get(opened.kind, function)
    if binding.shape.startswith(":type["):
        return "type"
    if binding.how == PARAMETER:
        return "parameter"
    in_class = names.scopes[binding.scope].kind == CLASS
    if binding.how == FIELD or in_class:
        return "field"
    return "import" if binding.how == IMPORTED else "variable"


def _joined(container: str, name: str) -> str:
    return f"{container}.{name}" if container else name


__all__ = ["FUNCTION", "Defined", "Found", "definitions", "found_of"]
