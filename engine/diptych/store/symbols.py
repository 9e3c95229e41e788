"""Symbols by name, where the name is not known exactly: another case, a beginning, a typing error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from diptych.model import SymbolHit
from diptych.schema.code_weights import place_weight
from diptych.search.names import alike, name_terms
from diptych.search.query.nodes import Clauses, Fuzzy, Named, Node, Nothing, Prefix, Within
from diptych.search.words import words_of

Match = Literal["exact", "ignore-case", "prefix", "fuzzy"]
MATCHES: tuple[Match, ...] = ("exact", "ignore-case", "prefix", "fuzzy")

# Tantivy's automata have at most 1,000 states.
_FUZZY_CHARACTERS_MAX = 100
_PREFIX_BYTES_MAX = 256
_SHORT_CHARACTERS = 4
# What is between the parts of a container.
_SEPARATORS = re.compile(r"[.:#/]+")


class Ranked(NamedTuple):
    """A symbol, how its name is like what was typed, and what decides between equals in that."""

    likeness: int
    is_elsewhere: float
    length: int
    path: str
    row: int
    hit: SymbolHit


def ranked(hit: SymbolHit, likeness: int) -> Ranked:
    """A symbol with what it is put in order by."""
    path, symbol = hit.path, hit.symbol
    return Ranked(likeness, -place_weight(path), len(symbol.name), path, symbol.range.start_line, hit)


def node_of(name: str, match: Match, edits: int = 0, outer: Sequence[str] = ()) -> Node:
    """What finds the names in question, and perhaps a few others; with `outer`, of what is within those.

    For "fuzzy", names with up to `edits` typing errors.
    """
    named = _named(name, match, edits)
    within = [Within(word) for one in outer for word in words_of(one)]
    return Clauses(required=(named, *within)) if within else named


def _named(name: str, match: Match, edits: int) -> Node:
    plain = alike(name)
    if match == "prefix":
        begins = [_cut(term) for term in (*name_terms("exact", name), *name_terms("alike", name))]
        return Clauses(optional=tuple(Prefix("_name", begin) for begin in begins))
    if edits:
        return Clauses(optional=(Fuzzy("_name", f"~{plain}", edits), Fuzzy("_name", f"={plain}", edits)))
    if plain:
        return Named("alike", name)
    return Named("exact", name) if match == "ignore-case" else Nothing()


def _cut(begin: str) -> str:
    """As much of a prefix as Tantivy takes."""
    return begin.encode()[:_PREFIX_BYTES_MAX].decode("utf-8", "ignore")


def edits_of(name: str, match: Match) -> int:
    """How many typing errors a name may have."""
    plain = alike(name)
    if match != "fuzzy" or not plain or len(plain) > _FUZZY_CHARACTERS_MAX:
        return 0
    return 1 if len(name) <= _SHORT_CHARACTERS else 2


def is_meant(found: str, name: str, match: Match, edits: int = 0) -> bool:
    """Whether a name that `node_of` found is one of those in question: with exactly `edits` typing errors."""
    if match == "ignore-case":
        return found.casefold() == name.casefold()
    if match == "prefix":
        return found.casefold().startswith(name.casefold())
    if not edits:
        return alike(found) == alike(name)
    return distance(alike(found), alike(name)) == edits


def is_within(path: str, container: str, outer: list[str]) -> bool:
    """Whether the words of each outer name are in the container or the path of a symbol."""
    places = [list(words_of(container)), list(words_of(path))]
    return all(any(_has(place, list(words_of(one))) for place in places) for one in outer)


def looseness(path: str, container: str, outer: list[str]) -> int:
    """How far a symbol is from being what `outer` says it is in.

    0 where that ends the dotted name of its module and container, 1 where it leaves parts of that out, but
    not the class or function that the symbol is directly in; 2 and 3 are the same in another case, 4 is the
    rest.
    """
    inside = [one for one in _SEPARATORS.split(container) if one]
    *folders, file = path.split("/")
    stem = file.partition(".")[0]
    modules = folders if stem == "__init__" else [*folders, stem]
    return min(
        _grade(modules, inside, outer),
        2 + _grade(_folded(modules), _folded(inside), _folded(outer)),
        4,
    )


def _folded(names: list[str]) -> list[str]:
    return [one.casefold() for one in names]


def _grade(modules: list[str], inside: list[str], outer: list[str]) -> int:
    full = [*modules, *inside]
    if full[-len(outer) :] == outer:
        return 0
    rest = iter(full)
    is_left_out = bool(inside) and inside[-1] != outer[-1]
    return 1 if not is_left_out and all(one in rest for one in outer) else 4


def _has(place: list[str], words: list[str]) -> bool:
    return any(place[at : at + len(words)] == words for at in range(len(place) - len(words) + 1))


def distance(one: str, other: str) -> int:
    """How many letters to insert, delete, replace, or exchange with a neighbour."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            least = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                least = min(least, before_last[j - 2] + 1)
            row.append(least)
        before_last, last = last, row
    return last[-1]
