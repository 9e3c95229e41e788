"""Random queries as trees, and how they are written."""

from __future__ import annotations

import random
import re
from typing import Any

from tools.queries.things import KINDS, PARTS, STEMS, TAGS

Query = Any

_WORDS = [
    *PARTS,
    *STEMS,
    "PARSE",
    "name",
    "b",
    "8",
    "none",
    "parse-the",
    "std::parse",
    "get_user_name",
    "Run",
]
_WORDS += ["getUserName.parse", "parse.getUserName", "x::parse", "user/get"]
_TEXTS = ["name", "place", "note"]
_EXACT = ["kind", "tag"]
_TERMS = ["name", "place", "kind", "tag"]
_PATTERNS = [
    "pars.*",
    "(get|http).*",
    "x",
    "[a-h]+",
    "par[se]{2}.?",
    r"utf\d",
    ".*er",
    "[^p].*",
    "CLASS",
    r"\w+",
]
_NUMBERS = [
    "-5",
    "0",
    "3",
    "3.5",
    "4",
    "1e12",
    "-9223372036854775808",
    "9223372036854775807",
    "1e30",
    "0.1",
    "0.5",
]
_DATES = ["2023", "2023-11", "2023-11-30", "2024-01-15", "2023-12-01T00:00", "2023-11-30T23:59:59.999999Z"]
_DATES += ["2024-01-01T00:00+02:00", "1999"]


def random_query(chance: random.Random, depth: int = 3) -> Query:
    """A query of at most `depth` levels."""
    if depth == 0 or chance.random() < 0.35:
        return _item(chance)
    shape = chance.randrange(7)
    if shape == 0:
        return ("not", random_query(chance, depth - 1))
    if shape in (1, 2):
        name = "and" if shape == 1 else "or"
        return (name, tuple(random_query(chance, depth - 1) for _ in range(chance.randrange(2, 4))))
    if shape == 3:
        return ("boost", random_query(chance, depth - 1), chance.choice(["2", "0.5", ".1"]))
    if shape == 4:
        return ("within", chance.choice(_TEXTS), _unnamed(chance, depth - 1))
    signed = [
        (chance.choice(["", "", "", "+", "-", "NOT "]), random_query(chance, depth - 1))
        for _ in range(chance.randrange(1, 5))
    ]
    return ("list", tuple(signed))


def _unnamed(chance: random.Random, depth: int) -> Query:
    """A query that names no field."""
    if depth == 0 or chance.random() < 0.5:
        return ("word", None, chance.choice(_WORDS))
    return (chance.choice(["and", "or"]), tuple(_unnamed(chance, depth - 1) for _ in range(2)))


def _item(chance: random.Random) -> Query:
    words = [None, None, *_TEXTS]
    shape = chance.randrange(12)
    if shape <= 2:
        return ("word", chance.choice(words), chance.choice(_WORDS))
    if shape == 3:
        return ("phrase", chance.choice(words), " ".join(chance.choices(_WORDS, k=chance.randrange(1, 3))))
    if shape == 4:
        return ("phrase", chance.choice(_EXACT), chance.choice([*KINDS, *TAGS, "CLASS", "RED"]))
    if shape == 5:
        begins = ["par", "p", "thé", "PARS", "checks", "getU", "gr", "C", "cl", "R"]
        return ("prefix", chance.choice([None, *_TERMS]), chance.choice(begins))
    if shape == 6:
        near = ["prase", "parse", "te", "getusernam", "htp", "aprse"]
        return ("fuzzy", chance.choice([None, "name", "place"]), chance.choice(near), chance.choice([1, 2]))
    if shape == 7:
        return ("pattern", chance.choice([None, *_TERMS]), chance.choice(_PATTERNS))
    if shape == 8:
        return ("any", chance.choice([None, *_TEXTS, *_EXACT, "size", "ratio", "modified", "done"]))
    if shape == 9:
        return ("set", chance.choice([*_TEXTS, *_EXACT]), tuple(chance.choices([*_WORDS, *TAGS], k=2)))
    if shape == 10:
        return ("value", "done", chance.choice(["true", "false"]))
    return _valued(chance)


def _valued(chance: random.Random) -> Query:
    """About numbers or dates."""
    field = chance.choice(["size", "ratio", "modified"])
    values = _DATES if field == "modified" else _NUMBERS
    if chance.random() < 0.3:
        return ("value", field, chance.choice(values))
    if chance.random() < 0.5:
        return ("compare", field, chance.choice(["<", "<=", ">", ">="]), chance.choice(values))
    low, high = sorted(chance.sample(values, 2), key=float) if field != "modified" else _some_dates(chance)
    return (
        "range",
        field,
        chance.choice([low, "*"]),
        chance.choice([high, "*"]),
        chance.choice("[{"),
        chance.choice("]}"),
    )


def _some_dates(chance: random.Random) -> tuple[str, str]:
    return chance.choice([("1999", "2023-11"), ("2023", "2024-01-15"), ("2023-11-30", "2023-12-01T00:00")])


def written(query: Query, within: str = "") -> str:
    """The text of a query, with as few parentheses as the grammar allows; `within` says what it is in."""
    match query:
        case ("word", field, text):
            return _in(field, text if re.fullmatch(r"[\w:./-]+", text) and text != "NOT" else f"\\{text}")
        case ("phrase", field, text):
            return _in(field, f'"{text}"')
        case ("prefix", field, text):
            return _in(field, text + "*")
        case ("fuzzy", field, text, distance):
            return _in(field, f"{text}~{distance}")
        case ("pattern", field, text):
            return _in(field, f"/{text}/")
        case ("any", field):
            return _in(field, "*")
        case ("set", field, values):
            return f"{field}:IN [" + " ".join(f'"{value}"' for value in values) + "]"
        case ("value", field, value):
            return f"{field}:{value}"
        case ("compare", field, sign, value):
            return f"{field}:{sign}{value}"
        case ("range", field, low, high, opened, closed):
            return f"{field}:{opened}{low} TO {high}{closed}"
        case ("within", field, inner):
            return f"{field}:({written(inner)})"
        case ("boost", inner, factor):
            text = f"{written(inner, 'operand')}^{factor}"
            return text if within != "operand" else f"({text})"
        case ("not", inner):
            text = f"NOT {written(inner, 'operand')}"
            return text if within in ("", "and") else f"({text})"
        case ("and", inner):
            text = " AND ".join(written(one, "and") for one in inner)
            return text if within in ("", "or") else f"({text})"
        case ("or", inner):
            text = " OR ".join(written(one, "or") for one in inner)
            return text if within == "" else f"({text})"
        case ("list", inner):
            text = " ".join(sign + written(one, "operand") for sign, one in inner)
            return text if within == "" else f"({text})"
    raise AssertionError(query)


def _in(field: str | None, text: str) -> str:
    return text if field is None else f"{field}:{text}"
