"""Verification: look at everything, change nothing, and stream every finding, not only the first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from diptych import fs
from diptych.errors import CorruptionError, DiptychError, StorageError
from diptych.layout import SEARCH, SEARCH_META, SNAPSHOT
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.search.footer import check_footer
from diptych.search.leaf import open_leaf
from diptych.snapshot.reader import SnapshotReader
from diptych.store.agreement import disagreements
from diptych.store.generation import compare_watermark
from diptych.store.manifest import Manifest
from diptych.store.opening import Inspection, absolute, check_place, plan_for
from diptych.store.recovery.found import FoundGeneration, FoundJournalFile, OpenFiles, Scan
from diptych.store.recovery.plan import NEXT_CHECKPOINT, REPAIR, Plan, cut_off, make_plan
from diptych.store.recovery.scan import rescan_journal, scan
from diptych.store.report import Finding, Report, Severity


def verify(path: str | os.PathLike[str], deep: bool = True, *, schema: Schema[Any] = CODE) -> Report:
    """What is wrong with the store in directory `path`, if anything. Changes nothing, takes no lock.

    Without `deep`: identity, manifests, sizes, and the frames of the whole journal. With it every byte: each
    file's BLAKE3, each record's checksum in both stores, that the search index has every document of every
    record once and no other, and every index bucket.

    Raises StoreNotFoundError, NotAStoreError, IncompatibleStoreError, StorageError.
    """
    where = absolute(path)
    check_place(where, create=False)
    with fs.translated("read the store at", where):
        found, _, plan = inspect_all(where, schema, deep=deep)
    if found.incompatible is not None:
        raise found.incompatible
    if found.identity is not None:
        found.identity.refuse_other(schema, where)
    return Report(where, findings=list(plan.findings), lsn=plan.last_lsn)


def inspect_all(path: str, schema: Schema[Any], *, deep: bool) -> Inspection:
    """Scan all of the journal, and with `deep` every byte of both stores, and plan with what was found."""
    inspection, unreadable = fs.read_again_after_medium_errors(lambda: _inspect(path, schema, deep=deep))
    return inspection._replace(scan=replace(inspection.scan, unreadable=tuple(unreadable)))


def _inspect(path: str, schema: Schema[Any], *, deep: bool) -> Inspection:
    found, files, _ = plan_for(*scan(path))
    if deep:
        generations = []
        for generation in found.generations:
            # Another schema's records cannot be taken apart.
            if generation.manifest is not None:
                generation.manifest.identity.refuse_other(schema, path)
            generations.append(_verified(generation, files, schema))
        found = replace(found, generations=tuple(generations))
    found = rescan_journal(found, files, 0)
    plan = make_plan(found)
    # The whole journal was read.
    assert isinstance(plan, Plan)
    findings = [*plan.findings]
    for generation in cut_off(found, plan):
        message = f"the journal after LSN {generation.lsn} has a gap: it cannot serve as a fallback"
        findings.append(
            Finding("generation-cut-off", generation.path, Severity.WARNING, message, NEXT_CHECKPOINT)
        )
    findings += _old_journal(found, plan)
    return Inspection(found, files, replace(plan, findings=tuple(findings)))


def cut_off_journal(found: Scan, plan: Plan) -> tuple[FoundJournalFile, ...]:
    """The journal files before one that the plan's base rests on and that does not follow them."""
    base_lsn = plan.base.lsn if plan.base is not None else 0
    cut = 0
    for number, (before, file) in enumerate(pairwise(found.journal), 1):
        if file.first_lsn <= base_lsn + 1 and not _follows(file, before):
            cut = number
    return found.journal[:cut]


def _follows(file: FoundJournalFile, before: FoundJournalFile) -> bool:
    return (
        file.header is not None
        and not before.problem
        and (before.last_lsn + 1, before.chain) == (file.first_lsn, file.header.chain)
    )


