"""The terms of names, in the core's field `_name`: by them, names that are asked for come first.

Of the name `HTTPServer`: "=HTTPServer" as it is, "~httpserver" without its case and separators, "^http" its
first word. A name that is the same in both ways has only the first.
"""

from __future__ import annotations

import re

from diptych.search.words import parts_of, words_of

_SEPARATORS = re.compile(r"[\W_]+")
# Longer names are found, and do not come first.
_CHARACTERS_MAX = 200


def alike(name: str) -> str:
    """A name without case and separators."""
    return _SEPARATORS.sub("", name).lower()


def indexed_terms(name: str) -> list[str]:
    """The terms of a document's name."""
    if not name or len(name) > _CHARACTERS_MAX:
        return []
    terms = [f"={name}"]
    plain = alike(name)
    if plain and plain != name:
        terms.append(f"~{plain}")
        first = _first_word(name)
        if first and first != plain:
            terms.append(f"^{first}")
    return terms


def name_terms(how: str, name: str) -> list[str]:
    """The terms that a query for a name asks for: "exact", "alike", or "begins" with the word `name`."""
    plain = alike(name)
    if how == "exact":
        return [f"={name}"]
    if not plain:
        return []
    if how == "alike":
        return [f"~{plain}", f"={plain}"]
    return [f"^{plain}"]


def _first_word(name: str) -> str:
    words = words_of(name)
    if not words:
        return ""
    match = _SEPARATORS.split(name.lstrip("_"), maxsplit=1)[0]
    inner = parts_of(match)
    return inner.split(" ", 1)[0].lower() if inner else words[0]
