"""How text becomes words, in documents as in queries.

A field with "code" words is split at what is neither a letter nor a digit, in lower case. Tantivy's own
tokenizer of the name `default` drops words of 40 bytes and more; this one takes its name, and keeps them, so
that an index says the same of itself as before. Its revision (`diptych.search.revision`) tells the two apart.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tantivy

# Tantivy's tokenizer drops words of this many bytes.
DROPPED_BYTES = 40


def register_words(index: tantivy.Index) -> None:
    """Make an index that is written to keep long words."""
    index.register_tokenizer("default", _analyzer())


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, as a document's are."""
    return tuple(_analyzer().analyze(text))


def lowered(text: str) -> str:
    """A text in lower case, as Tantivy makes it."""
    return "".join(_lowerer().analyze(text))


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase()).build()


@cache
def _lowerer() -> tantivy.TextAnalyzer:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.lowercase()).build()
