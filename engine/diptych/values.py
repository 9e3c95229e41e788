"""Classes of values, as `dataclasses` makes them, without the code that it compiles for each at import.

That takes a millisecond a class, and `dataclasses` itself ten: half of what a command needed to start. Here
all classes share their methods. An instance takes a microsecond longer to make: what is made by the thousand
is a NamedTuple, or has an `__init__` of its own. The functions of `dataclasses` work with these classes too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, NoReturn, Self, TypeVar, dataclass_transform


class _Field(NamedTuple):
    default_factory: Callable[[], Any] | None
    default: Any
    compare: bool
    repr: bool


_MISSING: Any = object()


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    compare: bool = True,
    repr: bool = True,  # noqa: A002 - as in dataclasses
) -> Any:
    """What is special about a field, as `dataclasses.field`."""
    return _Field(default_factory, default, compare, repr)


class _ValueType(type):
    """Makes the annotated names of a class its slots. With `slots=False` it can have cached properties."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        body: dict[str, Any],
        *,
        frozen: bool = True,
        slots: bool = True,
    ) -> _ValueType:
        fields: dict[str, _Field] = {}
        for base in bases:
            fields |= getattr(base, "_fields", {})
        kinds = body.get("__annotations__", {}).items()
        own = [one for one, kind in kinds if not str(kind).startswith("ClassVar")]
        for one in own:
            given = body.pop(one, _MISSING)
            fields[one] = given if isinstance(given, _Field) else _Field(None, given, True, True)
        body["_fields"] = fields
        if slots:
            body["__slots__"] = tuple(own)
        body["__match_args__"] = tuple(fields)
        body["_compared"] = tuple([one for one, about in fields.items() if about.compare])
        if not frozen:
            body["__setattr__"], body["__delattr__"] = object.__setattr__, object.__delattr__
            body.setdefault("__hash__", None)
        return super().__new__(cls, name, bases, body)

    def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any], **_options: Any) -> None:
        super().__init__(name, bases, body)


class _DataclassFields:
    """The fields as `dataclasses` has them, made when one of its functions asks."""

    def __get__(self, instance: Any, owner: type[Value]) -> dict[str, Any]:
        import dataclasses

        made: dict[str, Any] = {}
        for name, about in owner._fields.items():
            one: Any = dataclasses.field(repr=about.repr, compare=about.compare)
            if about.default is not _MISSING:
                one.default = about.default
            if about.default_factory is not None:
                one.default_factory = about.default_factory
            one.name, one.type = name, owner.__annotations__.get(name)
            one._field_type = dataclasses._FIELD  # type: ignore[attr-defined]
            made[name] = one
        return made


class _Signature:
    """The signature of a class without an `__init__` of its own, made when `inspect` asks."""

    def __get__(self, instance: Any, owner: type[Value]) -> Any:
        if owner.__init__ is not Value.__init__:
            return None
        import inspect

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = []
        for name, about in owner._fields.items():
            default = about.default if about.default_factory is None else about.default_factory
            empty = inspect.Parameter.empty
            annotation = owner.__annotations__.get(name, empty)
            given = empty if default is _MISSING else default
            parameters.append(inspect.Parameter(name, kind, default=given, annotation=annotation))
        return inspect.Signature(parameters)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(metaclass=_ValueType):
    """A value: equal to another of its class with equal fields. Unchangeable, but for `frozen=False`."""

    _fields: ClassVar[dict[str, _Field]]
    _compared: ClassVar[tuple[str, ...]]
    __dataclass_fields__: ClassVar[Any] = _DataclassFields()
    __signature__: ClassVar[Any] = _Signature()

    def __init__(self, *values: Any, **named: Any) -> None:
        """A value of its fields, in their order or by name. Raises TypeError."""
        cls, put = type(self), object.__setattr__
        names = cls.__match_args__  # type: ignore[attr-defined]
        if len(values) > len(names):
            cls._refuse(*values, **named)
        used = 0
        for name, value in zip(names, values, strict=False):
            put(self, name, value)
        for name in names[len(values) :]:
            about = cls._fields[name]
            if name in named:
                put(self, name, named[name])
                used += 1
            elif about.default_factory is not None:
                put(self, name, about.default_factory())
            elif about.default is not _MISSING:
                put(self, name, about.default)
            else:
                cls._refuse(*values, **named)
        if used != len(named):
            cls._refuse(*values, **named)
        self.__post_init__()

    @classmethod
    def _refuse(cls, *values: Any, **named: Any) -> NoReturn:
        """Raise the TypeError of a function that is given these."""
        import inspect

        inspect.signature(cls).bind(*values, **named)
        raise AssertionError

    def __post_init__(self) -> None:
        """For classes that check their values."""

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name, about in self._fields.items() if about.repr]
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._compared)

    def __hash__(self) -> int:
        return hash(tuple([getattr(self, name) for name in self._compared]))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted")

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), tuple([getattr(self, name) for name in self._fields])


Some = TypeVar("Some", bound=Value)


def field_names(of: type[Value]) -> tuple[str, ...]:
    """The names of the fields, in order."""
    return tuple(of._fields)


def as_dict(value: Value) -> dict[str, Any]:
    """The fields by name; what is in them stays as it is."""
    return {name: getattr(value, name) for name in value._fields}


def replace(value: Some, **changes: Any) -> Some:
    """The value with other fields."""
    return type(value)(**{**as_dict(value), **changes})
