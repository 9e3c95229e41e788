"""Opening a store: for writing, under the lock, with recovery; or for reading, without a trace."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from diptych import fs
from diptych.change import FileIndexed
from diptych.errors import (
    CorruptionError,
    CorruptStoreError,
    DiptychError,
    IncompatibleStoreError,
    NotAStoreError,
    StorageError,
    StoreNotFoundError,
)
from diptych.journal.reader import FrameReader
from diptych.layout import DEFAULT_STORE, GENERATIONS, LOCK, parse_generation_name
from diptych.schema.base import Schema
from diptych.segment.reader import Segment
from diptych.store.generation import Generation
from diptych.store.healing import log
from diptych.store.manifest import Identity, now_ms
from diptych.store.overlay import Overlay
from diptych.store.recovery.apply import (
    create,
    is_foreign,
    is_store,
    open_records,
    prepare_for_writing,
    replay,
)
from diptych.store.recovery.found import FoundSegment, Scan
from diptych.store.recovery.inspection import Inspection, inspect, plan_for
from diptych.store.recovery.plan import Plan
from diptych.store.report import Finding, Severity
from diptych.store.upgrade import upgrades
from diptych.values import Value, replace

if TYPE_CHECKING:
    from diptych.journal.writer import JournalWriter

_READER_TRIES = 20

MEDIUM = "the disk reports a failure: copy the store to another disk, then run `diptych verify` on the copy"


class Opened(Value, frozen=False):
    """What opening came to: everything up to `lsn`, as a generation and an overlay."""

    path: str
    identity: Identity
    base: Generation | None
    overlay: Overlay
    lsn: int
    modified_ms: int
    damaged: set[str]
    """The digests of the base's segments that have to be written again."""
    findings: list[Finding]


class OpenedWriter(Value, frozen=False):
    """A store opened for writing."""

    store: Opened
    journal: JournalWriter
    lock: fs.WriterLock
    releases_lock: bool
    """Whether the lock is released with the handle; else its holder does that."""
    closed_lsn: int
    """How far the clean-shutdown marker reaches; -1 where one must be written in any case."""

    def release(self) -> None:
        """Give back what is held."""
        self.journal.close()
        if self.releases_lock:
            self.lock.release()


class OpenedReader(Value, frozen=False):
    """A store opened for reading."""

    store: Opened
    generations: list[str]
    """The names of the generations that were there."""
    frames: FrameReader | None
    """After the last complete transaction; None where there is no journal file to follow."""


def absolute(path: str | os.PathLike[str]) -> str:
    """The absolute path of a store. Raises NotAStoreError for "", which would be the current folder."""
    given = os.fspath(path)
    if not given:
        raise NotAStoreError("the path of the store is empty", advice="name a directory, or `.` for this one")
    return os.path.abspath(given)


def index_by_hand(path: str) -> str:
    """What makes a store at `path`, as advice."""
    import shlex

    folder, name = os.path.split(path)
    if name == DEFAULT_STORE:
        return f"make one with `diptych index {shlex.quote(folder)}`"
    return f"make one with `diptych index REPOSITORY --store {shlex.quote(path)}`"


def repair_by_hand(path: str) -> str:
    """What repairs the store at `path`, as advice."""
    import shlex

    command = f"diptych repair --store {shlex.quote(path)}"
    return f"run `{command}`; with --dry-run it says first what it would do"


def check_place(path: str, *, create: bool) -> None:
    """Raise unless `path` is a store, or (with `create`) can become one.

    Raises StoreNotFoundError, NotAStoreError.
    """
    if not fs.exists(path):
        if not create:
            raise StoreNotFoundError(f"there is no store at {path}", advice=index_by_hand(path))
        return
    if not fs.is_dir(path):
        raise NotAStoreError(f"{path} is a file, and a store is a directory", advice="choose another path")
    with fs.translated("list", path):
        if is_foreign(path):
            raise NotAStoreError(
                f"{path} belongs to something else: it has files in it, and none of them a store's",
                advice="choose an empty or a new directory",
            )
        if not create and not is_store(path):
            raise StoreNotFoundError(f"there is no store at {path}", advice=index_by_hand(path))


