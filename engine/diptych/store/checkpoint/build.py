"""Building what a new generation needs: the segments that are new in it, sealed, and its manifest.

The changes since the generation before become a segment, together with the live records of the segments that
are folded into it. The segments that stay are shared with the generation before; the records in them that the
changes replace or remove are marked as dead in the manifest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from diptych import fs
from diptych.change import Change, FileIndexed, StoredRecord
from diptych.errors import CorruptSnapshotError, StorageError
from diptych.metadata import Metadata
from diptych.schema.base import Schema
from diptych.schema.undecodable import projection_of
from diptych.segment.builder import SegmentBuilder
from diptych.segment.seal import encode_seal
from diptych.store.adopted import AdoptedSegment, is_adopted
from diptych.store.checkpoint.folding import (
    COMPACT_BYTES,
    COMPACT_DOCUMENTS,
    LARGE_BYTES,
    LARGE_DOCUMENTS,
    Size,
    segments_to_fold,
)
from diptych.store.checkpoint.marking import mark_dead, mark_replaced
from diptych.store.checkpoint.pace import Pace
from diptych.store.checkpoint.unpublished import UnpublishedGeneration
from diptych.store.healing import log
from diptych.store.live import LiveRecords
from diptych.store.live_segment import LiveSegment, SegmentSet
from diptych.store.manifest import (
    NO_METADATA,
    Adoption,
    Identity,
    ListedSegment,
    Manifest,
    manifest_of,
)
from diptych.store.salvage_segment import salvage_segment
from diptych.store.upgrade import Unreadable, Upgrading, record_of
from diptych.store.view import View

# Of so few payload bytes, Tantivy's directory is in memory, where its own fsyncs cost nothing.
_IN_MEMORY_BYTES = 4 * 1024 * 1024
# So many documents are given to Tantivy at once. More take less time, but keep others waiting for the GIL.
_DOCUMENTS_HELD = 32


class BuildRequest(NamedTuple):
    """What to build."""

    identity: Identity
    schema: Schema[Any]
    view: View[Any]
    """Everything at the checkpoint's LSN."""
    chain: int
    modified_ms: int
    damaged: Collection[str]
    """The digests of segments to write again in any case."""
    compact: bool
    """Whether all is folded, into as few segments as memory allows."""
    adopted: Sequence[Adoption] = ()
    """The segments that the journal names, as far back as it is kept."""


class Built(NamedTuple):
    """The manifest, and the directory of each segment that is new in it, by digest."""

    manifest: Manifest
    segments: dict[str, str]


class SealedSegment(NamedTuple):
    """A new segment as a manifest lists it, all of its records live, and the directory it was built in."""

    listed: ListedSegment
    directory: str


def build(request: BuildRequest, unpublished: UnpublishedGeneration, pace: Pace) -> Built:
    """Build the segments that are new at the view's LSN, and the manifest.

    Adopted segments are listed as they are, unless they are folded. Raises CorruptionError and StorageError.
    """
    view, schema = request.view, request.schema
    newest = {entry.change.key: entry.change for entry in view.overlay.changes(view.lsn)}
    members = view.generation.segments if view.generation is not None else SegmentSet([])
    adopted = view.overlay.adopted_until(view.lsn)
    marked = mark_dead(members, newest.values(), schema, view.healing, pace)
    for segment in adopted:
        marked[segment.digest] = mark_replaced(segment, newest, schema)
    changes = [change for change in newest.values() if not is_adopted(change)]
    damaged = {digest for segment in adopted for digest in segment.healing.segments}
    folded = _choose(
        request, marked, damaged, sum(isinstance(change, FileIndexed) for change in changes)
    )
    live = LiveRecords(members, schema, view.healing)
    to_fold = [
        _Folded(member, live, newest) for member in members.members if member.segment.digest in folded
    ]
    to_fold += [
        _Folded(segment.member, segment.records, _replacing(segment, newest))
        for segment in adopted
        if segment.digest in folded
    ]
    records = partial(_records, to_fold, changes)
    sealed = _write(request, records, unpublished, pace, in_memory=not to_fold and _is_small(changes))
    kept = [one for digest, one in marked.items() if one is not None and digest not in folded]
    return _listed(
        kept,
        sealed,
        request.identity,
        schema,
        lsn=view.lsn,
        chain=request.chain,
        modified_ms=request.modified_ms,
        metadata=view.metadata(),
        adopted=request.adopted,
    )


