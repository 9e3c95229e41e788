"""Repair: what a person asks for when the store cannot be opened, or to mend it now.

1.  Take the writer's lock.
2.  Look at every byte, and plan (the same plan that recovery makes, with what the deep look found).
3.  If nothing is damaged, there is nothing to do.
4.  If the plan gives nothing up: open by it, publish a generation with both leaves written anew where they
    were damaged, and set aside the damaged generations and the damaged journal that nothing needs.
5.  Otherwise salvage: a generation's records from whichever leaf still has them, and every intact transaction
    of the journal after it, also those after damage. Of the generations, and the journal alone, the one
    with which least is lost. Publish that as a generation, with a journal file that follows it, set all the
    rest aside, and say what was lost.

Nothing is deleted: what is set aside lies in `quarantine/`. A crash or an error in the middle leaves a store
to which the same algorithm applies, because the rename that publishes comes before anything is set aside. A
store that opens (damage deep in both leaves does not prevent that) still opens then: the new journal file
follows the old ones.

An error of the disk is not damage. Where bytes cannot be read, nothing is salvaged: they may not be lost.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from diptych import fs
from diptych.change import FileIndexed
from diptych.errors import CorruptStoreError
from diptych.journal.format import JournalHeader
from diptych.journal.reader import TailKind
from diptych.journal.writer import create_journal_file
from diptych.layout import (
    CLOSED,
    FACTS,
    FRESHNESS,
    IDENTITY,
    JOURNAL,
    LOCK,
    SEARCH,
    SNAPSHOT,
    WORK,
    journal_file_name,
)
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.search.documents import Watermark
from diptych.search.writer import SearchWriter
from diptych.snapshot.writer import with_terms, write_snapshot
from diptych.store.checkpoint.policy import CheckpointPolicy
from diptych.store.checkpoint.unpublished import UnpublishedGeneration
from diptych.store.manifest import Identity, Manifest, encode_identity, now_ms
from diptych.store.opening import Inspection, absolute, check_place, open_planned, refuse_unreadable
from diptych.store.recovery.apply import clear, cut, set_aside
from diptych.store.recovery.found import FoundGeneration, FoundJournalFile, Scan
from diptych.store.recovery.plan import Plan, cut_off
from diptych.store.report import Report, Severity
from diptych.store.salvage import Records, best, from_journal, lsn_range, store_id_of_generations
from diptych.store.verify import cut_off_journal, inspect_all
from diptych.store.view import View
from diptych.store.writer import StoreWriter


def repair(
    path: str | os.PathLike[str],
    *,
    dry_run: bool = False,
    schema: Schema[Any] = CODE,
    lock_timeout_s: float = 0.0,
) -> Report:
    """Mend the store in directory `path`; with `dry_run` only say what would be done.

    The report says what was wrong, from which leaf it was mended, what was done, and what was given up.
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
    inspection = inspect_all(path, schema, deep=True)
    found, _, plan = inspection
    if found.incompatible is not None:
        raise found.incompatible
    if found.identity is not None:
        found.identity.refuse_other(schema, path)
    report = Report(path, findings=list(plan.findings), lsn=plan.last_lsn)
    if plan.fresh:
        report.actions.append("nothing was ever committed here: nothing to mend")
    elif plan.fatal:
        _salvage(inspection, schema, report, lock)
    elif _is_whole(found, plan):
        report.actions.append("nothing is damaged: nothing to mend")
    else:
        _mend(inspection, schema, report, lock)
    return report


def _is_whole(found: Scan, plan: Plan) -> bool:
    return all(finding.severity is Severity.NOTE for finding in plan.findings) and not any(
        file.problem for file in found.journal
    )


def _damaged(generation: FoundGeneration) -> bool:
    return bool(generation.problem or generation.snapshot_problem or generation.search_problem)


def _mend(inspection: Inspection, schema: Schema[Any], report: Report, lock: fs.WriterLock | None) -> None:
    """Step 4. Nothing is lost."""
    found, _, plan = inspection
    base = plan.base
    source = "journal" if base is None else "search" if base.snapshot_problem else "snapshot"
    report.mended_from = source
    report.actions.append(
        f"read everything up to LSN {plan.last_lsn} from the {source} leaf of LSN {base.lsn} and the journal"
        if base is not None
        else f"replay the journal up to LSN {plan.last_lsn}"
    )
    if plan.rewrite_identity:
        report.actions.append("write the identity anew, from a manifest")
    report.actions.append(f"publish both leaves at LSN {plan.last_lsn}")
    strays = [stray.path for stray in found.strays]
    aside = [*strays, *(g.path for g in [*filter(_damaged, found.generations), *cut_off(found, plan)])]
    useless = cut_off_journal(found, plan)
    aside += [file.path for file in found.journal if file.problem or file in useless]
    report.actions += [f"set {item} aside" for item in aside]
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


