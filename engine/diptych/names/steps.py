"""The steps of a shape: from a value to its attribute, item, element, result or parameter."""

from __future__ import annotations

from diptych.names.annotations import FUNCTION_TYPE, NOTHING, Named, parsed_annotation
from diptych.names.facts import CLASS, FUNCTION, OPTIONAL, PARAMETER, REST, UNREAD, Point
from diptych.names.resolve import Lookup
from diptych.names.rules import ANY, Rules
from diptych.names.source import Names, Source
from diptych.names.values import (
    CLASS_VALUE,
    FOREIGN,
    FUNCTION_VALUE,
    INSTANCE,
    MODULE_VALUE,
    UNSAID,
    Target,
    Value,
    foreign,
)

MAX_VALUES = 6


class Steps(Lookup):
    """One step at a time. What a shape or a binding is, `Inference` says."""

    def __init__(self, source: Source, rules: Rules) -> None:
        super().__init__(source, rules)
        self._types = rules.types

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
        raise NotImplementedError

    def bases(self, names: Names, scope: int, receiver: Value | None = None) -> list[Value]:
        """The classes that a class extends, foreign ones too, with their arguments as `receiver` has them."""
        raise NotImplementedError

    def members(self, value: Value, name: str, meaning: int = ANY) -> list[Target]:
        """The member `name` of a value that can be used as `meaning`, the likeliest first."""
        raise NotImplementedError

    def of_target(self, target: Target, receiver: Value | None = None) -> list[Value]:
        """What a target is when it is read; a property is what it returns."""
        raise NotImplementedError

    def written(self, names: Names, place: Point) -> list[Value]:
        """An instance of the type, or the object, that is written at a place and has no name."""
        number = names.scope_at.get(place)
        if number is None and not names.facts.complete:
            names = self.source.complete_names_of(names.path) or names
            number = names.scope_at.get(place)
        is_class = number is not None and names.scopes[number].kind == CLASS
        return [Value(INSTANCE, names, number)] if number is not None and is_class else []

    def said_this(self, names: Names, scope: int) -> list[Value]:
        """What the function around a scope says `this` is."""
        around = names.function_around(scope)
        bound = names.bound(around, "this") if around >= 0 else []
        return [value for one in bound for value in self.of_target(Target(names, one))]

    def of_function(self, value: Value) -> list[Value]:
        """What has the members that are assigned to a function."""
        if value.names is None:
            return []
        names, scope = self._complete(value.names, value.scope)
        bound = names.bound(scope, "this")
        return [made for one in bound for made in self.of_target(Target(names, one))]

    def stepped(self, values: list[Value], step: str, attribute: str, meaning: int = ANY) -> list[Value]:
        """What these values are after a step; `attribute` is its name or number, used as `meaning`."""
        if step[0] == "(" and attribute:
            values = self._accepting(values, int(attribute))
        found: list[Value] = []
        for value in values:
            if not self.step():
                break
            if step[0] == "(":
                made = self.called(value)
            elif step[0] == "[":
                made = self._item(value, attribute)
            elif step == "*":
                made = self._iterated(value)
            elif step == "@":
                made = self._entered(value)
            elif step == "~":
                made = self._awaited(value)
            elif step[0] == ">":
                made = self._parameter(value, int(attribute))
            else:
                made = self._attribute(value, attribute, meaning)
            found += [one for one in made if one not in found]
            if found and step[0] == "." and value.kind != MODULE_VALUE:
                break
        return found[:MAX_VALUES]

    def _accepting(self, values: list[Value], count: int) -> list[Value]:
        """The functions that take so many arguments, or all of the values if none does."""
        return [one for one in values if accepts(one.names, one.scope, count)] or values

    def _attribute(self, value: Value, name: str, meaning: int) -> list[Value]:
        if name == self._types.class_of and value.kind == INSTANCE:
            return [value._replace(kind=CLASS_VALUE)]
        if value.kind == FOREIGN:
            element = self._types.elements.get(f"{value.name}.{name}")
            if element is not None:
                return self._element(value, parsed_annotation(element))
            if (element := self._types.elements.get(f"*.{name}")) is not None:
                return self._element(value, parsed_annotation(element))
            if value.name in self._types.keyed and value.arguments:
                return list(value.arguments[-1])
            if self.rules.overloads:
                # Something foreign, but what is not known.
                return [foreign(UNSAID)]
            return [foreign(value.name)] if value.name in self._types.plain or not value.arguments else []
        found: list[Value] = []
        members = self.members(value, name, meaning)
        if not members and self.rules.paths:
            # What is not a field is a constant, a type, or a function that is not called here.
            members = self.members(value, name)
        for target in members[:MAX_VALUES]:
            receiver = value if value.kind in (INSTANCE, CLASS_VALUE) else None
            found += [one for one in self.of_target(target, receiver) if one not in found]
            if len(found) >= MAX_VALUES:
                break
        if not found and not members and (of_any := self._of_any(value)):
            return of_any
        if not found and value.kind == INSTANCE and (element := self._types.elements.get(f"*.{name}")):
            return self._element(value, parsed_annotation(element))
        return found

    def _of_any(self, value: Value) -> list[Value]:
        """What a type says of all its members."""
        name = self._types.any_member
        bound = self.members(value, name) if name and value.kind == INSTANCE else []
        return [made for target in bound for made in self.of_target(target, value)]

    def called(self, value: Value) -> list[Value]:
        """What a value gives when it is called."""
        if value.kind == CLASS_VALUE:
            return [value._replace(kind=INSTANCE)]
        if value.kind == FOREIGN:
            if value.name == FUNCTION_TYPE:
                return list(value.arguments[0])
            return [foreign(UNSAID)] if self.rules.overloads else [value]
        if value.kind == FUNCTION_VALUE and value.names is not None:
            names, scope = value.names, value.scope
            if names.scopes[scope].returns == UNREAD:
                names, scope = self._complete(names, scope)
            returns = names.scopes[scope].returns
            if returns == UNREAD:
                return []
            return self.shape(names, scope, returns, None, receiver=value.receiver)
        if value.kind == INSTANCE:
            method = self._called_method(value, self._types.call)
            return method or [made for base in self._foreign_bases(value) for made in self.called(base)]
        return []

    def _complete(self, names: Names, scope: int) -> tuple[Names, int]:
        """A function with what only its own file can see; the same as before if it cannot be read."""
        if names.facts.complete:
            return names, scope
        start = names.scopes[scope].start
        complete = self.source.names_around(names.path, start)
        number = complete.scope_at.get(start) if complete is not None else None
        return (complete, number) if complete is not None and number is not None else (names, scope)

    def _called_method(self, value: Value, names: tuple[str, ...]) -> list[Value]:
        for name in names:
            for target in self.members(value, name):
                for method in self.of_target(target, value):
                    if method.kind == FUNCTION_VALUE:
                        return self.called(method)
        return []

    def _parameter(self, value: Value, index: int) -> list[Value]:
        """A parameter of a function, or of a class's constructor."""
        if value.kind == FOREIGN:
            is_known = value.name == FUNCTION_TYPE and len(value.arguments) > index + 1
            return list(value.arguments[index + 1]) if is_known else []
        if value.kind == CLASS_VALUE:
            made = [value._replace(kind=INSTANCE)]
            functions = [
                method
                for name in self._types.constructors
                for method in self.stepped(made, f".{name}", name)
                if method.kind == FUNCTION_VALUE
            ]
            return self.stepped(functions[:1], f">{index}", str(index))
        if value.kind != FUNCTION_VALUE or value.names is None:
            return []
        names, scope = self._complete(value.names, value.scope)
        parameters = [one for one in names.facts.bindings if one.scope == scope and one.how == PARAMETER]
        if index >= len(parameters):
            return []
        return self.of_target(Target(names, parameters[index]), value.receiver)

    def _element(self, value: Value, named: Named) -> list[Value]:
        """What a member of a container is: `_0` is the container's first argument."""
        if named.name[:1] == "_" and named.name[1:].isdigit():
            index = int(named.name[1:])
            return list(value.arguments[index]) if index < len(value.arguments) else []
        if named == NOTHING:
            return []
        if named.name == "|":
            return [one for argument in named.arguments for one in self._element(value, argument)]
        if named.name == "Self":
            return [value]
        arguments = tuple(tuple(self._element(value, argument)) for argument in named.arguments)
        return [foreign(named.name, arguments)]

    def _item(self, value: Value, index: str) -> list[Value]:
        if index and value.kind == FOREIGN:
            return list(value.arguments[int(index)]) if int(index) < len(value.arguments) else []
        if value.kind == CLASS_VALUE:
            return [value]
        if value.arguments:
            chosen = value.arguments[-1] if value.name in self._types.mappings else value.arguments[0]
            return list(chosen)
        if value.kind == FOREIGN:
            return [value] if value.name in self._types.plain else []
        found = self._of_any(value) or self._called_method(value, self._types.item) or [
            item for base in self._foreign_bases(value) for item in self._item(base, index)
        ]
        return found or ([value] if self._types.pointers else [])

    def _foreign_bases(self, value: Value) -> list[Value]:
        """The containers and functions for which a class is another name, or on which it is based."""
        if value.names is None or value.kind != INSTANCE:
            return []
        bases = self.bases(value.names, value.scope, value)
        return [base for base in bases if base.kind == FOREIGN and base.arguments]

    def _iterated(self, value: Value) -> list[Value]:
        if value.kind == FOREIGN and (element := self._types.elements.get(f"{value.name}.")) is not None:
            return self._element(value, parsed_annotation(element))
        if value.arguments:
            return list(value.arguments[0])
        if value.kind == FOREIGN:
            return [value] if value.name in self._types.plain else []
        made = self._called_method(value, self._types.iterate)
        found: list[Value] = []
        for iterator in made:
            if iterator.arguments:
                found += iterator.arguments[0]
            elif iterator.kind == INSTANCE:
                found += self._called_method(iterator, self._types.advance)
        return found

    def _entered(self, value: Value) -> list[Value]:
        if value.arguments:
            return list(value.arguments[0])
        if value.kind == FOREIGN:
            return [value]
        if value.kind != INSTANCE:
            return []
        return self._called_method(value, self._types.enter)

    def _awaited(self, value: Value) -> list[Value]:
        if value.kind == FOREIGN and value.name in self._types.awaited and value.arguments:
            return list(value.arguments[-1])
        return [value]


def accepts(names: Names | None, scope: int, count: int) -> bool:
    """Whether a scope is that of a function which takes `count` arguments."""
    if names is None or scope < 0 or names.scopes[scope].kind != FUNCTION:
        return False
    taken = names.scopes[scope].bases
    takes_more = bool(taken) and taken[-1].startswith(REST)
    required = sum(not one.startswith((OPTIONAL, REST)) for one in taken)
    return required <= count <= len(taken) or (takes_more and count >= required)
