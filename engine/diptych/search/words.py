"""How text becomes words, in documents as in queries.

A field of "code" is split at what is neither a letter nor a digit, in lower case. The words inside an
identifier are indexed beside it, as further values of the field: `getUserName` is found by itself, by `user`
and by `get_user_name`. Tantivy's own tokenizer of the name `default` drops words of 40 bytes and more; this
one takes its name, and keeps them. A field of "prose" has the stems of its words, without accents.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from diptych.fs import importing

if TYPE_CHECKING:
    import tantivy

PROSE = "diptych-prose"
"""The name of the tokenizer of prose."""

# Where one word ends and the next begins inside an identifier: only then it is worth a second look.
_JOINED = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]|[A-Za-z][0-9]|[0-9][A-Za-z]")
_IDENTIFIER = re.compile(r"[^\W_]+")
# A letter that is not of ASCII has no case here.
_PART = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+")
# Longer ones are no identifiers that a person wrote.
_IDENTIFIER_CHARACTERS_MAX = 200
_PARTS_MAX = 12
_SHORT_CHARACTERS = 64


def register_words(index: tantivy.Index) -> None:
    """Make an index that is written to keep long words, and to know prose."""
    index.register_tokenizer("default", _analyzer())
    index.register_tokenizer(PROSE, _prose_analyzer())


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, as a document's are."""
    return _words_of_short(text) if len(text) <= _SHORT_CHARACTERS else tuple(_analyzer().analyze(text))


@lru_cache(maxsize=256)
def _words_of_short(text: str) -> tuple[str, ...]:
    # A word of a query is looked up in several fields.
    return tuple(_analyzer().analyze(text))


def stems_of(text: str) -> tuple[str, ...]:
    """The stems of a text in prose, as a document's are."""
    return tuple(_prose_analyzer().analyze(text))


def lowered(text: str) -> str:
    """A text in lower case, as Tantivy makes it."""
    return "".join(_lowerer().analyze(text))


def parts_of(identifier: str) -> str:
    """The words inside an identifier of letters and digits, with spaces between; "" where it is one word."""
    if len(identifier) > _IDENTIFIER_CHARACTERS_MAX or not _JOINED.search(identifier):
        return ""
    parts = _PART.findall(identifier)
    return " ".join(parts) if 1 < len(parts) <= _PARTS_MAX else ""


def parts_in(text: str) -> tuple[str, ...]:
    """`parts_of` each identifier in a text that has parts, each once."""
    return _parts_in_short(text) if len(text) <= _SHORT_CHARACTERS else _parts_in(text)


def _parts_in(text: str) -> tuple[str, ...]:
    if not _JOINED.search(text):
        return ()
    return tuple(dict.fromkeys(filter(None, map(parts_of, _IDENTIFIER.findall(text)))))


# Many documents have the same path, container or signature.
_parts_in_short = lru_cache(maxsize=1024)(_parts_in)


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    with importing("tantivy"):
        from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase()).build()


@cache
def _prose_analyzer() -> tantivy.TextAnalyzer:
    with importing("tantivy"):
        from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase())
    return builder.filter(Filter.ascii_fold()).filter(Filter.stemmer("english")).build()


@cache
def _lowerer() -> tantivy.TextAnalyzer:
    with importing("tantivy"):
        from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.lowercase()).build()
