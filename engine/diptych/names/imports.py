"""From an import to what it brings, over the facts of many files: modules, members, star imports."""

from __future__ import annotations

from diptych.names.facts import (
    DEFINED,
    EXPORTED,
    GLOBAL,
    IMPORTED,
    NAMESPACE,
    NONLOCAL,
    PARAMETER,
    Binding,
    Point,
)
from diptych.names.rules import ANY, SPACE, Rules
from diptych.names.source import Names, Source
from diptych.names.spaces import Spaces
from diptych.names.values import Target

MAX_IMPORTS = 12
# Real code takes some tens of steps for one name.
MAX_STEPS = 4_000


class Imports(Spaces):
    """Imports and modules. It bounds its own work: `begin` each further question."""

    def __init__(self, source: Source, rules: Rules) -> None:
        super().__init__(source, rules)
        self._steps = MAX_STEPS
        # The members of modules that are being looked for: imports may lead in a circle.
        self._sought: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """A further question, while no file changes."""
        self._steps = MAX_STEPS

    def step(self) -> bool:
        """Whether there is work left to spend."""
        self._steps -= 1
        return self._steps >= 0

    def names_of(self, path: str) -> Names | None:
        """The facts of the file at `path`."""
        return self.source.names_of(path)

    def meant(self, targets: list[Target], meaning: int) -> list[Target]:
        """Those that can be used as `meaning`."""
        return [one for one in targets if self.rules.means(one.names, one.binding, meaning)]

    def targets(
        self,
        names: Names,
        scope: int,
        name: str,
        at: Point | None = None,
        *,
        from_method: bool = False,
        meaning: int = ANY,
    ) -> list[Target]:
        """See `Lookup`."""
        raise NotImplementedError

    def members_of_space(self, space: Target, module: str, name: str, meaning: int) -> list[Target]:
        """See `Lookup`."""
        raise NotImplementedError

    def members_of_class(self, names: Names, scope: int, name: str, meaning: int = ANY) -> list[Target]:
        """The member `name` of a class, or of its bases, that can be used as `meaning`."""
        raise NotImplementedError

    def members_of_binding(self, names: Names, binding: Binding, name: str) -> list[Target]:
        """The member `name` of what a binding is."""
        raise NotImplementedError

    def followed(self, names: Names, bindings: list[Binding]) -> list[Target]:
        """Where these bindings lead, each import followed; one that leads nowhere is itself, and last."""
        found: list[Target] = []
        for binding in bindings:
            found += [target for target in self._follow(names, binding) if target not in found]
        return sorted(found, key=_leads_nowhere) if len(found) > 1 else found

    def without_source(self, names: Names, place: Point) -> list[Target]:
        """What the name is that an import at `place` binds, when the import leads nowhere.

        That is what else is bound to the name, or the import itself, as it is where the name is used.
        """
        found = [
            target
            for binding in names.at_place(place)
            for target in self.followed(names, names.bound(binding.scope, binding.name))
        ]
        return [one for one in found if not _leads_nowhere(one)] or found

    def given_by(self, targets: list[Target]) -> list[Target]:
        """Instead of a module, what it gives as all that it is: `module.exports = …`."""
        found: list[Target] = []
        for target in targets:
            names = target.names
            is_module = target.binding is None and names.exports >= 0
            bound = names.bound(names.exports, EXPORTED) if is_module else []
            given = self.followed(names, bound)
            # Where an object only names what the file has, that is what the file gives.
            given = [target, *given] if any(map(names.is_list, bound)) else given or [target]
            found += [one for one in given if one not in found]
        return found

    def module_targets(self, importer: str, module: str) -> list[Target]:
        """The module of that name."""
        path = self.module_path(importer, module)
        return self._module_at(path) if path is not None else []

    def module_members(self, names: Names, name: str) -> list[Target]:
        """The member `name` of a module: bound there, by a star import, or a submodule."""
        sought = (names.path, name)
        if sought in self._sought or len(self._sought) > MAX_IMPORTS or not self.step():
            return []
        self._sought.add(sought)
        try:
            passed_on = names.bound(names.exports, name) if names.exports >= 0 else []
            if not passed_on and names.exports >= 0 and (found := self._in_exported(names, name)):
                return found
            bound = passed_on or names.bound(0, name)
            if bound:
                return self.followed(names, self._ordered(bound, None))
            if not names.is_module and (found := self._shared(names.path, name)):
                return found
            starred = self._starred(names, max(names.exports, 0), name)
            if all(target.binding is not None and target.binding.how == IMPORTED for target in starred):
                # A star that passes on an import of the package's own module, or none.
                return self._submodule(names.path, name) or starred
            return starred
        finally:
            self._sought.discard(sought)

    def item_targets(self, importer: str, module: str, item: str) -> list[Target]:
        """`from module import item`."""
        if not module:
            names = self.names_of(importer)
            return self.targets(names, 0, item) if names is not None else []
        if self.rules.includes or self.rules.paths:
            return self._along_path(importer, module, item)
        path = self.module_path(importer, module)
        if path is None:
            return self._inner_item(importer, module, item) if self.rules.inner_items else []
        if path.endswith("/"):
            return self.package_members(path[:-1], item) or self._submodule(path, item)
        if path == importer:
            # `from . import x` in a package's own file: the submodule, not the name being bound.
            return self._submodule(path, item)
        names = self.names_of(path)
        return self.module_members(names, item) if names is not None else []

    def _item_of_space(self, importer: str, module: str, item: str) -> list[Target]:
        names = self.names_of(importer)
        if names is None or not self.step():
            return []
        for space in self.targets(names, 0, module.partition(".")[0], meaning=SPACE):
            if found := self.members_of_space(space, module, item, ANY):
                return found
        return []

    def _along_path(self, importer: str, module: str, item: str) -> list[Target]:
        """The item at the end of a path. Imports may lead in a circle."""
        sought = (f"{importer}>{module}", item)
        if sought in self._sought or len(self._sought) > MAX_IMPORTS:
            return []
        self._sought.add(sought)
        try:
            if self.rules.includes:
                return self._item_of_space(importer, module, item)
            found = self.along(importer, module.split("."))
            return [one for outer in found for one in self._member_of(outer, item)]
        finally:
            self._sought.discard(sought)

    def along(self, importer: str, path: list[str]) -> list[Target]:
        """Where a path leads, as the file at `importer` writes it."""
        names = self.names_of(importer)
        if names is None or not self.step():
            return []
        head, rest = path[0], path[1:]
        if head == "self":
            found = [Target(names, None)]
        else:
            own = [] if head in ("crate", "super") else names.bound(0, head)
            own = [one for one in own if one.shape != f"<{head}"]
            above = self.module_path(importer, head) if not own else None
            found = self.followed(names, own) if own else self._module_at(above) if above is not None else []
        for part in rest:
            if part == "super":
                found = [up for one in found for up in self.along(one.path, ["super"])]
            else:
                found = [one for outer in found for one in self._member_of(outer, part)]
        return found

    def module_above(self, names: Names, scope: int, ups: int) -> list[Target]:
        """The module that is so many above the one around a scope."""
        while scope > 0:
            if names.scopes[scope].kind == NAMESPACE:
                if ups == 0:
                    return [Target(names, one) for one in names.facts.bindings if one.inner == scope]
                ups -= 1
            scope = names.scopes[scope].parent
        return self.along(names.path, ["super"] * ups) if ups else [Target(names, None)]

    def _member_of(self, target: Target, name: str) -> list[Target]:
        """The member `name` of a module or a type."""
        binding = target.binding
        if binding is None:
            return self.module_members(target.names, name)
        if binding.how == IMPORTED:
            # It led nowhere.
            return []
        if binding.inner < 0:
            return self.members_of_binding(target.names, binding, name)
        if target.names.scopes[binding.inner].kind == NAMESPACE:
            bound = target.names.bound(binding.inner, name)
            return self.followed(target.names, bound) or self._starred(target.names, binding.inner, name)
        return self.members_of_class(target.names, binding.inner, name)

    def _inner_item(self, importer: str, module: str, item: str) -> list[Target]:
        """An item of a class, where an import names the class as it does a module."""
        outer, _, name = module.rpartition(".")
        found: list[Target] = []
        for target in self.item_targets(importer, outer, name) if outer and self.step() else ():
            if target.binding is not None and target.binding.inner >= 0:
                found += self.members_of_class(target.names, target.binding.inner, item)
        return found

    def _follow(self, names: Names, binding: Binding) -> list[Target]:
        if binding.how != IMPORTED or not self.step():
            return [Target(names, binding)]
        module, item = _import_of(binding)
        if item:
            found = self.item_targets(names.path, module, item)
        elif self.rules.paths and not module.startswith("mod "):
            found = self.along(names.path, module.split("."))
        else:
            found = self.module_targets(names.path, module)
        return found or [Target(names, binding)]

    def package_members(self, folder: str, name: str) -> list[Target]:
        """What the files of a folder that is one package bind."""
        return self._shared(f"{folder}/" if folder else "", name)

    def _shared(self, path: str, name: str) -> list[Target]:
        """What the file at `path`, or one in that folder, sees of other files without an import."""
        shares = self.rules.shares
        if shares is None:
            return []
        found: list[Target] = []
        for defined in self.source.defined(name):
            if not shares(path, defined.path) or not self.step():
                continue
            names = self.names_of(defined.path)
            if names is not None and not names.is_module:
                found += [Target(names, binding) for binding in names.bound(0, name)]
        return list(dict.fromkeys(found))

    def _in_exported(self, names: Names, name: str) -> list[Target]:
        """A member of what the file gives as all that it is."""
        given = names.bound(names.exports, EXPORTED)
        if name == "default" and given:
            return self.followed(names, given)
        if name == "default" and names.is_commonjs:
            return [Target(names, None)]
        return [target for binding in given for target in self.members_of_binding(names, binding, name)]

    def _starred(self, names: Names, scope: int, name: str) -> list[Target]:
        for at, module in sorted(names.facts.stars, key=self._is_of_platform):
            if at not in (0, scope) and not (self.rules.paths and self._is_inside(names, scope, at)):
                continue
            if self.rules.inner_items or self.rules.paths:
                if self.step() and (found := self.item_targets(names.path, module, name)):
                    return found
                continue
            path = self.module_path(names.path, module)
            other = self.names_of(path) if path is not None and path != names.path else None
            if other is None or not self._exports(other, name):
                continue
            found = self.module_members(other, name)
            if found:
                return found
        return []

    def _is_of_platform(self, star: tuple[int, str]) -> bool:
        return bool(self.rules.platforms) and star[1].lstrip(".").startswith(self.rules.platforms)

    def _is_inside(self, names: Names, scope: int, outer: int) -> bool:
        while scope >= 0 and scope != outer:
            scope = names.scopes[scope].parent
        return scope == outer

    def _exports(self, names: Names, name: str) -> bool:
        exported = names.facts.exported
        if exported is not None and name in exported:
            return True
        # A list that is put together in parts is known in part only.
        return self.rules.is_exported(name) and (exported is None or not names.bound(0, name))

    def _submodule(self, path: str, name: str) -> list[Target]:
        found = self.rules.submodule_path(self.source, path, name)
        return self._module_at(found) if found is not None else []

    def _module_at(self, path: str) -> list[Target]:
        names = self.names_of(path)
        return [Target(names, None)] if names is not None else []

    def _ordered(self, found: list[Binding], at: Point | None) -> list[Binding]:
        """Bindings of one name, the likeliest first: the last before `at`, else in order.

        A definition or an import comes before an assignment, which is often a substitute for one that is
        missing.
        """
        real = [binding for binding in found if binding.how not in (GLOBAL, NONLOCAL)]
        if at is not None and self.rules.by_flow:
            before = [binding for binding in real if binding.place < at]
            return [*reversed(before), *(binding for binding in real if binding.place >= at)]
        return sorted(real, key=self._weight)

    def _weight(self, binding: Binding) -> int:
        if binding.how == IMPORTED:
            return 1 if binding.shape[1:].startswith(self.rules.platforms) else 0
        return 0 if binding.how in (DEFINED, PARAMETER) else 2


def _leads_nowhere(target: Target) -> bool:
    return target.binding is not None and target.binding.how == IMPORTED


def _import_of(binding: Binding) -> tuple[str, str]:
    """`(module, item)`; the item is "" for a module's import."""
    module, _, item = binding.shape[1:].partition(">")
    return module, item
