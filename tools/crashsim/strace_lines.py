"""The text that `strace -f -y -xx` writes, as values.

Every string and every path is printed in hexadecimal (`-xx`), so commas, quotes and brackets in the text are
always strace's own. A call that another thread interrupts stands on two lines (`<unfinished ...>` and
`<... resumed>`); it becomes one `Call` that knows the line it was entered on and the line it left on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .errors import RecordingError

_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>")
_HEX_STRING = re.compile(r'^"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?$')
_DESCRIPTOR = re.compile(r"^(-?\d+|AT_FDCWD)(?:<(.*)>(\(deleted\))?)?$")
_RESULT = re.compile(r"^(-?\d+|0x[0-9a-f]+|\?)(?:<(.*)>(?:\(deleted\))?)?(?: ([A-Z]\w+))?")


@dataclass(frozen=True, slots=True)
class Call:
    """One system call. `entered` and `left` are line numbers; `result` is None when it never returned.

    `opened` is the real path of the descriptor that it returned, "" when it returned none.
    """

    pid: int
    name: str
    arguments: tuple[str, ...]
    result: int | None
    error: str
    entered: int
    left: int
    opened: str = ""

    @property
    def failed(self) -> bool:
        """Whether the kernel refused it."""
        return bool(self.error)


def parse(lines: Iterable[str]) -> Iterator[Call]:
    """Yield the calls in the order in which they left the kernel. Raises RecordingError on unknown text."""
    open_calls: dict[int, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        pid_text, _, text = line.rstrip("\n").partition(" ")
        text = text.lstrip()
        if not text or text.startswith(("+++", "---")):
            continue
        pid = int(pid_text)
        if text.endswith(_UNFINISHED):
            open_calls[pid] = (number, text[: -len(_UNFINISHED)])
            continue
        entered = number
        resumed = _RESUMED.match(text)
        if resumed:
            if pid not in open_calls:
                raise RecordingError(f"Line {number + 1} of the trace ends a call that never began.")
            entered, beginning = open_calls.pop(pid)
            text = beginning + text[resumed.end() :]
        yield _call(pid, text, entered, number)


def _call(pid: int, text: str, entered: int, left: int) -> Call:
    name, bracket, rest = text.partition("(")
    inside, equals, after = rest.rpartition("= ")
    inside = inside.rstrip()  # strace pads the result into a column: `close(3)      = 0`
    outcome = _RESULT.match(after)
    if not (bracket and equals and inside.endswith(")") and outcome):
        raise RecordingError(f"Line {left + 1} of the trace cannot be read: {text[:120]!r}.")
    value = None if outcome[1] == "?" else int(outcome[1], 0)
    error = outcome[3] or "" if value is None or value < 0 else ""
    return Call(pid, name, tuple(_split(inside[:-1])), value, error, entered, left, _text_of(outcome[2]))


def _split(text: str) -> list[str]:
    """Split at the commas that stand in no bracket. No string can contain one: `-xx` prints hexadecimal."""
    parts: list[str] = []
    depth = 0
    start = 0
    for match in re.finditer(r"[\[\]{}(),]", text):
        character = match[0]
        if character in "[{(":
            depth += 1
        elif character in "]})":
            depth -= 1
        elif depth == 0:
            parts.append(text[start : match.start()].strip())
            start = match.end()
    last = text[start:].strip()
    return [*parts, last] if last or parts else []


def text_bytes(argument: str) -> bytes:
    """The bytes of a string argument. Raises RecordingError when strace cut it short."""
    match = _HEX_STRING.match(argument)
    if match is None:
        raise RecordingError(f"Not a string in hexadecimal: {argument[:80]!r}.")
    if match[2]:
        raise RecordingError("strace cut a string short; raise the limit given with -s.")
    return bytes.fromhex(match[1].replace("\\x", ""))


def vector_bytes(argument: str) -> bytes:
    """The bytes of an iovec argument: `[{iov_base="…", iov_len=3}, …]`."""
    joined = b"".join(text_bytes(part) for part in re.findall(r'iov_base=("[^"]*"(?:\.\.\.)?)', argument))
    if "..." in argument.replace('"...', ""):
        raise RecordingError("strace cut a vector short.")
    return joined


def descriptor(argument: str) -> tuple[int | None, str]:
    """A descriptor argument as (number, path); the number is None for AT_FDCWD, the path "" if not a file."""
    match = _DESCRIPTOR.match(argument)
    if match is None:
        raise RecordingError(f"Not a descriptor: {argument[:80]!r}.")
    number = None if match[1] == "AT_FDCWD" else int(match[1])
    return number, _text_of(match[2])


def _text_of(path: str | None) -> str:
    """The path that strace printed beside a descriptor; "" for pipes, sockets and the like."""
    if not path or not path.startswith("\\x2f"):
        return ""
    return bytes.fromhex(path.replace("\\x", "")).decode("utf-8", "surrogateescape")
