"""Values of numbers, dates and truth: as a document has them, as a query writes them, as they are indexed.

All but reals are indexed as integers of 64 bits with a sign: a date as microseconds since 1970 in UTC, true
as 1 and false as 0.
"""

from __future__ import annotations

import math
import re
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from diptych.errors import InvalidRecordError
from diptych.schema.fields import Field
from diptych.search.query.nodes import Between, Node, Nothing, refuse, shown

if TYPE_CHECKING:
    from fractions import Fraction

_INTEGER_MIN, _INTEGER_MAX = -(2**63), 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Compiled by `re` for the first query that has one.
_NUMBER = r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,3})?"
_DATE = (
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?"
)


def indexed(field: Field, value: Any) -> int | float:
    """A document's value as it is indexed. Raises InvalidRecordError for one that the field cannot hold."""
    number = _number_of(field.tokens, value)
    if number is None:
        raise InvalidRecordError(
            f"a document of the schema has {value!r:.100} in the field {field.name}",
            advice=f"give {_WANTED[field.tokens]}, or leave the field out",
        )
    return number


_WANTED = {
    "integer": "an int of 64 bits",
    "real": "a finite float",
    "bool": "a bool",
    "date": "a date, or a datetime with a time zone",
}


def _number_of(kind: str, value: Any) -> int | float | None:
    if kind == "integer":
        return value if type(value) is int and _INTEGER_MIN <= value <= _INTEGER_MAX else None
    if kind == "real":
        # -0.0 is 0.0.
        return value + 0.0 if type(value) in (int, float) and abs(value) <= sys.float_info.max else None
    if kind == "bool":
        return int(value) if type(value) is bool else None
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND if value.tzinfo is not None else None
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) // _MICROSECOND
    return None


class Span(NamedTuple):
    """What a query writes as one value: 2024-05 is a month. Both ends belong to it."""

    low: int | Fraction
    high: int | Fraction


def read(field: Field, text: str) -> Span:
    """The value that a query writes. Raises QueryError."""
    if field.tokens == "bool":
        if text not in ("true", "false"):
            refuse(f"{field.name} is true or false, not {shown(text)}", f"write {field.name}:true")
        return Span(int(text == "true"), int(text == "true"))
    if field.tokens == "date":
        return _date_span(field, text)
    if not re.fullmatch(_NUMBER, text, re.ASCII):
        refuse(
            f"{field.name} has numbers, and {shown(text)} is none", f"write {field.name}:5 or {field.name}:>5"
        )
    # Takes longer to import than all of the language.
    from fractions import Fraction

    number = Fraction(text)
    return Span(number, number)


def between(
    field: Field, low: Span | None, high: Span | None, *, with_low: bool = True, with_high: bool = True
) -> Node:
    """The values from `low` to `high`; None for no bound."""
    least = None if low is None else low.low if with_low else low.high
    most = None if high is None else high.high if with_high else high.low
    if field.tokens == "real":
        return _between_reals(field.name, least, most, with_low=with_low, with_high=with_high)
    first = _INTEGER_MIN if least is None else math.ceil(least) if with_low else math.floor(least) + 1
    last = _INTEGER_MAX if most is None else math.floor(most) if with_high else math.ceil(most) - 1
    first, last = max(first, _INTEGER_MIN), min(last, _INTEGER_MAX)
    return Between(field.name, first, last) if first <= last else Nothing()


def _between_reals(
    name: str, least: int | Fraction | None, most: int | Fraction | None, *, with_low: bool, with_high: bool
) -> Node:
    # A float is compared with a Fraction, or with an int, exactly.
    first, last = -math.inf, math.inf
    if least is not None:
        first = _real(least)
        if (first < least if math.isfinite(first) else first < 0) or (
            not with_low and math.isfinite(first) and first == least
        ):
            first = math.nextafter(first, math.inf)
    if most is not None:
        last = _real(most)
        if (last > most if math.isfinite(last) else last > 0) or (
            not with_high and math.isfinite(last) and last == most
        ):
            last = math.nextafter(last, -math.inf)
    return Between(name, first + 0.0, last + 0.0) if first <= last else Nothing()


def _real(number: int | Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _date_span(field: Field, text: str) -> Span:
    match = re.fullmatch(_DATE, text, re.ASCII)
    example = f"write a date as in {field.name}:2024-05-31 or {field.name}:>=2024-05-31T12:00Z"
    if match is None:
        refuse(f"{field.name} has dates, and {shown(text)} is none", example)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    written = f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}"
    try:
        begin = datetime.fromisoformat(f"{written}.{(fraction or '').ljust(6, '0')}{zone or 'Z'}")
        low = (begin - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        refuse(f"there is no date {shown(text)}", example)
    if fraction:
        high = low + 10 ** (6 - len(fraction)) - 1
    elif second or minute:
        high = low + (1_000_000 if second else 60_000_000) - 1
    elif day:
        high = low + 86_400_000_000 - 1
    else:
        high = low + _days(begin, bool(month)) * 86_400_000_000 - 1
    return Span(low, high)


def _days(begin: datetime, month: bool) -> int:
    """The days of the month or the year that begins then."""
    year, number = (begin.year, begin.month + 1) if month and begin.month < 12 else (begin.year + 1, 1)
    if year > 9999:
        return 31 if month else 365
    return (datetime(year, number, 1, tzinfo=UTC) - begin).days
