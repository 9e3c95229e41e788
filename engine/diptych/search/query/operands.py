"""What a word, phrase, prefix, … of a query means in the fields of a schema."""

from __future__ import annotations

from typing import Any

from diptych.schema.base import Schema
from diptych.schema.fields import TEXT_KINDS, VALUE_KINDS, Field
from diptych.search.query.nodes import (
    Boosted,
    Everything,
    Fuzzy,
    Node,
    Parsed,
    Pattern,
    Prefix,
    Words,
    either,
    refuse,
    shown,
)
from diptych.search.query.patterns import translated
from diptych.search.query.ranking import Ranking
from diptych.search.query.values import Span, between, read
from diptych.search.words import lowered, parts_of, stems_of, words_of

# The code schema indexes the first 4,096 characters of a text: no longer word can match.
MAX_WORD_CHARACTERS = 4_096
# Tantivy's automata have at most 1,000 states, and a state takes a byte or so.
MAX_PREFIX_BYTES = 256
MAX_FUZZY_CHARACTERS = 128
# Building one takes up to 40 ms.
MAX_PATTERNS = 16
# One goes through the words of a field: some 10 ms in a large index.
MAX_BEGINNINGS = 64


class Operands:
    """Makes the nodes of one query."""

    def __init__(self, schema: Schema[Any]) -> None:
        self.fields: dict[str, Field] = {field.name: field for field in schema.fields}
        self._schema = schema
        self._default = schema.default_fields
        self._patterns = 0
        self._beginnings = 0
        self._ranking = Ranking(schema)

    def word(self, field: str | None, text: str) -> Node:
        """A word as it is typed: what it separates side by side; an identifier also by its parts."""
        self._check_length(text)
        parts = parts_of(text) if text.isalnum() else ""
        found: list[tuple[str, Node]] = []
        for name in self._of(field):
            nodes = self._in_field(name, text)
            if parts and self.fields[name].tokens in TEXT_KINDS:
                nodes += self._in_field(name, parts)
            if nodes:
                found.append((name, either(nodes)))
        if not found:
            self._refuse_no_word(text)
        node = self._in_any(found)
        return self._ranking.add(text, node) if field is None else node

    def phrase(self, field: str | None, text: str) -> Node:
        """Words side by side, and nothing else."""
        self._check_length(text)
        found = [(name, nodes[0]) for name in self._of(field) if (nodes := self._in_field(name, text))]
        if not found:
            self._refuse_no_word(text)
        return self._in_any(found)

    def prefix(self, field: str | None, text: str) -> Node:
        """Words that begin so."""
        if len(text.encode()) > MAX_PREFIX_BYTES:
            refuse(f"what stands before * has more than {MAX_PREFIX_BYTES} bytes", "write less of it")
        self._count_beginning()
        found: list[tuple[str, Node]] = []
        for name in self._of_terms(field, "*"):
            if self.fields[name].tokens == "exact":
                found.append((name, Prefix(name, text)))
            else:
                found.append((name, Prefix(name, _one_word(text, "*"))))
        return self._in_any(found)

    def fuzzy(self, field: str | None, text: str, distance: int) -> Node:
        """Words that are at most `distance` edits away."""
        if len(text) > MAX_FUZZY_CHARACTERS:
            refuse(f"what stands before ~ has more than {MAX_FUZZY_CHARACTERS} characters")
        self._count_beginning()
        found: list[tuple[str, Node]] = []
        for name in self._of_terms(field, "~"):
            if self.fields[name].tokens == "exact":
                if field is not None:
                    refuse(
                        f"~ is for words, and {name} is exact", f"write {name}:{text}, or {name}:{text[:2]}*"
                    )
                continue
            found.append((name, Fuzzy(name, _one_word(text, "~"), distance)))
        if not found:
            refuse("~ is for words, and the fields that are searched are exact", "name a field")
        return self._in_any(found)

    def pattern(self, field: str | None, text: str) -> Node:
        """Words that a regular expression matches."""
        found: list[tuple[str, Node]] = []
        for name in self._of_terms(field, "/"):
            self._patterns += 1
            if self._patterns > MAX_PATTERNS:
                refuse(f"it has more than {MAX_PATTERNS} regular expressions", "ask for less at a time")
            words = self.fields[name].tokens != "exact"
            expression = translated(text, words=words, any_case=name in self._schema.any_case_fields)
            found.append((name, Pattern(name, expression)))
        return self._in_any(found)

    def any(self, field: str | None) -> Node:
        """`*`: everything, or in a field whatever has something there."""
        if field is None:
            return Everything()
        if self.has_values(field):
            return between(self.fields[field], None, None)
        self._count_beginning()
        return Prefix(field, "")

    def has_values(self, field: str | None) -> bool:
        """Whether the field has numbers, dates or truth values."""
        return field is not None and self.fields[field].tokens in VALUE_KINDS

    def is_exact(self, field: str) -> bool:
        """Whether the field has values as they are."""
        return self.fields[field].tokens == "exact"

    def value(self, field: str, text: str) -> Node:
        """A number, a date (perhaps a day, a month, a year), true or false."""
        span = read(self.fields[field], text)
        return between(self.fields[field], span, span)

    def values(self, field: str, low: str, high: str, *, with_low: bool, with_high: bool) -> Node:
        """The values between two; `*` for no bound."""
        of = self.fields[field]
        if of.tokens == "bool":
            refuse(f"{field} is true or false: it has no range", f"write {field}:true")
        first: Span | None = None if low == "*" else read(of, low)
        last: Span | None = None if high == "*" else read(of, high)
        if first is not None and last is not None and first.low > last.high:
            refuse(f"the range from {shown(low)} to {shown(high)} runs backwards")
        return between(of, first, last, with_low=with_low, with_high=with_high)

    def ranked(self, node: Node) -> Parsed:
        """The whole query, with what comes first."""
        return self._ranking.apply(node)

    def _in_field(self, name: str, text: str) -> list[Node]:
        """The words of a text in a field, one after the other; none where it has none."""
        kind = self.fields[name].tokens
        if kind in VALUE_KINDS:
            return [self.value(name, text)]
        words = (text,) if kind == "exact" else stems_of(text) if kind == "prose" else words_of(text)
        if not words or not text:
            return []
        return [Words(name, words)]

    def _of(self, field: str | None) -> list[str]:
        return [field] if field is not None else list(self._default)

    def _of_terms(self, field: str | None, mark: str) -> list[str]:
        """The fields for a prefix, a fuzzy word or a regular expression: those with words as they are."""
        if field is None:
            found = [name for name in self._default if self.fields[name].tokens in ("code", "exact")]
            if not found:
                refuse(f"{mark} is not for prose: its fields have the stems of words", "write the word")
            return found
        if self.has_values(field):
            refuse(f"{mark} is for words, and {field} has none", f"write a value, as in {field}:*")
        if self.fields[field].tokens == "prose":
            refuse(f"{mark} is not for {field}: it has the stems of words", "write the word")
        return [field]

    def _in_any(self, found: list[tuple[str, Node]]) -> Node:
        """In any of the fields that were found, each with its weight."""
        weights = self._default
        return either(
            [
                node if (weight := weights.get(name, 1.0)) == 1.0 else Boosted(node, weight)
                for name, node in found
            ]
        )

    def _count_beginning(self) -> None:
        """Take one more prefix or fuzzy word."""
        self._beginnings += 1
        if self._beginnings > MAX_BEGINNINGS:
            refuse(f"it has more than {MAX_BEGINNINGS} words with * or ~", "ask for less at a time")

    def _check_length(self, text: str) -> None:
        if len(text) > MAX_WORD_CHARACTERS:
            refuse(
                f"a word or phrase has more than {MAX_WORD_CHARACTERS:,} characters",
                "search for a part of it",
            )

    def _refuse_no_word(self, text: str) -> None:
        refuse(
            f"{shown(text)} has no letter and no digit",
            "search for words: other characters are not indexed",
        )


def _one_word(text: str, mark: str) -> str:
    """The word that a prefix or a fuzzy word is about, as it is indexed."""
    words = words_of(text)
    if words != (lowered(text),):
        refuse(f"{mark} follows one word of letters and digits, and {shown(text)} is none")
    return words[0]
