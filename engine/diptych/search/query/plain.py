"""Plain words: a text that is no query, as a person or a program pastes it. Nothing in it is an operator."""

from __future__ import annotations

from typing import Any

from diptych.schema.base import Schema
from diptych.schema.fields import TEXT_KINDS
from diptych.search.query.nodes import Node, Parsed, either
from diptych.search.query.operands import MAX_WORD_CHARACTERS, Operands
from diptych.search.words import words_of

MAX_WORDS = 256
# What brackets, quotes and marks stand around a word.
_AROUND = "\"'`()[]{}<>.,;:!?*&|=+-~^\\/#$%@"


def parse_plain(text: str, schema: Schema[Any]) -> Parsed:
    """Any of the words of a text: the first 256 different ones. Never raises; without words, nothing."""
    operands = Operands(schema)
    text = text.encode("utf-8", "replace").decode()
    nodes: dict[str, Node] = {}
    for piece in text.split():
        stripped = piece.strip(_AROUND)
        for word in (stripped, *words_of(stripped)):
            if word not in nodes and words_of(word) and len(word) <= MAX_WORD_CHARACTERS:
                nodes[word] = operands.word(None, word)
        if len(nodes) >= MAX_WORDS:
            break
    if not nodes or not any(operands.fields[name].tokens in TEXT_KINDS for name in schema.default_fields):
        return Parsed(None)
    return operands.ranked(either(list(nodes.values())[:MAX_WORDS]))
