"""What the text of Python says without a tree: where its literals are, and which uses of a name bind none."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

IMPORT = re.compile(rb"\bimport\b")
NESTED = re.compile(rb"\n([ \t]*)(?:async[ \t]+def|def|class)\b")
OUTERMOST = re.compile(rb"\n(?:async[ \t]+def|def|class)\b")

_LITERAL = re.compile(
    rb"""#[^\n]*"""
    rb'''|"""(?:[^"\\]++|\\.|"(?!""))*+(?:"""|\Z)'''
    rb"""|'''(?:[^'\\]++|\\.|'(?!''))*+(?:'''|\Z)"""
    rb"""|"(?:[^"\\\n]++|\\.)*+["\n]?|'(?:[^'\\\n]++|\\.)*+['\n]?""",
    re.DOTALL,
)
_BRACES = re.compile(rb"\{\{|\}\}|([{}])")
_CHAIN = re.compile(rb"(?:super\(\)\.)?(?:[^\W\d]\w*\.)*\Z")
_MAX_CHAIN = 200
MAX_LINE = 400
"""The bytes of a line that are looked at: what is further from its begin, or its end, is left to the tree."""
_COMMENT, _BLANKS = ord("#"), b" \t\f\r\n\\"
_NO_BRACKETS = bytes(set(range(256)) - set(b"()[]{}"))
_LAST_WORD = re.compile(rb"(?<![\w\x80-\xff.])([a-z]+)[ \t]*\Z")

_BINDERS = frozenset(b"def class type as import global nonlocal del for lambda case".split())
# After these a name is read.
_READERS = frozenset(
    b"return raise in is not and or if elif while assert yield await except from with".split()
)
_OTHER_WORDS = frozenset({b"else", b"try", b"finally"})
# An operator between two values, but none that assigns.
_OPERATOR = re.compile(
    rb"==|!=|<=|>=|<(?!<)|>(?!>)|<<(?!=)|>>(?!=)|[+%|&^@](?!=)|-(?![=>])|\*\*?(?![=*])|//?(?![=/])"
    rb"|(?:if|and|or|is)\b"
)
_BINDS_INSIDE = re.compile(rb"\b(?:lambda|for|as|import|def|class)\b|:=")
# Also in a line after the name, with comments between them.
_WALRUS = re.compile(rb"(?:\s|\\\r?\n|#[^\n]*\n)*+:=")
CASE = re.compile(rb"^[ \t]*case\b", re.MULTILINE)
_BEFORE_CALL = re.compile(rb"(?:(\w+)[ \t]+)?(?<![\w\x80-\xff])([\w\x80-\xff]+)[ \t]*\Z")
GENERIC_CLASS = re.compile(rb"\bclass[\s\\]+[\w\x80-\xff]+[\s\\]*\[")
_TYPE_PARAMETERS = re.compile(
    rb"\b(?:def|class|type)[\s\\]+[\w\x80-\xff]+[\s\\]*\[|\btype[\s\\]+[\w\x80-\xff]+[\s\\]*="
)
_DEFINITION = re.compile(rb"[ \t]*(?:async[ \t]+)?(?:def|class|type)\b")


class Literals:
    """The comments and strings from a byte that is code to another, without the letters before strings.

    They are not `are_sure` where a string with code in it may have strings in that.
    """

    COMMENT, STRING, FORMATTED = 1, 2, 3

    def __init__(self, text: bytes, begin: int, end: int) -> None:
        self._text = text
        spans = [one.span() for one in _LITERAL.finditer(text, begin, end)]
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]
        # Where it was asked how many brackets are open, and how many there were.
        self._depths = [(begin, 0)]
        self._has_type_parameters = _TYPE_PARAMETERS.search(text, begin, end) is not None
        self.are_sure = True
        for number, start in enumerate(self._starts):
            if text[start] != _COMMENT and self._is_formatted(start):
                braces = [one[1] for one in _BRACES.finditer(text, start, self._ends[number])]
                self.are_sure = self.are_sure and braces.count(b"{") == braces.count(b"}")

    def at(self, offset: int) -> int:
        """What a byte is in; 0 for code."""
        number = bisect_right(self._starts, offset) - 1
        if number < 0 or offset >= self._ends[number]:
            return 0
        start = self._starts[number]
        if self._text[start] == _COMMENT:
            return self.COMMENT
        return self.FORMATTED if self._is_formatted(start) else self.STRING

    def says_nothing(self, offset: int) -> bool:
        """Whether a byte is in a comment, or in a string that is no annotation."""
        if not self.at(offset):
            return False
        start = self._starts[bisect_right(self._starts, offset) - 1]
        text = self._text
        if text[start] == _COMMENT:
            return True
        if self._is_formatted(start) or (line := line_begin(text, start)) < 0:
            return False
        prefix = text[line:start].rstrip(b"rRbBuU")
        before = prefix.rstrip(b" \t")[-1:]
        if not before:
            is_long = text[start : start + 3] in (b'"""', b"'''")
            return is_long and self.depth(line) == 0 and not goes_on(text, line)
        if before == b"=":
            # `type A = "B"`, `def f[T = "B"]` take types.
            return not self._has_type_parameters
        word = _LAST_WORD.search(prefix)
        return before in (b"(", b"+", b"%", b"{") or (word is not None and word[1] in _READERS)

    def assigns_at(self, offset: int) -> bool:
        """Whether code in the string around a byte may assign."""
        number = bisect_right(self._starts, offset) - 1
        return b":=" in self._text[self._starts[number] : self._ends[number]]

    def ends_at(self, offset: int) -> bool:
        """Whether a string ends before a byte."""
        number = bisect_left(self._ends, offset)
        is_end = number < len(self._ends) and self._ends[number] == offset
        return is_end and self._text[self._starts[number]] != _COMMENT

    def depth(self, end: int) -> int:
        """How many brackets are open in the code before a byte."""
        at, depth = self._depths[bisect_right(self._depths, (end, len(self._text))) - 1]
        for number in range(bisect_left(self._starts, at), bisect_left(self._starts, end) + 1):
            last = min(self._starts[number], end) if number < len(self._starts) else end
            code = self._text[at:last].translate(None, _NO_BRACKETS)
            closed = code.translate(None, b"([{")
            depth += len(code) - 2 * len(closed)
            at = self._ends[number] if number < len(self._starts) else end
        if end > self._depths[-1][0] and not self.at(end):
            self._depths.append((end, depth))
        return depth

    def _is_formatted(self, start: int) -> bool:
        before = self._text[max(start - 2, 0) : start].lower()
        return before[-1:] in (b"f", b"t") or before in (b"fr", b"tr")


