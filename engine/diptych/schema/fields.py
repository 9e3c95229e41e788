"""The fields of a search document: text, exact values, numbers, dates, truth values.

A document gives a field one value, or a list of them; a field that it does not give has none. The values:

    Text     str
    Keyword  str
    Number   int of 64 bits with a sign; with `real=True` a finite float or an int
    Date     datetime with a time zone, or date (midnight in UTC); exact to the microsecond
    Bool     bool
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from diptych.errors import InvalidArgumentError

Tokens = Literal["code", "prose", "exact", "integer", "real", "date", "bool"]
KINDS: tuple[str, ...] = get_args(Tokens)
TEXT_KINDS = frozenset(("code", "prose"))
"""Fields of words."""
VALUE_KINDS = frozenset(("integer", "real", "date", "bool"))
"""Fields with an order: for ranges and sorting."""


class _Field(NamedTuple):
    name: str
    tokens: str = "code"


class Field(_Field):
    """One field of a search document. `tokens` says what it holds:

    "code" words, without their case, and the words inside identifiers: `user` finds `getUserName`; "prose"
    stems of English words without accents; "exact" the value as is; "integer", "real", "date" and "bool" as
    `Number`, `Date` and `Bool` make them. Raises InvalidArgumentError for anything else.
    """

    __slots__ = ()

    def __new__(cls, name: str, tokens: str = "code") -> Field:
        """A field."""
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise InvalidArgumentError(
                f"{name!r:.100} is no name for a field",
                advice="use letters, digits and _, beginning with a letter",
            )
        if tokens not in KINDS:
            raise InvalidArgumentError(
                f"the field {name!r:.100} cannot hold {tokens!r:.100}",
                advice=f"use one of {', '.join(KINDS)}",
            )
        return tuple.__new__(cls, (name, tokens))

    def __repr__(self) -> str:
        # The same for every subclass: a schema's fingerprint is made of it.
        return f"Field(name={self.name!r}, tokens={self.tokens!r})"


class Text(Field):
    """Words. With `prose=True` stems of English words without accents, for text that people read."""

    __slots__ = ()

    def __new__(cls, name: str, *, prose: bool = False) -> Text:
        """A field of text."""
        return super().__new__(cls, name, "prose" if prose else "code")  # type: ignore[return-value]


class Keyword(Field):
    """A value as it is: a kind, a tag, an identifier."""

    __slots__ = ()

    def __new__(cls, name: str) -> Keyword:
        """A field of exact values."""
        return super().__new__(cls, name, "exact")  # type: ignore[return-value]


class Number(Field):
    """A number, for ranges and sorting: an integer of 64 bits, or with `real=True` a float."""

    __slots__ = ()

    def __new__(cls, name: str, *, real: bool = False) -> Number:
        """A field of numbers."""
        return super().__new__(cls, name, "real" if real else "integer")  # type: ignore[return-value]


class Date(Field):
    """A point in time, for ranges and sorting."""

    __slots__ = ()

    def __new__(cls, name: str) -> Date:
        """A field of dates."""
        return super().__new__(cls, name, "date")  # type: ignore[return-value]


class Bool(Field):
    """True or false."""

    __slots__ = ()

    def __new__(cls, name: str) -> Bool:
        """A field of truth values."""
        return super().__new__(cls, name, "bool")  # type: ignore[return-value]
