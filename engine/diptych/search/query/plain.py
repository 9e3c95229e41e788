"""Plain words: a text that is no query, as a person or a program pastes it. Nothing in it is an operator."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from diptych.schema.base import Schema
from diptych.schema.fields import TEXT_KINDS
from diptych.search.query.nodes import Parsed, either
from diptych.search.query.operands import MAX_WORD_CHARACTERS, Operands
from diptych.search.words import words_of

MAX_WORDS = 256
# Of a longer text, this is what is looked at: a text may have no spaces, and repeat one word.
MAX_CHARACTERS = 100_000
# What brackets, quotes and marks stand around a word.
_AROUND = "\"'`()[]{}<>.,;:!?*&|=+-~^\\/#$%@"


def parse_plain(text: str, schema: Schema[Any]) -> Parsed:
    """Any of the words of a text: the first 256 different ones of its first 100,000 characters.

    Never raises; without words, nothing.
    """
    operands = Operands(schema)
    words = islice(dict.fromkeys(_words_in(text[:MAX_CHARACTERS])), MAX_WORDS)
    nodes = [operands.word(None, word) for word in words]
    if not nodes or not any(operands.fields[name].tokens in TEXT_KINDS for name in schema.default_fields):
        return Parsed(None)
    return operands.ranked(either(nodes))


def _words_in(text: str) -> Iterator[str]:
    """What stands between spaces, each followed by the words in it."""
    for piece in text.encode("utf-8", "replace").decode().split():
        stripped = piece.strip(_AROUND)
        if len(stripped) <= MAX_WORD_CHARACTERS and words_of(stripped):
            yield stripped
        yield from (word for word in words_of(stripped) if len(word) <= MAX_WORD_CHARACTERS)