def build_of_records(
    records: Iterable[tuple[int, StoredRecord]],
    unpublished: UnpublishedGeneration,
    identity: Identity,
    schema: Schema[Any],
    *,
    lsn: int,
    chain: int,
    modified_ms: int,
    metadata: Metadata = NO_METADATA,
    adopted: Sequence[Adoption] = (),
) -> Built:
    """Build the segments of these records, each key once, and a manifest of them alone.

    Each comes with the version of the schema that it is of; 0 is the current one. Raises CorruptionError and
    StorageError.
    """
    sealed = write_segments(schema, records, unpublished, Pace(), None)
    return _listed(
        [],
        sealed,
        identity,
        schema,
        lsn=lsn,
        chain=chain,
        modified_ms=modified_ms,
        metadata=metadata,
        adopted=adopted,
    )


def _listed(
    kept: list[ListedSegment],
    sealed: Sequence[SealedSegment],
    identity: Identity,
    schema: Schema[Any],
    *,
    lsn: int,
    chain: int,
    modified_ms: int,
    metadata: Metadata,
    adopted: Sequence[Adoption] = (),
) -> Built:
    """The manifest that lists segments of before and those that are new."""
    manifest = manifest_of(
        identity,
        schema,
        [*kept, *(one.listed for one in sealed)],
        lsn=lsn,
        chain=chain,
        modified_ms=modified_ms,
        metadata=metadata,
        adopted=adopted,
    )
    return Built(manifest, {one.listed.digest: one.directory for one in sealed})


def _is_small(changes: Iterable[Change]) -> bool:
    """Whether what the changes are indexed into has room in memory."""
    sizes = [change.payload_bytes for change in changes if isinstance(change, FileIndexed)]
    return sum(sizes) <= _IN_MEMORY_BYTES


def _replacing(adopted: AdoptedSegment, newest: Mapping[bytes, Change]) -> set[bytes]:
    """The keys of which an adopted segment does not have the newest record."""
    return {key for key, change in newest.items() if not adopted.has(change)}


def _choose(
    request: BuildRequest,
    marked: dict[str, ListedSegment | None],
    damaged_adopted: set[str],
    new_records: int,
) -> set[str]:
    """The digests of the segments to fold."""
    if request.compact:
        return set(marked)
    damaged = marked.keys() & (set(request.damaged) | request.view.healing.segments | damaged_adopted)
    sizes = []
    for digest, listed in marked.items():
        if listed is not None and digest not in damaged:
            share = listed.records / listed.seal.records
            documents, size_bytes = listed.seal.documents * share, listed.seal.records_bytes * share
            sizes.append(Size(digest, listed.records, int(documents), int(size_bytes), 1 - share))
    return damaged | segments_to_fold(sizes, new_records)


class _Folded(NamedTuple):
    """A segment whose live records are written again."""

    member: LiveSegment
    live: LiveRecords
    """What reads it, and heals what it reads."""
    replaced: Collection[bytes]
    """Keys of which it does not have the newest record."""


def _records(folded: Iterable[_Folded], changes: Iterable[Change]) -> Iterator[tuple[int, StoredRecord]]:
    """The records to write, each with its version: of the changes, then the live ones of folded segments."""
    for change in changes:
        if isinstance(change, FileIndexed):
            yield record_of(change)
    for member, live, replaced in folded:
        # Not the last key alone: damaged records may be out of order.
        read = set()
        try:
            for record in live.stored_in(member, replaced):
                read.add(record.key)
                yield member.version, record
        except CorruptSnapshotError as error:
            rest = _without_damaged(member, replaced, read, error)
            yield from ((member.version, record) for record in rest)


