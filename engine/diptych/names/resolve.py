"""From a name, a member or an import to what it refers to, over the facts of many files."""

from __future__ import annotations

from diptych.names.facts import (
    CLASS,
    DEFINED,
    GLOBAL,
    IMPORTED,
    NONLOCAL,
    PARAMETER,
    Binding,
    Point,
)
from diptych.names.modules import module_path, submodule_path
from diptych.names.source import Names, Source
from diptych.names.values import (
    CLASS_VALUE,
    FUNCTION_VALUE,
    MODULE_VALUE,
    Target,
    Value,
    foreign,
)

MAX_IMPORTS = 12
# Real code takes some tens of steps for one name.
MAX_STEPS = 4_000
_PLATFORM = ("nt", "win32", "windows")


class Lookup:
    """Names through scopes, imports and modules. One for each question: it bounds its own work."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._steps = MAX_STEPS
        # The members of modules that are being looked for: imports may lead in a circle.
        self._sought: set[tuple[str, str]] = set()

    def step(self) -> bool:
        """Whether there is work left to spend."""
        self._steps -= 1
        return self._steps >= 0

    def names_of(self, path: str) -> Names | None:
        """The facts of the file at `path`."""
        return self.source.names_of(path)

    def bindings(
        self, names: Names, scope: int, name: str, at: Point | None = None, *, from_method: bool = False
    ) -> list[Binding]:
        """What `name` is bound to as seen from `scope`, the likeliest first; [] if it is not bound there.

        `at` is the place of the use. With `from_method`, `scope` is a class whose methods ask, so that its
        own names are not seen.
        """
        first = not from_method
        while scope >= 0:
            around = names.scopes[scope]
            if around.kind != CLASS or first:
                found = names.bound(scope, name)
                if any(binding.how == GLOBAL for binding in found):
                    return _ordered(names.bound(0, name), None)
                if found and not any(binding.how == NONLOCAL for binding in found):
                    return _ordered(found, at if first else None)
            first = False
            scope = around.parent
        return []

    def targets(
        self, names: Names, scope: int, name: str, at: Point | None = None, *, from_method: bool = False
    ) -> list[Target]:
        """What a free name refers to, through imports; [] for what no file binds."""
        found = self.bindings(names, scope, name, at, from_method=from_method)
        if found:
            return self.followed(names, found)
        return self._starred(names, scope, name)

    def followed(self, names: Names, bindings: list[Binding]) -> list[Target]:
        """Where these bindings lead, each import followed; an import that leads nowhere is itself."""
        found: list[Target] = []
        for binding in bindings:
            found += [target for target in self._follow(names, binding) if target not in found]
        return found

    def module_targets(self, importer: str, module: str) -> list[Target]:
        """The module of that name."""
        path = module_path(self.source, importer, module)
        return self._module_at(path) if path is not None else []

    def module_members(self, names: Names, name: str) -> list[Target]:
        """The member `name` of a module: bound there, by a star import, or a submodule."""
        sought = (names.path, name)
        if sought in self._sought or len(self._sought) > MAX_IMPORTS or not self.step():
            return []
        self._sought.add(sought)
        try:
            bound = names.bound(0, name)
            if bound:
                return self.followed(names, _ordered(bound, None))
            starred = self._starred(names, 0, name)
            if all(target.binding is not None and target.binding.how == IMPORTED for target in starred):
                # A star that passes on an import of the package's own module, or none.
                return self._submodule(names.path, name) or starred
            return starred
        finally:
            self._sought.discard(sought)

    def item_targets(self, importer: str, module: str, item: str) -> list[Target]:
        """`from module import item`."""
        path = module_path(self.source, importer, module)
        if path is None:
            return []
        if path.endswith("/"):
            return self._submodule(path, item)
        if path == importer:
            # `from . import x` in a package's own file: the submodule, not the name being bound.
            return self._submodule(path, item)
        names = self.names_of(path)
        return self.module_members(names, item) if names is not None else []

    def _follow(self, names: Names, binding: Binding) -> list[Target]:
        if binding.how != IMPORTED or not self.step():
            return [Target(names, binding)]
        module, item = _import_of(binding)
        if item:
            found = self.item_targets(names.path, module, item)
        else:
            found = self.module_targets(names.path, module)
        return found or [Target(names, binding)]

    def _starred(self, names: Names, scope: int, name: str) -> list[Target]:
        for at, module in names.facts.stars:
            if at not in (0, scope):
                continue
            path = module_path(self.source, names.path, module)
            other = self.names_of(path) if path is not None and path != names.path else None
            if other is None or not _exports(other, name):
                continue
            found = self.module_members(other, name)
            if found:
                return found
        return []

    def _submodule(self, path: str, name: str) -> list[Target]:
        found = submodule_path(self.source, path, name)
        return self._module_at(found) if found is not None else []

    def _module_at(self, path: str) -> list[Target]:
        names = self.names_of(path)
        return [Target(names, None)] if names is not None else []


def _import_of(binding: Binding) -> tuple[str, str]:
    """`(module, item)`; the item is "" for a module's import."""
    module, _, item = binding.shape[1:].partition(">")
    return module, item


def _exports(names: Names, name: str) -> bool:
    exported = names.facts.exported
    if exported is not None and name in exported:
        return True
    # A list that is put together in parts is known in part only.
    return not name.startswith("_") and (exported is None or not names.bound(0, name))


def _ordered(found: list[Binding], at: Point | None) -> list[Binding]:
    """Bindings of one name, the likeliest first: the last before `at`, else in order.

    A definition or an import comes before an assignment, which is often a substitute for one that is missing.
    """
    real = [binding for binding in found if binding.how not in (GLOBAL, NONLOCAL)]
    if at is not None:
        before = [binding for binding in real if binding.place < at]
        return [*reversed(before), *(binding for binding in real if binding.place >= at)]
    return sorted(real, key=_weight)


def _weight(binding: Binding) -> int:
    if binding.how == IMPORTED:
        return 1 if binding.shape[1:].startswith(_PLATFORM) else 0
    return 0 if binding.how in (DEFINED, PARAMETER) else 2


def values_of(target: Target) -> Value | None:
    """The value that a definition or a module has by itself."""
    if target.binding is None:
        return Value(MODULE_VALUE, target.names)
    binding = target.binding
    if binding.how == DEFINED and binding.inner >= 0:
        kind = CLASS_VALUE if target.names.scopes[binding.inner].kind == CLASS else FUNCTION_VALUE
        return Value(kind, target.names, binding.inner)
    if binding.how == IMPORTED:
        # It led nowhere: it is of another distribution, or compiled.
        return foreign(binding.name)
    return None