def _verified(generation: FoundGeneration, files: OpenFiles, schema: Schema[Any]) -> FoundGeneration:
    """The generation, with what is wrong with any byte of it."""
    manifest = generation.manifest
    if manifest is None:
        return generation
    snapshot_problem, search_problem = generation.snapshot_problem, generation.search_problem
    snapshot = files.snapshots.get(generation.path)
    if snapshot is not None:
        problems = _snapshot_problems(generation, manifest, snapshot, schema)
        snapshot_problem = snapshot_problem or "; ".join(problems)
    if not search_problem:
        intact = snapshot if not snapshot_problem else None
        search_problem = "; ".join(_search_problems(generation, manifest, intact, schema))
    if not fs.is_directory(generation.path):
        # The writer removed it meanwhile: it is past, not damaged.
        return FoundGeneration(generation.path, generation.lsn, generation.revision)
    return replace(generation, snapshot_problem=snapshot_problem, search_problem=search_problem)


def _snapshot_problems(
    generation: FoundGeneration, manifest: Manifest, snapshot: SnapshotReader, schema: Schema[Any]
) -> Iterator[str]:
    where = os.path.join(generation.path, SNAPSHOT)
    try:
        size, blake3_hex = manifest.files[SNAPSHOT]
        if fs.hash_stable_file(where, expected_bytes=size)[1].hex() == blake3_hex:
            return
        yield f"{where} is not what the manifest says"
        yield from damaged_records(snapshot)
        for number in range(len(schema.indexes) + 1):
            for bucket in range(1 << snapshot.trailer.indexes[number].bits):
                try:
                    snapshot.bucket(number, bucket)
                except CorruptionError as error:
                    yield error.message
    except DiptychError as error:
        fs.raise_transient(error)
        yield error.message


def damaged_records(snapshot: SnapshotReader) -> Iterator[str]:
    """A sentence for each record that cannot be read, by its id."""
    for record_id in snapshot.order():
        try:
            snapshot.record(record_id)
        except CorruptionError as error:
            yield error.message


def _search_problems(
    generation: FoundGeneration, manifest: Manifest, snapshot: SnapshotReader | None, schema: Schema[Any]
) -> Iterator[str]:
    """`snapshot` is the generation's, where it is intact."""
    directory = os.path.join(generation.path, SEARCH)
    files = manifest.of_search()
    damaged = False
    for name, (size, blake3_hex) in files.items():
        path = os.path.join(directory, name)
        try:
            if fs.hash_stable_file(path, expected_bytes=size)[1].hex() == blake3_hex:
                continue
            damaged = True
            yield f"{path} is not what the manifest says{_footer_says(path, name, size)}"
        except StorageError as error:
            fs.raise_transient(error)
            damaged = True
            yield error.message
    if damaged:
        return
    try:
        index = open_leaf(directory, files, schema)
        compare_watermark(index, manifest)
        if snapshot is not None:
            yield from disagreements(snapshot, index, schema)
    except DiptychError as error:
        fs.raise_transient(error)
        yield error.message


def _footer_says(path: str, name: str, size: int) -> str:
    """Whether Tantivy's own checksum notices the damage too."""
    if name == SEARCH_META:
        return ""
    try:
        with fs.translated("read", path):
            data = fs.read_bounded(path, size)
        check_footer(data, where=path)
    except (CorruptionError, StorageError) as error:
        fs.raise_transient(error)
        return ", and fails Tantivy's checksum"
    return ", though Tantivy's checksum holds"


def _old_journal(found: Scan, plan: Plan) -> Iterator[Finding]:
    """What the plan does not report: damage in journal that nothing needs at present."""
    advice = REPAIR if plan.fatal else NEXT_CHECKPOINT
    for number, file in enumerate(found.journal):
        if file.problem and file.path not in plan.reported:
            yield Finding("journal-damaged", file.path, Severity.WARNING, file.problem, advice)
        if number == 0 or file.header is None:
            continue
        before = found.journal[number - 1]
        if not before.problem and before.read and not _follows(file, before):
            message = f"{file.path} does not follow {before.path}"
            yield Finding("journal-gap", file.path, Severity.WARNING, message, advice)
