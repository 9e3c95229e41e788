"""Migration of a store of format 1, by the first writer that opens it.

In format 1 a generation is a directory with a manifest, a snapshot of all records, and a Tantivy index. The
plan of recovery says which one is the base. Its records become segments, and those a generation of format 2
at the same LSN. The journal stays as it is: what it has after that LSN is replayed as ever. A store of which
anything would be lost is refused: it is left to the version that made it.

1. Build the segments in `incoming/`. Nothing of format 1 has changed until here.
2. Write IDENTITY in format 2: from now on an older Diptych refuses the store.
3. Publish the generation of format 2.
4. Remove the directories of format 1; those that are damaged, or of another store, are set aside.

A crash at any moment leaves the generation of format 1 or that of format 2, and the next writer continues.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from diptych import fs
from diptych.change import StoredRecord
from diptych.errors import CorruptionError, CorruptStoreError, IncompatibleStoreError, StorageError
from diptych.layout import (
    GENERATIONS,
    IDENTITY,
    MANIFEST_1,
    SEARCH_1,
    SEARCH_META,
    SNAPSHOT_1,
    WORK_1,
    is_generation_file_1,
    parse_generation_name,
    temporary_name,
)
from diptych.schema.base import Schema
from diptych.sealed import MAX_SIZE_BYTES, require, require_number
from diptych.search.format_1 import open_search_1
from diptych.snapshot.reader import SnapshotReader
from diptych.store.checkpoint.build import build_of_records
from diptych.store.checkpoint.unpublished import Owner, UnpublishedGeneration
from diptych.store.healing import log
from diptych.store.manifest import (
    MANIFEST_MAGIC,
    Identity,
    decode,
    decode_identity,
    encode_identity,
    identity_of,
    manifest_of,
    require_totals,
)
from diptych.store.recovery.apply import clear, set_aside
from diptych.store.recovery.found import FoundGeneration, Scan
from diptych.store.recovery.inspection import plan_for
from diptych.store.recovery.plan import Plan
from diptych.store.recovery.reading import names_in, read_small
from diptych.store.recovery.scan import rescan_journal, scan
from diptych.values import Value, replace

_FORMAT = 1
_SIZE_MOST = 2**63 - 1
_BLAKE3_HEX = re.compile(r"[0-9a-f]{64}\Z")


class Manifest1(Value):
    """The manifest of a generation of format 1."""

    identity: Identity
    lsn: int
    chain: int
    records: int
    counts: dict[str, int]
    created_ms: int
    modified_ms: int
    files: dict[str, tuple[int, str]]
    """Of each file, by its path below the generation: size in bytes, BLAKE3 in hexadecimal."""


class Generation1(Value):
    """A generation of format 1, all of it verified."""

    path: str
    problem: str = ""
    """What is wrong with it; "" where its records are all there."""
    foreign: bool = False
    """Whether it belongs to another store."""
    manifest: Manifest1 | None = None
    """None where it cannot be read, or is of another store."""
    records: Iterable[StoredRecord] = ()


def migrate(path: str, schema: Schema[Any], owner: Owner) -> None:
    """Bring the store at `path` to format 2, where it is of format 1; the caller holds its lock.

    Raises IncompatibleStoreError for another schema, CorruptStoreError where not everything can be read,
    StorageError; then the store is as it was, or the next writer continues.
    """
    where = os.path.join(path, IDENTITY)
    identity = _identity_of_format_1(where)
    directories = _directories_of_format_1(path)
    if identity is None and not directories:
        return
    if identity is not None:
        identity.refuse_other(schema, path)
    log.warning("the store at %s is of format 1: migrating it", path)
    current, files = scan(path, schema)
    known = identity or current.identity
    old = [_read(directory, known, schema) for directory in directories]
    found = _with_format_1(replace(current, identity=known), old, schema)
    newest = next((generation.lsn for generation in found.generations if generation.usable), 0)
    plan = plan_for(rescan_journal(found, files, newest), files).plan
    if plan.fatal and not current.generations:
        raise CorruptStoreError(
            f"the store at {path} is of format 1, and damaged: {plan.fatal}",
            where=path,
            advice="repair it with the version of Diptych that made it, then open it again",
        )
    # What is in the way of `incoming/` and `segments/`, too.
    clear(current)
    base = None if plan.fatal else next((one for one in old if _is_base(one, plan)), None)
    if base is not None:
        _publish(path, base, schema, owner)
    elif identity is not None:
        fs.atomic_write(where, encode_identity(identity.upgraded(schema)))
    # A cache. Before the last thing by which the store is known to be of format 1.
    fs.remove_tree(os.path.join(path, WORK_1))
    for one in old:
        # Where a generation of format 2 is damaged, what is left of format 1 may be of use to someone.
        if plan.fatal or one.problem:
            set_aside(path, one.path)
        else:
            _remove(one.path)


def _is_base(generation: Generation1, plan: Plan) -> bool:
    return plan.base is not None and plan.base.path == generation.path


def _publish(path: str, base: Generation1, schema: Schema[Any], owner: Owner) -> None:
    """Publish the generation of format 2 with the records of one of format 1. Raises as `migrate` does."""
    manifest = base.manifest
    assert manifest is not None
    identity = manifest.identity.upgraded(schema)
    with UnpublishedGeneration(path, manifest.lsn, owner) as unpublished:
        # The records are written with the current version of the schema.
        built = build_of_records(
            ((0, record) for record in base.records),
            unpublished,
            identity,
            schema,
            lsn=manifest.lsn,
            chain=manifest.chain,
            modified_ms=manifest.modified_ms,
        )
        if built.manifest.records != manifest.records:
            raise CorruptStoreError(f"{base.path} has not the {manifest.records:,} records of its manifest")
        # Before the generation, which an older Diptych would not read: it must refuse the store by then.
        fs.atomic_write(os.path.join(path, IDENTITY), encode_identity(identity))
        unpublished.publish(built.manifest, built.segments)


def _identity_of_format_1(where: str) -> Identity | None:
    """The identity, where it is of format 1. Raises StorageError."""
    try:
        data = read_small(where)
        return decode_identity(data, where=where, version=_FORMAT) if data is not None else None
    except (CorruptionError, IncompatibleStoreError):
        # What is wrong with it is said when it is read as one of format 2.
        return None


def _directories_of_format_1(path: str) -> list[str]:
    """The directories of generations of format 1, newest first. Raises StorageError."""
    generations = os.path.join(path, GENERATIONS)
    found = []
    for name in names_in(generations):
        parsed = parse_generation_name(name)
        directory = os.path.join(generations, name)
        is_old = fs.is_directory(directory) and fs.exists(os.path.join(directory, MANIFEST_1))
        if parsed is not None and is_old:
            found.append((parsed, directory))
    return [directory for _, directory in sorted(found, reverse=True)]


def _lsn_of(directory: str) -> int:
    parsed = parse_generation_name(os.path.basename(directory))
    assert parsed is not None
    return parsed[0]


def _read(directory: str, identity: Identity | None, schema: Schema[Any]) -> Generation1:
    """A generation of format 1. Raises StorageError, IncompatibleStoreError."""
    manifest = None
    try:
        manifest = _read_manifest(directory)
        if identity is not None and manifest.identity.store_id != identity.store_id:
            return Generation1(directory, f"{directory} belongs to another store", foreign=True)
        manifest.identity.refuse_other(schema, directory)
        return Generation1(directory, manifest=manifest, records=_records(directory, manifest, schema))
    except (CorruptionError, StorageError) as error:
        fs.raise_transient(error)
        # With its manifest, which proves how far the journal went.
        return Generation1(directory, error.message, manifest=manifest)


def _with_format_1(current: Scan, old: Iterable[Generation1], schema: Schema[Any]) -> Scan:
    """The scan with the generations of format 1 among those of format 2, as far as a plan looks at them."""
    generations = list(current.generations)
    for one in old:
        found = FoundGeneration(
            one.path, _lsn_of(one.path), revision=-1, problem=one.problem, foreign=one.foreign
        )
        if (of := one.manifest) is not None:
            manifest = manifest_of(
                of.identity, schema, [], lsn=of.lsn, chain=of.chain, modified_ms=of.modified_ms
            )
            found = replace(found, manifest=manifest)
        generations.append(found)
    # Of one LSN, that of format 2 comes first: it is complete, and what was left of format 1 is removed.
    generations.sort(key=lambda generation: (generation.lsn, generation.revision), reverse=True)
    return replace(current, generations=tuple(generations))


def _read_manifest(directory: str) -> Manifest1:
    where = os.path.join(directory, MANIFEST_1)
    with fs.translated("read", where):
        data = fs.read_bounded(where, MAX_SIZE_BYTES)
    manifest = decode(MANIFEST_MAGIC, data, _FORMAT, where, _manifest)
    if manifest.lsn != _lsn_of(directory):
        raise CorruptStoreError(f"{where} is of LSN {manifest.lsn}", where=where)
    return manifest


def _manifest(body: dict[str, Any]) -> Manifest1:
    identity = identity_of(body.pop("identity"))
    files = {}
    for name, (size, blake3_hex) in body.pop("files").items():
        # It is joined to the generation's path, opened, and linked.
        require(is_generation_file_1(name), f"file name {name!r:.200}")
        require(type(blake3_hex) is str and _BLAKE3_HEX.match(blake3_hex), f"hash {blake3_hex!r:.200}")
        files[name] = (require_number(size, _SIZE_MOST), blake3_hex)
    meta_bytes, _ = files.get(f"{SEARCH_1}/{SEARCH_META}", (0, ""))
    # Tantivy reads it into memory.
    require(meta_bytes <= MAX_SIZE_BYTES, f"size {meta_bytes:,} of {SEARCH_META}")
    manifest = Manifest1(identity=identity, files=files, **body)
    require_totals(manifest)
    return manifest


def _records(directory: str, manifest: Manifest1, schema: Schema[Any]) -> Iterator[StoredRecord]:
    """All records, from the snapshot or else from the search index.

    Raises CorruptionError, StorageError: neither is what the manifest says.
    """
    path = os.path.join(directory, SNAPSHOT_1)
    try:
        size, blake3_hex = manifest.files.get(SNAPSHOT_1, (0, ""))
        if fs.hash_stable_file(path, expected_bytes=size)[1].hex() == blake3_hex:
            return SnapshotReader(path).scan()
        problem = f"{path} is not what the manifest says"
    except (CorruptionError, StorageError) as error:
        fs.raise_transient(error)
        problem = error.message
    log.warning("%s: reading the search index", problem)
    prefix = SEARCH_1 + "/"
    files = {name[len(prefix) :]: facts for name, facts in manifest.files.items() if name.startswith(prefix)}
    return open_search_1(os.path.join(directory, SEARCH_1), files, schema).records()


def _remove(directory: str) -> None:
    """Remove a generation of format 1."""
    # Renamed first: a crash within the deletion must not leave what looks like a damaged generation.
    doomed = temporary_name(directory)
    fs.remove_tree(doomed)
    fs.rename(directory, doomed)
    fs.remove_tree(doomed)
