"""Kotlin before its parser: what the grammar does not take, in other words of the same length.

Mostly where there are syntax errors. Names are cut from the source as it is, so that a word may be another
one here: the grammar takes `open(file)` for a modifier, and `set = a` after a property for its accessor.
"""

from __future__ import annotations

import re

from tree_sitter import Node

# Words that are names where such a sign follows.
_WORD = re.compile(
    rb"(?<![\w.@:$])(?:open|inline|external|sealed|infix|public|private|protected|internal|final|abstract|override"
    rb"|where|tailrec|lateinit|noinline|crossinline|vararg|dynamic)(?=[ \t]*+(?:[({.]|=(?!=)))"
    rb"|(?<![\w.@$])(?<![:<] )(?:enum|dynamic)(?=[,):])"
)
_OPERATOR = re.compile(rb"(?<![\w.@:$])(?:in|as|is)(?=[\d_])")
# At the beginning of a line, but for `get() = 1` and `set(value) {`.
_ACCESSOR = re.compile(
    rb"^[ \t]*+(?:get|set)\b"
    rb"(?=[ \t]*+(?:[-+*/%|&]?=(?!=)|\{|\.)"
    rb"|\((?!\s*+\)|\s*+(?:@\w++\s++)?+\w++\s*+(?::[^()=\n]*+)?+,?+\s*+\)\s*+(?::\s*+\w++\s*+)?+[{=]))",
    re.MULTILINE,
)
# A member before a brace on its line needs a semicolon.
_LAST_MEMBER = re.compile(rb"(?<=[^\s;{>]) (?=\})")
# `$$"${a}"`, without interpolation.
_DOLLARS = re.compile(rb"(?<!\$)(\$\$++)\"([^\"\n]{0,1000}+)\"")
# `is A if condition ->`
_GUARD = re.compile(rb"^([ \t]*+(?:is|in)[ \t][^\n>]{1,200}?)([ \t]if[ \t][^\n]{1,300}?)(?=->)", re.MULTILINE)
# `insert { } get id`
_INFIX = re.compile(rb"(?<=[)}\]] )[gs]et(?= \w)")
_NOT_NEWLINE = re.compile(rb"[^\n]")
_BLANKED = re.compile(
    rb"(?<![\w.@$])suspend(?=\s*\{)|\?(?=::)|(?<!\$)\$\$++(?=\")"
    rb"|^[ \t]*+context\([^()\n]{1,500}\)(?=\s)|^[ \t]*+@\w{1,200}(?=[ \t]+(?:[gs]et)\b)"
    rb"|\b(?:actual|expect)(?=\s+constructor\b)"
    rb"|@[\w.:]{1,200}(?:\([^()\n]{0,200}\))?(?=\s+(?:(?:public|private|protected|internal)\s+)?constructor\b)",
    re.MULTILINE,
)

_ARGUMENTS = rb"\((?:[^()\"]|\"[^\"\n]*+\"|\((?:[^()]){0,500}+\)){0,2000}+\)"
_ANNOTATION = re.compile(rb"^@(?!file:)[\w.:]{1,200}+(?:[ \t]*+" + _ARGUMENTS + rb")?+", re.MULTILINE)


def without_keyword(source: bytes) -> bytes:
    """`source` without the keyword of annotations' classes, which the grammar may take for a name."""
    return source.replace(b"annotation class ", b"           class ")


def is_misread(root: Node) -> bool:
    """Whether the grammar took an annotated `class Name` for an infix expression."""
    return any(child.type == "annotated_expression" for child in root.children)


def without_annotations(source: bytes) -> bytes:
    """`source` without the annotations that begin a line."""
    return _ANNOTATION.sub(lambda match: _NOT_NEWLINE.sub(b" ", match[0]), source)


def rewritten(source: bytes) -> bytes:
    """`source` as the grammar takes it, each token where it was."""
    source = _DOLLARS.sub(lambda match: b" " * len(match[1]) + b'"' + b"x" * len(match[2]) + b'"', source)
    source = _GUARD.sub(lambda match: match[1] + b" " * len(match[2]), source)
    source = _INFIX.sub(_capital, source)
    source = _WORD.sub(_capital, source)
    source = _OPERATOR.sub(_capital, source)
    source = _ACCESSOR.sub(_capital, source)
    source = _LAST_MEMBER.sub(b";", source)
    return _BLANKED.sub(lambda match: b" " * len(match[0]), source)


def _capital(match: re.Match[bytes]) -> bytes:
    return match[0].upper()
