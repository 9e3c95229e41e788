"""What commands print: lines for people, JSON for programs, and file names that need not be UTF-8."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from diptych.indexer import Notice

# C0 and C1 controls and DEL: in a file name or a signature they could steer a terminal, or break a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# What `styled` adds, which stays.
_COLOUR = re.compile("(\x1b\\[[0-9;]*m)")


def printable(text: str) -> str:
    """`text` in one line that no terminal takes for a command: controls, and what is not UTF-8, as \\xNN."""
    return _SURROGATE.sub(_escaped, _CONTROL.sub(_escaped, text))


def _escaped(match: re.Match[str]) -> str:
    # A byte that is not UTF-8 was decoded to U+DC00 + byte.
    return f"\\x{ord(match[0]) & 0xFF:02x}"


def line(text: str) -> None:
    """Print a line. Bytes of file names that are not UTF-8 go out as they are, but not to a terminal."""
    raw((_shown(text) if sys.stdout.isatty() else _CONTROL.sub(_escaped, text)) + "\n")


def note(text: str) -> None:
    """Print a line for people on standard error."""
    sys.stderr.write(_shown(text) + "\n")
    sys.stderr.flush()


def tell(notice: Notice) -> None:
    """Say on standard error what to know of a command that did not fail."""
    note(f"diptych: {notice.message}.")
    if notice.advice:
        note(f"{' ' * 9}Next: {notice.advice}.")


def _shown(text: str) -> str:
    parts = _COLOUR.split(text)
    return "".join([part if number % 2 else printable(part) for number, part in enumerate(parts)])


def raw(text: str) -> None:
    """Write text to standard output as it is, in UTF-8 whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def document(value: Any) -> None:
    """Print one JSON document. A byte that is not UTF-8 stands as a lone surrogate, \\udc80 to \\udcff."""
    import json

    raw(json.dumps(value, indent=2) + "\n")


def array(values: Iterable[Any]) -> int:
    """Print a JSON array element by element, so that it need not fit in memory; returns how many."""
    import json

    count = 0
    for value in values:
        raw(("[\n" if count == 0 else ",\n") + json.dumps(value))
        count += 1
    raw("\n]\n" if count else "[]\n")
    return count


def json_line(value: Any) -> None:
    """Print one line of JSON Lines."""
    import json

    raw(json.dumps(value, separators=(",", ":")) + "\n")


def coloured(stream: TextIO) -> bool:
    """Whether to colour: only on a terminal, and not where NO_COLOR (no-color.org) says no."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, stream: TextIO, *, fg: str | None = None, bold: bool | None = None) -> str:
    """`text` in colour, where `stream` takes it. What comes from outside is made printable first."""
    if not coloured(stream):
        return text
    import typer

    return typer.style(printable(text), fg=fg, bold=bold)


def size(count_bytes: int) -> str:
    """A number of bytes for people: "1.5 MiB"."""
    amount = float(count_bytes)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def plural(count: int, noun: str) -> str:
    """ "1 file", "2,000 files"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
