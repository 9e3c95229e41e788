"""Reading what can still be read of damaged segments and journal. Used by repair alone."""

from __future__ import annotations

import mmap
import os
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

from blake3 import blake3

from diptych import fs
from diptych.change import (
    FileIndexed,
    FileRemoved,
    StoredRecord,
    TransactionDescribed,
    record_checksum,
)
from diptych.errors import CorruptionError, CorruptSearchError, DiptychError
from diptych.journal.format import COMMIT, CONTROL, Frame, decode_entries
from diptych.journal.reader import FrameReader
from diptych.layout import BUNDLE, RECORDS, parse_generation_name
from diptych.metadata import Metadata
from diptych.schema.base import Schema
from diptych.search.composed import Component, compose
from diptych.search.footer import check_footer
from diptych.segment.reader import search_files
from diptych.snapshot.format import (
    TRAILER_SIZE,
    decode_head,
    decode_record_place,
    decode_table,
    decode_trailer,
    encode_head,
)
from diptych.store.generation import segment_path
from diptych.store.manifest import ListedSegment, Manifest
from diptych.store.recovery.found import OpenFiles, Scan
from diptych.store.recovery.scan_generations import manifest_copy
from diptych.store.upgrade import current_record

Records = dict[bytes, StoredRecord]
"""By key."""


class Replayed(NamedTuple):
    """What the journal added to salvaged records."""

    last_lsn: int
    missing: list[str]
    """A sentence for each range of LSNs that is missing."""
    replaced: set[bytes]
    """The keys that were replaced or removed."""
    metadata: Metadata
    """The newest, where a transaction has any."""


class Salvaged(NamedTuple):
    """What one way of salvaging comes to."""

    base_lsn: int
    """Of the generation it starts from; 0 for the journal alone."""
    source: str
    """"snapshot", "search" or "journal"."""
    records: Records
    lost: int
    """Records of the generation that neither store has."""
    expected: int
    """How many records the generation had."""
    damaged: dict[bytes, str]
    """What to call each of the lost records whose key is known, by key; what else is damaged by no key."""

    ranges: tuple[str, ...] = ()
    """What to call lost records whose keys are not known."""
    metadata: Metadata = Metadata()
    """The generation's."""

    def missing(self, replaced: set[bytes]) -> list[str]:
        """A sentence for each thing lost, but for the keys that the journal overrides."""
        named = [message for key, message in self.damaged.items() if key not in replaced]
        named += self.ranges
        lost = self.lost - len(self.damaged.keys() & replaced)
        return [f"{lost:,} of the {self.expected:,} records of LSN {self.base_lsn}", *named] if lost else []


def best(found: Scan, files: OpenFiles, schema: Schema[Any], store_id: bytes, reached: int) -> Salvaged:
    """What to start from, so that least is lost: first of transactions, then of records.

    `reached` is how far the journal went. The records are those of the generation; `from_journal` takes
    them further.
    """
    complete = complete_lsns(found, files)

    def missing(base_lsn: int) -> int:
        return max(reached - base_lsn, 0) - (len(complete) - bisect_right(complete, base_lsn))

    chosen = Salvaged(0, "journal", {}, 0, 0, {})
    rank = (missing(0), 0)
    # Oldest first, so that of equals the newest is taken.
    for manifest in reversed(manifests(found, store_id)):
        if missing(manifest.lsn) > rank[0]:
            continue
        salvaged = from_generation(found.path, manifest, schema)
        if (missing(manifest.lsn), salvaged.lost) <= rank and (salvaged.records or not manifest.records):
            chosen, rank = salvaged, (missing(manifest.lsn), salvaged.lost)
    return chosen


def manifests(found: Scan, store_id: bytes | None) -> list[Manifest]:
    """The intact manifests of the store, newest first, from their files or else from their copies.

    With `store_id` None those of any store.
    """
    by_name: dict[str, Manifest] = {}
    for generation in found.generations:
        if generation.manifest is not None:
            by_name[os.path.basename(generation.path)] = generation.manifest
    for name in found.segment_names:
        copy = manifest_copy(found.path, name) if name not in by_name else None
        if copy is not None:
            by_name[name] = copy
    named = sorted(((parse_generation_name(name) or (0, 0), name) for name in by_name), reverse=True)
    newest_first = [by_name[name] for _, name in named]
    return [one for one in newest_first if store_id is None or one.identity.store_id == store_id]


def complete_lsns(found: Scan, files: OpenFiles) -> list[int]:
    """The LSNs of all complete transactions in the journal, ascending."""
    return sorted(
        {
            lsn
            for file in found.journal
            if file.path in files.journal and not file.foreign
            for lsn, _ in transactions(FrameReader(files.journal[file.path]))
        }
    )


def from_generation(store: str, manifest: Manifest, schema: Schema[Any]) -> Salvaged:
    """What the segments of a generation still hold, in either half."""
    records: Records = {}
    damaged: dict[bytes, str] = {}
    ranges: list[str] = []
    sources = set()
    for listed in manifest.segments:
        path = segment_path(store, listed.digest)
        source, found, named = _from_segment(path, listed, schema)
        if unnamed := listed.records - len(found) - len(named.keys() - {b""}):
            ranges.append(_range(listed, unnamed))
        sources.add(source)
        version = listed.seal.schema_version
        records |= {key: current_record(schema, version, record) for key, record in found.items()}
        damaged |= named
    lost = manifest.records - len(records)
    source = "search" if sources == {"search"} else "snapshot"
    return Salvaged(
        manifest.lsn,
        source,
        records,
        max(lost, 0),
        manifest.records,
        damaged,
        tuple(ranges),
        manifest.metadata,
    )


