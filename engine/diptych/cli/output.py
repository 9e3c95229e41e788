"""Output of commands: lines for people, JSON for programs, file names that need not be UTF-8."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from diptych.lazy import pattern

if TYPE_CHECKING:
    from diptych.indexer import Notice

# What data must not send to a terminal: C0 and C1 controls and DEL, which control it or break a line; line
# and paragraph separators; and the marks that reorder a line, which mislead the reader.
_CONTROL = pattern(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATE = pattern("[\ud800-\udfff]")
# Select Graphic Rendition (ECMA-48, 8.3.117).
_STYLES = {
    "bold": "\x1b[1m",
    "bold red": "\x1b[1m\x1b[31m",
    "red": "\x1b[31m",
    "yellow": "\x1b[33m",
    "blue": "\x1b[34m",
    "cyan": "\x1b[36m",
}
_PLAIN = "\x1b[0m"


class Styled(NamedTuple):
    """Text to show in a style of `_STYLES` if the stream supports it."""

    text: str
    style: str


Part = str | Styled


def printable(text: str) -> str:
    """`text` on one line, with everything escaped that could control a terminal.

    Controls and invalid UTF-8 bytes become \\xNN, other characters \\uNNNN.
    """
    return _SURROGATE.sub(_escaped, _CONTROL.sub(_escaped, text))


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number < 0x100 or 0xDC80 <= number <= 0xDCFF:
        # A byte that is not UTF-8 was decoded to U+DC00 + byte.
        return f"\\x{number & 0xFF:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def line(*parts: Part) -> None:
    """Print a line. Invalid UTF-8 in file names is printed unchanged, except to a terminal."""
    terminal = sys.stdout.isatty()
    raw(_joined(parts, sys.stdout, printable if terminal else _without_controls) + "\n")


def note(*parts: Part) -> None:
    """Print a line for people on standard error."""
    sys.stderr.write(_joined(parts, sys.stderr, printable) + "\n")
    sys.stderr.flush()


def passing_note(text: str) -> None:
    """Show a line on the terminal of standard error; the next thing that is written there replaces it."""
    sys.stderr.write(f"\r\x1b[2K{printable(text)}\r")
    sys.stderr.flush()


def tell(notice: Notice) -> None:
    """Print a notice from a successful command on standard error."""
    note(f"diptych: {notice.message}.")
    if notice.advice:
        note(f"{' ' * 9}Next: {notice.advice}.")


def _without_controls(text: str) -> str:
    return _CONTROL.sub(_escaped, text)


def _joined(parts: Iterable[Part], stream: TextIO, shown: Callable[[str], str]) -> str:
    colour = coloured(stream)
    texts = []
    for part in parts:
        text = shown(part if isinstance(part, str) else part.text)
        if colour and isinstance(part, Styled):
            text = f"{_STYLES[part.style]}{text}{_PLAIN}"
        texts.append(text)
    return "".join(texts)


def null_terminated(path: str) -> None:
    """Print a path and a NUL; the path is unchanged, except on a terminal."""
    raw((printable(path) if sys.stdout.isatty() else path) + "\0")


def raw(text: str) -> None:
    """Write text to standard output unchanged, in UTF-8 whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def document(value: Any, *, default: Callable[[Any], Any] | None = None) -> None:
    """Print one JSON document. An invalid UTF-8 byte becomes a lone surrogate, \\udc80 to \\udcff."""
    import json

    raw(json.dumps(value, indent=2, default=default) + "\n")


def array(values: Iterable[Any]) -> int:
    """Print a JSON array element by element, so that it need not fit in memory. Returns the count."""
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
    """Whether to use colour: only on a terminal, unless NO_COLOR (no-color.org) is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


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
