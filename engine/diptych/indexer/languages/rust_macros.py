"""Items inside of the calls of macros, which the grammar of Rust takes for mere tokens.

`cfg_if! { if #[cfg(unix)] { fn f() {} } }` defines `f`. Where a call at the beginning of a line has items in
braces, all that is around the items is overwritten by spaces before parsing, so that every offset stays.
"""

from __future__ import annotations

import re

# Not `impl (Iterator) for`, which is in a language of the macro's own.
_ITEM = (
    rb"(?:pub\b|(?:fn|struct|enum|union|mod|use|trait|static|const|type|unsafe|async|extern)\s"
    rb"|impl(?:<|\s+[^\s(])|\#!?\[)"
)
_CALL = re.compile(
    rb"^[ \t]*+(?:(?:\w+::)*(?P<choice>cfg_if)![ \t]*\{|(?<![ \t])(?:\w+::)*\w+![ \t]*\{(?=\s*(?://[^\n]*\s*)*"
    + _ITEM
    + rb"))",
    re.MULTILINE,
)
_TOKEN = re.compile(
    rb"//[^\n]*|/\*.*?(?:\*/|\Z)|b?r(#*)\".*?(?:\"\1|\Z)|b?\"(?:\\.|[^\"\\])*+\"|b?'(?:\\.[^']*|[^'\\])'|(?P<brace>[{}])",
    re.DOTALL,
)
_LAZY = re.compile(rb"(?<=\bstatic )ref\b")
_NOT_NEWLINE = re.compile(rb"[^\r\n]")


def without_item_macros(source: bytes) -> bytes:
    """`source` with only the items left of macro calls that have items. Its length and lines stay."""
    blanked = bytearray(source)
    done = 0
    for call in _CALL.finditer(source):
        # One inside of another is left.
        if call.start() >= done:
            done = _blank_around(blanked, source, call)
    return bytes(blanked)


def _blank_around(blanked: bytearray, source: bytes, call: re.Match[bytes]) -> int:
    """Blank a call but for its items; where it ends."""
    depth_of_items = 2 if call["choice"] else 1
    blanks: list[tuple[int, int]] = []
    depth, begin = 1, call.start()
    if depth_of_items == 1:
        blanks.append((begin, call.end()))
    for token in _TOKEN.finditer(source, call.end()):
        if token["brace"] == b"{":
            depth += 1
            if depth == 2 and depth_of_items == 2:
                blanks.append((begin, token.end()))
        elif token["brace"] == b"}":
            depth -= 1
            if depth == depth_of_items - 1:
                begin = token.start()
            if depth == 0:
                for start, end in [*blanks, (begin, token.end())]:
                    blanked[start:end] = _NOT_NEWLINE.sub(b" ", blanked[start:end])
                blanked[call.start() : token.end()] = _LAZY.sub(b"   ", blanked[call.start() : token.end()])
                return token.end()
    # It does not end: leave it.
    return len(source)
