"""A rough second reader for languages that ctags does not know, or misreads: keywords, and names after them.

Comments and strings are blanked first. Locals cannot be told from members that way: variables are left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from .ctags import Tag

_C_LIKE = (
    r"/\*.*?\*/|//[^\n]*|\#*\"\"\".*?\"\"\"\#*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\[^\n']{1,8}|[^'\\\n])'|\#/.*?/\#"
)
_NAME = r"(`[^`\n]+`|[^\W\d]\w*)"
_TYPE_WORDS = r"(?<![\w.`@:])"
_TEXT = {
    "kotlin": _C_LIKE,
    "lua": r"--\[(=*)\[.*?\]\1\]|--[^\n]*|\[(=*)\[.*?\]\2\]|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
    "scala": _C_LIKE,
    "swift": _C_LIKE,
}
# Of each language: the kinds (as ctags calls them) and what they look like, with the name last.
_DEFINITIONS = {
    "kotlin": (
        ("enum", rf"{_TYPE_WORDS}enum[ \t]+class[ \t]+{_NAME}"),
        ("class", rf"(?<!\benum[ \t]){_TYPE_WORDS}class[ \t]+{_NAME}"),
        ("interface", rf"{_TYPE_WORDS}interface[ \t]+{_NAME}"),
        ("object", rf"{_TYPE_WORDS}object[ \t]+(?!:){_NAME}"),
        ("typealias", rf"{_TYPE_WORDS}typealias[ \t]+{_NAME}"),
        (
            "function",
            rf"{_TYPE_WORDS}fun[ \t]+(?:<[^<>()]*(?:<[^<>]*>[^<>()]*)*>\s*)?"
            rf"(?:[\w.<>?*, @]*[\w>?)]\.)?{_NAME}\s*\(",
        ),
    ),
    "lua": (
        ("function", r"\bfunction\s+(?:\w+\s*[.:]\s*)*(\w+)\s*\("),
        ("function", r"(\w+)\s*=\s*function\b"),
    ),
    "scala": (
        ("class", rf"{_TYPE_WORDS}class[ \t]+{_NAME}"),
        ("object", rf"{_TYPE_WORDS}object[ \t]+{_NAME}"),
        ("trait", rf"{_TYPE_WORDS}trait[ \t]+{_NAME}"),
        (
            "function",
            rf"{_TYPE_WORDS}def[ \t]+(?!this\b)"
            r"(`[^`\n]+`|[^\W\d]\w*?(?:_[^\w\s()\[\]{};,.:'\"`]+)?(?!\w)|[-+*/<>=!&|^%~?:#@\\]+)",
        ),
        ("typealias", rf"{_TYPE_WORDS}type[ \t]+{_NAME}[ \t]*(?:\[[^\n]*\])?[ \t]*(?:=[^>]|<:|>:|\n|$)"),
    ),
    "swift": (
        (
            "class",
            rf"{_TYPE_WORDS}(?:class|actor)[ \t]+(?!func\b|var\b|let\b|override\b|final\b|subscript\b)"
            rf"{_NAME}\s*[:<{{\n]",
        ),
        ("struct", rf"(?<!import ){_TYPE_WORDS}struct[ \t]+{_NAME}"),
        ("enum", rf"{_TYPE_WORDS}enum[ \t]+{_NAME}"),
        ("interface", rf"{_TYPE_WORDS}protocol[ \t]+{_NAME}"),
        ("typealias", rf"{_TYPE_WORDS}(?:typealias|associatedtype)[ \t]+{_NAME}"),
        ("function", rf"{_TYPE_WORDS}func[ \t]+(`[^`\n]+`|[^\W\d]\w*|[-+*/<>=!&|^%~?.]+)\s*[(<]"),
        (
            "function",
            rf"{_TYPE_WORDS}(init|subscript)[?!]?[ \t]*(?:<[^()]*>)?"
            rf"\((?=[^\n]*(?:\{{|,|\($|\n))(?<!\.init\()",
        ),
        ("function", rf"{_TYPE_WORDS}(deinit)\s*\{{"),
    ),
}
LANGUAGES = tuple(_DEFINITIONS)


def tags(language: str, root: str, paths: Sequence[str]) -> Iterator[tuple[str, Tag]]:
    """Each definition in `paths` (relative to `root`) with its path."""
    text = re.compile(_TEXT[language], re.DOTALL)
    definitions = [(kind, re.compile(regex)) for kind, regex in _DEFINITIONS[language]]
    for path in paths:
        with open(os.path.join(root, path), encoding="utf-8", errors="replace", newline="") as file:
            source = text.sub(_blanked, file.read())
        for kind, regex in definitions:
            for match in regex.finditer(source):
                name = match[match.lastindex or 0].strip("`")
                yield path, Tag(name, kind, source.count("\n", 0, match.start(match.lastindex or 0)) + 1, "")


def _blanked(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])
