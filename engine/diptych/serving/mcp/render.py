"""Answers made small enough: as much of a list as fits, totals in any case, and how to get the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BYTES_PER_TOKEN = 3
"""Fewer than code and paths have on average, so that an answer is rather smaller than it may be."""

_ROOM = 200
"""For what says how many are left out, and where the rest is."""

_LEAST_BYTES = 40
"""Texts are not cut shorter than this."""

_NAMING = frozenset({"id", "path", "cursor", "kind"})
"""What another call takes as it is."""


@dataclass(slots=True)
class Item:
    """One element of a list: its lines, and its value. Items of one `group` share a line before them."""

    text: str
    value: Any
    group: str = ""


@dataclass(slots=True)
class Answer:
    """What a tool answers, before it is cut to size."""

    head: list[str] = field(default_factory=list)
    """Lines in any case."""
    value: dict[str, Any] = field(default_factory=dict)
    key: str = "hits"
    items: list[Item] = field(default_factory=list)
    first: int = 0
    """How many items come before these on earlier pages."""
    total: int | None = None
    """How many there are on all pages; None: these are all."""
    cursor: Callable[[int], str] | None = None
    """Makes the cursor of the page that begins with item number so and so."""


def rendered(
    answer: Answer, freshness: str, state: dict[str, Any], max_tokens: int
) -> tuple[str, dict[str, Any]]:
    """The text and the structured content, neither longer than `max_tokens`.

    Of one item at least the beginning is shown; what is cut off ends with `…`.
    """
    total = answer.total if answer.total is not None else answer.first + len(answer.items)
    is_list = bool(answer.items) or answer.total is not None
    room = max_tokens * BYTES_PER_TOKEN - _ROOM
    value: dict[str, Any] = {
        name: _beginning(one, room // 4) if isinstance(one, list) else one
        for name, one in answer.value.items()
    }
    fixed = {"freshness": state} | ({"total": total, answer.key: []} if is_list else {})
    # Half of it is left for items, if there are any.
    value_room = room - _size_of(fixed)
    value = _shortened(value, value_room // 2 if answer.items else value_room)
    lines = _first_lines(answer.head, (room - _size(freshness)) // (2 if answer.items else 1))
    text_left = room - _size("\n".join([*lines, freshness]))
    value_left = value_room - _size_of(value)
    shown: list[Any] = []
    group = None
    for item in answer.items:
        text = item.text if not item.group or item.group == group else f"{item.group}\n{item.text}"
        one = item.value
        if not shown:
            text, one = _within(text, text_left - 1), _shortened(one, value_left)
        text_left -= _size(text) + 1
        value_left -= _size_of(one) + 2
        if shown and (text_left < 0 or value_left < 0):
            break
        group = item.group
        lines.append(text)
        shown.append(one)
    value |= {"freshness": state} | ({"total": total, answer.key: shown} if is_list else {})
    following = answer.first + len(shown)
    if total > following and shown:
        more = f"… {total - following:,} more of {total:,}"
        if answer.cursor is not None:
            value["cursor"] = answer.cursor(following)
            more += f"; cursor={value['cursor']}"
        else:
            value["left_out"] = total - following
            more += ": narrow the question, or raise limit or max_tokens"
        lines.append(more)
    lines.append(freshness)
    cleaned: dict[str, Any] = clean(value)
    return "\n".join(map(printable, "\n".join(lines).split("\n"))), cleaned


def _first_lines(lines: list[str], most_bytes: int) -> list[str]:
    """As many of the lines as fit, each cut where it would take more than half."""
    found: list[str] = []
    for line in lines:
        line = _within(line, max(most_bytes // 2, _LEAST_BYTES))
        most_bytes -= _size(line) + 1
        if most_bytes < 0 and found:
            return [*found[:-1], "…"]
        found.append(line)
    return found


def _shortened(value: Any, most_bytes: int) -> Any:
    """A value whose texts are cut as far as it takes to fit; what names something stays as it is."""
    longest = most_bytes
    while _size_of(value) > most_bytes and longest > _LEAST_BYTES:
        longest //= 2
        value = _with_texts_cut(value, longest)
    return value


def _with_texts_cut(value: Any, most_bytes: int) -> Any:
    if isinstance(value, str):
        return _within(value, most_bytes)
    if isinstance(value, list):
        return [_with_texts_cut(one, most_bytes) for one in value]
    if isinstance(value, dict):
        return {
            key: one if key in _NAMING else _with_texts_cut(one, most_bytes) for key, one in value.items()
        }
    return value


def _beginning(listed: list[Any], most_bytes: int) -> list[Any]:
    """As much of a list as fits; how long it is, the answer says beside it."""
    for count, one in enumerate(listed):
        most_bytes -= _size_of(one) + 2
        if most_bytes < 0:
            return listed[:count]
    return listed


def clean(value: Any) -> Any:
    """A value that is valid UTF-8 throughout: other bytes in names become `\\udcXX`."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {clean(key): clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean(one) for one in value]
    return value


def printable(line: str) -> str:
    """A line with everything escaped that could control a terminal or mislead a reader; tabs stay."""
    if line.isprintable():
        return line
    return "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode() for one in line
    )


def cut(text: str, most: int) -> str:
    """At most `most` characters of a text."""
    return text if len(text) <= most else text[: most - 1] + "…"


def one_line(text: str, most: int) -> str:
    """A text on one line, at most so long."""
    return cut(" ".join(text.split()), most)


def _within(text: str, most_bytes: int) -> str:
    """At most so many bytes of a text, and at least a few."""
    data = text.encode("utf-8", "backslashreplace")
    most_bytes = max(most_bytes, _LEAST_BYTES)
    if len(data) <= most_bytes:
        return text
    return data[: most_bytes - 3].decode("utf-8", "ignore") + "…"


def _size_of(value: Any) -> int:
    return _size(json.dumps(value, ensure_ascii=False))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))
