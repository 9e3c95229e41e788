"""Reading what can still be read of damaged leaves and journal. Used by repair alone."""

from __future__ import annotations

import mmap
import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from diptych import fs
from diptych.change import FileIndexed, FileRemoved, StoredRecord, record_checksum
from diptych.errors import CorruptionError, DiptychError
from diptych.journal.format import COMMIT, CONTROL, Frame, decode_entries
from diptych.journal.reader import FrameReader
from diptych.layout import SEARCH, SEARCH_META, SNAPSHOT, is_plain_name
from diptych.schema.base import Schema
from diptych.search.index import SearchIndex
from diptych.search.leaf import open_leaf
from diptych.snapshot.format import (
    TRAILER_SIZE,
    decode_head,
    decode_record_place,
    decode_table,
    decode_trailer,
    encode_head,
)
from diptych.store.recovery.found import FoundGeneration, OpenFiles, Scan

Records = dict[bytes, StoredRecord]
"""By key."""


class Salvaged(NamedTuple):
    """What one way of salvaging comes to."""

    base_lsn: int
    """Of the generation it starts from; 0 for the journal alone."""
    source: str
    """"snapshot", "search" or "journal"."""
    records: Records
    lost: int
    """Records of the generation that neither leaf has; 1 where their number is not known."""
    expected: int | None
    """How many records the generation had, where anything says so."""
    damaged: dict[bytes, str]
    """What to call each of the lost records whose key is known, by key; what else is damaged by no key."""

    def missing(self, replaced: set[bytes]) -> list[str]:
        """A sentence for each thing lost, but for the keys on which the journal has a newer word."""
        named = [message for key, message in self.damaged.items() if key not in replaced]
        if self.expected is None:
            return [f"what else the generation of LSN {self.base_lsn} had, if anything", *named]
        lost = self.lost - len(self.damaged.keys() & replaced)
        return [f"{lost:,} of the {self.expected:,} records of LSN {self.base_lsn}", *named] if lost else []


def best(found: Scan, files: OpenFiles, schema: Schema[Any], store_id: bytes, reached: int) -> Salvaged:
    """What to start from, so that least is lost: first of transactions, then of records.

    `reached` is how far the journal went. The records are those of the generation; `from_journal` takes
    them further.
    """
    whole = whole_lsns(found, files)

    def missing(base_lsn: int) -> int:
        return max(reached - base_lsn, 0) - (len(whole) - bisect_right(whole, base_lsn))

    chosen = Salvaged(0, "journal", {}, 0, 0, {})
    rank = (missing(0), 0)
    # Oldest first, so that of equals the newest is taken.
    for generation in reversed(found.generations):
        if generation.foreign or missing(generation.lsn) > rank[0]:
            continue
        salvaged = from_generation(generation, schema, store_id)
        if salvaged is not None and (missing(generation.lsn), salvaged.lost) <= rank:
            chosen, rank = salvaged, (missing(generation.lsn), salvaged.lost)
    return chosen


def whole_lsns(found: Scan, files: OpenFiles) -> list[int]:
    """The LSNs of all whole transactions in the journal, ascending."""
    return sorted(
        {
            lsn
            for file in found.journal
            if file.path in files.journal and not file.foreign
            for lsn, _ in transactions(FrameReader(files.journal[file.path]))
        }
    )


def from_generation(found: FoundGeneration, schema: Schema[Any], store_id: bytes) -> Salvaged | None:
    """What both leaves of a generation still hold; None where that is nothing.

    A leaf says itself which store and LSN it is of, so that no manifest is needed; one of another store or
    LSN is not touched, for its records are not those of this generation.
    """
    records, expected, damaged = _from_snapshot(found, store_id)
    source = "snapshot"
    if found.manifest is not None:
        expected = found.manifest.records
    if expected is None or len(records) < expected:
        others, of_search = _from_search(found, schema, store_id)
        expected = of_search if expected is None else expected
        source = source if records else "search"
        records = others | records
    if not records and expected != 0:
        return None
    lost = 1 if expected is None else max(expected - len(records), 0)
    named = {key: message for key, message in damaged.items() if key not in records}
    return Salvaged(found.lsn, source, records, lost, expected, named)


def store_id_of_generations(found: Scan, schema: Schema[Any]) -> bytes | None:
    """Which store the newest snapshot or search index that says so is of."""
    for generation in found.generations:
        where = os.path.join(generation.path, SNAPSHOT)
        with suppress(OSError, DiptychError), open(where, "rb", opener=fs.open_regular) as file:
            return decode_head(file.read(64), where=where)[0]
        with suppress(OSError, DiptychError):
            index = _open_search(generation, schema)
            if index is not None:
                return index.watermark().store_id
    return None


