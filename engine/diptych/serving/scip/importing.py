"""From a SCIP file into the store of precise answers, document by document; what does not fit is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote, urlsplit

from diptych.errors import InvalidRecordError
from diptych.schema.precise import PRECISE, PreciseRecord
from diptych.schema.precise_symbols import SymbolError, last_name
from diptych.serving.files import Files
from diptych.serving.scip.checking import matched
from diptych.serving.scip.reading import Document, Producer, read_documents
from diptych.store.store import RecordStore

# So that a commit stays small, and a crash loses little. A document may have nothing but texts.
_COMMIT_OCCURRENCES = 100_000
_COMMIT_BYTES = 64 * 1024 * 1024
# No folder has a longer path.
_MAX_ROOT_CHARS = 8_192


class Refused(NamedTuple):
    """A document that was not imported, and why: a clause."""

    path: str
    reason: str


class Imported(NamedTuple):
    """What came of an import. `dropped` are occurrences of documents that fit but for these."""

    producer: str
    documents: int
    occurrences: int
    dropped: int
    refused: tuple[Refused, ...]


def import_index(
    file: BinaryIO,
    where: str,
    files: Files,
    store: RecordStore[PreciseRecord],
    *,
    prefix: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Import each document of an index that is of the file at its path as that is now.

    `where` names the index in errors. `prefix` is the folder that its paths are relative to; None for its
    project root, where that is among the files, else the folder of the files. `progress` is called with the
    bytes read so far. What was committed before an error stays. Raises ScipError, ModuleNotFoundError without
    the extra `scip`, StorageError.
    """
    producer, folder = Producer(), prefix or ""
    waiting: list[PreciseRecord] = []
    accepted: set[str] = set()
    refused: list[Refused] = []
    documents = occurrences = dropped = pending = committed = 0
    for one in read_documents(file, where):
        if isinstance(one, Producer):
            producer = one
            folder = _folder(producer, files.root) if prefix is None else prefix
            continue
        path = f"{folder}/{one.path}" if folder else one.path
        made = _record(one._replace(path=path), producer, files, folder)
        if isinstance(made, Refused):
            refused.append(made)
        elif path in accepted:
            refused.append(Refused(path, "the index has another document of it before"))
        else:
            accepted.add(path)
            record, lost = made
            waiting.append(record)
            documents += 1
            dropped += lost
            occurrences += len(record.occurrences)
            pending += len(record.occurrences)
        if pending >= _COMMIT_OCCURRENCES or one.end - committed >= _COMMIT_BYTES:
            _commit(store, waiting)
            pending, committed = 0, one.end
        progress(one.end)
    _commit(store, waiting)
    return Imported(producer.text, documents, occurrences, dropped, tuple(refused))


def _folder(producer: Producer, root: str) -> str:
    """The project root relative to the files' folder; "" where it is it, outside of it, or no URL."""
    if len(producer.project_root) > _MAX_ROOT_CHARS:
        return ""
    try:
        url = urlsplit(producer.project_root)
        if url.scheme != "file":
            return ""
        given = os.path.realpath(unquote(url.path))
    except ValueError:
        # A host that is none; a NUL.
        return ""
    inside = os.path.relpath(given, os.path.realpath(root))
    is_outside = inside == os.pardir or inside.startswith(os.pardir + os.sep)
    return "" if inside == os.curdir or is_outside else inside


def _commit(store: RecordStore[PreciseRecord], waiting: list[PreciseRecord]) -> None:
    if waiting:
        with store.transaction() as txn:
            for record in waiting:
                txn.put(record)
        waiting.clear()


def _record(
    document: Document, producer: Producer, files: Files, root: str
) -> tuple[PreciseRecord, int] | Refused:
    """The record of a document and how many of its occurrences do not fit; or why it is refused."""
    path = document.path
    try:
        PRECISE.key(path)
    except InvalidRecordError as error:
        return Refused(path, error.message)
    files.begin()
    read = files.read(path)
    if read is None:
        return Refused(path, "there is no such file, or it cannot be read")
    source, digest = read
    try:
        for symbol in {one.symbol for one in document.occurrences} | {one.symbol for one in document.symbols}:
            last_name(symbol)
        fits = matched(document, source)
    except SymbolError as error:
        return Refused(path, str(error))
    if fits.problem:
        return Refused(path, fits.problem)
    record = PreciseRecord(
        path, digest, document.language, producer.text, fits.occurrences, document.symbols, root
    )
    return record.ordered(), fits.dropped
