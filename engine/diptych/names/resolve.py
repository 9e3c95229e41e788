"""From a name or a member to what it refers to, over the facts of many files."""

from __future__ import annotations

from diptych.names.facts import (
    BLOCK,
    CLASS,
    DECLARED,
    DEFINED,
    FUNCTION,
    GLOBAL,
    IMPORTED,
    LAMBDA,
    MODULE,
    NAMESPACE,
    NONLOCAL,
    PARAMETER,
    Binding,
    Point,
)
from diptych.names.imports import MAX_IMPORTS, Imports
from diptych.names.rules import ANY, NEVER, OWN, OWN_BODY, SPACE, VALUE
from diptych.names.source import Names
from diptych.names.values import (
    CLASS_VALUE,
    FUNCTION_VALUE,
    INSTANCE,
    MODULE_VALUE,
    Target,
    Value,
    foreign,
)


class Lookup(Imports):
    """Names through scopes, imports and modules."""

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
        """What a free name refers to as seen from `scope`, through imports, the likeliest first.

        It is [] for what no file binds. `at` is the place of the use, `meaning` what it is used as: a scope
        that binds the name to something else hides nothing. With `from_method`, `scope` is a class whose
        methods ask, so that its own names are not seen.
        """
        first, asked = not from_method, scope
        said: list[Target] = []
        while scope >= 0:
            around = names.scopes[scope]
            found = names.bound(scope, name)
            if at is not None and self.rules.before_use and around.kind in (FUNCTION, LAMBDA, BLOCK):
                found = [binding for binding in found if binding.place < at]
                found = found[::-1] if self.rules.shadows else found
            if around.kind == CLASS:
                members = self._seen_in_class(
                    names, scope, name, found, at if first else None, own=first, meaning=meaning
                )
                if members := self.meant(members, meaning):
                    return self.linked(members, name) if self.rules.includes else members
            elif any(binding.how == GLOBAL for binding in found):
                return self.followed(names, self._ordered(names.bound(0, name), None))
            elif found and not any(binding.how == NONLOCAL for binding in found):
                bound = self.followed(names, self._ordered(found, at if first else None))
                # What an import brings may be a member that a class has itself.
                if bound := self.meant(bound, meaning | OWN if meaning & VALUE else meaning):
                    is_shared = self.rules.includes and around.kind in (MODULE, NAMESPACE)
                    if is_shared or not all(_is_said(one) for one in bound):
                        return self.linked(bound, name) if is_shared else bound
                    # `extern int x;` in a function is what the file has by that name, or another.
                    said = said or bound
            if self.rules.includes and (spaced := self._spaced(names, scope, name, meaning)):
                return spaced
            first = False
            scope = around.parent
        starred = [] if self.rules.includes else self.meant(self._starred(names, asked, name), meaning)
        shared = starred or self.meant(self._shared(names.path, name), meaning)
        return shared or said or self._own_module(names, name)

    def _own_module(self, names: Names, name: str) -> list[Target]:
        """A module of the package whose own file this is: importing it binds its name."""
        is_package = self.rules.package_file and names.path.rpartition("/")[2] == self.rules.package_file
        is_known = self.rules.builtins is not None and name in self.rules.builtins
        return self._submodule(names.path, name) if is_package and not is_known else []

    def _spaced(self, names: Names, scope: int, name: str, meaning: int) -> list[Target]:
        """What other files say of a name that this one does not bind in a scope, or in what it uses there."""
        around = names.scopes[scope]
        if around.kind in (MODULE, NAMESPACE):
            own = [Target(names, one) for one in self.seen_through(names, scope, name)]
            found = self.meant(own, meaning) or self.in_space(names, names.qualified(scope), name, meaning)
            if found:
                return self.linked(found, name)
        for at, module in names.facts.stars:
            if at == scope and not module.startswith(self.rules.includes) and self.step():
                for space in self._spaces_used(names, scope, module):
                    found = self.members_of_space(space, module, name, meaning)
                    if found:
                        return self.linked(found, name)
        return []

    def _spaces_used(self, names: Names, scope: int, module: str) -> list[Target]:
        """The first part of a namespace that is used in a scope; another that is used there may have it."""
        sought = (f"{names.path}>{scope}", f"{module}.")
        if sought in self._sought or len(self._sought) > MAX_IMPORTS:
            return []
        self._sought.add(sought)
        try:
            return self.targets(names, scope, module.partition(".")[0], meaning=SPACE)
        finally:
            self._sought.discard(sought)

    def members_of_space(self, space: Target, module: str, name: str, meaning: int) -> list[Target]:
        """The member `name` of a namespace, given its first part and its name as it is written."""
        if space.binding is None:
            return []
        outer = space.names.qualified(space.binding.scope)
        full = f"{outer}.{module}" if outer else module
        own = [
            Target(space.names, one)
            for number, scope in enumerate(space.names.scopes)
            if scope.kind == NAMESPACE and space.names.qualified(number) == full
            for one in space.names.bound(number, name)
        ]
        return self.meant(own, meaning) or self.in_space(space.names, full, name, meaning)

    def _seen_in_class(
        self,
        names: Names,
        scope: int,
        name: str,
        found: list[Binding],
        at: Point | None,
        *,
        own: bool,
        meaning: int,
    ) -> list[Target]:
        """What a name without a receiver is in a class. `own` is false from within its methods."""
        seen = self.rules.members_seen
        if seen == OWN_BODY:
            # Before it is bound there, a name is what it is outside: `x = x` in a class.
            is_bound = at is None or any(binding.place < at for binding in found)
            return self.followed(names, self._ordered(found, at)) if own and is_bound else []
        if "!enum" in names.scopes[scope].decorators and seen == NEVER:
            # The values of an enum's members name the other members.
            return self.followed(names, found)
        parameters = [binding for binding in found if binding.how == PARAMETER]
        if parameters or seen == NEVER:
            return self.followed(names, parameters)
        # In C++ a class's own name is the class, though its constructors have that name too.
        return [one for one in self.members_of_class(names, scope, name, meaning) if not _is_constructor(one)]


def _is_said(target: Target) -> bool:
    return target.binding is not None and target.binding.how == DECLARED


def _is_constructor(target: Target) -> bool:
    binding = target.binding
    return binding is not None and target.names.scopes[binding.scope].name == binding.name


def values_of(target: Target) -> Value | None:
    """The value that a definition or a module has by itself."""
    if target.binding is None:
        return Value(MODULE_VALUE, target.names)
    binding = target.binding
    if binding.inner >= 0:
        is_function = target.names.scopes[binding.inner].kind in (FUNCTION, LAMBDA)
        if not is_function and binding.how not in (DEFINED, DECLARED):
            return Value(INSTANCE, target.names, binding.inner)
        return Value(FUNCTION_VALUE if is_function else CLASS_VALUE, target.names, binding.inner)
    if binding.how == IMPORTED:
        # It led nowhere: it is of another distribution, or compiled.
        return foreign(binding.name)
    return None
