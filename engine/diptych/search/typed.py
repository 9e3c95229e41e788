"""A name as a person types it: in any case, its beginning, its humps (`gUN`, `HSrv`), some of its letters."""

from __future__ import annotations

import re
from functools import cached_property

from diptych.search.names import alike

EXACT, SAME_LETTERS, BEGINS, BEGINS_IN_ANY_CASE, HUMPS, LETTERS_IN_ORDER = range(6)
"""How a name is like what was typed, the likeliest first."""

_HUMP = re.compile(r"[A-Z][a-z0-9]*|[a-z0-9]+")
_INITIAL = re.compile(r"[A-Z]|(?:(?<![^\W_])|(?<=_))[a-z0-9]")
_HUMPS_LEAST = 2
# An expression of so many letters is made in some milliseconds.
_LETTERS_MAX = 200


class Typed:
    """What was typed, and what is asked of names by it."""

    def __init__(self, text: str) -> None:
        self.text = text
        # As names are indexed: bytes that are not UTF-8 are replaced.
        self.plain = alike(text.encode("utf-8", "replace").decode())
        """Its letters and digits, in lower case."""

    @cached_property
    def letters(self) -> re.Pattern[bytes]:
        """Finds the folded names, each after a line feed, that have these letters in this order.

        Each letter is looked for up to where it first is, and possessively: no name is gone through twice.
        """
        first, *rest = (re.escape(letter.encode()) for letter in self.plain[:_LETTERS_MAX])
        if self.plain.isascii():
            return re.compile(b"\n" + first + b"".join(b"[^\n%b]*+%b" % (one, one) for one in rest))
        return re.compile(b"\n" + first + b"".join(b"[^\n]*?" + one for one in rest))

    @cached_property
    def has_humps(self) -> bool:
        """Whether it is written with capitals, or with `_`, inside."""
        return len(self._humps) >= _HUMPS_LEAST

    @cached_property
    def _humps(self) -> list[str]:
        return _HUMP.findall(self.text)

    def is_by_humps(self, name: bytes) -> bool:
        """Whether a name, as it is written, has these humps in this order."""
        return self._hump_pattern.match(name) is not None

    @cached_property
    def _hump_pattern(self) -> re.Pattern[bytes]:
        first, *rest = self._humps
        begin = rf"[^A-Za-z0-9]*+[{first[0].lower()}{first[0].upper()}]{_rest_of(first)}"
        return re.compile((begin + "".join(map(_next_hump, rest))).encode(), re.DOTALL)

    def likeness(self, name: str) -> int | None:
        """How a name is like it; None where it is not."""
        if name == self.text:
            return EXACT
        plain, wanted = alike(name), self.plain
        if plain == wanted:
            return SAME_LETTERS
        if name.startswith(self.text):
            return BEGINS
        if not wanted:
            return None
        if plain.startswith(wanted):
            return BEGINS_IN_ANY_CASE
        if "".join(_INITIAL.findall(name)).lower().startswith(wanted):
            return HUMPS
        if self.has_humps and self.is_by_humps(name.encode("utf-8", "surrogateescape")):
            return HUMPS
        rest = iter(plain)
        return LETTERS_IN_ORDER if all(letter in rest for letter in wanted) else None


def _next_hump(hump: str) -> str:
    """Up to the first word, after a capital or `_`, that begins so.

    Possessive, and by sets of characters: what `re` goes through again, or letter by letter, takes ten times
    as long.
    """
    lower, upper = hump[0].lower(), hump[0].upper()
    begun = rf"(?:_++)?[{lower}{upper}]" if lower == upper else rf"(?:{upper}|_++[{lower}{upper}])"
    whole = begun + _rest_of(hump)
    pass_by = rf"[^{upper}_]*+"
    return rf"{pass_by}(?:(?!{whole})[{upper}_]{pass_by})*+{whole}"


def _rest_of(hump: str) -> str:
    """The further letters of a hump, in this order, in one word."""
    return "".join(rf"[^{letter}_]*+{letter}" for letter in hump[1:])
