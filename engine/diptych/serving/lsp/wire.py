"""Messages in a stream of bytes: `Content-Length: N`, an empty line, N bytes of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

# A document of the largest size that is indexed, escaped, and more.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_MAX_HEADER_BYTES = 4 * 1024
_READ_BYTES = 64 * 1024
_LENGTH = re.compile(rb"content-length:[ \t]*([0-9]{1,18})\s*", re.IGNORECASE)

PARSE_ERROR, INVALID_REQUEST = -32700, -32600


class Refused(NamedTuple):
    """What came is no message. `code` is that of the answer."""

    code: int
    message: str


Message = dict[str, Any]


def messages(stream: BinaryIO) -> Iterator[Message | Refused]:
    """The messages of a stream until its end. What is none is passed over."""
    while (length := _length(stream)) is not None:
        if length > MAX_MESSAGE_BYTES:
            if not _skipped(stream, length):
                return
            yield Refused(INVALID_REQUEST, f"the message is larger than {MAX_MESSAGE_BYTES:,} bytes")
            continue
        body = stream.read(length)
        if body is None or len(body) < length:
            return
        yield _message(body)


def _length(stream: BinaryIO) -> int | None:
    """The length that the next headers tell; None at the end of the stream."""
    length = None
    while True:
        line = stream.readline(_MAX_HEADER_BYTES)
        if not line:
            return None
        found = _LENGTH.fullmatch(line)
        if found is not None:
            length = int(found[1])
        elif not line.strip() and length is not None:
            return length


def _skipped(stream: BinaryIO, length: int) -> bool:
    while length > 0:
        passed = stream.read(min(length, _READ_BYTES))
        if not passed:
            return False
        length -= len(passed)
    return True


def _message(body: bytes) -> Message | Refused:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return Refused(PARSE_ERROR, "the message is not JSON")
    if not isinstance(found, dict) or found.get("jsonrpc") != "2.0":
        return Refused(INVALID_REQUEST, "the message is not a JSON-RPC 2.0 object")
    return found
