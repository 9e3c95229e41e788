"""What a call takes: the signature of what is called around a place, and which argument the place is in."""

from __future__ import annotations

import re
from typing import NamedTuple

from diptych.model import Symbol
from diptych.serving.answers.definition import definition, offset_in
from diptych.serving.answers.hover import symbol_at
from diptych.serving.source import StoreSource

_BEFORE_BYTES = 4 * 1024
_NAME_BEFORE = re.compile(rb"[\w$\x80-\xff]+\s*$")
_OPEN, _CLOSE = b"([{", b")]}"


class Signature(NamedTuple):
    """A signature as it is written, where its parameters are in it, and which the place is in."""

    text: str
    parameters: tuple[tuple[int, int], ...]
    """From and to, in characters of `text`."""
    active: int
    documentation: str


class _Call(NamedTuple):
    name: int
    """The offset of the last byte of what is called."""
    argument: int
    keyword: str


def signature(source: StoreSource, path: str, row: int, column: int) -> Signature | None:
    """The signature of the call around a place; None where there is none, or nothing is known of it.

    Raises InvalidArgumentError for a file without names or a place outside of it, CorruptionError.
    """
    source.begin()
    parsed = source.parsed(path)
    if parsed is None:
        return None
    call = _call_around(parsed.source, offset_in(parsed, row, column))
    if call is None:
        return None
    before = parsed.source[: call.name]
    at = (before.count(b"\n"), call.name - (before.rfind(b"\n") + 1))
    for found in definition(source, path, *at).definitions[:1]:
        symbol = symbol_at(source, found.path, found.row, found.column)
        if symbol is None:
            return None
        if found.kind == "class":
            symbol = _constructor(source, found.path, found.name) or symbol
        is_method = found.kind == "class" or bool(symbol.container)
        return _made(symbol.signature, symbol.documentation, call, is_method=is_method)
    return None


def _constructor(source: StoreSource, path: str, owner: str) -> Symbol | None:
    record = source.record(path)
    for symbol in record.symbols if record is not None else ():
        if symbol.name in ("__init__", "constructor") and symbol.container == owner:
            return symbol
    return None


def _call_around(text: bytes, offset: int) -> _Call | None:
    """The innermost call whose parentheses are open at a byte. Brackets in strings may mislead it."""
    begin = max(0, offset - _BEFORE_BYTES)
    depth = argument = 0
    last = offset
    keyword = ""
    for at in range(offset - 1, begin - 1, -1):
        letter = text[at : at + 1]
        if letter in _CLOSE:
            depth += 1
        elif letter in _OPEN and depth:
            depth -= 1
        elif letter == b"(":
            name = _NAME_BEFORE.search(text, max(begin, at - 200), at)
            keyword = keyword or _keyword(text[at + 1 : last])
            return _Call(name.start(), argument, keyword) if name is not None else None
        elif letter in _OPEN:
            return None
        elif letter == b"," and not depth:
            keyword = keyword or _keyword(text[at + 1 : last])
            argument += 1
            last = at
    return None


def _keyword(argument: bytes) -> str:
    found = re.match(rb"\s*(\w+)\s*=(?!=)", argument)
    return found[1].decode("utf-8", "replace") if found is not None else ""


def _made(text: str, documentation: str, call: _Call, *, is_method: bool) -> Signature | None:
    if not text:
        return None
    parameters = _parameters(text)
    if is_method and parameters and text[slice(*parameters[0])].strip() in ("self", "cls"):
        parameters = parameters[1:]
    active = call.argument
    for number, (start, end) in enumerate(parameters):
        if call.keyword and re.match(rf"\W*{re.escape(call.keyword)}\b", text[start:end]):
            active = number
    if active >= len(parameters) and parameters and text[parameters[-1][0]] in "*.":
        active = len(parameters) - 1
    return Signature(text, tuple(parameters), active, documentation)


def _parameters(text: str) -> list[tuple[int, int]]:
    """Where the parameters are in a signature: what the first parentheses have, cut at commas."""
    begin = text.find("(")
    if begin < 0:
        return []
    found, depth, start = [], 0, begin + 1
    for at in range(begin, len(text)):
        letter = text[at]
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if (letter == "," and depth == 1) or not depth:
            words = text[start:at]
            left = start + len(words) - len(words.lstrip())
            if words.strip() and words.strip() not in ("*", "/"):
                found.append((left, left + len(words.strip())))
            start = at + 1
        if not depth:
            break
    return found
