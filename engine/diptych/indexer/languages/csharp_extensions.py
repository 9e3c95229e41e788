"""C# before its parser: the blocks of extension members, which the grammar does not know."""

from __future__ import annotations

import re

from diptych.indexer.languages.c_blanks import blank

# `extension<T>(Query<T> query) where T : class {`, since C# 14: its members are those of the class around it.
_EXTENSION = re.compile(
    rb"^([ \t]*+)extension[ \t]*+(?:<[^<>(){};]{0,500}+>[ \t]*+)?\([^(){};]{0,500}+\)"
    rb"(?:\s++where\b[^{};]{0,500}+)?+\s*+\{",
    re.MULTILINE,
)
_CLASS = b"class"


def with_extensions(source: bytes) -> bytes:
    """`source` with `class _ {` for each block of extension members."""
    if b"extension" not in source:
        return source
    return _EXTENSION.sub(_as_class, source)


def _as_class(match: re.Match[bytes]) -> bytes:
    head = match[0]
    begin = match.end(1) - match.start()
    renamed = bytearray(head)
    blank(renamed, begin, len(head) - 1)
    renamed[begin : begin + len(_CLASS)] = _CLASS
    # Names are cut from the source as it is. This one is a parenthesis there, which makes no symbol.
    renamed[head.index(b"(")] = ord("_")
    return bytes(renamed)
