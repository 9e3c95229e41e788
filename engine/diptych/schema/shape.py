"""The shape of a schema: what the stored bytes depend on, beside the payloads. A store has that of its own.

By it a store can be opened without its schema, a change of the schema is told from another schema, and what
must be rebuilt is known: the search indexes, the exact-match indexes, or both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

# How texts are cut into tokens. Increase it when that changes for any kind of field.
TOKENS_VERSION = 1

_NAMES_MOST = 1_024


class Shape(NamedTuple):
    """What a schema says of its records, but for their payloads."""

    fields: tuple[tuple[str, str], ...]
    """Name and tokens of each search field."""
    indexes: tuple[str, ...]
    counters: tuple[str, ...]
    projection_version: int
    tokens_version: int

    def is_search_of(self, other: Shape) -> bool:
        """Whether a search index of the other shape serves this one."""
        return self._search() == other._search()

    def is_counted_as(self, other: Shape) -> bool:
        """Whether the counts of the other shape are those of this one."""
        return (self.counters, self.projection_version) == (other.counters, other.projection_version)

    def _search(self) -> tuple[object, ...]:
        return self.fields, self.tokens_version, self.projection_version


def encode_shape(shape: Shape) -> dict[str, Any]:
    """The shape as a document has it."""
    return shape._asdict()


def decode_shape(value: Any) -> Shape:
    """The shape again. Raises ValueError, TypeError, KeyError."""
    fields = tuple((_name(name), _name(tokens)) for name, tokens in value["fields"])
    indexes, counters = _names(value["indexes"]), _names(value["counters"])
    versions = value["projection_version"], value["tokens_version"]
    if not all(type(version) is int and 0 <= version < 2**64 for version in versions):
        raise ValueError("versions of a shape")
    if set(value) != set(Shape._fields) or len(fields) > _NAMES_MOST:
        raise ValueError("fields of a shape")
    return Shape(fields, indexes, counters, *versions)


def differences(stored: Shape, wanted: Shape) -> Iterator[str]:
    """What is different, a phrase each."""
    old, new = dict(stored.fields), dict(wanted.fields)
    yield from _changed("search field", old, new)
    for name in old.keys() & new.keys():
        if old[name] != new[name]:
            yield f"search field {name!r} has {new[name]!r} tokens instead of {old[name]!r}"
    yield from _changed("index", stored.indexes, wanted.indexes)
    yield from _changed("counter", stored.counters, wanted.counters)
    for what, before, after in (
        ("search fields", [*old], [*new]),
        ("indexes", stored.indexes, wanted.indexes),
        ("counters", stored.counters, wanted.counters),
    ):
        if sorted(before) == sorted(after) and list(before) != list(after):
            yield f"the {what} have another order"
    if stored.projection_version != wanted.projection_version:
        yield f"projection_version is {wanted.projection_version} instead of {stored.projection_version}"
    if stored.tokens_version != wanted.tokens_version:
        yield "texts are cut into other tokens"


def _changed(what: str, stored: Iterable[str], wanted: Iterable[str]) -> Iterator[str]:
    before, after = set(stored), set(wanted)
    for name in sorted(after - before):
        yield f"{what} {name!r} is new"
    for name in sorted(before - after):
        yield f"{what} {name!r} is gone"


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _NAMES_MOST:
        raise ValueError("names of a shape")
    return tuple(map(_name, value))


def _name(value: Any) -> str:
    if type(value) is not str:
        raise ValueError(f"a name {value!r:.100}")
    return value
