"""A symbol as it is stored in a payload of version 3 of the schema "code", a msgpack array:

    [container, name, kind, prefix, rest, line, column, height, end column
     (, documentation
      (, the name's line - line, its column, height and end column
       (, occurrence: only where an earlier symbol agrees in name, kind and container)))]

Its kind is one of KINDS by number, or text. Its signature is prefix, name and rest; the prefix is one of
PREFIXES by number, or text, or nil where `rest` is the whole signature. A height is how many lines later the
end is. Where nothing is said of its range, the name begins after the prefix, in the symbol's first line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack

from diptych.model import Range, Symbol

# Numbers stand for these: another list is another version of the payload.
KINDS = (
    *("function", "method", "class", "struct", "union", "enum", "interface", "trait", "type", "field"),
    *("variable", "constant", "macro", "property", "module", "namespace", "constructor", "object"),
)
PREFIXES = (
    *("", "#define ", "# define ", "struct ", "enum ", "union ", "static ", "const ", "static const "),
    *("int ", "unsigned int ", "long ", "unsigned long ", "char ", "const char *", "char *", "void "),
    *("bool ", "double ", "float ", "size_t ", "u8 ", "u16 ", "u32 ", "u64 ", "uint8_t ", "uint16_t "),
    *("uint32_t ", "uint64_t ", "__u8 ", "__u32 ", "__le16 ", "__le32 ", "unsigned char ", "void *"),
    *("static int ", "static void ", "static bool ", "static inline int ", "static inline void "),
    *("static inline bool ", "static const char *", "static const char * const ", "static unsigned int "),
    *("static const unsigned int ", "static int __init ", "static ssize_t ", "static u32 "),
    *("def ", "async def ", "class ", "func ", "fn ", "pub fn ", "pub struct ", "function ", "export "),
    *("export function ", "export const ", "type ", "interface ", "public ", "private ", "var ", "let "),
)

_KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
_PREFIX_NUMBERS = {prefix: number for number, prefix in enumerate(PREFIXES)}
_PREFIX_SIZES = tuple(map(len, PREFIXES))
_PLAIN = 9
_WITHOUT_OCCURRENCE = 14

_new = tuple.__new__


def stored_symbol(symbol: Symbol, occurrence: int) -> tuple[Any, ...]:
    """The array of a symbol."""
    name, kind, (a, b, c, d), container, signature, documentation, (e, f, g, h) = symbol
    prefix, found, rest = signature.partition(name) if name else ("", "", signature)
    number: int | str | None = _PREFIX_NUMBERS.get(prefix, prefix)
    if found == name:
        before = len(prefix) if prefix.isascii() else size_of(prefix)
    else:
        number, before, rest = None, 0, signature
    size = len(name) if name.isascii() else size_of(name)
    stored = (container, name, _KIND_NUMBERS.get(kind, kind), number, rest, a, b, c - a, d)
    if occurrence:
        return (*stored, documentation, e - a, f, g - e, h, occurrence)
    if e == g == a and f == b + before and h == f + size:
        return (*stored, documentation) if documentation else stored
    return (*stored, documentation, e - a, f, g - e, h)


def symbol_of(stored: Sequence[Any]) -> Symbol:
    """The symbol of an array."""
    size = len(stored)
    if size == _PLAIN:
        container, name, kind, prefix, rest, line, column, height, end_column = stored
        documentation = ""
    else:
        container, name, kind, prefix, rest, line, column, height, end_column, documentation = stored[:10]
    if not type(name) is type(rest) is type(container) is type(documentation) is str:
        raise ValueError("a text of a symbol is none")
    if type(prefix) is int:
        before, signature = _PREFIX_SIZES[prefix], PREFIXES[prefix] + name + rest
    elif prefix is None:
        before, signature = 0, rest
    else:
        before, signature = size_of(prefix), prefix + name + rest
    if size <= _PLAIN + 1:
        begin = column + before
        end = begin + len(name) if name.isascii() else begin + size_of(name)
        named = _new(Range, (line, begin, line, end))
    else:
        if size > _WITHOUT_OCCURRENCE and type(stored[_WITHOUT_OCCURRENCE]) is not int:
            raise ValueError("an occurrence is an int")
        named_line, named_column, named_height, named_end = stored[10:14]
        named_line += line
        named = _new(Range, (named_line, named_column, named_line + named_height, named_end))
    where = _new(Range, (line, column, line + height, end_column))
    if type(kind) is int:
        kind = KINDS[kind]
    elif type(kind) is not str:
        raise ValueError("a symbol's kind is no text")
    return _new(Symbol, (name, kind, where, container, signature, documentation, named))


def texts_in(symbols: Sequence[Sequence[Any]]) -> set[str]:
    """The containers, names, signatures and documentation of these arrays, and the kinds that are text."""
    texts = {one[0] for one in symbols}
    texts.update([one[2] for one in symbols if type(one[2]) is not int])
    texts.update([one[1] for one in symbols], [one[9] for one in symbols if len(one) > _PLAIN])
    texts.update(
        [
            (PREFIXES[one[3]] if type(one[3]) is int else one[3]) + one[1] + one[4]
            if one[3] is not None
            else one[4]
            for one in symbols
        ]
    )
    return texts


def occurrence_of(stored: Sequence[Any]) -> int:
    """How many symbols of its name, kind and container are before it."""
    return int(stored[_WITHOUT_OCCURRENCE]) if len(stored) > _WITHOUT_OCCURRENCE else 0


def qualified_name(stored: Sequence[Any]) -> str:
    """By which a relation has it as its source."""
    container, name = stored[:2]
    return f"{container}.{name}" if container else str(name)


def items_of(symbols: bytes, begin: int) -> list[int]:
    """Where each array of `symbols` begins, in a payload in which those begin at `begin`."""
    unpacker = msgpack.Unpacker(max_buffer_size=max(len(symbols), 1))
    unpacker.feed(symbols)
    tell, skip = unpacker.tell, unpacker.skip
    items = []
    for _ in range(unpacker.read_array_header()):
        items.append(begin + tell())
        skip()
    return items


def size_of(text: str) -> int:
    """In bytes. Raises UnicodeEncodeError."""
    return len(text.encode("utf-8", "surrogateescape"))