def _from_snapshot(found: FoundGeneration, store_id: bytes) -> tuple[Records, int | None, dict[bytes, str]]:
    """The records that pass their checksum, how many there were if that is known, and what does not pass."""
    where = os.path.join(found.path, SNAPSHOT)
    try:
        with fs.translated("read", where), open(where, "rb", opener=fs.open_regular) as file:
            head = decode_head(file.read(64), where=where)
            if head != (store_id, found.lsn):
                return {}, None, {}
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with data:
            try:
                trailer = decode_trailer(data[-TRAILER_SIZE:], where=where)
                table = data[trailer.offsets : trailer.offsets + 8 * trailer.ids]
                offsets, limit = sorted(decode_table("Q", table)), trailer.records_end
            except (CorruptionError, ValueError):
                # From front to back, as any decoder reads it.
                trailer, offsets, limit = None, [], len(data)
            records, damaged = _walk(data, len(encode_head(*head)), limit, offsets, where)
            return records, trailer.records if trailer is not None else None, damaged
    except (OSError, ValueError, DiptychError) as error:
        fs.raise_transient(error)
        return {}, None, {}


def _walk(
    data: mmap.mmap, begin: int, limit: int, offsets: list[int], where: str
) -> tuple[Records, dict[bytes, str]]:
    """All records between `begin` and `limit`; where one is damaged, `offsets` say where to go on."""
    records: Records = {}
    damaged: dict[bytes, str] = {}
    at = begin
    while at < limit:
        behind = bisect_right(offsets, at)
        following = offsets[behind] if behind < len(offsets) else limit
        try:
            place = decode_record_place(data, at, limit, where=where)
        except CorruptionError as error:
            if offsets:
                damaged[b""] = error.message
            at = following
            continue
        payload = data[place.payload : place.end]
        if record_checksum(place.key, payload) == place.checksum:
            records[place.key] = StoredRecord(place.key, place.checksum, payload)
            at = place.end
        else:
            shown = place.key.decode("utf-8", "backslashreplace")
            damaged[place.key] = f"the record of {shown!r:.200}, which fails its checksum"
            at = following if offsets else place.end
    return records, damaged


def _from_search(found: FoundGeneration, schema: Schema[Any], store_id: bytes) -> tuple[Records, int | None]:
    """What the search index has, and how many records it should have, if it says so."""
    records: Records = {}
    expected = None
    try:
        index = _open_search(found, schema)
        if index is None:
            return {}, None
        mark = index.watermark()
        if (mark.store_id, mark.lsn) != (store_id, found.lsn):
            return {}, None
        expected = mark.records
        for record in index.records():
            records[record.key] = record
    except (OSError, DiptychError) as error:
        fs.raise_transient(error)
        # What was read before the damage has passed its checksum.
        return records, expected
    return records, expected


def _open_search(found: FoundGeneration, schema: Schema[Any]) -> SearchIndex | None:
    """A generation's search index, without its manifest; None where there is none.

    Raises CorruptSearchError, StorageError, OSError.
    """
    directory = os.path.join(found.path, SEARCH)
    # Whatever is there, but for links and what no file of Tantivy's can be called.
    names = [name for name in fs.list_directory(directory) if is_plain_name(name)]
    files = {name: (0, "") for name in names if fs.is_regular(os.path.join(directory, name))}
    return open_leaf(directory, files, schema) if SEARCH_META in files else None


def from_journal(
    found: Scan, files: OpenFiles, above_lsn: int, records: Records
) -> tuple[int, list[str], set[bytes]]:
    """Apply every whole transaction above `above_lsn` to `records`, also those behind damage.

    Returns the newest LSN, a sentence for each range of LSNs that is missing, and the keys that were
    replaced or removed.
    """
    last, missing = above_lsn, []
    replaced: set[bytes] = set()
    for file in found.journal:
        journal_file = files.journal.get(file.path)
        if journal_file is None or file.foreign:
            continue
        for lsn, frames in transactions(FrameReader(journal_file)):
            if lsn <= last:
                continue
            try:
                changes = [e.value for f in frames for e in decode_entries(f.payload, where=file.path)]
            except CorruptionError:
                continue
            if lsn > last + 1:
                missing.append(lsn_range(last + 1, lsn - 1))
            last = lsn
            for change in changes:
                if isinstance(change, FileIndexed):
                    records[change.key] = StoredRecord(change.key, change.checksum, change.payload)
                    replaced.add(change.key)
                elif isinstance(change, FileRemoved):
                    records.pop(change.key, None)
                    replaced.add(change.key)
    return last, missing, replaced


def transactions(reader: FrameReader) -> Iterator[tuple[int, list[Frame]]]:
    """The whole transactions of a journal file, going on behind damage."""
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
        if not tail.resumes:
            return
        reader = resumed(reader, tail.resumes)


def resumed(reader: FrameReader, offset: int) -> FrameReader:
    """A reader that goes on with the whole frame at `offset`, whatever stood before it."""
    chain = int.from_bytes(reader.file.read(offset + 8, 8), "little")
    return FrameReader(reader.file, offset=offset, chain=chain)


def lsn_range(first: int, last: int) -> str:
    """What to call the transactions of `first` to `last`."""
    if first == last:
        return f"the transaction of LSN {first}"
    return f"the transactions of LSN {first} to {last}"
