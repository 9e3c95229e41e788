"""The terms of names, in the core's field `_name`: by them, names that are asked for come first.

Of the name `HTTPServer`: "=HTTPServer" as it is, "~httpserver" without its case and separators. A name that
is the same in both ways has only the first.
"""

from __future__ import annotations

from typing import Literal

from diptych.lazy import pattern

How = Literal["exact", "alike"]

_SEPARATORS = pattern(r"[\W_]+")
# `json.JSONDecoder`, `Path::new`, `a->b`: names, each within the one before it.
_QUALIFIED = pattern(r"[^\W\d]\w*(?:(?:\.|::|->|#|/)[^\W\d]\w*)+")
_SEPARATOR = pattern(r"\.|::|->|#|/")
# Of longer names the terms have so much.
CHARACTERS_MAX = 200


def split_qualified(text: str) -> tuple[list[str], str]:
    """What a qualified name is in, and its last part; nothing and the text where it is not qualified."""
    if not _QUALIFIED.fullmatch(text):
        return [], text
    *outer, name = _SEPARATOR.split(text)
    return outer, name


def alike(name: str) -> str:
    """A name without case and separators."""
    joined = name.replace("_", "")
    return (joined if joined.isalnum() else _SEPARATORS.sub("", joined)).lower()


def indexed_terms(name: str) -> list[str]:
    """The terms of a document's name."""
    if not name:
        return []
    terms = [f"={name[:CHARACTERS_MAX]}"]
    plain = alike(name)
    if plain and plain != name:
        terms.append(f"~{plain[:CHARACTERS_MAX]}")
    return terms


def name_terms(how: How, name: str) -> list[str]:
    """The terms that a query for a name asks for: of the name as it is, or without case and separators."""
    if how == "exact":
        return [f"={name[:CHARACTERS_MAX]}"]
    plain = alike(name)[:CHARACTERS_MAX]
    return [f"~{plain}", f"={plain}"] if plain else []
