"""What other files see of a file, together with all that one part of it says."""

from __future__ import annotations

from diptych.names.facts import Binding, FileFacts, Point
from diptych.names.source import Added, Names


def merged(seen: Names, part: FileFacts, around: int) -> Names:
    """The names of a file, given what others see of it, and the complete facts of a part that is in the scope
    `around`. Its look-ups are those of `seen`, but for what is added: to build them again is most work.
    """
    scopes, scope_at, numbers = list(seen.scopes), dict(seen.scope_at), [around]
    for scope in part.scopes[1:]:
        number = seen.scope_at.get(scope.start, 0)
        scope = scope._replace(parent=numbers[scope.parent])
        if number and (scopes[number].kind, scopes[number].name) == (scope.kind, scope.name):
            # Of a class, only the beginning may be in the part.
            scopes[number] = scope._replace(end=scopes[number].end)
        else:
            number = scope_at[scope.start] = len(scopes)
            scopes.append(scope)
        numbers.append(number)
    by_scope: dict[tuple[int, str], list[Binding]] = {}
    by_place: dict[Point, list[Binding]] = {}
    added: list[Binding] = []
    for bound in part.bindings:
        if bound.scope == 0 and around != 0:
            # Outside of the part, and the file's own facts have it.
            continue
        inner = numbers[bound.inner] if bound.inner > 0 else -1
        bound = bound._replace(scope=numbers[bound.scope], inner=inner)
        there = by_place.get(bound.place)
        there = there if there is not None else seen.at_place(bound.place)
        if all((one.scope, one.name, one.how) != (bound.scope, bound.name, bound.how) for one in there):
            added.append(bound)
            by_place[bound.place] = [*there, bound]
            beside = by_scope.get((bound.scope, bound.name))
            beside = beside if beside is not None else seen.bound(bound.scope, bound.name)
            by_scope[bound.scope, bound.name] = sorted([*beside, bound], key=_place)
    facts = seen.facts._replace(scopes=tuple(scopes), bindings=(*seen.facts.bindings, *added))
    made = Names(seen.path, seen.language, facts, around, Added(seen, by_scope, by_place))
    made.scope_at = scope_at
    return made


def _place(binding: Binding) -> Point:
    return binding.place