def open_for_writing(path: str, schema: Schema[Any], *, create: bool, lock_timeout_s: float) -> OpenedWriter:
    """Lock, recover, and open. See `RecordStore.open_with` for what it raises."""
    check_place(path, create=create)
    # One that is there is synced by who makes the first directory in it (`create`); with a store in it, that
    # was done.
    fs.make_dir(path, sync_existing=not fs.is_dir(path))
    lock = fs.WriterLock(os.path.join(path, LOCK), timeout_s=lock_timeout_s)
    try:
        return _open_locked(path, schema, lock, may_create=create)
    except BaseException:
        lock.release()
        raise


def _open_locked(path: str, schema: Schema[Any], lock: fs.WriterLock, *, may_create: bool) -> OpenedWriter:
    # Here: readers need none of it.
    from diptych.store.migration import migrate
    from diptych.store.schema_change import OutdatedGenerations, migrate_followed

    migrate(path, schema, lock)
    outdated = OutdatedGenerations(path, schema)
    if outdated:
        # The new one is looked at first: where a process was killed before the last line here, and the new
        # one was damaged since, the old one still has the records.
        if outdated.is_newest or not _has_base_of(path, schema):
            _migrate_schema(path, outdated.stored_schema(), schema, lock)
        migrate_followed(path, outdated, schema, lock)
        outdated.remove()
    inspection = inspect(path, schema)
    if inspection.scan.incompatible is not None:
        raise inspection.scan.incompatible
    found = inspection.scan.identity
    is_changed = found is not None and found.is_migrated_by(schema)
    if is_changed and inspection.scan.adopted and not inspection.scan.generations:
        assert found is not None
        _migrate_schema(path, found.stored_schema(schema.older_versions), schema, lock)
        inspection = inspect(path, schema)
    if inspection.plan.fresh:
        if not may_create:
            raise StoreNotFoundError(f"there is no store at {path}", advice=index_by_hand(path))
        create(path, Identity.new(schema))
        inspection = inspect(path, schema)
    return open_planned(inspection, schema, lock, releases_lock=True)


def _has_base_of(path: str, schema: Schema[Any]) -> bool:
    """Whether the store opens from a generation of the schema as it is now. Raises StorageError."""
    inspection = inspect(path, schema)
    if inspection.scan.incompatible is not None:
        raise inspection.scan.incompatible
    try:
        _, base = settle(inspection, schema)
    except IncompatibleStoreError:
        # It would open from a generation of another shape.
        return False
    return base is not None and base.manifest.identity.is_of(schema)


def _migrate_schema(path: str, stored: Schema[Any], schema: Schema[Any], lock: fs.WriterLock) -> None:
    from diptych.store.rebuilt import Rebuilt
    from diptych.store.schema_change import migrate_all, migrate_schema

    rebuilt = Rebuilt.of(path)
    rebuilt.refuse_return(path, stored.shape, schema)
    inspection = inspect(path, stored)
    if inspection.scan.incompatible is not None:
        raise inspection.scan.incompatible
    identity = _identity(inspection)
    # What is rebuilt here is written again by the new schema: the stand-in knows nothing of payloads.
    inspection, base = settle(inspection, stored, indexed=False)
    refuse_fatal(inspection.scan, inspection.plan)
    _refuse_unversioned(inspection.plan, identity, schema)
    rebuilt.add(path, schema)
    try:
        if any(transaction.adopted for transaction in inspection.plan.replay):
            modified_ms = _modified_ms(inspection.scan, base)
            migrate_all(inspection, base, identity, schema, lock, modified_ms=modified_ms)
        else:
            migrate_schema(path, base, identity, stored.shape, schema, lock)
    except CorruptionError as error:
        # Not verify, which refuses the store until its schema is that of the program.
        raise CorruptStoreError(
            f"the store at {path} is damaged: {error.message}", where=error.where, advice=repair_by_hand(path)
        ) from error


def _refuse_unversioned(plan: Plan, identity: Identity, schema: Schema[Any]) -> None:
    """Raise IncompatibleStoreError where payloads would be upgraded whose version nothing says."""
    if identity.schema_version == schema.version or not upgrades(schema):
        return
    places = [change.stored for t in plan.replay for change in t.changes if isinstance(change, FileIndexed)]
    if any(not isinstance(place, bytes) and place.schema_version == 0 for place in places):
        raise IncompatibleStoreError(
            f"the journal has records of an older version of schema {schema.name!r}, and not of which",
            advice="open it with the program that wrote it, and call checkpoint(); then open it again",
        )


