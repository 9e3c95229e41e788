"""The lines of a text in which a secret may be, found at the speed of C: of megabytes, few are left.

Every form, and every pattern of the detectors of detect-secrets, needs one of the marks or of the shapes here
in the line that it matches. Most marks are searched for as they are, which costs a nanosecond a byte or less;
a shape begins with a literal, which the engine of `re` searches for alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_EXACT = (
    *("github_pat_", "hsec_", "AIza", "npm_", "_authToken=", "pypi-Ag", "SG.", "hf_", "_v1_", "T3BlbkFJ"),
    *("eyJ", "sq0csp-"),
)
"""As they are in the text."""
_FOLDED = ("aws", "xox", "hooks.slack.com", "accountkey=", "/soap/v3", "cloudant")
"""In any case."""
_EXACT_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        r"A(?:3T|BIA|CCA|KIA|SIA)",
        r"gh[pousr]_",
        r"k_(?:live|test)_",
        r"G(?:OCSPX-|R1348941)",
        r"P(?:RIVATE KEY|uTTY-User-Key-File-)",
    )
)
_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        r"gl[a-z]{2,5}-[a-z0-9_…-]{4}",
        r"sk-(?<![a-z0-9]sk-)[a-z0-9_…-]{4}",
        r"sk(?<![a-z0-9]sk)[0-9a-f]{32}",
        # Telegram, Discord, Mailchimp.
        r":(?<=\d:)[0-9a-z_-]{35}",
        r"\.[a-z0-9_-]{6}\.[a-z0-9_-]{27}",
        r"-us[0-9]",
        # A password in a URL. Bounded as the form is: lines with thousands of URLs would take forever.
        r"://[^\s:/@'\"<>]{0,64}:[^\s/@'\"<>]{3,128}@",
        # A value that is assigned to a name with such a word, in quotes; or a long one in none.
        *(
            rf"{word}(?:[^\n]{{0,240}}?[=:>]\s{{0,4}}[@brfu]{{0,2}}['\"`][^'\"`\s]{{8}}"
            rf"|[a-z]{{0,4}}[\"']?\]?[ :=>]+[\"']?[a-z0-9_-]{{24}})"
            for word in ("pass", "pw", "secret", "token", "credential", "key")
        ),
        # What may be random.
        *(rf"{quote}[a-z0-9+/\\_=-]{{32,}}{quote}" for quote in "'\""),
    )
)
"""Of text in small letters."""


def suspect_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of `text` in which a secret may be, each with where it begins; some that it is not in.

    Of a source file, or of all strings of many records, most lines have nothing: they are never made.
    """
    lowered = text.lower()
    if len(lowered) != len(text):
        # A few letters have no small one of the same length: places would differ.
        yield 0, text
        return
    starts: dict[int, int] = {}
    for inside, marks in ((text, _EXACT), (lowered, _FOLDED)):
        for mark in marks:
            _add_lines(_marked(inside, mark), text, starts)
    for inside, shapes in ((text, _EXACT_SHAPES), (lowered, _SHAPES)):
        for shape in shapes:
            _add_lines((match.start() for match in shape.finditer(inside)), text, starts)
    for start in sorted(starts):
        yield start, text[start : starts[start]]


def _marked(text: str, mark: str) -> Iterator[int]:
    at = text.find(mark)
    while at >= 0:
        yield at
        at = text.find(mark, at + len(mark))


def _add_lines(places: Iterable[int], text: str, starts: dict[int, int]) -> None:
    """Note where the lines with these places, in order, begin and end."""
    end = 0
    for at in places:
        if at < end:
            continue
        newline = text.find("\n", at)
        end = len(text) if newline < 0 else newline + 1
        starts[text.rfind("\n", 0, at) + 1] = end
