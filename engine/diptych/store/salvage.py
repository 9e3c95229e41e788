"""Reading what can still be read of damaged segments and journal. Used by repair alone."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from diptych.change import FileIndexed, FileRemoved, SegmentAdopted, StoredRecord, TransactionDescribed
from diptych.errors import CorruptionError
from diptych.journal.format import COMMIT, CONTROL, Frame, decode_entries
from diptych.journal.reader import FrameReader
from diptych.layout import parse_generation_name
from diptych.metadata import Metadata
from diptych.store.generation import segment_path
from diptych.store.manifest import Manifest, listed_sealed
from diptych.store.recovery.found import OpenFiles, Scan
from diptych.store.recovery.scan_generations import manifest_copy
from diptych.store.salvage_segment import SalvagedSegment, salvage_segment

Versioned = dict[bytes, tuple[int, StoredRecord]]
"""Records by key, each with the version of the schema that it is of."""


class Replayed(NamedTuple):
    """What the journal added to salvaged records."""

    last_lsn: int
    missing: list[str]
    """A sentence for each range of LSNs that is missing, and for what is lost of adopted segments."""
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
    records: Versioned
    expected: int
    """How many records the generation had."""
    segments: tuple[SalvagedSegment, ...]
    metadata: Metadata = Metadata()
    """The generation's."""

    @property
    def lost(self) -> int:
        """Records of the generation that neither store has."""
        return sum(segment.lost for segment in self.segments)

    def missing(self, replaced: set[bytes]) -> list[str]:
        """A sentence for each thing lost, but for the keys that the journal overrides."""
        lost, sentences = 0, []
        for segment in self.segments:
            count, some = segment.missing(replaced)
            lost += count
            sentences += some
        if not lost:
            return []
        return [f"{lost:,} of the {self.expected:,} records of LSN {self.base_lsn}", *sentences]


def best(found: Scan, files: OpenFiles, store_id: bytes, reached: int) -> Salvaged:
    """What to start from, so that least is lost: first of transactions, then of records.

    `reached` is how far the journal went. The records are those of the generation; `from_journal` takes
    them further.
    """
    complete = complete_lsns(found, files)

    def missing(base_lsn: int) -> int:
        return max(reached - base_lsn, 0) - (len(complete) - bisect_right(complete, base_lsn))

    nameable: Salvaged | None = None
    chosen = Salvaged(0, "journal", {}, 0, ())
    rank = (missing(0), 0)
    # Oldest first, so that of equals the newest is taken.
    for manifest in reversed(manifests(found, store_id)):
        if missing(manifest.lsn) > rank[0]:
            continue
        salvaged = from_generation(found.path, manifest)
        if (missing(manifest.lsn), salvaged.lost) <= rank and (salvaged.records or not manifest.records):
            chosen, rank = salvaged, (missing(manifest.lsn), salvaged.lost)
        elif any(segment.claimed for segment in salvaged.segments):
            nameable = salvaged
    # Where nothing is left at all, what is lost can still be named.
    return nameable if nameable is not None and not chosen.segments and not complete else chosen


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


def from_generation(store: str, manifest: Manifest) -> Salvaged:
    """What the segments of a generation still hold, in either half."""
    segments = tuple(
        salvage_segment(segment_path(store, listed.digest), listed) for listed in manifest.segments
    )
    records: Versioned = {}
    for segment in segments:
        version = segment.listed.seal.schema_version
        records |= {key: (version, record) for key, record in segment.records.items()}
    source = "search" if {segment.source for segment in segments} == {"search"} else "snapshot"
    return Salvaged(manifest.lsn, source, records, manifest.records, segments, manifest.metadata)


def from_journal(found: Scan, files: OpenFiles, above_lsn: int, records: Versioned) -> Replayed:
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
                    records[change.key] = version, stored
                    replaced.add(change.key)
                elif isinstance(change, FileRemoved):
                    records.pop(change.key, None)
                    replaced.add(change.key)
                elif isinstance(change, SegmentAdopted):
                    some, lost = _from_adopted(found.path, lsn, change)
                    records |= some
                    replaced |= some.keys()
                    missing += lost
                elif isinstance(change, TransactionDescribed):
                    metadata = Metadata(lsn, change.packed)
    return Replayed(last, missing, replaced, metadata)


def _from_adopted(store: str, lsn: int, entry: SegmentAdopted) -> tuple[Versioned, list[str]]:
    """What an adopted segment still holds, and a sentence for each thing lost."""
    listed = listed_sealed(entry.sealed)
    version = listed.seal.schema_version
    salvaged = salvage_segment(segment_path(store, listed.digest), listed)
    records = {key: (version, one) for key, one in salvaged.records.items()}
    lost, sentences = salvaged.missing(())
    if lost:
        of = f"of the {listed.records:,} records of the segment {listed.digest}, which LSN {lsn} adopted"
        sentences.insert(0, f"{lost:,} {of}")
    return records, sentences


def transactions(reader: FrameReader) -> Iterator[tuple[int, list[Frame]]]:
    """The complete transactions of a journal file, also those after damage."""
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
    """A reader that continues with the intact frame at `offset`, whatever is before it."""
    chain = int.from_bytes(reader.file.read(offset + 8, 8), "little")
    return FrameReader(reader.file, offset=offset, chain=chain)


def lsn_range(first: int, last: int) -> str:
    """What to call the transactions of `first` to `last`."""
    if first == last:
        return f"the transaction of LSN {first}"
    return f"the transactions of LSN {first} to {last}"
