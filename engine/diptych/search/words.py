"""How text becomes words, in documents as in queries.

A field of "code" is split at what is neither a letter nor a digit, in lower case. The words inside an
identifier are indexed beside it, as further values of the field: `getUserName` is found by itself, by `user`
and by `get_user_name`. Tantivy's own tokenizer of the name `default` drops words of 40 bytes and more; this
one takes its name, and keeps them. A field of "prose" has the stems of its words, without accents.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from diptych.fs import importing
from diptych.lazy import pattern

if TYPE_CHECKING:
    import tantivy

PROSE = "diptych-prose"
"""The name of the tokenizer of prose."""

# Where one word ends and the next begins inside an identifier: only then it is worth a second look. All
# alternatives begin with one set of characters, so that `re` skips everything else at the speed of C.
_JOINED = pattern(
    r"[A-Z0-9](?:(?<=[a-z0-9][A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z][0-9])|(?<=[0-9])(?=[A-Za-z]))"
)
_IDENTIFIER = pattern(r"[^\W_]+")
# A letter that is not of ASCII has no case here.
_PART = pattern(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+")
# Longer ones are no identifiers that a person wrote.
_IDENTIFIER_CHARACTERS_MAX = 200
_PARTS_MAX = 12
_SHORT_CHARACTERS = 64
# So many distinct identifiers are split once each: some two megabytes.
_IDENTIFIERS_KEPT = 16_384
# Letters and digits of ASCII, and a space for every other byte.
_SPACED = bytes(code if code < 128 and chr(code).isalnum() else 32 for code in range(256))


def register_words(index: tantivy.Index) -> None:
    """Make an index that is written to keep long words, and to know prose."""
    index.register_tokenizer("default", _analyzer())
    index.register_tokenizer(PROSE, _prose_analyzer())


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, as a document's are."""
    return _words_of_short(text) if len(text) <= _SHORT_CHARACTERS else tuple(_analyzer().analyze(text))


@lru_cache(maxsize=256)
def _words_of_short(text: str) -> tuple[str, ...]:
    # A word of a query is looked up in several fields. For ASCII this is what the analyzer does, without it.
    if text.isascii():
        return tuple(text.encode().translate(_SPACED).decode().lower().split())
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


def has_parts(text: str) -> bool:
    """Whether an identifier in a text may have `parts_of`."""
    return _JOINED.search(text) is not None


def parts_in(text: str) -> tuple[str, ...]:
    """`parts_of` each identifier in a text that has parts, each once."""
    if not _JOINED.search(text):
        return ()
    # As bytes, several times as fast as the expression, and the same for ASCII.
    identifiers = text.encode().translate(_SPACED).split() if text.isascii() else _IDENTIFIER.findall(text)
    return tuple(dict.fromkeys([parts for parts in map(_known_parts.__getitem__, identifiers) if parts]))


class Known(dict[Any, str]):
    """What a function makes of short texts, made once each; begun again when it has `most` of them.

    A dict, since an answer that is known costs no call.
    """

    def __init__(self, make: Callable[[Any], str], most: int) -> None:
        super().__init__()
        self._make = make
        self._most = most

    def __missing__(self, text: Any) -> str:
        made = self._make(text)
        if len(text) <= _SHORT_CHARACTERS:
            if len(self) >= self._most:
                self.clear()
            self[text] = made
        return made


def _parts_of(identifier: str | bytes) -> str:
    return parts_of(identifier if isinstance(identifier, str) else identifier.decode())


_known_parts = Known(_parts_of, _IDENTIFIERS_KEPT)


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
