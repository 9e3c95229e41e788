"""Macros of C that define a variable or a field that they are given the name of; bits without a name.

Each macro becomes the declaration it stands for, in as many bytes: `DEFINE_PER_CPU(int, x);` is `int x;`,
`DEFINE_TIMER(x, f);` is `DEFINE_TIMER x =(f);`, `DECLARE_BITMAP(x, 8);` is `DECLARE_BITMAP x[8];`. Only
macros are known that define just that: others of such names define functions, or more. Most are Linux's.
"""

from __future__ import annotations

import re

from diptych.indexer.languages.c_blanks import begins_declaration, blank, line_start

# `DEFINE_PER_CPU_ALIGNED(struct a *, x)`, `DEFINE_PER_CPU(long[4], x)`
_PER_CPU = re.compile(
    rb"(DEFINE|DECLARE)_PER_CPU\w*+[ \t]*+\(\s*+"
    rb"(?P<type>[A-Za-z_][\w\s*]{0,100}+)(?P<item>\[[^\]\n]{0,60}+\]\s*+)?+"
    rb"(?P<comma>,)\s*+(?P<name>[A-Za-z_]\w*+)\s*+(?P<rest>(?:,[^()\n;{}]{0,100}+)?+\))(?=\s*+[;=\[])"
)
_NAMED = re.compile(
    rb"(?P<macro>(?:DEFINE|DECLARE)_(?P<array>BITMAP|HASHTABLE)?+(?(array)|(?:(?:RAW_)?+SPINLOCK|(?:RT_)?+MUTEX"
    rb"|RWLOCK|RWSEM|SEMAPHORE|IDR|IDA|XARRAY\w*+|S?+WAIT_QUEUE_HEAD|WAITQUEUE|COMPLETION|TIMER"
    rb"|(?:DELAYED_|DEFERRABLE_)?+WORK|TASKLET\w*+|READ_MOSTLY_HASHTABLE|HASHTABLE|STATIC_KEY_\w++|STATIC_CALL"
    rb"|(?:STATIC_)?+SRCU|(?:STATIC_)?+PERCPU_RWSEM|RATELIMIT_STATE|(?:SIMPLE|DEBUGFS)_ATTRIBUTE))"
    rb"|(?:H|LL|PL)?+LIST_HEAD|(?:ATOMIC|BLOCKING|RAW|SRCU)_NOTIFIER_HEAD|RADIX_TREE)(?!\w)"
    rb"[ \t]*+(?P<open>\()\s*+(?P<name>[A-Za-z_]\w*+)\s*+"
    rb"(?:(?P<comma>,)(?P<rest>(?:[^()\n;{}\"]|\"(?:\\.|[^\"\\\n])*+\"|\([^()\n;{}]*+\)|\n){0,300}+))?+(?P<close>\))"
    rb"(?=\s*+[;=])"
)
_BEFORE = re.compile(rb"(?:[ \t]*+(?:static|extern|const|volatile|__\w++)(?!\w))*+[ \t]*+")
# `, :3` and `unsigned :1, :2,`: bits without a name, which the grammar takes only alone.
_COMMENTS = rb"(?:\s++|/\*[^*]{0,200}+\*/){0,4}+"
_UNNAMED = re.compile(rb"," + _COMMENTS + rb":[ \t]*+\d++(?=\s*+[,;])")
_UNNAMED_FIRST = re.compile(
    rb"^[ \t]*+(?:(?:un)?signed[ \t]++)?+[A-Za-z_]\w*+[ \t]++(?P<bits>(?::[ \t]*+\d++[ \t]*+," + _COMMENTS
    + rb"){1,40}+)(?=[A-Za-z_])",
    re.MULTILINE,
)  # fmt: skip
_BITS = re.compile(rb":[ \t]*+\d++\s*+[,;]")
_WORDS = (b"DEFINE_", b"DECLARE_", b"_HEAD(", b"RADIX_TREE(", b"LIST_HEAD")
_ATTRIBUTE = re.compile(rb"__\w++")
_EXTERN = b"extern"


def with_definitions(blanked: bytearray, source: bytes) -> None:
    """Put in `blanked` declarations in place of the macros of `source` that stand for them."""
    if not any(word in source for word in _WORDS):
        return
    for match in _PER_CPU.finditer(source):
        start = match.start()
        before = _prefix(blanked, source, start)
        if before is None:
            continue
        blanked[start : match.end()] = source[start : match.end()]
        blank(blanked, start, match.start("type"))
        blank(blanked, *match.span("comma"))
        blank(blanked, *match.span("rest"))
        if match["item"]:
            blank(blanked, *match.span("item"))
        if match[1] == b"DECLARE" and not before.strip():
            blanked[start : start + len(_EXTERN)] = _EXTERN
    for match in _NAMED.finditer(source):
        before = _prefix(blanked, source, match.start())
        # In a function it is a statement, of which an array is one, too.
        if before is None or (before[:1] in (b" ", b"\t") and not match["array"]):
            continue
        _declare(blanked, source, match)


def without_unnamed_bits(blanked: bytearray, source: bytes) -> None:
    """Blank bits without a name that are beside others."""
    if not _BITS.search(source):
        return
    for match in _UNNAMED.finditer(source):
        blank(blanked, *match.span())
    for match in _UNNAMED_FIRST.finditer(source):
        if begins_declaration(source, match.start()):
            blank(blanked, *match.span("bits"))


def _prefix(blanked: bytearray, source: bytes, start: int) -> bytes | None:
    """What is before a macro on its line, of which attributes are blanked; None where it begins none."""
    line = line_start(source, start)
    before = _BEFORE.fullmatch(source, line, start)
    if before is None:
        return None
    for attribute in _ATTRIBUTE.finditer(before[0]):
        blank(blanked, line + attribute.start(), line + attribute.end())
    return before[0]


def _declare(blanked: bytearray, source: bytes, match: re.Match[bytes]) -> None:
    start, end = match.start("macro"), match.end()
    blanked[start:end] = source[start:end]
    blank(blanked, *match.span("open"))
    comma, close = match.start("comma"), match.start("close")
    if comma < 0 or not match["rest"].strip():
        blank(blanked, close, end)
        if comma >= 0:
            blank(blanked, comma, comma + 1)
    elif match["array"]:
        blanked[comma : comma + 1] = b"["
        blanked[close:end] = b"]"
    elif source[comma + 1 : comma + 2] == b" " and not source.startswith(b"=", _next(source, end)):
        blanked[comma : comma + 2] = b"=("
    else:
        blank(blanked, comma, end)


def _next(source: bytes, at: int) -> int:
    while source[at : at + 1].isspace():
        at += 1
    return at
