"""What passes between the run and its workers, over pipes: msgpack, each request behind its length.

run -> worker     u32 length, [[path, language, size, expected, known as], ...]
worker -> run     nil when it has started; then for each file, in the order asked, the fields of `Parsed`:
                  [path, hash, payload, ...]
                  false when it ends by itself: it began with none of what it has not answered for
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgpack

from diptych.indexer.parse import Parsed
from diptych.indexer.plan import Job

# A worker answers for all before a file of this size, before it begins with that.
LARGE_BYTES = 32 * 1024
_LENGTH_BYTES = 4
READY = bytes(msgpack.packb(None))
LEAVING = bytes(msgpack.packb(False))


def pack_jobs(jobs: Iterable[Job]) -> bytes:
    """A request."""
    body = msgpack.packb(list(jobs), unicode_errors="surrogateescape")
    return len(body).to_bytes(_LENGTH_BYTES, "little") + bytes(body)


def read_jobs(read: Any) -> list[Job] | None:
    """The next request from `read(n)`, which gives fewer bytes at the end alone; None at its end."""
    head = read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    body = read(int.from_bytes(head, "little"))
    return [Job(*job) for job in msgpack.unpackb(body, unicode_errors="surrogateescape")]


def pack_parsed(parsed: Parsed) -> bytes:
    """An answer."""
    return bytes(msgpack.packb(parsed, unicode_errors="surrogateescape"))


def unpacker() -> msgpack.Unpacker:
    """What takes bytes as they come and gives answers.

    Each is the fields of a `Parsed`, None for `READY`, or False for `LEAVING`.
    """
    return msgpack.Unpacker(use_list=False, unicode_errors="surrogateescape", max_buffer_size=0)
