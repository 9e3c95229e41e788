"""Names across files that include each other: declared in one, defined in another, in spaces of many."""

from __future__ import annotations

from collections.abc import Iterable

from diptych.names.facts import (
    ASSIGNED,
    CLASS,
    CONST,
    DECLARED,
    DEFINED,
    FUNCTION,
    MACRO,
    NAMESPACE,
    PRIVATE,
    Binding,
)
from diptych.names.rules import ANY, Rules
from diptych.names.source import Names, Source
from diptych.names.values import Target

# A file of a large program includes some hundreds.
MAX_INCLUDED = 1_500
MAX_MODULE_PATHS = 16_384


class Spaces:
    """What the files around one see of each other through includes. One for each question."""

    def __init__(self, source: Source, rules: Rules) -> None:
        self.source = source
        self.rules = rules
        self._included: dict[str, dict[str, int]] = {}
        self._module_paths: dict[tuple[str, str], str | None] = {}

    def module_path(self, importer: str, module: str) -> str | None:
        """See `Rules`. It is asked again and again for one module, and looks at many places each time."""
        asked = (importer, module)
        if asked not in self._module_paths:
            if len(self._module_paths) >= MAX_MODULE_PATHS:
                self._module_paths.clear()
            self._module_paths[asked] = self.rules.module_path(self.source, importer, module)
        return self._module_paths[asked]

    def in_space(self, names: Names, space: str, name: str, meaning: int = ANY) -> list[Target]:
        """What other files bind `name` to in the namespace `space`, "" for none, as `names` sees it.

        What the file includes comes first; if it includes none of them, what is not private to its own file.
        """
        found = [
            one
            for one in self._everywhere(space, name)
            if one.path != names.path and self.rules.means(one.names, one.binding, meaning)
        ]
        if not found:
            return []
        included = self.included(names)
        near = [one for one in found if one.path in included]
        if near:
            return sorted(
                near, key=lambda one: (_is_doubtful(one), _is_declared(one), included[one.path], one.place)
            )
        # A struct may be declared where its definition is not included.
        public = [one for one in found if not _is_private(one) and (_is_linked(one) or _is_tag(one))]
        return sorted(public, key=lambda one: (_is_declared(one), -_common(one.path, names.path), one.path))

    def seen_through(self, names: Names, scope: int, name: str) -> list[Binding]:
        """What the file binds in scopes without a name that are in `scope`."""
        around = names.qualified(scope)
        return [
            one
            for number, inner in enumerate(names.scopes)
            if inner.kind == NAMESPACE and not inner.name and names.qualified(number) == around
            for one in names.bound(number, name)
        ]

    def linked(self, targets: list[Target], name: str) -> list[Target]:
        """The targets, with the definitions of what is declared, and the declarations of what is defined."""
        known = [one for one in targets if _is_linked(one) and not _is_private(one)]
        if not known or known[0].binding is None:
            return targets
        first = known[0]
        assert first.binding is not None
        space = first.names.qualified(first.binding.scope)
        has_body = any(not _is_declared(one) for one in known)
        added = [
            one
            for one in self._everywhere(space, name)
            if one not in targets
            and _is_linked(one)
            and not _is_private(one)
            and (_is_declared(one) or not has_body)
            and self._is_same(one, first)
        ]
        added.sort(key=lambda one: (-_common(one.path, first.path), one.path, one.place))
        return sorted([*targets, *added], key=_is_declared)

    def first_opened(self, names: Names, targets: list[Target]) -> list[Target]:
        """All that opens a namespace, in the order in which a file that is compiled comes to it."""
        binding = targets[0].binding if targets else None
        if binding is None or not _is_space(targets[0]):
            return targets
        space = targets[0].names.qualified(binding.scope)
        order = self._read_before(names)
        opened = [one for one in self._everywhere(space, binding.name) if one.path in order]
        found = dict.fromkeys([*targets, *(one for one in opened if _is_space(one))])
        return sorted(found, key=lambda one: (order.get(one.path, len(order)), one.place))

    def _read_before(self, names: Names) -> dict[str, int]:
        """The files that a file includes, and itself, in the order of their ends."""
        order: dict[str, int] = {}
        entered = {names.path}
        pending = [(names.path, iter(list(self.includes(names))))]
        while pending:
            path, rest = pending[-1]
            inner = next((one for one in rest if one not in entered), None)
            if inner is None or len(entered) >= MAX_INCLUDED:
                order[path] = len(order)
                pending.pop()
                continue
            entered.add(inner)
            other = self.source.names_of(inner)
            pending.append((inner, iter(list(self.includes(other)) if other is not None else [])))
        return order

    def included(self, names: Names) -> dict[str, int]:
        """All files that a file includes, directly or through others, and in which order."""
        known = self._included.get(names.path)
        if known is not None:
            return known
        found = {names.path: 0}
        edge = [names]
        while edge and len(found) < MAX_INCLUDED:
            current = edge.pop(0)
            for path in self.includes(current):
                if path not in found:
                    found[path] = len(found)
                    other = self.source.names_of(path)
                    edge += [other] if other is not None else []
        self._included[names.path] = found
        return found

    def includes(self, names: Names) -> Iterable[str]:
        """The files that a file includes directly."""
        for _, module in names.facts.stars:
            if module.startswith(self.rules.includes):
                path = self.module_path(names.path, module)
                if path is not None:
                    yield path

    def _everywhere(self, space: str, name: str) -> list[Target]:
        found: dict[Target, None] = {}
        for defined in self.source.defined(name):
            names = self.source.names_of(defined.path)
            for binding in names.at_place(defined.place) if names is not None else ():
                if names is not None and binding.name == name and names.qualified(binding.scope) == space:
                    found[Target(names, binding)] = None
        return list(found)

    def _is_same(self, one: Target, other: Target) -> bool:
        """Whether one may be the declaration of the other: functions have parameters alike."""
        taken, wanted = _parameters(one), _parameters(other)
        if taken is None or wanted is None:
            return taken is None and wanted is None
        if not self.rules.overloads:
            return True
        alike = [_plain(shape) for shape in taken] == [_plain(shape) for shape in wanted]
        return alike and _is_const(one) == _is_const(other)


