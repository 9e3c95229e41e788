"""Repair: what a person asks for when the store cannot be opened, or to heal it now.

1.  Take the writer's lock.
2.  Read every byte, and plan (the same plan that recovery makes, with what the deep inspection found).
3.  If nothing is damaged, there is nothing to do.
4.  If the plan loses nothing: open by it, publish a generation in which the damaged segments are written
    again, and set aside the damaged generations, the segments that they alone list, and the damaged journal
    that nothing needs.
5.  Otherwise salvage: a generation's records from whichever half of its segments still has them, and every
    intact transaction of the journal after it, also those after damage. Of the generations, and the journal
    alone, the one with which least is lost. Publish that as a generation, with a journal file that follows
    it, set all the rest aside, and say what was lost.

Nothing is deleted: what is set aside lies in `quarantine/`. A crash or an error in the middle leaves a store
to which the same algorithm applies, because the rename that publishes comes before anything is set aside. A
store that opens (damage deep in both stores does not prevent that) still opens then: the new journal file
follows the old ones.

Where the schema has changed since, and something is damaged that no opening can go past, the store is read by
the schema that it was written with, and what is salvaged is written by the new one. What an opening can go
past is left to that: it brings the store up to date.

An error of the disk is not damage. Where bytes cannot be read, nothing is salvaged: they may not be lost.
"""

from __future__ import annotations

import os
from typing import Any

from diptych import fs
from diptych.journal.format import JournalHeader
from diptych.journal.reader import TailKind
from diptych.journal.writer import create_journal_file
from diptych.layout import (
    CLOSED,
    FACTS,
    FRESHNESS,
    GENERATIONS,
    IDENTITY,
    JOURNAL,
    LOCK,
    SEAL,
    SEGMENTS,
    journal_file_name,
    parse_generation_name,
)
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.schema.shape import differences
from diptych.store.checkpoint.build import build_of_records
from diptych.store.checkpoint.policy import CheckpointPolicy
from diptych.store.checkpoint.unpublished import UnpublishedGeneration
from diptych.store.generation import read_manifest, segment_path
from diptych.store.manifest import Identity, encode_identity, now_ms
from diptych.store.opening import absolute, check_place, open_planned, refuse_unreadable
from diptych.store.positions import acknowledged_lsn
from diptych.store.recovery.apply import clear, cut, set_aside
from diptych.store.recovery.found import FoundGeneration, FoundJournalFile, Scan
from diptych.store.recovery.inspection import Inspection
from diptych.store.recovery.plan import Plan, cut_off
from diptych.store.recovery.reading import names_in
from diptych.store.recovery.scan import scan
from diptych.store.report import UNDECODABLE, Report, Severity
from diptych.store.salvage import best, from_journal, lsn_range, manifests
from diptych.store.schema_change import OutdatedGenerations
from diptych.store.verify import cut_off_journal, inspect_all
from diptych.store.view import View
from diptych.store.writer import StoreWriter
from diptych.values import replace


def repair(
    path: str | os.PathLike[str],
    *,
    dry_run: bool = False,
    schema: Schema[Any] = CODE,
    lock_timeout_s: float = 0.0,
) -> Report:
    """Repair the store in directory `path`; with `dry_run` only say what would be done.

    The report says what was wrong, from which store it was repaired, what was done, and what was lost.
    Raises StoreNotFoundError, NotAStoreError, StoreLockedError, IncompatibleStoreError, and StorageError;
    then the store opens as it did before, or is repaired, and repair may be run again.
    """
    where = absolute(path)
    check_place(where, create=False)
    if dry_run:
        with fs.translated("read the store at", where):
            return _repair(where, schema, None)
    lock = fs.WriterLock(os.path.join(where, LOCK), timeout_s=lock_timeout_s)
    try:
        with fs.translated("repair the store at", where):
            return _repair(where, schema, lock)
    finally:
        lock.release()


def _repair(path: str, schema: Schema[Any], lock: fs.WriterLock | None) -> Report:
    written_by = _written_by(path, schema)
    inspection = inspect_all(path, written_by, deep=True)
    found, _, plan = inspection
    if found.incompatible is not None:
        raise found.incompatible
    if written_by is schema:
        if found.identity is not None:
            found.identity.refuse_other(schema, path)
    elif not plan.fatal and plan.base is (found.generations[0] if found.generations else None):
        # Opening does not look as deep, and would not pass over a newest generation that has lost records.
        _identity(found, schema).refuse_other(schema, path)
    report = Report(path, findings=list(plan.findings), lsn=plan.last_lsn)
    if plan.fresh:
        report.actions.append("nothing was ever committed here: nothing to repair")
    elif plan.fatal or written_by is not schema:
        _salvage(inspection, schema, report, lock)
    elif _is_intact(found, plan):
        report.actions.append("nothing is damaged: nothing to repair")
    else:
        _rewrite(inspection, schema, report, lock)
    return report


