"""What passes between the run and its workers, over pipes: msgpack, each request behind its length.

run -> worker     u32 length, [[path, language, size, expected, known as, redact], ...]
                  an empty list: complete the segment, if one was begun
worker -> run     nil when it has started; then for each file, in the order asked, the fields of `Parsed`:
                  [path, hash, payload, ...]
                  false when it ends by itself: it began with none of what it has not answered for

One that builds segments sends no payloads: a file that has none, and is neither unchanged nor skipped, is in
the segment that it builds. It also sends

                  true when it begins to complete a segment, which may take long
                  the path of a complete segment: it has the files answered for since the one before
                  [errno, message] when it cannot write one; then it ends
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
SEALING = bytes(msgpack.packb(True))
ERROR_FIELDS = 2


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


def pack_sealed(path: str) -> bytes:
    """That a segment is complete."""
    return bytes(msgpack.packb(path, unicode_errors="surrogateescape"))


def pack_error(errno: int, message: str) -> bytes:
    """That no segment can be written."""
    return bytes(msgpack.packb((errno, message), unicode_errors="surrogateescape"))


def unpacker() -> msgpack.Unpacker:
    """What takes bytes as they come and gives answers.

    Each is the fields of a `Parsed`, None for `READY`, False for `LEAVING`, True for `SEALING`, the path of a
    segment, or the two fields of an error.
    """
    return msgpack.Unpacker(use_list=False, unicode_errors="surrogateescape", max_buffer_size=0)
