"""One file from its bytes to a packed record. Runs in a worker, or in the process itself for a few files."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from diptych.indexer import text
from diptych.indexer.languages import language_of_content
from diptych.indexer.plan import Job
from diptych.model import FileRecord, content_hash


class Parsed(NamedTuple):
    """What became of a job: a payload to store, or none, because it is `unchanged` or was `skipped` (why)."""

    path: str
    content_hash: str = ""
    payload: bytes = b""
    symbols: int = 0
    relations: int = 0
    size: int = 0
    unchanged: bool = False
    skipped: str = ""


def parse(root: bytes, job: Job, max_file_bytes: int) -> Parsed:
    """Read and parse the file of `job`. Never raises for what is in the file, or for what the system says."""
    name = job.path.encode("utf-8", "surrogateescape")
    try:
        data = read_regular(root + b"/" + name, max_file_bytes)
    except OSError:
        return Parsed(job.path, skipped="unreadable")
    if data is None:
        return Parsed(job.path, skipped="not a regular file")
    digest = content_hash(data)
    if digest == job.expected:
        return Parsed(job.path, digest, size=len(data), unchanged=True, skipped=job.known_as)
    if len(data) > max_file_bytes:
        return Parsed(job.path, digest, size=len(data), skipped="too large")
    if text.is_binary(data):
        return Parsed(job.path, digest, size=len(data), skipped="binary")
    record = record_of(job.path, job.language, data, digest)
    return Parsed(
        job.path, digest, packed(record), len(record.symbols), len(record.relations), size=len(data)
    )


def record_of(path: str, language: str, data: bytes, digest: str) -> FileRecord:
    """The record of a file's bytes. `language` is a name in `LANGUAGES`."""
    # Imported here: tree-sitter and its grammars are not needed when nothing has changed.
    from diptych.indexer.extract import extract
    from diptych.indexer.grammar import prepared

    source = text.as_utf8(data)
    language = language_of_content(language, source)
    symbols, relations = extract(prepared(language), source)
    return FileRecord(path, digest, language, symbols, relations)


def packed(record: FileRecord) -> bytes:
    """The record's payload, as a transaction's `put_packed` takes it."""
    from diptych.schema.code import CODE

    return CODE.pack(record)


def read_regular(path: bytes, max_bytes: int) -> bytes | None:
    """A regular file's bytes, one past `max_bytes` at most; None for what is not one. Raises OSError.

    It may have been replaced since it was listed: opening never follows a link, and never waits (a FIFO).
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode):
            return None
        wanted = min(seen.st_size, max_bytes) + 1
        data = os.read(fd, wanted)
        # Short of what was asked for is the end; else it has grown since.
        while len(data) == wanted and len(data) <= max_bytes:
            more = os.read(fd, max_bytes + 1 - len(data))
            data, wanted = data + more, max_bytes + 1
        return data
    finally:
        os.close(fd)
