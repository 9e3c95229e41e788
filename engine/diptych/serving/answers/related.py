"""Members that are one with a member: those that it overrides or implements, and what else does.

A class's member and that of what the class extends or implements are one to who asks for the references of
either. So are two members that override the same one.
"""

from __future__ import annotations

from diptych.names.definitions import Found, found_of
from diptych.names.facts import CLASS, OF_CLASS, STATIC, Binding, Point
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.names.source import Names
from diptych.names.values import CLASS_VALUE, Target, Value
from diptych.serving.source import StoreSource

_CLASSES_MAX = 200

Origin = tuple[str, Point]


class Related:
    """The members that are one with `target`, in languages that have such families."""

    def __init__(self, source: StoreSource, target: Found) -> None:
        self._source = source
        self._known: dict[Origin, bool] = {}
        self._target = (target.path, target.origin)
        self.origins = self._with_those_above(target)

    @property
    def others(self) -> list[str]:
        """The files with the members above, but for the target's own."""
        return sorted({path for path, _ in self.origins} - {self._target[0]})

    def has(self, found: Found) -> bool:
        """Whether a definition is one with the target."""
        origin = (found.path, found.origin)
        if origin not in self._known:
            is_one = origin in self.origins
            self._known[origin] = is_one or not self.origins.isdisjoint(self._with_those_above(found))
        return self._known[origin]

    def _with_those_above(self, found: Found) -> frozenset[Origin]:
        own = (found.path, found.origin)
        names = self._source.names_of(found.path)
        if names is None or not language(names.language).rules.families:
            return frozenset({own})
        binding = _member_at(names, found.origin)
        if binding is None:
            names = self._source.complete_names_of(found.path) or names
            binding = _member_at(names, found.origin)
        if binding is None or not _may_override(names, binding):
            return frozenset({own})
        return frozenset({own, *self._above(names, binding)})

    def _above(self, names: Names, binding: Binding) -> set[Origin]:
        inference = Inference(self._source, language(names.language).rules)
        found: set[Origin] = set()
        pending = [Value(CLASS_VALUE, names, binding.scope)]
        seen: set[Origin] = set()
        while pending and len(seen) < _CLASSES_MAX:
            one = pending.pop()
            assert one.names is not None
            place = (one.names.path, one.names.scopes[one.scope].start)
            if place in seen:
                continue
            seen.add(place)
            for bound in one.names.bound(one.scope, binding.name):
                if _may_override(one.names, bound):
                    made = found_of(Target(one.names, bound), "inferred")
                    found.add((made.path, made.origin))
            # What an object spreads, it copies.
            if "!object" not in one.names.scopes[one.scope].decorators:
                inference.begin()
                pending += inference.supers(one.names, one.scope)
        return found


def _member_at(names: Names, place: Point) -> Binding | None:
    return next((one for one in names.at_place(place) if names.scopes[one.scope].kind == CLASS), None)


def _may_override(names: Names, binding: Binding) -> bool:
    """Whether a member may be another's in a class above: a constructor or one of a class itself may not."""
    of_class = binding.inner >= 0 and OF_CLASS in names.scopes[binding.inner].decorators
    is_own = binding.how == STATIC or of_class or binding.name == "constructor"
    return not is_own and not binding.name.startswith("#")
