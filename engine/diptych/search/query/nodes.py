"""A query as a tree, and the words in which one is refused.

Compiled queries are kept by their trees, and tuples are equal whatever their types: `node_kind` tells nodes
of different kinds apart, where their other fields may be the same. It is never given.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from diptych.errors import QueryError
from diptych.search.names import How

_QUOTE_IT = 'quote what is not a plain word, as in name:"operator()"; see docs/command-line.md'


class Words(NamedTuple):
    """The words, one after the other, in one field."""

    field: str
    words: tuple[str, ...]


class Prefix(NamedTuple):
    """A word in a field that begins with `text`; with "" any word."""

    field: str
    text: str
    node_kind: str = "prefix"


class Fuzzy(NamedTuple):
    """A word in a field, at most `distance` edits from `text`; an exchange of two neighbours is one."""

    field: str
    text: str
    distance: int
    node_kind: str = "fuzzy"


class Pattern(NamedTuple):
    """A word in a field that a regular expression matches from end to end, in Tantivy's syntax."""

    field: str
    expression: str
    node_kind: str = "pattern"


class Between(NamedTuple):
    """A value in a field of numbers from `low` to `high`, both included; None for no bound.

    Dates are microseconds since 1970, and true is 1.
    """

    field: str
    low: int | float | None
    high: int | float | None
    node_kind: str = "between"


class Everything(NamedTuple):
    """All documents."""

    node_kind: str = "everything"


class Nothing(NamedTuple):
    """No document."""

    node_kind: str = "nothing"


class Named(NamedTuple):
    """A document with that name: `how` is as in `diptych.search.names`."""

    how: How
    name: str
    node_kind: str = "named"


class Within(NamedTuple):
    """A document whose name is in something with this word."""

    word: str
    node_kind: str = "within"


class Boosted(NamedTuple):
    """The same, its score multiplied."""

    query: Node
    factor: float
    node_kind: str = "boosted"


class Scored(NamedTuple):
    """The same, each document with this score."""

    query: Node
    score: float
    node_kind: str = "scored"


class Clauses(NamedTuple):
    """All of `required`, none of `excluded`; and one of `optional` at least where nothing is required."""

    required: tuple[Node, ...] = ()
    optional: tuple[Node, ...] = ()
    excluded: tuple[Node, ...] = ()


Node = (
    Words
    | Prefix
    | Fuzzy
    | Pattern
    | Between
    | Everything
    | Nothing
    | Named
    | Within
    | Boosted
    | Scored
    | Clauses
)


class Bonus(NamedTuple):
    """What is added to the score of a document with that name that is in something with all these words.

    `how` is as in `diptych.search.names`.
    """

    how: How
    name: str
    score: float
    within: tuple[str, ...] = ()


class Parsed(NamedTuple):
    """A query: what it finds, None for nothing; and what of that comes first."""

    node: Node | None
    names: tuple[Bonus, ...] = ()
    contexts: tuple[str, ...] = ()
    """Words: what is in something with one of them has a higher score."""


def either(nodes: list[Node]) -> Node:
    """Any of them; there is one at least."""
    return nodes[0] if len(nodes) == 1 else Clauses(optional=tuple(nodes))


def parts_of(node: Node) -> tuple[Node, ...]:
    """The queries directly inside one."""
    if isinstance(node, Boosted | Scored):
        return (node.query,)
    return (*node.required, *node.optional, *node.excluded) if isinstance(node, Clauses) else ()


def has_automaton(node: Node) -> bool:
    """Whether a prefix, a pattern or a word with other letters is in it."""
    return isinstance(node, Prefix | Fuzzy | Pattern) or any(map(has_automaton, parts_of(node)))


def levels_of(node: Node) -> int:
    """How many queries lie inside each other at the deepest place: 1 for one without parts."""
    deepest = 0
    left = [(node, 1)]
    while left:
        node, level = left.pop()
        deepest = max(deepest, level)
        left += [(part, level + 1) for part in parts_of(node)]
    return deepest


def words_asked(node: Node, field: str) -> list[str]:
    """The words that a query asks of a field, not those that it leaves out."""
    found: list[str] = []
    left = [node]
    while left:
        node = left.pop()
        if isinstance(node, Words) and node.field == field:
            found += node.words
        elif isinstance(node, Boosted | Scored):
            left.append(node.query)
        elif isinstance(node, Clauses):
            left += [*node.optional, *node.required]
    return found


def refuse(reason: str, advice: str = _QUOTE_IT) -> NoReturn:
    """Raise QueryError for what cannot be read."""
    raise QueryError(f"the query cannot be parsed: {reason}", advice=advice)


def quote(text: str) -> str:
    """How to search for what would be an operator."""
    return f"to search for it, quote it: {quoted(text)}"


def quoted(text: str) -> str:
    """A text as a phrase, cut where it is long."""
    short = text[:40]
    return '"' + short.replace("\\", "\\\\").replace('"', '\\"') + '"'


def shown(text: str) -> str:
    """A text for a message, cut where it is long."""
    return f"`{text}`" if len(text) <= 40 else f"`{text[:39]}…`"