def _written_by(path: str, schema: Schema[Any]) -> Schema[Any]:
    """What reads the store: `schema`, or a stand-in for it before it changed. Raises StorageError."""
    outdated = OutdatedGenerations(path, schema)
    if outdated.is_newest:
        return outdated.stored_schema()
    identity = scan(path, schema)[0].identity
    # With a generation of the new shape only the identity is left to be written.
    if identity is not None and identity.is_migrated_by(schema) and not outdated.any_intact:
        return identity.stored_schema(schema.older_versions)
    return schema


def _is_intact(found: Scan, plan: Plan) -> bool:
    return all(one.severity is Severity.NOTE or one.kind == UNDECODABLE for one in plan.findings) and not any(
        file.problem for file in found.journal
    )


def _damaged(generation: FoundGeneration) -> bool:
    return bool(generation.problem or generation.damaged_segments)


def _rewrite(inspection: Inspection, schema: Schema[Any], report: Report, lock: fs.WriterLock | None) -> None:
    """Step 4. Nothing is lost."""
    found, _, plan = inspection
    base = plan.base
    damaged = base.damaged_segments if base is not None else []
    adopted = [one for transaction in plan.replay for one in found.adopted_by(transaction)]
    damaged += [one for one in adopted if one.damaged]
    from_search = any(segment.records_problem for segment in damaged)
    source = "journal" if base is None else "search" if from_search else "snapshot"
    report.mended_from = source
    store = "search index" if from_search else "snapshot"
    report.actions.append(
        f"read everything up to LSN {plan.last_lsn} from the {store} of LSN {base.lsn} and the journal"
        if base is not None
        else f"replay the journal up to LSN {plan.last_lsn}"
    )
    if plan.rewrite_identity:
        report.actions.append("write the identity again, from a manifest")
    report.actions += [f"write {path} again, from a manifest" for path in _seals_to_write(found)]
    if damaged or base is None or base.lsn < plan.last_lsn:
        report.actions.append(f"publish a generation at LSN {plan.last_lsn}")
    strays = [stray.path for stray in found.strays]
    generations = [*filter(_damaged, found.generations), *cut_off(found, plan)]
    useless = cut_off_journal(found, plan)
    aside = [*strays, *(generation.path for generation in generations)]
    aside += [file.path for file in found.journal if file.problem or file in useless]
    # An older generation is a fallback by way of the journal, and of the segments that it names.
    named = {one.path for one in found.adopted if one.usable}
    segments = {
        one.path: one for generation in generations for one in generation.segments if one.path not in named
    }
    report.actions += [f"set {item} aside" for item in aside]
    report.actions += [f"set {path} aside" for path, one in segments.items() if one.damaged]
    if segments:
        # Which these are shows when the generation is published: it may have folded segments of the base.
        report.actions.append("set the segments aside that only these generations list")
    if lock is None:
        return
    opened = open_planned(inspection, schema, lock, releases_lock=False)
    writer = StoreWriter(opened, schema, View, "journal", CheckpointPolicy(automatic=False))
    try:
        writer.rewrite()
    finally:
        writer.close()
    # Only now: until the generation is published, what is damaged may be what the store opens from.
    for item in aside:
        if fs.exists(item) and item not in strays:
            lock.refuse_replaced()
            set_aside(found.path, item)
    # An intact one, too, is of use to the manifest that lists it.
    kept = _listed_segments(found.path)
    for item, segment in segments.items():
        if (segment.damaged or item not in kept) and fs.exists(item):
            lock.refuse_replaced()
            set_aside(found.path, item)


def _seals_to_write(found: Scan) -> list[str]:
    """The paths of damaged SEALs of intact segments: opening for writing writes them again."""
    segments = found.segments().items()
    rewritten = [path for path, one in segments if one.seal_problem and not one.damaged]
    return [os.path.join(path, SEAL) for path in rewritten]


def _listed_segments(store: str) -> set[str]:
    """The segments that the generations of a store list now. Raises CorruptionError, StorageError."""
    directory = os.path.join(store, GENERATIONS)
    names = [name for name in names_in(directory) if parse_generation_name(name) is not None]
    manifests = [read_manifest(os.path.join(directory, name)) for name in names]
    return {segment_path(store, one.digest) for manifest in manifests for one in manifest.segments}


