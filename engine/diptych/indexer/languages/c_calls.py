"""Calls in the body of a macro of C or C++, which is mere text to the grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = re.compile(rb"\w+")
_CALLED = re.compile(rb"(?<![\w#])([A-Za-z_]\w*)[ \t]*\(")
_ATTRIBUTE = re.compile(
    rb"__attribute__[ \t]*+\(\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*+\))*+\))*+\)\)"
)
_NOT_CALLED = frozenset(
    b"if for while switch return sizeof defined alignof typeof __typeof__ do else catch decltype alignas"
    b" noexcept static_assert _Static_assert _Alignas __attribute__ __declspec asm __asm__".split()
)


def calls_in(
    body: bytes, head: bytes, row: int, column: int
) -> Iterator[tuple[bytes, tuple[int, int, int, int]]]:
    """The names called in a macro's body, each with its range. `head` is the directive before the body."""
    parameters = frozenset(_WORD.findall(head))
    line, line_begin, counted = row, -column, 0
    if b"__attribute__" in body:
        body = _ATTRIBUTE.sub(lambda match: b" " * len(match[0]), body)
    for called in _CALLED.finditer(body):
        start, end = called.span(1)
        newlines = body.count(b"\n", counted, start)
        if newlines:
            line, line_begin = line + newlines, body.rfind(b"\n", 0, start) + 1
        counted = start
        if called[1] not in _NOT_CALLED and called[1] not in parameters:
            yield called[1], (line, start - line_begin, line, end - line_begin)
