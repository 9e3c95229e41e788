"""What an expression is: its shape, followed step by step to classes, modules and functions."""

from __future__ import annotations

import re

from diptych.names.annotations import parsed_annotation
from diptych.names.bases import Bases
from diptych.names.facts import (
    EXPORTED,
    FIELD,
    METHODS,
    NAMESPACE,
    PARAMETER,
    Binding,
    Point,
)
from diptych.names.resolve import values_of
from diptych.names.rules import ANY, CALLED, HELD, OWN, SPACE, VALUE, Rules
from diptych.names.source import Defined, Names, Source
from diptych.names.steps import MAX_VALUES
from diptych.names.values import (
    CLASS_VALUE,
    FUNCTION_VALUE,
    HEAD,
    INSTANCE,
    MODULE_VALUE,
    STEP,
    Target,
    Value,
    foreign,
)
from diptych.names.written_types import MAX_DEPTH

# Of objects that stand for others by an operator.
MAX_POINTERS = 3

_PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property", "abc.abstractproperty"})


class Inference(Bases):
    """Values of expressions, and members of values."""

    def __init__(self, source: Source, rules: Rules) -> None:
        super().__init__(source, rules)
        # What shapes are, by all that decides it. Bindings that are made of each other are come to by very
        # many ways, and it is the same each time.
        self._known: dict[object, list[Value]] = {}
        self._known_in: Names | None = None
        self._is_begun = True

    def begin(self) -> None:
        """See `Imports`."""
        super().begin()
        self._is_begun = True

    def shape(
        self,
        names: Names,
        scope: int,
        shape: str,
        at: Point | None = None,
        *,
        receiver: Value | None = None,
        from_method: bool = False,
    ) -> list[Value]:
        """What an expression of this shape may be, in `scope`; [] if nothing is known.

        `receiver` is what `^` means, if not an instance of the class around.
        """
        if not shape:
            return []
        if self._depth >= MAX_DEPTH or not self.step():
            self._cuts += 1
            return []
        if self._is_begun:
            self._is_begun = False
            if names is not self._known_in:
                # Most questions after it are about the same part of a file; it holds no more than that.
                self._known_in = names
                self._known.clear()
        # What is sought already is not sought again below, and what is given means something else there.
        is_apart = self._sought or self._given
        asked = None if is_apart else (names, scope, shape, at, receiver, from_method, self._depth)
        known = self._known.get(asked)
        if known is not None:
            return known
        self._depth += 1
        try:
            found = self._alternatives(names, scope, shape, at, receiver, from_method)
        finally:
            self._depth -= 1
        if asked is not None and self._steps >= 0 and not self._unfinished and not self._lines_cut:
            self._known[asked] = found
        return found

    def _alternatives(
        self,
        names: Names,
        scope: int,
        shape: str,
        at: Point | None,
        receiver: Value | None,
        from_method: bool,
    ) -> list[Value]:
        found: list[Value] = []
        for one in shape.split("\n"):
            head = HEAD.match(one)
            if head is None:
                continue
            steps = [
                (step[0], "".join(filter(None, step.groups()))) for step in STEP.finditer(one, head.end())
            ]
            if head[4] == "super" and steps[:1] == [("()", "")]:
                values = self._super(names, scope, receiver)
                steps = steps[1:]
            else:
                is_apart = self.rules.overloads or self.rules.includes
                meaning = self._member_meaning(steps) if is_apart else VALUE
                values = []
                if self.rules.inner_items or self.rules.paths:
                    values, steps = self._qualified(names, scope, head, steps)
                values = values or self._head(names, scope, head, at, receiver, from_method, meaning)
            for number, (step, attribute) in enumerate(steps, 1):
                values = self.stepped(values, step, attribute, self._member_meaning(steps[number:]))
            found += [value for value in values if value not in found]
        return found[:MAX_VALUES]

    def _qualified(
        self, names: Names, scope: int, head: re.Match[str], steps: list[tuple[str, str]]
    ) -> tuple[list[Value], list[tuple[str, str]]]:
        """The class that a shape begins with, its package in front; and the steps that are left."""
        module = head[4] or ""
        if self.rules.paths:
            if module not in ("crate", "self", "super"):
                return [], steps
            ups = module == "super"
            while module == "super" and steps[:1] == [(".super", "super")]:
                ups, steps = ups + 1, steps[1:]
            is_root = module == "crate"
            root = self.along(names.path, ["crate"]) if is_root else self.module_above(names, scope, ups)
            return [value for one in root for value in self.of_target(one)], steps
        if not module[:1].islower() or not steps or names.bound(0, module):
            return [], steps
        for number, (step, attribute) in enumerate(steps, 1):
            if step[0] != "." or not self.step():
                break
            if attribute[:1].isupper():
                found = self.item_targets(names.path, module, attribute)
                return [value for one in found for value in self.of_target(one)], steps[number:]
            module = f"{module}.{attribute}"
        return [], steps

    def _member_meaning(self, steps: list[tuple[str, str]]) -> int:
        """What a name is used as, by the steps after it."""
        if self.rules.paths:
            return CALLED if steps and steps[0][0][0] == "(" else HELD
        if not self.rules.overloads and not self.rules.includes:
            return ANY
        if self.rules.includes:
            return VALUE | SPACE | CALLED
        return CALLED if steps and steps[0][0][0] == "(" else VALUE

    def members(self, value: Value, name: str, meaning: int = ANY) -> list[Target]:
        """The member `name` of a value that can be used as `meaning`, the likeliest first."""
        if value.kind == MODULE_VALUE:
            if value.names is None:
                return self.package_members(value.name, name)
            return self.module_members(value.names, name)
        if value.kind in (INSTANCE, CLASS_VALUE) and value.names is not None:
            if self.rules.own_members and meaning & OWN:
                # Whose member it is counts only where both have one.
                only = OWN if value.kind == CLASS_VALUE else meaning & ~OWN
                if found := self.members_of_class(value.names, value.scope, name, only):
                    return found
            found = self.members_of_class(value.names, value.scope, name, meaning)
            if self.rules.includes and value.names.scopes[value.scope].kind == NAMESPACE:
                space = value.names.qualified(value.scope)
                found = found or self.in_space(value.names, space, name, meaning)
            if not found and self._types.arrow and value.kind == INSTANCE and name not in self._types.arrow:
                found = self._pointed_members(value, name, meaning)
            return self.linked(found, name) if self.rules.includes else found
        if value.kind == FUNCTION_VALUE and self.rules.own_exports:
            return [
                target
                for one in self.of_function(value)
                if one.names is not None
                for target in self.members_of_class(one.names, one.scope, name, OWN)
            ]
        return []

    def _pointed_members(self, value: Value, name: str, meaning: int) -> list[Target]:
        """The member `name` of what an instance points to, or of what that points to in turn."""
        for _ in range(MAX_POINTERS):
            pointed = self._called_method(value, self._types.arrow)
            if not pointed or pointed[0].names is None or pointed[0].kind != INSTANCE:
                return []
            value = pointed[0]
            assert value.names is not None
            if found := self.members_of_class(value.names, value.scope, name, meaning):
                return found
        return []

    def members_of_class(self, names: Names, scope: int, name: str, meaning: int = ANY) -> list[Target]:
        """The member `name` of a class, or of its bases, that can be used as `meaning`."""
        overloads: list[Target] = []
        for owner in self.linearised(Value(CLASS_VALUE, names, scope)):
            if owner.names is None:
                continue
            found = [one for one in owner.names.bound(owner.scope, name) if one.how != PARAMETER]
            found = [one for one in found if self.rules.means(owner.names, one, meaning)]
            if found and self.rules.overloads and not self.rules.hides and meaning == CALLED:
                # A class has those of its bases too.
                overloads += [Target(owner.names, one) for one in found]
            elif found:
                return self.followed(owner.names, sorted(found, key=_declared_first))
            if self.rules.methods_apart and (apart := self.meant(self._methods_apart(owner, name), meaning)):
                return apart
        if self.rules.includes:
            # A class may be said to be in another, and be defined in another file.
            return self.in_space(names, names.qualified(scope), name, meaning)
        return overloads

    def _methods_apart(self, owner: Value, name: str) -> list[Target]:
        """The methods of a class that are defined outside of it."""
        assert owner.names is not None
        text = owner.names.scopes[owner.scope].name
        found: list[Target] = []
        for defined in self.source.defined(name):
            shares = self.rules.methods_near or self.rules.shares
            is_near = defined.path == owner.names.path or (shares and shares(owner.names.path, defined.path))
            if not is_near or defined.inside.rpartition(".")[2] != text or not self.step():
                continue
            names = self.names_of(defined.path)
            for number, scope in enumerate(names.scopes if names is not None else ()):
                if scope.name != text or METHODS not in scope.decorators or names is None:
                    continue
                if not scope.bases or self._is_of(owner, Value(CLASS_VALUE, names, number)):
                    found += [Target(names, one) for one in names.bound(number, name)]
        return list(dict.fromkeys(found))

    def _is_of(self, owner: Value, methods: Value) -> bool:
        """Whether a scope of methods is the class's own, rather than that of another of its name."""
        known = self.linearised(owner)
        return any(one.is_same_scope(other) for one in self.linearised(methods)[:2] for other in known[:2])

    def members_of_binding(self, names: Names, binding: Binding, name: str) -> list[Target]:
        """The member `name` of what a binding is."""
        found: list[Target] = []
        for target in self.followed(names, [binding]):
            for value in self.of_target(target):
                found += [one for one in self.members(value, name) if one not in found]
        return found

    def of_target(self, target: Target, receiver: Value | None = None) -> list[Value]:
        """What a target is when it is read; a property is what it returns."""
        value = values_of(target)
        if target.binding is None and target.names.exports >= 0:
            given = target.names.bound(target.names.exports, EXPORTED)
            if given and (values := self._of_bindings(target.names, given)):
                # To what it gives as a whole, more may be added.
                added = [Value(MODULE_VALUE, target.names)] if target.names.adds_to_exported else []
                return values + added
        if value is None:
            return self._of_binding(target.names, target.binding, receiver)
        if value.kind == FUNCTION_VALUE and value.names is not None:
            value = value._replace(receiver=receiver)
            if _PROPERTIES.intersection(target.names.scopes[value.scope].decorators):
                return self.called(value)
        return [value]

    def of_names(
        self,
        names: Names,
        scope: int,
        name: str,
        at: Point | None,
        *,
        from_method: bool,
        meaning: int = VALUE,
    ) -> list[Value]:
        """What a free name is when it is read, or where it is used as `meaning`."""
        found: list[Value] = []
        targets = self.targets(names, scope, name, at, from_method=from_method, meaning=meaning)
        for target in targets:
            values = self.of_target(target)
            found += [value for value in values if value not in found]
            says = any(value.name not in self._types.nothing for value in found)
            if says and at is not None and target.names is names and self.rules.by_flow:
                # The nearest binding that says something decides.
                break
        if not targets and name == self.rules.own_exports and names.exports >= 0:
            return self.of_target(Target(names, None))
        if not targets and self.rules.includes and any(map(_is_type_or_member, self.source.defined(name))):
            # Of a class that macros hide, or in a folder of headers that is not known: not a foreign one.
            return []
        known = self.rules.builtins
        if not targets and (known is None or name in known):
            found.append(foreign(name))
        said = [value for value in found if value.name not in self._types.nothing]
        return (said or found)[:MAX_VALUES]

    def _of_bindings(self, names: Names, bindings: list[Binding]) -> list[Value]:
        return [value for target in self.followed(names, bindings) for value in self.of_target(target)]

    def _head(
        self,
        names: Names,
        scope: int,
        head: object,
        at: Point | None,
        receiver: Value | None,
        from_method: bool,
        meaning: int,
    ) -> list[Value]:
        annotated, literal, own, name, module = head.groups()  # type: ignore[attr-defined]
        if annotated is not None:
            return self.annotated(
                parsed_annotation(annotated), names, scope, receiver, from_method=from_method
            )
        if literal:
            return [foreign(literal)]
        if own:
            if receiver is None and (said := self.said_this(names, scope)):
                return said
            if receiver is not None:
                kind = CLASS_VALUE if own == "^^" else receiver.kind
                return [receiver._replace(kind=kind)]
            around = names.enclosing_class(scope)
            is_class = own == "^^" or names.is_of_class(scope)
            return [Value(CLASS_VALUE if is_class else INSTANCE, names, around)] if around >= 0 else []
        if module is not None:
            found = self.module_targets(names.path, module)
            return [value for one in found for value in self.of_target(one)] or [foreign(module)]
        return self.of_names(names, scope, name, at, from_method=from_method, meaning=meaning)

    def _of_binding(self, names: Names, binding: Binding | None, receiver: Value | None) -> list[Value]:
        if binding is None:
            return []
        # What a method assigns is seen from the method, not from the class around it.
        return self.shape(
            names,
            binding.scope,
            binding.shape,
            None if binding.how == FIELD else binding.place,
            receiver=receiver,
            from_method=binding.how == FIELD,
        )

    def _super(self, names: Names, scope: int, receiver: Value | None) -> list[Value]:
        around = names.enclosing_class(scope)
        if around < 0:
            return []
        value = receiver or Value(INSTANCE, names, around)
        line = self.linearised(Value(INSTANCE, names, around))[1:]
        return [value._replace(names=base.names, scope=base.scope) for base in line]


def _is_type_or_member(defined: Defined) -> bool:
    return defined.kind in ("class", "struct", "union", "enum", "type", "field")


def _declared_first(binding: Binding) -> tuple[bool, object]:
    return binding.how == FIELD, binding.place
