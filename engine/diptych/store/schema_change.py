"""A store whose schema has changed is brought up to date by the first writer that opens it.

The newest generation is built again at its LSN, as another revision: of each segment the half that the change
affects, from the payloads. The other half, and the journal, stay as they are.

1. Build the segments in `incoming/`. Nothing has changed until here.
2. Write IDENTITY with the new shape: from now on a program with the old schema refuses the store.
3. Publish the generation.
   Where the journal names segments that were adopted since, which are of the old shape, all records are
   written again instead, in a generation of the newest LSN.
4. Do the same, without IDENTITY, for the generation that each consumer needs.
5. Look at the segments of the new one, and remove the generations of the old shape. Readers that have one
   open keep it.

A crash at any moment leaves the old generation or the new one, and the next writer continues.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from diptych import fs
from diptych.change import Change, FileIndexed, StoredRecord
from diptych.errors import CorruptionError, IncompatibleStoreError, StorageError
from diptych.layout import GENERATIONS, IDENTITY, SEGMENTS, parse_generation_name
from diptych.metadata import Metadata
from diptych.schema.base import Schema
from diptych.schema.shape import Shape, differences
from diptych.schema.undecodable import counts_of
from diptych.segment.reader import Segment
from diptych.segment.reindex import reindex
from diptych.segment.seal import Seal, digest_of, encode_seal
from diptych.store.checkpoint.build import build_of_records, write_segments
from diptych.store.checkpoint.pace import Pace
from diptych.store.checkpoint.retention import first_journal_lsn
from diptych.store.checkpoint.unpublished import Owner, UnpublishedGeneration
from diptych.store.generation import Generation, open_segment, read_manifest, segment_path
from diptych.store.healing import Healing, log
from diptych.store.live import LiveRecords
from diptych.store.live_segment import LiveSegment
from diptych.store.manifest import (
    NO_METADATA,
    Adoption,
    Identity,
    ListedSegment,
    Manifest,
    encode_identity,
    manifest_of,
)
from diptych.store.positions import consumers_of
from diptych.store.recovery.apply import prepare_for_writing
from diptych.store.recovery.inspection import Inspection
from diptych.store.recovery.reading import names_in
from diptych.store.upgrade import record_of, upgrades
from diptych.values import replace


class OutdatedGenerations:
    """The generations of a store that were written before its schema changed, newest first."""

    def __init__(self, path: str, schema: Schema[Any]) -> None:
        """Raises StorageError."""
        self._path, self._schema = path, schema
        directory = os.path.join(path, GENERATIONS)
        parsed = [(found, name) for name in names_in(directory) if (found := parse_generation_name(name))]
        self._intact: list[tuple[str, Manifest]] = []
        self._outdated: list[tuple[str, Manifest]] = []
        self.is_newest = False
        """Whether the newest intact manifest is one of them, so that its generation has to be built again."""
        for _, name in sorted(parsed, reverse=True):
            try:
                manifest = read_manifest(os.path.join(directory, name))
            except (CorruptionError, IncompatibleStoreError, StorageError) as error:
                fs.raise_transient(error)
                # What is wrong with it is said when it is scanned.
                continue
            if manifest.identity.is_migrated_by(schema):
                self._outdated.append((name, manifest))
                self.is_newest = self.is_newest or not self._intact
            self._intact.append((name, manifest))

    def __bool__(self) -> bool:
        return bool(self._outdated)

    @property
    def any_intact(self) -> bool:
        """Whether there is an intact manifest at all, of any shape."""
        return bool(self._intact)

    def stored_schema(self) -> Schema[Any]:
        """A stand-in for the schema that they were written with."""
        return self._outdated[0][1].identity.stored_schema(self._schema.older_versions)

    def followed(self) -> list[tuple[str, Manifest]]:
        """Those that a consumer needs for the records before a change, but for the newest.

        Raises StorageError.
        """
        found: dict[str, Manifest] = {}
        if not self._intact:
            return []
        for consumer in consumers_of(self._path, self._intact[0][1].identity.store_id):
            needed = next((one for one in self._intact if one[1].lsn <= consumer.lsn), None)
            if needed in self._outdated and needed is not None and needed[1].lsn < self._intact[0][1].lsn:
                found[needed[0]] = needed[1]
        return list(found.items())

    def remove(self) -> None:
        """Remove them. Raises StorageError.

        Their segments go with what no generation lists; recovery syncs these removals before that.
        """
        directory = os.path.join(self._path, GENERATIONS)
        for name, _ in self._outdated:
            fs.remove_file(os.path.join(directory, name))
            fs.remove_file(os.path.join(self._path, SEGMENTS, name))


def migrate_schema(
    path: str, base: Generation | None, identity: Identity, stored: Shape, schema: Schema[Any], owner: Owner
) -> None:
    """Build the generation `base`, of the shape `stored`, again for `schema`, and publish that.

    The caller holds the lock.
    Raises CorruptionError where a record of it cannot be read from either half, StorageError.
    """
    what = "; ".join(differences(stored, schema.shape))
    log.warning("the schema %r of %s has changed: %s", schema.name, path, what)
    identity = identity.upgraded(schema)
    if base is None:
        owner.refuse_replaced()
        fs.atomic_write(os.path.join(path, IDENTITY), encode_identity(identity))
    else:
        _rebuild(path, base, identity, schema, owner, writes_identity=True)


def migrate_followed(path: str, outdated: OutdatedGenerations, schema: Schema[Any], owner: Owner) -> None:
    """Build the generations again that consumers need; the newest one was, and the caller holds the lock.

    One that cannot be read is passed over: its consumer is told that the records are not kept. Raises
    StorageError.
    """
    for name, manifest in outdated.followed():
        stored = manifest.identity.stored_schema(schema.older_versions)
        try:
            segments = {one.digest: open_segment(path, one, stored) for one in manifest.segments}
            base = Generation(os.path.join(path, GENERATIONS, name), manifest, stored, segments)
            _rebuild(path, base, manifest.identity.upgraded(schema), schema, owner, writes_identity=False)
        except CorruptionError as error:
            log.warning("the generation %s, which a consumer needs, cannot be rebuilt: %s", name, error)


def _rebuild(
    path: str,
    base: Generation,
    identity: Identity,
    schema: Schema[Any],
    owner: Owner,
    *,
    writes_identity: bool,
) -> None:
    """Build a generation again for `schema`, and publish it. Raises as `migrate_schema` does."""
    with UnpublishedGeneration(path, base.lsn, owner) as unpublished:
        listed: list[ListedSegment] = []
        new: dict[str, str] = {}
        members = base.segments.members
        for number, member in enumerate(members, 1):
            for one, directory in _migrated(member, schema, unpublished):
                listed.append(one)
                # Another generation may have the same segment, to the byte.
                if not fs.exists(segment_path(path, one.digest)):
                    new[one.digest] = directory
            log.info("segment %d of %d is up to date", number, len(members))
        owner.refuse_replaced()
        if writes_identity:
            fs.atomic_write(os.path.join(path, IDENTITY), encode_identity(identity))
        old = base.manifest
        manifest = manifest_of(
            identity,
            schema,
            listed,
            lsn=old.lsn,
            chain=old.chain,
            modified_ms=old.modified_ms,
            metadata=old.metadata,
            adopted=old.adopted,
        )
        unpublished.publish(manifest, new)


def migrate_all(
    inspection: Inspection,
    base: Generation | None,
    identity: Identity,
    schema: Schema[Any],
    owner: Owner,
    *,
    modified_ms: int,
) -> None:
    """Write the records of the generation `base` and of the journal after it again, as a new generation.

    `inspection` and `base` are those of a stand-in for the schema as it was. The caller holds the lock.
    Raises as `migrate_schema` does.
    """
    found, files, plan = inspection
    path, upgraded = found.path, identity.upgraded(schema)
    log.warning("the schema %r of %s has changed: writing all of its records again", schema.name, path)
    # The journal file before the generation, which promises that the journal continues after it.
    journal = prepare_for_writing(found, plan, files, identity)
    try:
        lsn = journal.rotate(schema_version=schema.version)
        chain = journal.file.header.chain
    finally:
        journal.close()
    metadata = base.manifest.metadata if base is not None else NO_METADATA
    for transaction in plan.replay:
        if transaction.metadata:
            metadata = Metadata(transaction.lsn, transaction.metadata)
    older = base.manifest.adopted if base is not None else ()
    newer = [Adoption(one.lsn, digest_of(entry.sealed)) for one in plan.replay for entry in one.adopted]
    first_lsn = first_journal_lsn(path)
    with UnpublishedGeneration(path, lsn, owner) as unpublished:
        built = build_of_records(
            _all_records(inspection, base),
            unpublished,
            upgraded,
            schema,
            lsn=lsn,
            chain=chain,
            modified_ms=modified_ms,
            metadata=metadata,
            adopted=[*(one for one in older if one.lsn >= first_lsn), *newer],
        )
        owner.refuse_replaced()
        if base is not None:
            fs.atomic_write(os.path.join(path, IDENTITY), encode_identity(upgraded))
        unpublished.publish(built.manifest, built.segments)
    if base is None:
        # After it: with this identity, a crash in between would leave segments in the journal that it is not
        # of. A generation of another shape than the identity is of a change that ended before this.
        fs.atomic_write(os.path.join(path, IDENTITY), encode_identity(upgraded))


def _all_records(inspection: Inspection, base: Generation | None) -> Iterator[tuple[int, StoredRecord]]:
    """The records of a generation and of the journal after it, each with its version."""
    found, files, plan = inspection
    newest: dict[bytes, Change | Segment] = {}
    for transaction in plan.replay:
        newest |= {change.key: change for change in transaction.changes}
        for adopted in found.adopted_by(transaction):
            segment = files.segments[adopted.listed.digest]
            newest |= dict.fromkeys((record.key for record in segment.scan()), segment)
    for member in base.segments.members if base is not None else ():
        live = LiveRecords.of_one(member, member.segment.schema, Healing())
        for record in live.stored_in(member, newest):
            yield member.version, record
    for key, where in newest.items():
        if isinstance(where, Segment):
            stored = where.get(key)
            assert stored is not None
            yield where.seal.schema_version, stored
        elif isinstance(where, FileIndexed):
            version = 0 if isinstance(where.stored, bytes) else where.stored.schema_version
            yield version, record_of(where)[1]


def _migrated(
    member: LiveSegment, schema: Schema[Any], unpublished: UnpublishedGeneration
) -> Iterator[tuple[ListedSegment, str]]:
    """What a segment becomes, and where it was built: one of the same records, or all of it again."""
    stored, wanted = member.segment.schema.shape, schema.shape
    if member.version == schema.version or not upgrades(schema):
        try:
            directory = unpublished.new_directory()
            seal = reindex(member.segment, schema, directory, search=not wanted.is_search_of(stored))
        except CorruptionError as error:
            log.warning("a half of a segment is damaged, writing all of it again: %s", error)
        else:
            yield _with_dead(member, seal, schema, stored), directory
            return
    records = LiveRecords.of_one(member, schema, Healing()).stored_in(member)
    versioned = ((member.version, record) for record in records)
    for sealed in write_segments(schema, versioned, unpublished, Pace(), None):
        yield sealed.listed, sealed.directory


def _with_dead(member: LiveSegment, seal: Seal, schema: Schema[Any], stored: Shape) -> ListedSegment:
    """The segment as a manifest lists it, with the same dead records."""
    counts = tuple(seal.counts.values())
    if member.dead:
        if schema.shape.is_counted_as(stored):
            counts = member.listed.counts
        else:
            totals = [0] * len(schema.counters)
            for record in member.scan():
                for number, count in enumerate(counts_of(schema, record.payload)):
                    totals[number] += count
            counts = tuple(totals)
    return replace(member.listed, sealed=encode_seal(seal), counts=counts)
