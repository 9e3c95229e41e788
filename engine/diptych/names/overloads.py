"""Which of several functions of one name is called, by what is given to them."""

from __future__ import annotations

from diptych.names.annotations import ARRAY
from diptych.names.facts import CONST, FUNCTION, OPTIONAL, PRIVATE, REST, Binding
from diptych.names.infer import Inference
from diptych.names.sites import FREE, Site
from diptych.names.source import Names
from diptych.names.steps import accepts
from diptych.names.values import CLASS_VALUE, FOREIGN, INSTANCE, UNSAID, Target, Value

# How well an argument fits a parameter; None where it cannot be given to it.
_SAME, _NEAR, _FAR, _UNKNOWN, _ROOT = 8, 6, 4, 3, 2
_ANY_NUMBER = 1


def is_function(names: Names, binding: Binding) -> bool:
    """Whether a binding is a function's own."""
    return binding.inner >= 0 and names.scopes[binding.inner].kind == FUNCTION


def fitting(inference: Inference, names: Names, site: Site, targets: list[Target]) -> list[Target]:
    """Those of the targets that the site's arguments fit best; all of them where arguments decide nothing."""
    if not inference.rules.overloads or site.arguments is None:
        return targets
    given = [inference.shape(names, site.scope, shape, site.after) for shape in site.arguments]
    best: dict[tuple[object, ...], Target] = {}
    highest = -1
    for target in targets:
        if target.binding is None or not is_function(target.names, target.binding):
            best.setdefault((target.path, str(target.place)), target)
            continue
        opened = target.names.scopes[target.binding.inner]
        if PRIVATE in opened.decorators and target.path != names.path:
            continue
        fit = _fit(inference, given, target, target.binding.inner)
        if fit is None or fit < highest:
            continue
        if fit > highest:
            best, highest = {}, fit
        # An overridden function has the same parameters: the first is the nearest.
        best.setdefault((opened.bases, CONST in opened.decorators), target)
    # Most objects may be changed; what a method that changes nothing calls on its own may not.
    is_own = site.kind == FREE or site.shape == "^"
    is_const = is_own and CONST in names.scopes[max(names.function_around(site.scope), 0)].decorators
    likely = [one for one in best.values() if _is_const(one) == is_const]
    others = [one for one in best.values() if _is_const(one) != is_const]
    if not inference.rules.includes:
        return likely + others
    return list(dict.fromkeys(inference.linked(likely, site.name) + inference.linked(others, site.name)))


def _is_const(target: Target) -> bool:
    binding = target.binding
    if binding is None or binding.inner < 0:
        return False
    return CONST in target.names.scopes[binding.inner].decorators


def _fit(inference: Inference, given: list[list[Value]], target: Target, scope: int) -> int | None:
    taken = target.names.scopes[scope].bases
    is_open = bool(taken) and taken[-1].startswith(REST)
    if not accepts(target.names, scope, len(given)):
        return None
    total = 0 if is_open else _ANY_NUMBER
    for index, values in enumerate(given):
        shape = taken[min(index, len(taken) - 1)]
        wanted = inference.shape(target.names, scope, shape.lstrip(OPTIONAL + REST))
        fit = _of_argument(inference, values, wanted)
        if shape.startswith(REST) and len(given) == len(taken):
            # One argument may be all of them, in an array.
            inside = [item for value in values for item in inference.stepped([value], "[]", "")]
            fits = [fit, _of_argument(inference, inside, wanted) if inside else None]
            fit = max((one for one in fits if one is not None), default=None)
        if fit is None:
            return None
        total += fit
    return total


def _of_argument(inference: Inference, values: list[Value], wanted: list[Value]) -> int | None:
    if not values or not wanted:
        return _UNKNOWN
    fits = [_of_value(inference, value, one) for value in values for one in wanted]
    return max((one for one in fits if one is not None), default=None)


def _of_value(inference: Inference, value: Value, wanted: Value) -> int | None:
    types = inference.rules.types
    if UNSAID in (value.name, wanted.name):
        return _UNKNOWN
    if value.name in types.loose:
        return None if wanted.name in types.widened else _UNKNOWN
    if value.kind == FOREIGN and wanted.kind == FOREIGN:
        return _of_foreign(inference, value, wanted)
    if value.kind == INSTANCE and wanted.kind == INSTANCE and value.names is not None:
        line = inference.linearised(Value(CLASS_VALUE, value.names, value.scope))
        for distance, one in enumerate(line):
            if one.is_same_scope(wanted):
                return max(_SAME - distance, _FAR + 1)
        return None
    if value.kind == FOREIGN:
        # What is outside of all files is based on nothing in them.
        return _UNKNOWN if value.name in types.nothing else None
    if wanted.name in types.widened or wanted.name in types.supers:
        return None
    return _ROOT if wanted.name in types.roots else _UNKNOWN


def _of_foreign(inference: Inference, value: Value, wanted: Value) -> int | None:
    types = inference.rules.types
    if value.name == wanted.name:
        if value.name == ARRAY and value.arguments and wanted.arguments:
            return _of_elements(inference, value.arguments[0], wanted.arguments[0])
        return _SAME
    if value.name in types.nothing:
        return None if wanted.name in types.widened else _UNKNOWN
    wider = types.widened.get(value.name, types.supers.get(value.name))
    if wider is not None and wanted.name in wider:
        return _NEAR - min(wider.index(wanted.name), 1)
    if wanted.name in types.roots:
        return _ROOT
    return _UNKNOWN if wider is None and wanted.name not in types.widened else None


def _of_elements(inference: Inference, values: tuple[Value, ...], wanted: tuple[Value, ...]) -> int | None:
    """Whether an array can be given as another: its elements are of the same simple type, or fit."""
    simple = inference.rules.types.widened
    if any(one.name in simple for one in (*values, *wanted)):
        return _SAME if {one.name for one in values} & {one.name for one in wanted} else None
    return _of_argument(inference, list(values), list(wanted))