def line_begin(text: bytes, at: int) -> int:
    """Where the line around a byte begins; -1 if that is far: else a line is read for each name in it."""
    begin = max(at - MAX_LINE, 0)
    end = text.rfind(b"\n", begin, at)
    return end + 1 if end >= 0 or not begin else -1


def goes_on(text: bytes, line: int) -> bool:
    """Whether the line that begins there is one with that before it."""
    return line > 1 and text[max(line - 3, 0) : line - 1].rstrip(b"\r").endswith(b"\\")


def receiver_before(text: bytes, start: int) -> bytes | None:
    """The names with dots that a member is taken of, if there is nothing but these."""
    chain = _CHAIN.search(text[max(start - _MAX_CHAIN, 0) : start])
    if chain is None or not chain[0] or chain.start() == 0:
        return None
    before = text[start - len(chain[0]) - 1]
    if before >= 0x80 or chr(before) in ".)]}\"'$":
        return None
    return chain[0][:-1]


def binds(text: bytes, start: int, end: int) -> bool:
    """Whether a name in code may be bound where it is written, as far as its line says. It may do neither."""
    line = line_begin(text, start)
    if line < 0 or goes_on(text, line) or _WALRUS.match(text, end):
        return True
    prefix = text[line:start]
    before = prefix.rstrip(b" \t")[-1:]
    if before == b".":
        return False
    after = end
    while text[after : after + 1] in (b" ", b"\t"):
        after += 1
    following = text[after : after + 2]
    word = _LAST_WORD.search(prefix)
    last = word[1] if word is not None else b""
    if last in _BINDERS or IMPORT.search(prefix):
        return True
    if following[:1] in (b".", b"(", b"[") and following:
        return False
    if following[:1] == b"=" and following != b"==":
        return True
    if last in _READERS:
        return False
    if CASE.match(prefix):
        return True
    if _OPERATOR.match(text, after):
        return False
    if before == b"=" and following[:1] in (b"", b"\n", b"\r", b")", b"#"):
        return False
    return not _is_given(prefix)


def _is_given(prefix: bytes) -> bool:
    """Whether what follows is directly in the brackets of a call or an item, or of values that are read."""
    depth = 0
    for at in range(len(prefix) - 1, -1, -1):
        byte = prefix[at]
        if byte in b"\"'#":
            return False
        if byte in b")]}":
            depth += 1
        elif byte in b"([{":
            if depth:
                depth -= 1
                continue
            return byte != 123 and _is_read_in(prefix[:at], prefix[at + 1 :], is_call=byte == 40)
    return False


def _is_read_in(outside: bytes, inside: bytes, *, is_call: bool) -> bool:
    if _BINDS_INSIDE.search(inside):
        return False
    if outside[-1:] in (b")", b"]"):
        # Only the parameters of a definition follow others in brackets.
        return _DEFINITION.match(outside) is None
    called = _BEFORE_CALL.search(outside)
    if called is None:
        return False
    if called[2] in _READERS:
        return is_call
    if called[2] in _BINDERS or called[2] in _OTHER_WORDS or called[2][:1].isdigit():
        return False
    if called[1] == b"class":
        return is_call
    return called[1] not in (b"def", b"type")


def may_follow(text: bytes, start: int, wanted: bytes) -> bool:
    """Whether one of these bytes is before a name, maybe in a line before, with comments between them."""
    while (at := _before_blanks(text, start)) >= 0 and text[at] not in wanted:
        line = text.rfind(b"\n", 0, at) + 1
        comments = [one for one in range(line, at + 1) if text[one] == _COMMENT]
        if not comments or text.find(b"\n", at, start) < 0:
            return False
        if any((end := _before_blanks(text, one)) >= 0 and text[end] in wanted for one in comments):
            return True
        start = comments[0]
        if text[line:start].strip():
            # Not a line that is all comment.
            return False
    return at >= 0


def _before_blanks(text: bytes, at: int) -> int:
    """The last byte before `at` that is no blank, line end or backslash; -1 for none."""
    at -= 1
    while at >= 0 and text[at] in _BLANKS:
        at -= 1
    return at
