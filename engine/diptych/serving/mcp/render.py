"""Answers made small enough: as much of a list as fits, totals in any case, and how to get the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BYTES_PER_TOKEN = 3
"""Fewer than code and paths have on average, so that an answer is rather smaller than it may be."""

_ROOM = 120
"""For the line that says how many are left out."""


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
    """The text and the structured content, neither longer than `max_tokens`, except by one item."""
    total = answer.total if answer.total is not None else answer.first + len(answer.items)
    part = max_tokens * BYTES_PER_TOKEN // 4
    value: dict[str, Any] = {
        name: _beginning(one, part) if isinstance(one, list) else one for name, one in answer.value.items()
    }
    value["freshness"] = state
    if answer.items or answer.total is not None:
        value["total"] = total
    lines = [cut(line, max_tokens * BYTES_PER_TOKEN // 2) for line in answer.head]
    room = max_tokens * BYTES_PER_TOKEN - _ROOM
    text_left = room - _size("\n".join([*lines, freshness]))
    value_left = room - _size(json.dumps(value, ensure_ascii=False))
    shown: list[Any] = []
    group = None
    for item in answer.items:
        text = item.text if not item.group or item.group == group else f"{item.group}\n{item.text}"
        text_left -= _size(text) + 1
        value_left -= _size(json.dumps(item.value, ensure_ascii=False)) + 2
        if shown and (text_left < 0 or value_left < 0):
            break
        group = item.group
        lines.append(cut(text, max(room // 2, 200)))
        shown.append(item.value)
    if answer.items or answer.total is not None:
        value[answer.key] = shown
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


def _beginning(listed: list[Any], most_bytes: int) -> list[Any]:
    """As much of a list as fits; how long it is, the answer says beside it."""
    for count, one in enumerate(listed):
        most_bytes -= _size(json.dumps(one, ensure_ascii=False)) + 2
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


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))