def _from_segment(
    path: str, listed: ListedSegment, schema: Schema[Any]
) -> tuple[str, Records, dict[bytes, str]]:
    """Which half most was read from, the live records that either half has, and what is damaged in both."""
    records, damaged = _from_records(path, listed)
    source = "snapshot" if records else "search"
    if len(records) < listed.records:
        records = _from_search(path, listed, schema) | records
    return source, records, {key: said for key, said in damaged.items() if key not in records}


def _range(listed: ListedSegment, count: int) -> str:
    """What to call lost records of a segment, whose keys are not known."""
    keys = (listed.seal.first_key, listed.seal.last_key)
    first, last = (key.decode("utf-8", "backslashreplace") for key in keys)
    return f"{count:,} records from {first!r:.200} to {last!r:.200}"


def _is_dead(listed: ListedSegment, record_id: int) -> bool:
    at = record_id >> 3
    return at < len(listed.dead) and bool(listed.dead[at] >> (record_id & 7) & 1)


def _from_records(path: str, listed: ListedSegment) -> tuple[Records, dict[bytes, str]]:
    """The live records that pass their checksum, and what does not pass."""
    where = os.path.join(path, RECORDS)
    try:
        with fs.translated("read", where), open(where, "rb", opener=fs.open_regular) as file:
            head = decode_head(file.read(64), where=where)
            if head[0].hex() != listed.seal.segment_id:
                # Another segment's: they are not those of this one.
                return {}, {}
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with data:
            try:
                trailer = decode_trailer(data[-TRAILER_SIZE:], where=where)
                table = data[trailer.offsets : trailer.offsets + 8 * trailer.ids]
                ids = {offset: record_id for record_id, offset in enumerate(decode_table("Q", table))}
                limit = trailer.records_end
            except (CorruptionError, ValueError):
                # From front to back, as any decoder reads it.
                ids, limit = {}, len(data)
            return _walk(data, len(encode_head(*head)), limit, ids, where, listed)
    except (OSError, ValueError, DiptychError) as error:
        fs.raise_transient(error)
        return {}, {}


def _walk(
    data: mmap.mmap, begin: int, limit: int, ids: dict[int, int], where: str, listed: ListedSegment
) -> tuple[Records, dict[bytes, str]]:
    """All live records between `begin` and `limit`.

    `ids`: by offset, the id of each record, where that is known: where one is damaged, they say where the
    next is.
    """
    offsets = sorted(ids)
    records: Records = {}
    damaged: dict[bytes, str] = {}
    at = begin
    while at < limit:
        number = bisect_right(offsets, at)
        following = offsets[number] if number < len(offsets) else limit
        try:
            place = decode_record_place(data, at, limit, where=where)
        except CorruptionError as error:
            if offsets:
                damaged[b""] = error.message
            at = following
            continue
        payload = data[place.payload : place.end]
        if record_checksum(place.key, payload) != place.checksum:
            shown = place.key.decode("utf-8", "backslashreplace")
            damaged[place.key] = f"the record of {shown!r:.200}, which fails its checksum"
            at = following if offsets else place.end
            continue
        if ids.get(at, place.id) != place.id:
            # Its checksum is not over the id, by which it is live or dead.
            damaged[place.key] = f"the record of {place.key!r:.200}, which is live or not"
        elif not _is_dead(listed, place.id):
            records[place.key] = StoredRecord(place.key, place.checksum, payload)
        at = place.end
    return records, damaged


def _from_search(path: str, listed: ListedSegment, schema: Schema[Any]) -> Records:
    """The live records that the search half has, as far as it can be read."""
    records: Records = {}
    seal = listed.seal
    try:
        for name, digests in seal.files.items():
            if name != RECORDS:
                _refuse_exchanged(os.path.join(path, name), name, digests)
        component = Component(seal.segment_id, seal.documents, search_files(path, seal, verify=False))
        # Documents come in the order in which they were added, so that the records come by id.
        for record_id, (_, record) in enumerate(
            compose([component], schema, where=path).numbered_records()
        ):
            if not _is_dead(listed, record_id):
                records[record.key] = record
    except (OSError, DiptychError) as error:
        fs.raise_transient(error)
        # What was read before the damage has passed its checksum.
    return records


def _refuse_exchanged(path: str, name: str, digests: fs.FileDigests) -> None:
    """Raise CorruptSearchError for a file that is intact, and another segment's.

    A damaged one fails Tantivy's checksum too; a bundle says itself which segment it is of.
    """
    if name == BUNDLE:
        return
    with fs.translated("read", path):
        data = fs.read_bounded(path, digests.size_bytes)
    if blake3(data).digest() == digests.blake3:
        return
    try:
        check_footer(data, where=path)
    except CorruptSearchError:
        return
    raise CorruptSearchError(f"{path} is of another segment", where=path)


def from_journal(
    found: Scan, files: OpenFiles, above_lsn: int, records: Records, schema: Schema[Any]
) -> Replayed:
    """Apply every complete transaction above `above_lsn` to `records`, also those after damage."""
    last, missing = above_lsn, []
    replaced: set[bytes] = set()
    metadata = Metadata()
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
                    version = journal_file.header.schema_version
                    stored = StoredRecord(change.key, change.checksum, change.payload)
                    records[change.key] = current_record(schema, version, stored)
                    replaced.add(change.key)
                elif isinstance(change, FileRemoved):
                    records.pop(change.key, None)
                    replaced.add(change.key)
                elif isinstance(change, TransactionDescribed):
                    metadata = Metadata(lsn, change.packed)
    return Replayed(last, missing, replaced, metadata)


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
