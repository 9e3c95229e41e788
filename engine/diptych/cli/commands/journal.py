"""`diptych journal`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Option
from diptych.cli.options import LSN_MAX, Json, StorePath

if TYPE_CHECKING:
    from diptych.journal.format import Frame, JournalEntry


def run(
    since: Annotated[
        int,
        Option("--from", bounds=(0, LSN_MAX), metavar="LSN", help="Only frames from this LSN on."),
    ] = 0,
    entries: Annotated[bool, Option("--entries/--no-entries", help="Show what is in each frame.")] = True,
    store: StorePath = None,
    as_json: Json = False,
) -> int:
    """Show the journal, frame by frame.

    Prints how far each consumer is, then the offset, LSN, kind, size and checksum of each frame and the
    changes in it, and for each file what follows the last intact frame. Changes nothing. Exit code 1 if a
    file is damaged.

    \b
    Examples:
      diptych journal
      diptych journal --from 120 --no-entries
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import array, line
    from diptych.cli.place import find_store
    from diptych.store.opening import check_place

    path = os.path.abspath(find_store(store))
    check_place(path, create=False)
    damaged = False

    def watched() -> Iterator[dict[str, Any]]:
        nonlocal damaged
        for item in walk(path, since, entries=entries):
            damaged = damaged or item["type"] == "damage"
            yield item

    if as_json:
        array(watched())
    else:
        for item in watched():
            line(text_of(item))
    if damaged:
        return ExitCode.FINDINGS
    return ExitCode.DONE


def walk(path: str, since: int, *, entries: bool) -> Iterator[dict[str, Any]]:
    """The consumers, then the journal, in order: of type consumer, file, frame, entry, torn and damage."""
    from diptych.errors import CorruptionError
    from diptych.fs import list_directory, translated
    from diptych.layout import JOURNAL, parse_journal_file_name
    from diptych.store.positions import consumers_of

    for consumer in consumers_of(path):
        yield {"type": "consumer", "name": consumer.name, "lsn": consumer.lsn}
    directory = os.path.join(path, JOURNAL)
    with translated("list", directory):
        found = list_directory(directory)
    names = sorted(name for name in found if parse_journal_file_name(name) is not None)
    for name in names:
        try:
            yield from _segment(os.path.join(directory, name), since, entries=entries)
        except CorruptionError as error:
            yield {"type": "damage", "where": error.where, "message": error.message}


def _segment(path: str, since: int, *, entries: bool) -> Iterator[dict[str, Any]]:
    from diptych.journal.file import JournalFile
    from diptych.journal.format import COMMIT, CONTROL, PART, decode_entries
    from diptych.journal.reader import FrameReader, TailKind

    kinds = {PART: "part", COMMIT: "commit", CONTROL: "control"}
    file = JournalFile(path)
    header = file.header
    yield {
        "type": "file",
        "path": path,
        "first_lsn": header.first_lsn,
        "size": file.size(),
        "store_id": header.store_id.hex(),
        "salt": f"{header.salt:016x}",
        "chain": f"{header.chain:016x}",
    }
    reader = FrameReader(file)
    for frame in reader:
        if frame.lsn < since:
            continue
        yield _frame(frame, kinds[frame.kind])
        if entries:
            for entry in decode_entries(frame.payload, where=f"{path}@{frame.offset}"):
                yield _entry(entry.value, f"{path}@{frame.offset}")
    tail = reader.tail()
    if tail.kind is TailKind.TORN:
        message = f"{tail.size - tail.offset:,} bytes that are not a frame: a torn write"
        yield {"type": "torn", "where": f"{path}@{tail.offset}", "message": message}
    elif tail.kind is TailKind.DAMAGED:
        message = f"a damaged frame, followed by an intact one at {tail.resumes} with LSN {tail.resumes_lsn}"
        yield {"type": "damage", "where": f"{path}@{tail.offset}", "message": message}


def _frame(frame: Frame, kind: str) -> dict[str, Any]:
    return {
        "type": "frame",
        "offset": frame.offset,
        "lsn": frame.lsn,
        "kind": kind,
        "size": frame.end - frame.offset,
        "checksum": f"{frame.checksum:016x}",
        "chain": f"{frame.chain:016x}",
    }


def _entry(entry: JournalEntry, where: str) -> dict[str, Any]:
    from diptych.change import FileIndexed, FileRemoved, SegmentAdopted, TransactionDescribed
    from diptych.metadata import unpack_metadata
    from diptych.store.manifest import listed_sealed

    if isinstance(entry, FileIndexed):
        return {"type": "entry", "op": "FileIndexed", "path": _path(entry.key), "size": len(entry.payload)}
    if isinstance(entry, FileRemoved):
        return {"type": "entry", "op": "FileRemoved", "path": _path(entry.key)}
    if isinstance(entry, TransactionDescribed):
        metadata = unpack_metadata(entry.packed, where=where)
        return {"type": "entry", "op": "TransactionDescribed", "metadata": metadata}
    if isinstance(entry, SegmentAdopted):
        listed = listed_sealed(entry.sealed)
        first, last = _path(listed.seal.first_key), _path(listed.seal.last_key)
        return {
            "type": "entry",
            "op": "SegmentAdopted",
            "segment": listed.digest,
            "records": listed.records,
            "first": first,
            "last": last,
        }
    return {"type": "entry", "op": "SnapshotCreated", **entry._asdict(), "checksum": f"{entry.checksum:016x}"}


def _path(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")


def text_of(item: dict[str, Any]) -> str:
    """An item of `walk` as a line of text."""
    match item["type"]:
        case "consumer" if item["lsn"] < 0:
            return f"consumer {item['name']}: its position is damaged"
        case "consumer":
            return f"consumer {item['name']}: has acknowledged LSN {item['lsn']:,}"
        case "file":
            return f"{item['path']}: from LSN {item['first_lsn']:,}, {item['size']:,} bytes"
        case "frame":
            place = f"{item['offset']:>12} LSN {item['lsn']:<8}"
            return f"{place} {item['kind']:<7} {item['size']:>10,} bytes  {item['checksum']}"
        case "entry" if "path" in item:
            size = f"  {item['size']:,} bytes" if "size" in item else ""
            return f"{'':>13}{item['op']}  {item['path']}{size}"
        case "entry" if "segment" in item:
            keys = f"{item['records']:,} records from {item['first']} to {item['last']}"
            return f"{'':>13}{item['op']}  {item['segment']}: {keys}"
        case "entry" if "metadata" in item:
            return f"{'':>13}{item['op']}  {json.dumps(item['metadata'], ensure_ascii=False)}"
        case "entry":
            return f"{'':>13}{item['op']}  LSN {item['lsn']}, manifest {item['checksum']}"
        case kind:
            return f"{kind}: {item['where']}: {item['message']}"
