"""What the types are that annotations name, with type arguments and other names of types."""

from __future__ import annotations

from diptych.names.annotations import (
    FUNCTION_TYPE,
    MEMBER_OF,
    NOTHING,
    OF_VALUE,
    TAG_OF,
    Named,
    module_of,
    parsed_annotation,
    place_of,
)
from diptych.names.facts import CLASS, IMPORTED, PARAMETER, Binding, Point
from diptych.names.rules import TAG, TYPE, VALUE, Rules
from diptych.names.source import Names, Source
from diptych.names.steps import MAX_VALUES, Steps
from diptych.names.values import CLASS_VALUE, FOREIGN, INSTANCE, Value, foreign

# Of shapes inside shapes. Real code has some five.
MAX_DEPTH = 16


class WrittenTypes(Steps):
    """Instances of the types that annotations name. What a shape or a name is, `Inference` says."""

    def __init__(self, source: Source, rules: Rules) -> None:
        super().__init__(source, rules)
        self._depth = 0
        # What the parameters of a type are that is another name, by its scope, while it is looked into.
        self._given: dict[tuple[Names, int, str], list[Value]] = {}

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
        raise NotImplementedError

    def annotated(
        self,
        named: Named,
        names: Names,
        scope: int,
        receiver: Value | None,
        *,
        from_method: bool,
    ) -> list[Value]:
        """Instances of what an annotation names."""
        if named == NOTHING or not self.step():
            return []

        def inner(argument: Named) -> list[Value]:
            return self.annotated(argument, names, scope, receiver, from_method=from_method)

        if (place := place_of(named.name)) is not None:
            return self.written(names, place)
        last = named.name.rpartition(".")[2]
        if (imported := module_of(named.name)) is not None:
            given = tuple(tuple(inner(argument)) for argument in named.arguments)
            return _instances(self._of_module(names, *imported), given)
        types = self._types
        if named.name == MEMBER_OF and len(named.arguments) == 2:
            name = named.arguments[1].name
            step = ("[", "") if name == "number" else (f".{name}", name)
            return self.stepped(inner(named.arguments[0]), *step)
        if last in types.steps and named.arguments:
            return self.stepped(inner(named.arguments[0]), types.steps[last], "")
        if last in types.wrappers or last in types.unions:
            arguments = named.arguments[:1] if last in types.wrappers else named.arguments
            values = [value for argument in arguments for value in inner(argument)]
            return [value for value in values if value.name not in types.nothing] or values
        if named.name == TAG_OF and named.arguments:
            tagged = self.targets(names, scope, named.arguments[0].name, meaning=TAG)
            values = [value for target in tagged for value in self.of_target(target)]
            return [value._replace(kind=INSTANCE) for value in values if value.kind == CLASS_VALUE][:1]
        if last in types.of_classes and named.arguments:
            return [
                value._replace(kind=CLASS_VALUE) if value.kind == INSTANCE else value
                for value in inner(named.arguments[0])
            ]
        if last in types.own:
            around = names.enclosing_class(scope)
            own = Value(INSTANCE, names, around) if around >= 0 else None
            return [one for one in (receiver or own,) if one is not None]
        if last == OF_VALUE and named.arguments:
            return self.shape(names, scope, named.arguments[0].name, None, from_method=from_method)
        elements = tuple(tuple(inner(argument)) for argument in named.arguments)
        if last == FUNCTION_TYPE or (
            last in types.containers and not self._is_defined(names, scope, named.name)
        ):
            return [foreign(last, elements)]
        if last in types.nothing:
            return [foreign(last)]
        parameter = self._type_parameter(names, scope, named.name) if receiver is not None else None
        if parameter is not None and receiver is not None:
            return self._argument(receiver, *parameter)
        if (known := self._given.get((names, scope, named.name))) is not None:
            return known
        if elements and (aliased := self._aliased(names, scope, named.name, elements)):
            return aliased
        if "." in named.name:
            found = self.shape(names, scope, named.name, None, receiver=receiver, from_method=from_method)
        else:
            found = self.of_names(names, scope, named.name, None, from_method=from_method, meaning=TYPE)
        return _instances(found, elements)

    def _is_defined(self, names: Names, scope: int, name: str) -> bool:
        """Whether a class in source has the name of a type that needs none."""
        if not self._types.may_be_defined:
            return False
        found = self.targets(names, scope, name.partition(".")[0], meaning=TYPE)
        return any(one.binding is not None and one.binding.how != IMPORTED for one in found)

    def _type_parameter(self, names: Names, scope: int, name: str) -> tuple[Names, Binding] | None:
        """The type parameter of a class that a name is."""
        while scope >= 0:
            for binding in names.bound(scope, name):
                is_parameter = binding.how == PARAMETER and names.scopes[scope].kind == CLASS
                return (names, binding) if is_parameter else None
            scope = names.scopes[scope].parent
        return None

    def _argument(self, receiver: Value, names: Names, parameter: Binding) -> list[Value]:
        """What a type parameter of a class is for `receiver`, an instance of it or of a class based on it."""
        if receiver.names is None or not self.step():
            return []
        own = Value(CLASS_VALUE, names, parameter.scope)
        if receiver.is_same_scope(own):
            parameters = [
                one.name
                for one in names.facts.bindings
                if one.scope == parameter.scope and one.how == PARAMETER
            ]
            index = parameters.index(parameter.name)
            given = list(receiver.arguments[index]) if index < len(receiver.arguments) else []
            bound = self.shape(names, parameter.scope, parameter.shape)
            return given or [one._replace(kind=INSTANCE) if one.kind == CLASS_VALUE else one for one in bound]
        for base in self.bases(receiver.names, receiver.scope, receiver):
            if base.kind == CLASS_VALUE and (found := self._argument(base, names, parameter)):
                return found
        return []

    def _aliased(
        self, names: Names, scope: int, name: str, elements: tuple[tuple[Value, ...], ...]
    ) -> list[Value]:
        """What a type is that is another name with parameters: `type Given<T> = T | string`."""
        if not self.rules.families or self._depth >= MAX_DEPTH:
            return []
        for other, binding in self.targets(names, scope, name, meaning=TYPE):
            if binding is None or not binding.shape.startswith(":type["):
                continue
            own = other.scope_of(binding)
            parameters = [one for one in other.facts.bindings if one.scope == own and one.how == PARAMETER]
            if own < 0 or not parameters:
                continue
            before = self._given
            pairs = zip(parameters, elements, strict=False)
            self._given = {**before, **{(other, own, one.name): list(some) for one, some in pairs}}
            self._depth += 1
            try:
                text = binding.shape.removeprefix(":type[").removesuffix("]")
                return self.annotated(parsed_annotation(text), other, own, None, from_method=False)
            finally:
                self._depth -= 1
                self._given = before
        return []

    def _of_module(self, names: Names, module: str, parts: list[str]) -> list[Value]:
        """What an item of a module is, or all that the module gives."""
        if not parts:
            found = self.module_targets(names.path, module)
        else:
            found = self.item_targets(names.path, module, parts[0])
        values = [value for target in found for value in self.of_target(target)]
        for part in parts[1:]:
            values = self.stepped(values, f".{part}", part)
        return values


def _instances(values: list[Value], elements: tuple[tuple[Value, ...], ...]) -> list[Value]:
    """Instances of these classes, with what their type arguments are; what is foreign stays."""
    made = [
        value._replace(kind=INSTANCE, arguments=elements or value.arguments)
        if value.kind == CLASS_VALUE
        else value
        for value in values
        if value.kind in (CLASS_VALUE, FOREIGN)
    ]
    return made[:MAX_VALUES]