def _salvage(inspection: Inspection, schema: Schema[Any], report: Report, lock: fs.WriterLock | None) -> None:
    """Step 5."""
    found, files, plan = inspection
    refuse_unreadable(found)
    identity = _identity(found, schema)
    if identity.is_migrated_by(schema) and identity.shape is not None:
        what = "; ".join(differences(identity.shape, schema.shape))
        report.actions.append(f"bring it up to date with its schema {schema.name!r}: {what}")
    else:
        identity.refuse_other(schema, found.path)
    identity = identity.upgraded(schema)
    with fs.medium_errors_raised():
        # What a consumer has acknowledged was durable, and its LSN must not be given again.
        reached = max(_reached(found, plan), acknowledged_lsn(found.path, identity.store_id))
        salvaged = best(found, files, identity.store_id, reached)
        records = salvaged.records
        replayed = from_journal(found, files, salvaged.base_lsn, records)
    last_lsn = replayed.last_lsn
    report.mended_from = salvaged.source
    report.given_up += [*salvaged.missing(replayed.replaced), *replayed.missing]
    proven = max(last_lsn, reached)
    if proven > last_lsn:
        report.given_up.append(lsn_range(last_lsn + 1, proven))
    elif not report.given_up and not _end_is_known(found):
        report.given_up.append(f"what was committed after LSN {last_lsn}, if anything was")
    report.lsn = proven
    # The journal is ended here, so that no LSN that was ever given is given again.
    strays = [stray.path for stray in found.strays]
    aside = [*strays, *(g.path for g in found.generations), *(file.path for file in found.journal)]
    aside += [os.path.join(found.path, SEGMENTS, name) for name in found.segment_names]
    if found.closed is not None or found.closed_problem:
        aside.append(os.path.join(found.path, JOURNAL, CLOSED))
    aside = list(dict.fromkeys(aside))
    report.actions.append(f"publish {len(records):,} records at LSN {proven}, and begin a new journal")
    report.actions += [f"set {item} aside" for item in aside]
    if lock is None:
        return
    clear(found)
    # Before anything is published: a crash in between must leave no cache that vouches for what is lost.
    for cache in (FACTS, FRESHNESS):
        fs.remove_file(os.path.join(found.path, cache))
    fs.fsync_dir(found.path)
    # The journal file before the generation: a generation promises that the journal continues after it.
    journal_file, chain = _begin_journal_file(found, identity, proven)
    with UnpublishedGeneration(found.path, proven, lock) as unpublished:
        built = build_of_records(
            records.values(),
            unpublished,
            identity,
            schema,
            lsn=proven,
            chain=chain,
            modified_ms=now_ms(),
            metadata=replayed.metadata if replayed.metadata.lsn else salvaged.metadata,
        )
        path = unpublished.publish(built.manifest, built.segments)
    for item in aside:
        if fs.exists(item) and item not in (path, journal_file, *strays):
            lock.refuse_replaced()
            set_aside(found.path, item)
    fs.atomic_write(os.path.join(found.path, IDENTITY), encode_identity(identity))


def _end_is_known(found: Scan) -> bool:
    """Whether the journal's last file is there, with nothing of it damaged.

    A generation promises that a journal file begins after it.
    """
    last = found.journal[-1] if found.journal else None
    promised = max((g.lsn for g in found.generations if not g.foreign), default=0)
    return (
        last is not None
        and last.first_lsn > promised
        and not last.problem
        and last.tail is not None
        and last.tail.kind is not TailKind.DAMAGED
    )


def _begin_journal_file(found: Scan, identity: Identity, proven: int) -> tuple[str, int]:
    """The journal file that begins after `proven`, and what it follows on.

    Where the journal reaches `proven`, it follows on that: a store that opens with the old generations opens
    with it too, should the new one never be published.
    """
    last = _end_of_journal(found, identity, proven)
    if last is not None and last.end < last.size:
        # As at every opening; and with a journal file after it, a torn end would be damage.
        cut(found.path, last.path, last.end, last.size)
        fs.fsync_file(last.path)
    if last is not None and last.header is not None and last.first_lsn == proven + 1:
        # The chain of its header: the checkpoint before wrote a control frame after that.
        return last.path, last.header.chain
    journal = os.path.join(found.path, JOURNAL)
    path = os.path.join(journal, journal_file_name(proven + 1))
    if fs.exists(path):
        set_aside(found.path, path)
    chain = last.chain if last is not None else int.from_bytes(os.urandom(8), "little")
    salt = int.from_bytes(os.urandom(8), "little")
    header = JournalHeader(identity.store_id, proven + 1, salt, chain, identity.schema_version)
    return create_journal_file(journal, header), chain


def _end_of_journal(found: Scan, identity: Identity, proven: int) -> FoundJournalFile | None:
    """The last journal file, where it is intact and reaches `proven`."""
    last = found.journal[-1] if found.journal else None
    if last is None or last.header is None or last.header.store_id != identity.store_id:
        return None
    return last if last.read and not last.problem and last.last_lsn == proven else None


def _identity(found: Scan, schema: Schema[Any]) -> Identity:
    """From the identity, or a manifest, or at least the store id from the journal."""
    if found.identity is not None:
        return found.identity
    known = manifests(found, None)
    if known:
        return known[0].identity
    fresh = Identity.new(schema)
    store_id = next((file.header.store_id for file in found.journal if file.header is not None), None)
    return fresh if store_id is None else replace(fresh, store_id=store_id)


def _reached(found: Scan, plan: Plan) -> int:
    """How far the journal went, by anything that says so."""
    own = [file for file in found.journal if not file.foreign]
    proofs = [plan.last_lsn, *(g.lsn for g in found.generations if not g.foreign)]
    proofs += [file.proven_lsn for file in own]
    proofs += [file.tail.resumes_lsn for file in own if file.tail is not None]
    if found.closed is not None and found.store_id in (None, found.closed.store_id):
        proofs.append(found.closed.lsn)
    return max(proofs)