def _refuse_adopted(found: Scan, plan: Plan, schema: Schema[Any]) -> None:
    """Raise IncompatibleStoreError for a segment that was adopted before the schema changed.

    Its generation was built again since, and is lost.
    """
    for segment in (one for transaction in plan.replay for one in found.adopted_by(transaction)):
        seal = segment.listed.seal
        if seal.fingerprint != schema.fingerprint(seal.schema_version):
            raise IncompatibleStoreError(
                f"the journal has adopted segments from before schema {schema.name!r} changed",
                advice="open it with the program that wrote it, and call checkpoint(); then open it again",
            )


def open_planned(
    inspection: Inspection, schema: Schema[Any], lock: fs.WriterLock, *, releases_lock: bool
) -> OpenedWriter:
    """Open for writing by a plan; the caller holds the lock. Raises CorruptStoreError, StorageError."""
    identity = _identity(inspection)
    if not (identity.is_migrated_by(schema) and _is_unpublished_change(inspection.plan, schema)):
        identity.refuse_other(schema, inspection.scan.path)
    _refuse_unversioned(inspection.plan, identity, schema)
    _refuse_adopted(inspection.scan, inspection.plan, schema)
    # Before the first record of the new version is written, so that no older Diptych opens the store.
    identity = identity.upgraded(schema)
    inspection, base = settle(inspection, schema)
    refuse_fatal(inspection.scan, inspection.plan)
    opened = _opened(inspection, base, identity, schema)
    journal = prepare_for_writing(inspection.scan, inspection.plan, inspection.files, identity)
    closed_lsn = _closed_lsn(inspection.scan, identity)
    return OpenedWriter(opened, journal, lock, releases_lock, closed_lsn)


def _is_unpublished_change(plan: Plan, schema: Schema[Any]) -> bool:
    """Whether the identity alone is of another shape, which is then replaced.

    There is no generation yet, or a change of the schema ended before its generation was published.
    """
    if plan.base is None:
        return True
    return plan.base.manifest is not None and plan.base.manifest.identity.is_of(schema)


def open_for_reading(
    path: str, schema: Schema[Any], segments: Mapping[str, Segment] | None = None
) -> OpenedReader:
    """Open without changing a byte. See `RecordStore.open_with` for what it raises.

    `segments` has those that are open already, by digest.
    """
    check_place(path, create=False)
    for attempt in range(_READER_TRIES):
        before = published(path)
        try:
            return _open_reader(path, schema, segments)
        except (DiptychError, OSError) as error:
            # The writer may have published, and removed what this was reading: then look again.
            if attempt == _READER_TRIES - 1 or published(path) == before:
                raise
            log.debug("the store changed while it was opened: %s", error)
    raise AssertionError


def _open_reader(path: str, schema: Schema[Any], segments: Mapping[str, Segment] | None) -> OpenedReader:
    inspection = inspect(path, schema, segments)
    if inspection.scan.incompatible is not None:
        raise inspection.scan.incompatible
    if inspection.plan.fresh:
        raise StoreNotFoundError(f"the store at {path} is being made", advice="try again in a moment")
    identity = _identity(inspection)
    identity.refuse_other(schema, path)
    _refuse_adopted(inspection.scan, inspection.plan, schema)
    inspection, base = settle(inspection, schema)
    refuse_fatal(inspection.scan, inspection.plan)
    opened = _opened(inspection, base, identity, schema)
    last = inspection.plan.append_to
    frames = None
    if last is not None:
        frames = FrameReader(inspection.files.journal[last.path], offset=last.end, chain=last.chain)
    generations = sorted(os.path.basename(generation.path) for generation in inspection.scan.generations)
    return OpenedReader(opened, generations, frames)


def published(path: str) -> list[str]:
    """The names of the generations, now."""
    try:
        names = fs.list_directory(os.path.join(path, GENERATIONS))
    except OSError:
        return []
    return sorted(name for name in names if parse_generation_name(name) is not None)


