"""Verification: look at everything, change nothing, and stream every finding, not only the first."""

from __future__ import annotations

import os
from collections.abc import Iterator
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
from diptych.store.opening import absolute, check_place, plan_for
from diptych.store.recovery.found import FoundGeneration, FoundSegment, Scan
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
        found, plan = inspect(where, schema, deep=deep)
    if found.incompatible is not None:
        raise found.incompatible
    if found.identity is not None:
        found.identity.refuse_other(schema, where)
    report = Report(where, lsn=plan.last_lsn)
    report.findings = plan.findings
    return report


def inspect(path: str, schema: Schema[Any], *, deep: bool) -> tuple[Scan, Plan]:
    """Scan all of the journal, and with `deep` every byte of the leaves, and plan with what was found."""

    def read() -> tuple[Scan, Plan]:
        return _inspect(path, schema, deep=deep)

    (found, plan), unreadable = fs.read_again_after_medium_errors(read)
    found.unreadable = unreadable
    return found, plan


def _inspect(path: str, schema: Schema[Any], *, deep: bool) -> tuple[Scan, Plan]:
    found = scan(path)
    plan_for(found)
    if deep:
        for generation in found.generations:
            # Another schema's records cannot be taken apart.
            if generation.manifest is not None:
                generation.manifest.identity.refuse_other(schema, path)
            _inspect_leaves(generation, schema)
    rescan_journal(found, 0)
    plan = make_plan(found)
    for generation in cut_off(found, plan):
        plan.note(
            "generation-cut-off",
            generation.path,
            Severity.WARNING,
            f"the journal behind LSN {generation.lsn} is not whole: that generation is no second way to it",
            NEXT_CHECKPOINT,
        )
    plan.findings += list(_old_journal(found, plan))
    return found, plan


def cut_off_segments(found: Scan, plan: Plan) -> list[FoundSegment]:
    """The segments before one that the plan's base rests on and that does not follow on them."""
    base_lsn = plan.base.lsn if plan.base is not None else 0
    cut = 0
    for number, (before, segment) in enumerate(pairwise(found.segments), 1):
        if segment.first_lsn <= base_lsn + 1 and not _follows(segment, before):
            cut = number
    return found.segments[:cut]


def _follows(segment: FoundSegment, before: FoundSegment) -> bool:
    return (
        segment.header is not None
        and not before.problem
        and (before.last_lsn + 1, before.chain) == (segment.first_lsn, segment.header.chain)
    )


def _inspect_leaves(generation: FoundGeneration, schema: Schema[Any]) -> None:
    manifest = generation.manifest
    if manifest is None:
        return
    if not generation.snapshot_problem:
        generation.snapshot_problem = "; ".join(_snapshot_problems(generation, manifest, schema))
    if not generation.search_problem:
        generation.search_problem = "; ".join(_search_problems(generation, manifest, schema))
    if not fs.is_directory(generation.path):
        # The writer removed it meanwhile: it is past, not damaged.
        generation.manifest = None
        generation.problem = generation.snapshot_problem = generation.search_problem = ""


def _snapshot_problems(generation: FoundGeneration, manifest: Manifest, schema: Schema[Any]) -> Iterator[str]:
    where = os.path.join(generation.path, SNAPSHOT)
    snapshot = generation.snapshot
    assert snapshot is not None
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
        fs.refuse_of_the_moment(error)
        yield error.message


def damaged_records(snapshot: SnapshotReader) -> Iterator[str]:
    """A sentence for each record that cannot be read, by its id."""
    for record_id in snapshot.order():
        try:
            snapshot.record(record_id)
        except CorruptionError as error:
            yield error.message


def _search_problems(generation: FoundGeneration, manifest: Manifest, schema: Schema[Any]) -> Iterator[str]:
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
            fs.refuse_of_the_moment(error)
            damaged = True
            yield error.message
    if damaged:
        return
    try:
        leaf = open_leaf(directory, files, schema)
        compare_watermark(leaf, manifest)
        if generation.snapshot is not None and not generation.snapshot_problem:
            yield from disagreements(generation.snapshot, leaf, schema)
    except DiptychError as error:
        fs.refuse_of_the_moment(error)
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
        fs.refuse_of_the_moment(error)
        return ", and fails Tantivy's checksum"
    return ", though Tantivy's checksum holds"


def _old_journal(found: Scan, plan: Plan) -> Iterator[Finding]:
    """What the plan does not speak of: damage in journal that nothing needs at present."""
    told = " ".join(f"{finding.where} {finding.message}" for finding in plan.findings)
    for number, segment in enumerate(found.segments):
        if segment.problem and segment.problem not in told:
            advice = REPAIR if plan.fatal else NEXT_CHECKPOINT
            yield Finding("journal-damaged", segment.path, Severity.WARNING, segment.problem, advice)
        if number == 0 or segment.header is None:
            continue
        before = found.segments[number - 1]
        if not before.problem and before.read and not _follows(segment, before):
            yield Finding(
                "journal-gap",
                segment.path,
                Severity.WARNING,
                f"{segment.path} does not follow on {before.path}",
                REPAIR if plan.fatal else NEXT_CHECKPOINT,
            )
