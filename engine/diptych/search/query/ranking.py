"""What comes first of what a query finds: names before words, and words that belong together before others.

All of it only adds to scores: which documents are found is what the query says. Words reach some 60.
"""

from __future__ import annotations

from typing import Any

from diptych.schema.base import Schema
from diptych.search.names import split_qualified
from diptych.search.query.nodes import Bonus, Clauses, Node, Parsed, Within, Words
from diptych.search.words import words_of

# The name that is asked for: as it is written; but for case and separators.
_EXACT, _ALIKE = 60.0, 45.0
# The same, where the other words of the query are in what the name is in.
_EXACT_WITHIN, _ALIKE_WITHIN = 90.0, 70.0
# What is longer describes, and names nothing.
_WORDS_MAX = 4

_QUALIFIERS_MAX = 8
_NAMES_MAX = 8


class Ranking:
    """Gathers the words of a query that name no field, and what they say of the order of hits."""

    def __init__(self, schema: Schema[Any]) -> None:
        self._schema = schema
        self._words: dict[str, Node] = {}
        self._qualified: list[Bonus] = []

    def add(self, text: str, node: Node) -> Node:
        """A word, and what finds it. Returns that, and what else finds it where it is a qualified name."""
        name_field = self._schema.name_field
        if name_field is None:
            return node
        outer, name = split_qualified(text)
        if not outer:
            self._words.setdefault(text, node)
            return node
        words = words_of(name)
        if not words or len(outer) > _QUALIFIERS_MAX or not self._schema.qualifier_fields:
            return node
        within = _words(outer)
        self._qualified += [
            Bonus("exact", name, _EXACT_WITHIN, within),
            Bonus("alike", name, _ALIKE_WITHIN, within),
        ]
        found: tuple[Node, ...] = (Words(name_field, words), *(Within(word) for word in within))
        return Clauses(optional=(node, Clauses(required=found)))

    def apply(self, node: Node) -> Parsed:
        """The whole query, with what it says of the order."""
        words = list(self._words)[:_NAMES_MAX]
        names = list(self._qualified)
        if len(words) == 1:
            [word] = words
            names += [Bonus("exact", word, _EXACT), Bonus("alike", word, _ALIKE)]
        elif 1 < len(words) <= _WORDS_MAX:
            names += self._together(words)
        contexts = _words(words) if self._schema.qualifier_fields and len(words) > 1 else ()
        return Parsed(node, tuple(names), contexts)

    def _together(self, words: list[str]) -> list[Bonus]:
        """Several words: the last ones joined, or the first, a name within the others."""
        splits = [("_".join(words[at:]), words[:at]) for at in range(len(words))]
        splits.append((words[0], words[1:]))
        return [
            Bonus("alike", name, _ALIKE_WITHIN, _words(outer))
            for name, outer in splits
            if self._schema.qualifier_fields or not outer
        ]


def _words(names: list[str]) -> tuple[str, ...]:
    """The words of all of them."""
    return tuple(word for name in names for word in words_of(name))