def _parameters(target: Target) -> tuple[str, ...] | None:
    binding = target.binding
    if binding is None or binding.inner < 0:
        return None
    scope = target.names.scopes[binding.inner]
    return scope.bases if scope.kind == FUNCTION else None


def _is_const(target: Target) -> bool:
    return target.binding is not None and CONST in target.names.scopes[target.binding.inner].decorators


def _plain(shape: str) -> str:
    """A parameter's shape without a default, and without what is before the name of its type."""
    return shape.lstrip("?*:").rpartition(".")[2]


def _is_linked(target: Target) -> bool:
    """Whether other files can declare it: a function or a variable."""
    binding = target.binding
    if binding is None or binding.how == MACRO:
        return False
    if binding.inner >= 0:
        return target.names.scopes[binding.inner].kind == FUNCTION
    return binding.how == DECLARED or (binding.how == ASSIGNED and not binding.shape.startswith(":type["))


def _is_tag(target: Target) -> bool:
    binding = target.binding
    return binding is not None and binding.inner >= 0 and target.names.scopes[binding.inner].kind == CLASS


def _is_space(target: Target) -> bool:
    binding = target.binding
    is_opened = binding is not None and binding.inner >= 0
    return is_opened and binding is not None and target.names.scopes[binding.inner].kind == NAMESPACE


def _is_doubtful(target: Target) -> bool:
    """Whether it is in a branch of a conditional that most likely does not count."""
    around = target.names.scopes[target.binding.scope] if target.binding is not None else None
    return around is not None and around.kind == NAMESPACE and not around.name


def _is_declared(target: Target) -> bool:
    return target.binding is not None and target.binding.how == DECLARED


def _is_private(target: Target) -> bool:
    binding: Binding | None = target.binding
    if binding is None or binding.how not in (DEFINED, DECLARED) or binding.inner < 0:
        return False
    return PRIVATE in target.names.scopes[binding.inner].decorators


def _common(path: str, other: str) -> int:
    """How many folders two paths have in common."""
    count = 0
    for one, two in zip(path.split("/"), other.split("/"), strict=False):
        if one != two:
            break
        count += 1
    return count