def _salvage(inspection: Inspection, schema: Schema[Any], report: Report, lock: fs.WriterLock | None) -> None:
    """Step 5."""
    found, files, plan = inspection
    refuse_unreadable(found)
    identity = _identity(found, schema)
    identity.refuse_other(schema, found.path)
    with fs.medium_errors_raised():
        salvaged = best(found, files, schema, identity.store_id, _reached(found, plan))
        records = salvaged.records
        last_lsn, gaps, replaced = from_journal(found, files, salvaged.base_lsn, records)
    report.mended_from = salvaged.source
    report.given_up += [*salvaged.missing(replaced), *gaps]
    proven = max(last_lsn, _reached(found, plan))
    if proven > last_lsn:
        report.given_up.append(lsn_range(last_lsn + 1, proven))
    elif not report.given_up and not _end_is_known(found):
        report.given_up.append(f"what was committed behind LSN {last_lsn}, if anything was")
    report.lsn = proven
    # The journal is ended here, so that no LSN that was ever given is given again.
    strays = [stray.path for stray in found.strays]
    aside = [*strays, *(g.path for g in found.generations), *(file.path for file in found.journal)]
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
    # The journal file before the generation: a generation promises that the journal goes on behind it.
    journal_file, chain = _begin_journal_file(found, identity, proven)
    with UnpublishedGeneration(found.path, proven, lock) as unpublished:
        path = unpublished.publish(
            _build(unpublished.path, found.path, identity, schema, records, proven, chain)
        )
    for item in aside:
        if fs.exists(item) and item not in (path, journal_file, *strays):
            lock.refuse_replaced()
            set_aside(found.path, item)
    fs.atomic_write(os.path.join(found.path, IDENTITY), encode_identity(identity))


def _end_is_known(found: Scan) -> bool:
    """Whether the journal's last file is there, with nothing of it damaged.

    A generation promises that a journal file begins behind it.
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
    return create_journal_file(journal, JournalHeader(identity.store_id, proven + 1, salt, chain)), chain


def _end_of_journal(found: Scan, identity: Identity, proven: int) -> FoundJournalFile | None:
    """The last journal file, where it is intact and reaches `proven`."""
    last = found.journal[-1] if found.journal else None
    if last is None or last.header is None or last.header.store_id != identity.store_id:
        return None
    return last if last.read and not last.problem and last.last_lsn == proven else None


def _identity(found: Scan, schema: Schema[Any]) -> Identity:
    """From the identity, or a manifest, or at least the store id from the journal or a snapshot."""
    if found.identity is not None:
        return found.identity
    for generation in found.generations:
        if generation.manifest is not None:
            return generation.manifest.identity
    fresh = Identity.new(schema)
    store_id = next((file.header.store_id for file in found.journal if file.header is not None), None)
    store_id = store_id or store_id_of_generations(found, schema)
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


def _build(
    directory: str,
    store: str,
    identity: Identity,
    schema: Schema[Any],
    records: Records,
    lsn: int,
    chain: int,
) -> Manifest:
    written = write_snapshot(
        os.path.join(directory, SNAPSHOT),
        store_id=identity.store_id,
        lsn=lsn,
        schema=schema,
        changes=with_terms(schema, (records[key] for key in sorted(records))),
    )
    writer = SearchWriter(os.path.join(store, WORK), schema, None)
    for record in records.values():
        writer.apply(FileIndexed(*record), schema.documents(record.key, record.payload), known=False)
    writer.commit(Watermark(identity.store_id, lsn, chain, written.records, written.counts))
    files = writer.export(os.path.join(directory, SEARCH), {})
    writer.drop()
    if written.records != len(records):
        raise CorruptStoreError("the snapshot written has not all records", where=directory)
    return Manifest(
        identity=identity,
        lsn=lsn,
        chain=chain,
        records=written.records,
        counts=dict(zip(schema.counters, written.counts, strict=True)),
        created_ms=now_ms(),
        modified_ms=now_ms(),
        files={SNAPSHOT: (written.size, written.blake3)}
        | {f"{SEARCH}/{name}": facts for name, facts in files.items()},
    )
