"""Parse one file into a packed record. Runs in a worker, or in the main process for a few files."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NamedTuple, cast

from diptych import fs
from diptych.indexer import text
from diptych.indexer.errors import TooSlowError
from diptych.indexer.languages import LANGUAGES, language_of_content
from diptych.indexer.plan import Job
from diptych.model import FileRecord, Range, Relation, Symbol, content_hash

if TYPE_CHECKING:
    from diptych.indexer.extract import RelationRow


_PARSER_FAILED = frozenset({"parser died", "parser hung"})


class Parsed(NamedTuple):
    """The result of a job: a payload to store, or none if it is `unchanged` or `skipped` (with a reason)."""

    path: str
    content_hash: str = ""
    payload: bytes = b""
    symbols: int = 0
    relations: int = 0
    size: int = 0
    unchanged: bool = False
    skipped: str = ""
    error_bytes: int = 0
    """How many of its bytes are in syntax errors."""

    @property
    def is_in_segment(self) -> bool:
        """Whether its record is in a segment that a worker builds, and not here."""
        return not (self.payload or self.unchanged or self.skipped)


def parse(tree: fs.Beneath, job: Job, max_file_bytes: int) -> Parsed:
    """Read and parse the file of `job`. Never raises for the contents of the file, or for OS errors."""
    return parse_record(tree, job, max_file_bytes)[0]


def parse_record(tree: fs.Beneath, job: Job, max_file_bytes: int) -> tuple[Parsed, FileRecord | None]:
    """The same, and the record that was packed, with rows for relations; None without a payload."""
    try:
        data = read_regular(tree, job.path, max_file_bytes)
    except OSError as error:
        irregular = error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR)
        return Parsed(job.path, skipped="not a regular file" if irregular else "unreadable"), None
    digest = content_hash(data)
    if digest == job.expected:
        return Parsed(job.path, digest, size=len(data), unchanged=True, skipped=job.known_as), None
    if len(data) > max_file_bytes:
        return Parsed(job.path, digest, size=len(data), skipped="too large"), None
    if text.is_binary(data):
        return Parsed(job.path, digest, size=len(data), skipped="binary"), None
    try:
        language, symbols, relations, error_bytes, names = rows_of(job.language, data, redact=job.redact)
        # Rows instead of relations: packing and projecting only unpack them.
        rows = cast("list[Relation]", relations)
        record = FileRecord(job.path, digest, language, symbols, rows, names)
        payload = packed(record)
    except TooSlowError:
        return Parsed(job.path, digest, size=len(data), skipped="too slow to parse"), None
    except Exception:  # noqa: BLE001 - one bad file must not end the run
        return Parsed(job.path, digest, size=len(data), skipped="parser died"), None
    parsed = Parsed(
        job.path, digest, payload, len(symbols), len(relations), size=len(data), error_bytes=error_bytes
    )
    return parsed, record


def failed_hash(root: str, parsed: Parsed, max_file_bytes: int) -> str:
    """The hash of a file whose parser failed, by which the next run knows not to try it again; else ""."""
    if parsed.skipped not in _PARSER_FAILED:
        return ""
    try:
        with fs.Beneath(root) as tree:
            return content_hash(read_regular(tree, parsed.path, max_file_bytes))
    except OSError:
        return ""


def record_of(path: str, language: str, data: bytes, *, redact: bool = False) -> FileRecord:
    """The record for a file's bytes. `language` is a name in `LANGUAGES`. Raises TooSlowError.

    With `redact`, it has `…` in place of each secret.
    """
    language, symbols, relations, _, names = rows_of(language, data, redact=redact)
    return FileRecord(
        path,
        content_hash(data),
        language,
        symbols,
        [Relation(kind, source, target, Range(*place)) for kind, source, target, place in relations],
        names,
    )


def rows_of(
    language: str, data: bytes, *, redact: bool = False
) -> tuple[str, list[Symbol], list[RelationRow], int, bytes]:
    """The language according to the content, the fields of `Extracted`, and the names part.

    Raises TooSlowError.
    """
    # Imported here: tree-sitter is not needed if nothing has changed.
    from diptych.indexer.extract import extract
    from diptych.indexer.grammar import prepared
    from diptych.names.facts import pack_facts
    from diptych.names.languages import LANGUAGES as WITH_NAMES
    from diptych.names.languages import language as names_language

    source = text.as_utf8(data, declares_encoding=LANGUAGES[language].declares_encoding)
    if redact:
        from diptych.secrets import masked

        source = masked(source)
    language = language_of_content(language, source)
    symbols, relations, error_bytes, noted = extract(prepared(language), source)
    names = b""
    if language in WITH_NAMES:
        names = pack_facts(names_language(language).collect(source, noted, complete=False))
    if redact:
        symbols, relations = _redacted(symbols, relations)
    return language, symbols, relations, error_bytes, names


def _redacted(symbols: list[Symbol], relations: list[RelationRow]) -> tuple[list[Symbol], list[RelationRow]]:
    """The rows from a masked source, with `…` for the filling, and for what is a secret only in this form."""
    from diptych.secrets import redacted, unmasked

    def clean(value: str) -> str:
        return redacted(unmasked(value))

    return (
        [
            Symbol(
                clean(symbol.name),
                symbol.kind,
                symbol.range,
                clean(symbol.container),
                clean(symbol.signature),
                clean(symbol.documentation),
                symbol.name_range,
            )
            for symbol in symbols
        ],
        [(kind, clean(source), clean(target), place) for kind, source, target, place in relations],
    )


def packed(record: FileRecord) -> bytes:
    """The payload of a record, as a transaction's `put_packed` takes it."""
    from diptych.schema.code import CODE

    return CODE.pack(record)


def read_regular(tree: fs.Beneath, path: str, max_bytes: int) -> bytes:
    """At most `max_bytes` + 1 bytes of a regular file. Raises OSError, also for another type of file.

    It may have been replaced since the listing: links are not followed, and opening never blocks (a FIFO).
    """
    fd = tree.open(path.encode("utf-8", "surrogateescape"))
    try:
        wanted = min(os.fstat(fd).st_size, max_bytes) + 1
        data = os.read(fd, wanted)
        # A short read is the end of the file. Otherwise it has grown since.
        while len(data) == wanted and len(data) <= max_bytes:
            more = os.read(fd, max_bytes + 1 - len(data))
            data, wanted = data + more, max_bytes + 1
        return data
    finally:
        os.close(fd)
