"""Reading what can still be read of damaged leaves and journal. Used by repair alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from diptych.errors import CorruptionError, DiptychError
from diptych.journal.format import COMMIT, CONTROL, FileIndexed, FileRemoved, Frame, decode_entries
from diptych.journal.reader import FrameReader, TailKind
from diptych.layout import SEARCH, SEARCH_META, SNAPSHOT
from diptych.schema.base import Schema
from diptych.search.leaf import open_leaf
from diptych.snapshot.reader import SnapshotReader
from diptych.store.recovery.scan import FoundGeneration, Scan

Records = dict[bytes, tuple[int, bytes]]
"""Key to `(check, payload)`."""


def from_generation(found: FoundGeneration, schema: Schema[Any]) -> tuple[Records, list[str]]:
    """What both leaves of a generation still hold, and a sentence for each thing that neither does."""
    records: Records = {}
    missing: list[str] = []
    if found.snapshot is not None:
        for record_id in found.snapshot.order():
            try:
                stored = found.snapshot.record(record_id)
            except CorruptionError as error:
                missing.append(error.message)
                continue
            records[stored.key] = (stored.check, stored.payload)
    manifest = found.manifest
    assert manifest is not None
    if len(records) < manifest.records:
        records |= _from_search(found, schema)
    if len(records) >= manifest.records:
        return records, []
    lost = manifest.records - len(records)
    return records, [f"{lost:,} of the {manifest.records:,} records of LSN {found.lsn}", *missing]


def from_snapshot(found: FoundGeneration, store_id: bytes | None) -> Records | None:
    """The records of a generation that lost its manifest; None unless its snapshot proves to be whole.

    The snapshot says itself which store and LSN it is of and how many records it has, and each has a check.
    """
    try:
        snapshot = SnapshotReader(os.path.join(found.path, SNAPSHOT))
        if snapshot.lsn != found.lsn or store_id not in (None, snapshot.store_id):
            return None
        records = {stored.key: (stored.check, stored.payload) for stored in snapshot.scan()}
    except DiptychError:
        return None
    return records if len(records) == len(snapshot) else None


def _from_search(found: FoundGeneration, schema: Schema[Any]) -> Records:
    directory = os.path.join(found.path, SEARCH)
    try:
        files = dict.fromkeys(os.listdir(directory), (0, ""))
        if SEARCH_META not in files:
            return {}
        leaf = open_leaf(directory, files, schema)
        records: Records = {}
        for key, check, payload in leaf.records():
            records[key] = (check, payload)
    except (OSError, DiptychError):
        # Tantivy reads its files as a whole or not at all.
        return {}
    return records


def from_journal(found: Scan, above_lsn: int, records: Records) -> tuple[int, list[str]]:
    """Apply every whole transaction above `above_lsn` to `records`, also those behind damage.

    Returns the newest LSN, and a sentence for each range of LSNs that is missing.
    """
    last, missing = above_lsn, []
    for segment in found.segments:
        if segment.segment is None or segment.foreign:
            continue
        for lsn, frames in transactions(FrameReader(segment.segment)):
            if lsn <= last:
                continue
            try:
                entries = [e for f in frames for e in decode_entries(f.payload, where=segment.path)]
            except CorruptionError:
                continue
            if lsn > last + 1:
                missing.append(_range(last + 1, lsn - 1))
            last = lsn
            for entry in entries:
                if isinstance(entry, FileIndexed):
                    records[entry.key] = (entry.check, entry.payload)
                elif isinstance(entry, FileRemoved):
                    records.pop(entry.key, None)
    return last, missing


def transactions(reader: FrameReader) -> Iterator[tuple[int, list[Frame]]]:
    """The whole transactions of a segment, going on behind damage."""
    while True:
        parts: list[Frame] = []
        for frame in reader:
            if frame.kind == CONTROL:
                continue
            if not frame.continues:
                parts = []
            elif not parts:
                # Its beginning is in the damage: half a transaction is none.
                continue
            parts.append(frame)
            if frame.kind == COMMIT:
                yield frame.lsn, parts
                parts = []
        tail = reader.tail()
        if tail.kind is not TailKind.DAMAGED:
            return
        reader = resumed(reader, tail.resumes)


def resumed(reader: FrameReader, offset: int) -> FrameReader:
    """A reader that goes on with the whole frame at `offset`, whatever stood before it."""
    chain = int.from_bytes(reader.segment.read(offset + 8, 8), "little")
    return FrameReader(reader.segment, offset=offset, chain=chain)


def _range(first: int, last: int) -> str:
    if first == last:
        return f"the transaction of LSN {first}"
    return f"the transactions of LSN {first} to {last}"
