"""Type annotations, as text, in the few forms that say what a value is."""

from __future__ import annotations

import re
from typing import NamedTuple

from diptych.names.facts import Point

_TOKEN = re.compile(
    r"""\s*(?:((?:[^\W\d]|\$)[\w.$]*|=>|=\.|\{\d+:\d+\}|<[^<>\n]*>[\w.$]*)|("[^"]*"|'[^']*')|([\[\],|]|\.\.\.)|(\S))"""
)
_MAX_DEPTH = 12


class Named(NamedTuple):
    """A name with its arguments: `dict[str, int]`; alternatives have the name `|`."""

    name: str
    arguments: tuple[Named, ...] = ()


NOTHING = Named("")
# A function: its arguments are what it returns, then its parameters. No language has a type of that name.
FUNCTION_TYPE = "=>"
# An array, in languages where it is no class: its argument is what it has.
ARRAY = "Array"
# A struct, a union or an enum in C, by its tag.
TAG_OF = "tag"
# The type of a value: its argument is the value's name.
OF_VALUE = "typeof"
# The type of a member: its arguments are what has the member, and the member's name.
MEMBER_OF = "=."


def written_at(place: Point) -> str:
    """The name of a type that has none: where it is written."""
    return f"{{{place[0]}:{place[1]}}}"


def of_module(module: str) -> str:
    """The name of what a module gives as all that it is; with `.item` after it, of an item."""
    return f"<{module}>"


def module_of(name: str) -> tuple[str, list[str]] | None:
    """The module of such a name, and the parts after it; None for another name."""
    if name[:1] != "<":
        return None
    module, _, rest = name[1:].partition(">")
    return module, [part for part in rest.split(".") if part]


def place_of(name: str) -> Point | None:
    """Where a type without a name is written; None for one with a name."""
    if name[:1] != "{":
        return None
    row, _, column = name[1:-1].partition(":")
    return int(row), int(column)


def parsed_annotation(text: str, depth: int = 0) -> Named:
    """The annotation's structure; `NOTHING` where it is of another form."""
    tokens: list[tuple[str, str]] = []
    for name, quoted, mark, other in _TOKEN.findall(text):
        if other:
            # A literal or an expression: it names no type.
            tokens.append(("?", other))
        elif quoted:
            tokens.append(("quoted", quoted[1:-1]))
        else:
            tokens.append(("name", name) if name else ("mark", mark))
    found, _ = _alternatives(tokens, 0, depth)
    return found


def _alternatives(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[Named, int]:
    parts = []
    while True:
        part, at = _one(tokens, at, depth)
        parts.append(part)
        if at < len(tokens) and tokens[at] == ("mark", "|"):
            at += 1
            continue
        return (parts[0] if len(parts) == 1 else Named("|", tuple(parts))), at


def _one(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[Named, int]:
    if at >= len(tokens) or depth > _MAX_DEPTH:
        return NOTHING, len(tokens)
    kind, text = tokens[at]
    if kind == "quoted":
        return parsed_annotation(text, depth + 1), at + 1
    if kind == "mark" and text == "[":
        # The parameters of a Callable.
        _, at = _arguments(tokens, at + 1, depth)
        return NOTHING, at
    if kind != "name":
        return NOTHING, at + 1
    at += 1
    if at < len(tokens) and tokens[at] == ("mark", "["):
        arguments, at = _arguments(tokens, at + 1, depth)
        return Named(text, arguments), at
    return Named(text), at


def _arguments(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[tuple[Named, ...], int]:
    found = []
    while at < len(tokens) and tokens[at] != ("mark", "]"):
        if tokens[at] == ("mark", ","):
            at += 1
            continue
        argument, after = _alternatives(tokens, at, depth + 1)
        found.append(argument)
        at = max(after, at + 1)
    return tuple(found), at + 1
