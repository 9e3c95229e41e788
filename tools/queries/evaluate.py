"""What a query means, by looking at each document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from tools.queries.language import Query
from tools.queries.things import PARTS, STEMS, THINGS, Thing

_TEXT = {"name": "code", "place": "code", "note": "prose", "kind": "exact", "tag": "exact"}
_QUALIFIED = re.compile(r"[^\W\d]\w*(?:(?:\.|::|->|#|/)[^\W\d]\w*)+")
_SEPARATOR = re.compile(r"\.|::|->|#|/")

Document = dict[str, Any]


def expected(query: Query, things: Iterable[Thing]) -> list[tuple[str, int]]:
    """The key and item of each document that a query finds, in that order."""
    return sorted(
        (thing.key, item)
        for thing in things
        for item, document in enumerate(thing.documents)
        if matches(query, document)
    )


def matches(query: Query, document: Document, field: str | None = None) -> bool:
    """Whether a query finds a document; `field` is the one that it is inside of."""
    match query:
        case ("word", named, text):
            return _has_word(document, named or field, text)
        case ("phrase", named, text):
            return any(_has_phrase(document, name, text) for name in _fields(named or field))
        case ("set", named, values):
            return any(_has_phrase(document, named, text) for text in values)
        case ("prefix", named, text):
            return any(
                _begins(name, value, text) for name in _terms_of(named) for value in _terms(document, name)
            )
        case ("fuzzy", named, text, most):
            names = [name for name in _terms_of(named) if _TEXT[name] == "code"]
            return any(
                distance(text.lower(), value) <= most for name in names for value in _terms(document, name)
            )
        case ("pattern", named, text):
            return any(
                _is_matched(name, text, value)
                for name in _terms_of(named)
                for value in _terms(document, name)
            )
        case ("any", None):
            return True
        case ("any", named):
            return bool(_terms(document, named)) if named in _TEXT else named in document
        case ("value", named, text):
            return _in_range(document, named, text, text, True, True)
        case ("compare", named, sign, text):
            low, high = ("*", text) if sign[0] == "<" else (text, "*")
            return _in_range(document, named, low, high, sign != ">", sign != "<")
        case ("range", named, low, high, opened, closed):
            return _in_range(document, named, low, high, opened == "[", closed == "]")
        case ("within", named, inner):
            return matches(inner, document, named)
        case ("boost", inner, _):
            return matches(inner, document, field)
        case ("not", inner):
            return not matches(inner, document, field)
        case ("and", inner):
            return all(matches(one, document, field) for one in inner)
        case ("or", inner):
            return any(matches(one, document, field) for one in inner)
        case ("list", inner):
            return _matches_list(inner, document, field)
    raise AssertionError(query)


def _matches_list(signed: Iterable[tuple[str, Query]], document: Document, field: str | None) -> bool:
    """Words side by side: what names a field narrows, of the others any will do."""
    signed = list(signed)
    narrowing: dict[frozenset[str], bool] = {}
    required, optional = [], []
    for sign, query in signed:
        found = matches(query, document, field)
        if sign in ("-", "NOT "):
            if found:
                return False
        elif sign == "+":
            required.append(found)
        elif len(signed) > 1 and (names := fields_of(query)):
            narrowing[names] = narrowing.get(names, False) or found
        else:
            optional.append(found)
    return all(narrowing.values()) and all(required) and (bool(required) or not optional or any(optional))


def fields_of(query: Query) -> frozenset[str]:
    """The fields that a query names; none where a part of it names none."""
    match query:
        case ("not", inner) | ("boost", inner, _):
            return fields_of(inner)
        case ("and" | "or", parts):
            named = [fields_of(one) for one in parts]
        case ("list", signed):
            named = [fields_of(one) for _, one in signed]
        case (_, field, *_):
            named = [frozenset((field,)) if field is not None else frozenset()]
    return frozenset().union(*named) if all(named) else frozenset()


def _has_word(document: Document, field: str | None, text: str) -> bool:
    for name in _fields(field):
        if _has_phrase(document, name, text):
            return True
        parts = PARTS.get(text) if text.isalnum() else None
        if parts and _TEXT[name] != "exact" and _has_phrase(document, name, " ".join(parts)):
            return True
    if field is None and _QUALIFIED.fullmatch(text):
        *outer, name = _SEPARATOR.split(text)
        return _has_phrase(document, "name", name) and all(_has_phrase(document, "place", o) for o in outer)
    return False


def _has_phrase(document: Document, name: str, text: str) -> bool:
    if _TEXT[name] == "exact":
        return any(
            value == text or (name == "kind" and value.lower() == text.lower())
            for value in _terms(document, name)
        )
    wanted = split(text) if _TEXT[name] == "code" else [stem(word) for word in split(text)]
    return bool(wanted) and any(
        words[at : at + len(wanted)] == wanted
        for words in _values(document, name)
        for at in range(len(words) - len(wanted) + 1)
    )


def split(text: str) -> list[str]:
    """The words of a text."""
    return [word.lower() for word in re.findall(r"[^\W_]+", text)]


def stem(word: str) -> str:
    """The stem of a word in lower case."""
    known = {word.lower(): stem for word, stem in STEMS.items()}
    # Of what is in no note, only itself matters.
    return known.get(word, word.replace("é", "e"))


def _values(document: Document, name: str) -> Iterator[list[str]]:
    """The words of a field, and those inside each identifier, one after the other."""
    text = document.get(name, "")
    if _TEXT[name] == "prose":
        yield [stem(word) for word in split(text)]
        return
    yield split(text)
    for word in re.findall(r"[^\W_]+", text):
        if PARTS.get(word):
            yield PARTS[word]


def _terms(document: Document, name: str) -> list[str]:
    if _TEXT[name] == "exact":
        found = document.get(name, [])
        return [found] if isinstance(found, str) else found
    return [word for words in _values(document, name) for word in words]


def _fields(field: str | None) -> list[str]:
    return [field] if field is not None else list(THINGS.default_fields)


def _terms_of(field: str | None) -> list[str]:
    """For what is about words as they are."""
    return [field] if field is not None else ["name"]


def _begins(name: str, value: str, text: str) -> bool:
    if name == "tag":
        return value.startswith(text)
    return value.lower().startswith(text.lower())


def _is_matched(name: str, pattern: str, value: str) -> bool:
    flags = re.ASCII | re.DOTALL | (0 if name == "tag" else re.IGNORECASE)
    return re.fullmatch(pattern, value, flags) is not None


def _in_range(document: Document, name: str, low: str, high: str, with_low: bool, with_high: bool) -> bool:
    found = document.get(name)
    if found is None:
        return False
    for value in found if isinstance(found, list) else [found]:
        number = _number(value)
        (low_first, low_last), (high_first, high_last) = _span(name, low), _span(name, high)
        above = low == "*" or (number >= low_first if with_low else number > low_last)
        below = high == "*" or (number <= high_last if with_high else number < high_first)
        if above and below:
            return True
    return False


def _number(value: Any) -> Fraction:
    if isinstance(value, datetime):
        return Fraction((value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
    return Fraction(value)


def _span(name: str, text: str) -> tuple[Fraction, Fraction]:
    """The first and the last value that a text stands for."""
    if text == "*":
        return Fraction(0), Fraction(0)
    if name == "done":
        return Fraction(text == "true"), Fraction(text == "true")
    if name != "modified":
        return Fraction(text), Fraction(text)
    begin, end = {
        "1999": ("1999-01-01", "2000-01-01"),
        "2023": ("2023-01-01", "2024-01-01"),
        "2023-11": ("2023-11-01", "2023-12-01"),
        "2023-11-30": ("2023-11-30", "2023-12-01"),
        "2024-01-15": ("2024-01-15", "2024-01-16"),
        "2023-12-01T00:00": ("2023-12-01", "2023-12-01T00:01"),
        "2023-11-30T23:59:59.999999Z": ("2023-11-30T23:59:59.999999", "2023-12-01"),
        "2024-01-01T00:00+02:00": ("2023-12-31T22:00", "2023-12-31T22:01"),
    }[text]
    first, last = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (begin, end))
    return _number(first), _number(last) - 1


def distance(one: str, other: str) -> int:
    """Insertions, deletions, changes, and exchanges of neighbours."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        rows.append([i])
        for j, b in enumerate(other, 1):
            best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                best = min(best, rows[i - 2][j - 2] + 1)
            rows[i].append(best)
    return rows[-1][-1]
