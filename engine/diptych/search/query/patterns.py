"""Regular expressions: a small dialect that means the same in every field, in bounded time.

    expression  sequence (| sequence)*
    sequence    (item repeat?)*
    item        character | . | \\d \\w \\s | \\character | [set] | [^set] | ( expression )
    repeat      * | + | ? | {n} | {n,} | {n,m}         n and m at most 100

It matches a whole word, or a whole value of an exact field: `^` and `$` would add nothing, and are refused,
as is everything else. Classes are ASCII, `.` is any character. In a field of words a letter means both cases.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NoReturn

from diptych.search.query.nodes import quoted, refuse, shown
from diptych.search.words import words_of

MAX_CHARACTERS = 256
MAX_REPEAT = 100
MAX_NESTED = 20
# No character from here on has an upper and a lower case.
_CASED_END = 0x1F000
_ASCII_END = 0x80

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r" \t\n\r\x0c\x0b"}
_REPEAT = re.compile(r"\{(\d{1,4})(?:(,)(\d{0,4}))?\}", re.ASCII)
_SPECIAL = frozenset("\\.+*?()|[]{}^$")
# Also those that Rust gives a meaning inside a set: `&&`, `--` and `~~` are operators there.
_SPECIAL_IN_SET = frozenset("\\[]^-&~")


def literal(character: str) -> str:
    """An expression for one character."""
    return "\\" + character if character in _SPECIAL else character


def in_any_case(character: str) -> str:
    """An expression for a character in upper and lower case."""
    forms = {form for form in (character, character.lower(), character.upper()) if len(form) == 1}
    return literal(character) if len(forms) == 1 else f"(?:{'|'.join(map(literal, sorted(forms)))})"


def translated(text: str, *, words: bool, any_case: bool) -> str:
    """The expression in Tantivy's syntax. `words`: for a field of words, which are in lower case.

    Raises QueryError for what is not of the dialect, or cannot match in a field of words.
    """
    if len(text) > MAX_CHARACTERS:
        refuse(f"a regular expression has more than {MAX_CHARACTERS} characters", "write a shorter one")
    expression = _Pattern(text, words=words, any_case=any_case).read()
    if not _can_be_built(expression):
        refuse(
            f"the regular expression {shown(text)} needs more than 1,000 states",
            "write a shorter one, with fewer repeats",
        )
    return expression


@lru_cache(maxsize=64)
def _can_be_built(expression: str) -> bool:
    """Whether Tantivy takes it: asked here, so that a store without an index says the same."""
    from tantivy import Query, SchemaBuilder

    try:
        Query.regex_query(SchemaBuilder().add_text_field("text").build(), "text", expression)
    except ValueError:
        return False
    return True


class _Pattern:
    def __init__(self, text: str, *, words: bool, any_case: bool) -> None:
        self._text = text
        self._at = 0
        self._words = words
        self._any_case = any_case
        self._out: list[str] = []

    def read(self) -> str:
        """The whole."""
        nested = 0
        repeatable = False
        while self._at < len(self._text):
            character = self._take()
            if character in "*+?{":
                if not repeatable:
                    self._refuse(f"nothing to repeat stands before {character}")
                self._out.append(self._repeat() if character == "{" else character)
                repeatable = False
                continue
            repeatable = True
            if character == "(":
                nested += 1
                if nested > MAX_NESTED:
                    self._refuse(f"more than {MAX_NESTED} parentheses inside each other")
                if self._text.startswith("?", self._at):
                    self._refuse("(? has no meaning here")
                self._out.append("(?:")
                repeatable = False
            elif character == ")":
                nested -= 1
                if nested < 0:
                    self._refuse("a ) closes nothing")
                self._out.append(")")
            elif character == "|":
                self._out.append("|")
                repeatable = False
            elif character in "^$":
                self._refuse(f"{character} is not needed: it matches a whole word, from end to end")
            else:
                self._out.append(self._item(character))
        if nested:
            self._refuse("a ( is not closed")
        return "".join(self._out)

    def _item(self, character: str) -> str:
        if character == ".":
            return "(?s:.)"
        if character == "[":
            return self._set()
        if character in "]}":
            self._refuse(f"write \\{character} for the character {character}")
        if character != "\\":
            return self._literal(character)
        escaped = self._take_escaped()
        return f"[{self._class(escaped)}]" if escaped in _CLASSES else self._literal(escaped)

    def _literal(self, character: str) -> str:
        if self._words:
            if not words_of(character):
                self._refuse(f"`{character}` is in no word: words have only letters and digits")
            lower = character.lower()
            return literal(lower) if len(lower) == 1 else "".join(map(literal, lower))
        return in_any_case(character) if self._any_case else literal(character)

    def _class(self, name: str) -> str:
        # A word has neither white space nor an underscore.
        if self._words and name == "s":
            self._refuse("\\s is in no word")
        return "0-9a-z" if self._words and name == "w" else _CLASSES[name]

    def _set(self) -> str:
        """What stands between brackets."""
        negated = self._text.startswith("^", self._at)
        self._at += negated
        parts: list[str] = []
        while True:
            if self._at >= len(self._text):
                self._refuse("a [ is not closed")
            character = self._take()
            if character == "]":
                break
            if character == "[":
                self._refuse("write \\[ for the character [ inside brackets")
            if character == "\\":
                character = self._take_escaped()
                if character in _CLASSES:
                    parts.append(self._class(character))
                    continue
            parts.append(self._range(character))
        if not parts:
            self._refuse("there is nothing between [ and ]")
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def _range(self, first: str) -> str:
        """One character of a set, or those from it to another."""
        text = self._text
        if not text.startswith("-", self._at) or text[self._at + 1 : self._at + 2] in ("]", ""):
            return self._cased(first, first)
        self._at += 1
        last = self._take()
        if last == "\\":
            last = self._take_escaped()
            if last in _CLASSES:
                self._refuse(f"a range in brackets ends with a character, not \\{last}")
        if last == "[":
            self._refuse("write \\[ for the character [ inside brackets")
        if last < first:
            self._refuse(f"{first}-{last} is no range: it runs backwards")
        return self._cased(first, last)

    def _cased(self, first: str, last: str) -> str:
        """The characters from `first` to `last`, in the cases that are meant."""
        if not (self._words or self._any_case):
            return _span(first, last)
        if first == last:
            forms = {form for form in (first, first.lower(), first.upper()) if len(form) == 1}
            return "".join(_span(form, form) for form in sorted(forms))
        return _span(first, last) + "".join(_span(low, high) for low, high in _other_case(first, last))

    def _repeat(self) -> str:
        """What is in braces, after the first."""
        match = _REPEAT.match(self._text, self._at - 1)
        if match is None:
            self._refuse("{ begins a number of repeats, as in {2,3}; write \\{ for the character")
        self._at = match.end()
        least, most = int(match[1]), int(match[3] or match[1])
        if max(least, most) > MAX_REPEAT:
            self._refuse(f"more than {MAX_REPEAT} repeats")
        if most < least:
            self._refuse(f"{match[0]} runs backwards")
        return match[0]

    def _take(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _take_escaped(self) -> str:
        """What follows a backslash: a class, or a character that stands for itself."""
        if self._at >= len(self._text):
            self._refuse("nothing follows \\")
        character = self._take()
        if character.isalnum() and character not in _CLASSES:
            self._refuse(f"\\{character} has no meaning here")
        return character

    def _refuse(self, reason: str) -> NoReturn:
        refuse(
            f"{reason}, in the regular expression {shown(self._text)}",
            f"quote it to search for the text: {quoted('/' + self._text + '/')}",
        )


def _other_case(first: str, last: str) -> list[tuple[str, str]]:
    """The characters that those from `first` to `last` are in the other case, as ranges."""
    # Those of ASCII are asked for often, and all others take 0.1 s.
    pairs = _case_pairs(_ASCII_END if last.isascii() else _CASED_END)
    codes = sorted({other for code, other in pairs if ord(first) <= code <= ord(last)})
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return [(chr(low), chr(high)) for low, high in ranges]


@cache
def _case_pairs(end: int) -> tuple[tuple[int, int], ...]:
    """Each character below `end` that is another one in the other case, with that one."""
    return tuple(
        (code, ord(other))
        for code in range(end)
        for other in {chr(code).lower(), chr(code).upper()} - {chr(code)}
        if len(other) == 1
    )


def _span(first: str, last: str) -> str:
    if first == last:
        return _in_set(first)
    return f"{_in_set(first)}-{_in_set(last)}"


def _in_set(character: str) -> str:
    return "\\" + character if character in _SPECIAL_IN_SET else character