def refuse_fatal(found: Scan, plan: Plan) -> None:
    """Raise CorruptStoreError where the store cannot be opened without giving something up.

    Raises StorageError where that may be because the disk does not give what is there.
    """
    if plan.fatal:
        refuse_unreadable(found)
        raise CorruptStoreError(
            f"the store at {found.path} is damaged: {plan.fatal}",
            where=found.path,
            advice=repair_by_hand(found.path),
        )


def refuse_unreadable(found: Scan) -> None:
    """Raise StorageError where the disk did not give what is there: that is not lost yet."""
    if found.unreadable:
        raise StorageError(
            f"the store at {found.path} cannot be read: {found.unreadable[0]}", errno=errno.EIO, advice=MEDIUM
        )


def _identity(inspection: Inspection) -> Identity:
    found = inspection.scan
    if found.identity is not None:
        return found.identity
    for generation in found.generations:
        if generation.manifest is not None:
            return generation.manifest.identity
    refuse_fatal(found, inspection.plan)
    raise IncompatibleStoreError(found.identity_problem, advice=repair_by_hand(found.path))


def settle(
    inspection: Inspection, schema: Schema[Any], *, indexed: bool = True
) -> tuple[Inspection, Generation | None]:
    """The plan that can be carried out, and its base, open; None where it has none, or is fatal.

    The segments that its transactions adopted are opened too.

    A search index is read only where records must be rebuilt from it; where that proves to be impossible, the
    plan is made again without it. `indexed` as in `rebuild_records`. Raises StorageError.
    """
    while True:
        found, files, plan = inspection
        if plan.fatal:
            return inspection, None
        adopted = [segment for transaction in plan.replay for segment in found.adopted_by(transaction)]
        for segment in (*(plan.base.segments if plan.base is not None else ()), *adopted):
            try:
                files.segments[segment.listed.digest] = open_records(segment, files, schema, indexed=indexed)
            except CorruptionError as error:
                inspection = plan_for(_without_search(found, segment, error.message), files)
                break
        else:
            if plan.base is None or plan.base.manifest is None:
                return inspection, None
            return inspection, Generation(plan.base.path, plan.base.manifest, schema, files.segments)


def _without_search(found: Scan, damaged: FoundSegment, problem: str) -> Scan:
    """The scan, with that of a segment's search index wherever the segment is listed."""

    def marked(segments: tuple[FoundSegment, ...]) -> tuple[FoundSegment, ...]:
        return tuple(
            replace(segment, search_problem=problem) if segment.path == damaged.path else segment
            for segment in segments
        )

    generations = tuple(
        replace(generation, segments=marked(generation.segments)) for generation in found.generations
    )
    return replace(found, generations=generations, adopted=marked(found.adopted))


def _opened(
    inspection: Inspection, base: Generation | None, identity: Identity, schema: Schema[Any]
) -> Opened:
    found, files, plan = inspection
    for finding in plan.findings:
        if finding.severity is not Severity.NOTE:
            log.warning("%s: %s", finding.kind, finding.message)
        else:
            log.info("%s: %s", finding.kind, finding.message)
    return Opened(
        path=found.path,
        identity=identity,
        base=base,
        overlay=replay(found, plan, files, schema),
        lsn=plan.last_lsn,
        modified_ms=_modified_ms(found, base),
        damaged={segment.listed.digest for segment in plan.base.damaged_segments} if plan.base else set(),
        findings=list(plan.findings),
    )


def _closed_lsn(found: Scan, identity: Identity) -> int:
    """How far the clean-shutdown marker reaches; -1 where one must be written in any case."""
    if found.closed is None:
        return -1 if found.closed_problem else 0
    return found.closed.lsn if found.closed.store_id == identity.store_id else -1


def _modified_ms(found: Scan, base: Generation | None) -> int:
    newest = found.journal[-1] if found.journal else None
    if newest is not None and newest.transactions:
        try:
            return os.stat(newest.path).st_mtime_ns // 1_000_000
        except OSError as error:
            raise fs.storage_error(error, "examine", newest.path) from error
    return base.manifest.modified_ms if base is not None else now_ms()