def _without_damaged(
    member: LiveSegment,
    changed: Collection[bytes],
    read: set[bytes],
    error: CorruptSnapshotError,
) -> list[StoredRecord]:
    """The live records that were not read yet and are not changed.

    Raises `error` where another one than the changed records is damaged in both halves.
    """
    found = salvage_segment(member.segment.directory, member.listed).records
    damaged = [key for key in changed if key not in found and member.find(key) is not None]
    if len(found) + len(damaged) != member.listed.records:
        raise error
    return [record for key, record in sorted(found.items()) if key not in read and key not in changed]


def _write(
    request: BuildRequest,
    records: Callable[[], Iterator[tuple[int, StoredRecord]]],
    unpublished: UnpublishedGeneration,
    pace: Pace,
    *,
    in_memory: bool,
) -> list[SealedSegment]:
    """Write the records, with Tantivy's directory in memory where that is asked for and has room."""
    schema, compact = request.schema, request.compact
    if in_memory:
        try:
            with fs.private_directory(in_memory=True) as work:
                return write_segments(schema, records(), unpublished, pace, work, compact=compact)
        except StorageError as error:
            log.info("there is no room in memory for Tantivy's directory: %s", error)
    return write_segments(schema, records(), unpublished, pace, None, compact=compact)


def write_segments(
    schema: Schema[Any],
    stored: Iterable[tuple[int, StoredRecord]],
    unpublished: UnpublishedGeneration,
    pace: Pace,
    work: str | None,
    *,
    compact: bool = False,
) -> list[SealedSegment]:
    """Write the records, each key once and with its version, into new segments; returns these.

    What the schema does not upgrade goes into segments of its version, as it is. `work`: where Tantivy works,
    if not beside each segment. `compact`: as few as memory allows. Raises CorruptionError, StorageError.
    """
    upgrading = Upgrading(schema)
    records = upgrading.records(stored)
    sealed = _sealed(schema, records, unpublished, pace, work, compact=compact)
    for version, kept in upgrading.kept.items():
        older = Unreadable.of(schema, version)
        sealed += _sealed(older, iter(kept), unpublished, pace, None, compact=compact)
    return sealed


def _sealed(
    schema: Schema[Any],
    records: Iterator[StoredRecord],
    unpublished: UnpublishedGeneration,
    pace: Pace,
    work: str | None,
    *,
    compact: bool,
) -> list[SealedSegment]:
    sealed: list[SealedSegment] = []
    first = next(records, None)
    while first is not None:
        directory = unpublished.new_directory()
        own_work = _empty_directory(work, len(sealed))
        with SegmentBuilder(schema, directory, work=own_work, held=_DOCUMENTS_HELD) as builder:
            builder.add_stored(first, projection_of(schema, first.key, first.payload))
            first = None
            for record in records:
                if _is_full(builder, compact):
                    first = record
                    break
                builder.add_stored(record, projection_of(schema, record.key, record.payload))
                pace.step()
            content = builder.content
            seal = pace.through(builder.sealing())
            counts = tuple(seal.counts.values())
            listed = ListedSegment(encode_seal(seal), b"", seal.records, counts, content)
            sealed.append(SealedSegment(listed, directory))
    return sealed


def _empty_directory(work: str | None, number: int) -> str | None:
    """A directory below `work`: each index of Tantivy's begins in an empty one. Raises StorageError."""
    if work is None:
        return None
    directory = os.path.join(work, str(number))
    with fs.translated("make the directory", directory):
        os.mkdir(directory)
    return directory


def _is_full(builder: SegmentBuilder[Any], compact: bool) -> bool:
    if compact:
        return builder.documents >= COMPACT_DOCUMENTS or builder.payload_bytes >= COMPACT_BYTES
    return builder.documents >= LARGE_DOCUMENTS or builder.payload_bytes >= LARGE_BYTES
