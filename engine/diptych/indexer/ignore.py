"""The rules of one `.gitignore` file, parsed and applied to bytes as git does.

Each rule becomes a regular expression that never backtracks over a star (atomic groups), so that hostile
rules cannot make matching slow. All rules of a file form one expression, the last rule first, since the last
match decides.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# More than people write. A longer file is ignored.
RULES_MAX_BYTES = 512 * 1024
_RULES_MAX = 10_000

_BOM = b"\xef\xbb\xbf"
_NEVER = b"(?!)"
_DEEPER = b"(?:[^/]+/)*"
_CLASSES = {
    b"alnum": b"0-9A-Za-z",
    b"alpha": b"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": b"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": b"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"space": rb" \t\n\r",
    b"upper": b"A-Z",
    b"xdigit": b"0-9A-Fa-f",
}


class Rule(NamedTuple):
    """A line of the file, unchanged, and its number."""

    line: bytes
    number: int


class Rules:
    """The rules of a file. Raises ValueError for too many."""

    def __init__(self, data: bytes) -> None:
        read = _read(data)
        if len(read) > _RULES_MAX:
            raise ValueError(f"more than {_RULES_MAX:,} rules")
        read.reverse()
        self._rules = [(rule, negated) for rule, negated, _ in read]
        joined = b"|".join(b"(" + expression + b")" for _, _, expression in read) or _NEVER
        self._match = re.compile(joined, re.DOTALL).fullmatch

    def verdict(self, name: bytes, is_directory: bool) -> tuple[bool, Rule] | None:
        """Whether `name`, relative to the file's folder, is ignored, and by which rule; None if no match."""
        found = self._match(name + b"/" if is_directory else name)
        if found is None or found.lastindex is None:
            return None
        rule, negated = self._rules[found.lastindex - 1]
        return not negated, rule


def _read(data: bytes) -> list[tuple[Rule, bool, bytes]]:
    """Each rule in order, with whether it is negated, and its expression."""
    rules = []
    for number, line in enumerate(data.removeprefix(_BOM).split(b"\n"), 1):
        # Git reads a line up to the first NUL.
        pattern = _without_trailing_spaces(line.removesuffix(b"\r").partition(b"\0")[0])
        if not pattern or pattern.startswith(b"#"):
            continue
        rule, negated = Rule(pattern, number), pattern.startswith(b"!")
        rules.append((rule, negated, _expression(pattern[1:] if negated else pattern)))
    return rules


def _without_trailing_spaces(line: bytes) -> bytes:
    stripped = line.rstrip(b" ")
    if len(stripped) < len(line) and (len(stripped) - len(stripped.rstrip(b"\\"))) % 2:
        # The first space is escaped.
        return stripped + b" "
    return stripped


def _expression(pattern: bytes) -> bytes:
    """The expression for `pattern`. Names of folders end in `/`."""
    end = b"/" if pattern.endswith(b"/") else b"/?"
    pattern = pattern.removesuffix(b"/")
    if b"/" not in pattern:
        return b"(?:.*/)?" + _component(pattern) + end
    components = pattern.removeprefix(b"/").split(b"/")
    if b"" in components:
        return _NEVER
    # The parts between two `**`, each with a final `/`; the last component is separate.
    groups = [b""]
    for component in components[:-1]:
        if component == b"**":
            groups.append(b"")
        else:
            groups[-1] += _component(component) + b"/"
    if components[-1] == b"**":
        groups[-1] += b".+/" if end == b"/" else b".+"
    else:
        groups[-1] += _component(components[-1]) + end
    first, *others = groups
    if not others:
        return first
    *middle, last = others
    # Match each part once, at its first occurrence.
    return first + b"".join(b"(?>" + _DEEPER + b"?" + group + b")" for group in middle) + _DEEPER + last


def _component(pattern: bytes) -> bytes:
    """The expression for one component."""
    parts: list[bytes] = [b""]
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        at += 1
        if byte == b"*":
            if parts[-1] or len(parts) == 1:
                parts.append(b"")
        elif byte == b"?":
            parts[-1] += b"[^/]"
        elif byte == b"[":
            made = _bracket(pattern, at)
            if made is None:
                return _NEVER
            expression, at = made
            parts[-1] += expression
        elif byte == b"\\":
            if at == len(pattern):
                return _NEVER
            parts[-1] += re.escape(pattern[at : at + 1])
            at += 1
        else:
            parts[-1] += re.escape(byte)
    if len(parts) == 1:
        return parts[0] or _NEVER
    first, *middle, last = parts
    # Match at least one byte: no component is empty.
    return b"(?=[^/])" + first + b"".join(b"(?>[^/]*?" + part + b")" for part in middle) + b"[^/]*" + last


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int] | None:
    """The set after a `[`, and where the pattern continues; None if the set has no end."""
    inverted = pattern[at : at + 1] in (b"!", b"^")
    at += inverted
    ranges: list[bytes] = []
    start: int | None = None
    first = True
    while True:
        byte = pattern[at : at + 1]
        if not byte:
            return None
        if byte == b"]" and not first:
            break
        first = False
        if byte == b"[" and pattern[at + 1 : at + 2] == b":" and (end := pattern.find(b"]", at + 2)) >= 0:
            name = pattern[at + 2 : end - 1]
            if pattern[end - 1 : end] == b":" and end - 1 >= at + 2:
                if name not in _CLASSES:
                    return None
                ranges.append(_CLASSES[name])
                start, at = None, end + 1
                continue
        following = pattern[at + 1 : at + 2]
        if byte == b"-" and start is not None and following and following != b"]":
            at += 1
            if following == b"\\":
                at += 1
                following = pattern[at : at + 1]
                if not following:
                    return None
            high = following[0]
            if start <= high:
                ranges.append(b"\\x%02x-\\x%02x" % (start, high))
            start = None
        else:
            if byte == b"\\":
                at += 1
                byte = pattern[at : at + 1]
                if not byte:
                    return None
            start = byte[0]
            ranges.append(b"\\x%02x" % start)
        at += 1
    body = b"".join(ranges)
    if not body:
        return (b"[^/]" if inverted else _NEVER), at + 1
    return (b"(?!/)[^" if inverted else b"(?!/)[") + body + b"]", at + 1
