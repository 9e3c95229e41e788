"""Verification: look at everything, change nothing, and stream every finding, not only the first."""

from __future__ import annotations

import heapq
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from diptych import fs
from diptych.change import StoredRecord, shown_key
from diptych.errors import CorruptionError, DiptychError, StorageError
from diptych.layout import BUNDLE, ORIGIN, RECORDS, SEAL
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.schema.undecodable import counts_of
from diptych.search.footer import check_footer_of_file
from diptych.segment.content import record_content, reduced
from diptych.segment.reader import Segment, search_files
from diptych.store.agreement import Comparison
from diptych.store.live_segment import LiveSegment, open_set
from diptych.store.opening import absolute, check_place, settle
from diptych.store.origin import read_origin
from diptych.store.positions import consumers_of, position_path
from diptych.store.recovery.found import FoundGeneration, FoundJournalFile, FoundSegment, OpenFiles, Scan
from diptych.store.recovery.inspection import Inspection, plan_for
from diptych.store.recovery.plan import NEXT_CHECKPOINT, REPAIR, Plan, cut_off
from diptych.store.recovery.scan import rescan_journal, scan
from diptych.store.report import UNDECODABLE, Finding, Report, Severity
from diptych.store.upgrade import current_record
from diptych.values import replace


def verify(path: str | os.PathLike[str], deep: bool = True, *, schema: Schema[Any] = CODE) -> Report:
    """What is wrong with the store in directory `path`, if anything. Changes nothing, takes no lock.

    Without `deep`: identity, manifests, sizes, and the frames of the whole journal. With it every byte: each
    file's BLAKE3, each record's checksum in both stores, that the search index has every document of every
    record once and no other, every index bucket, that no key is live twice, and each manifest's `content_id`.

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
    found, files, _ = plan_for(*scan(path, schema))
    verified: dict[str, FoundSegment] = {}
    if deep:
        generations = []
        for generation in found.generations:
            # Another schema's records cannot be taken apart.
            if generation.manifest is not None and not generation.manifest.identity.is_of(schema):
                if schema.is_stand_in:
                    # Of another change of the schema than the stand-in stands for.
                    generations.append(generation)
                    continue
                generation.manifest.identity.refuse_other(schema, path)
            generations.append(_verified(generation, verified, files, schema))
        found = replace(found, generations=tuple(generations))
    found = rescan_journal(found, files, 0)
    if deep:
        adopted = tuple(
            verified.get(segment.path) or _verified_segment(segment, files, schema)
            for segment in found.adopted
        )
        found = replace(found, adopted=adopted)
    inspection = plan_for(found, files)
    if deep and not schema.is_stand_in:
        # That a search half is what SEAL says promises no more than that: records are rebuilt from it.
        inspection, _ = settle(inspection, schema)
    found, files, plan = inspection
    findings = [*plan.findings]
    for generation in cut_off(found, plan):
        message = f"the journal after LSN {generation.lsn} has a gap: it cannot serve as a fallback"
        findings.append(
            Finding("generation-cut-off", generation.path, Severity.WARNING, message, NEXT_CHECKPOINT)
        )
    findings += _undecodable(found, files, plan)
    findings += _old_adopted(found, {finding.where for finding in findings})
    findings += _old_journal(found, plan)
    findings += _consumer_findings(path)
    findings += _origin_findings(path)
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


def _verified(
    generation: FoundGeneration, verified: dict[str, FoundSegment], files: OpenFiles, schema: Schema[Any]
) -> FoundGeneration:
    """The generation, with what is wrong with any byte of it. `verified` has the segments seen before."""
    if generation.manifest is None:
        return generation
    segments = []
    for segment in generation.segments:
        known = verified.get(segment.path)
        if known is None:
            known = verified[segment.path] = _verified_segment(segment, files, schema)
        segments.append(replace(known, listed=segment.listed))
    problem = ""
    if not schema.is_stand_in and not any(segment.records_problem for segment in segments):
        problem = _totals_problem(replace(generation, segments=tuple(segments)), files, schema)
    if not fs.is_regular(generation.path):
        # The writer removed it meanwhile: it is past, not damaged.
        return FoundGeneration(generation.path, generation.lsn, generation.revision)
    return replace(generation, segments=tuple(segments), problem=problem)


def _totals_problem(generation: FoundGeneration, files: OpenFiles, schema: Schema[Any]) -> str:
    """What is wrong with what the manifest says of all records together."""
    manifest = generation.manifest
    assert manifest is not None
    counts = [0] * len(schema.counters)
    before = None
    members = open_set(manifest, files.segments)
    undecodable = {key for segment in generation.segments for key in segment.undecodable}
    for record, version, is_counted in heapq.merge(
        *(_described(member, schema) for member in members.members)
    ):
        if record.key == before:
            return f"{generation.path}: two segments have a live record of {record.key!r}"
        before = record.key
        if is_counted and record.key not in undecodable:
            payload = current_record(schema, version, record).payload
            for number, count in enumerate(counts_of(schema, payload)):
                counts[number] += count
    # What does not decode was counted by whoever built its segment.
    if not undecodable and counts != list(manifest.counts.values()):
        return f"{generation.path} counts {list(manifest.counts.values())}, and there are {counts}"
    for member in members.members:
        content = sum(record_content(record.key, record.payload) for record in member.scan())
        if member.listed.content not in (None, reduced(content)):
            return f"{generation.path} has other records of segment {member.segment.digest} than it says"
    return ""


def _described(member: LiveSegment, schema: Schema[Any]) -> Iterator[tuple[StoredRecord, int, bool]]:
    """The records, the version they are of, and whether they are counted.

    What the schema did not upgrade when it was folded counts nothing.
    """
    is_counted = member.version == schema.version or any(member.listed.counts)
    return ((record, member.version, is_counted) for record in member.scan())


def _verified_segment(segment: FoundSegment, files: OpenFiles, schema: Schema[Any]) -> FoundSegment:
    """The segment, with what is wrong with any byte of it."""
    records_problem, search_problem = segment.records_problem, segment.search_problem
    opened = files.segments.get(segment.listed.digest)
    if opened is not None and not records_problem:
        records_problem = "; ".join(_records_problems(segment, opened))
    undecodable: dict[bytes, str] = {}
    if not search_problem:
        intact = opened if not records_problem else None
        search_problem = "; ".join(_search_problems(segment, intact, schema, undecodable))
    return replace(
        segment,
        seal_problem=segment.seal_problem or _seal_problem(segment),
        records_problem=records_problem,
        search_problem=search_problem,
        undecodable=undecodable,
    )


def _seal_problem(segment: FoundSegment) -> str:
    where = os.path.join(segment.path, SEAL)
    try:
        with fs.translated("read", where):
            if fs.read_bounded(where, len(segment.listed.sealed)) == segment.listed.sealed:
                return ""
    except StorageError as error:
        fs.raise_transient(error)
        return error.message
    return f"{where} is not what the manifest says"


def _records_problems(segment: FoundSegment, opened: Segment) -> Iterator[str]:
    where = os.path.join(segment.path, RECORDS)
    digests = segment.listed.seal.files[RECORDS]
    try:
        if fs.hash_stable_file(where, expected_bytes=digests.size_bytes)[1] == digests.blake3:
            return
        yield f"{where} is not what SEAL says"
        yield from damaged_parts(opened)
    except DiptychError as error:
        fs.raise_transient(error)
        yield error.message


def damaged_parts(segment: Segment) -> Iterator[str]:
    """A sentence for each record and each bucket that cannot be read."""
    for record_id in range(len(segment)):
        try:
            segment.record(record_id)
        except CorruptionError as error:
            yield error.message
    for index in range(segment.indexes):
        for bucket in range(segment.records.buckets_of(index)):
            try:
                segment.records.bucket(index, bucket)
            except CorruptionError as error:
                yield error.message


def _search_problems(
    segment: FoundSegment, intact: Segment | None, schema: Schema[Any], undecodable: dict[bytes, str]
) -> Iterator[str]:
    """`intact` is the segment, where its records are intact; `undecodable` gets those that do not decode."""
    damaged, seal = False, segment.listed.seal
    for name, digests in seal.files.items():
        path = os.path.join(segment.path, name)
        if name == RECORDS:
            continue
        try:
            if fs.hash_stable_file(path, expected_bytes=digests.size_bytes)[1] == digests.blake3:
                continue
            damaged = True
            yield f"{path} is not what SEAL says{_footer_says(path, name)}"
        except StorageError as error:
            fs.raise_transient(error)
            damaged = True
            yield error.message
    if damaged:
        return
    try:
        # Compared with SEAL already.
        files = search_files(segment.path, seal, verify=False)
        # Slow to import, and for what is looked through to its last byte alone.
        from diptych.search.composed import Component, compose

        component = Component(seal.segment_id, seal.documents, files)
        index = compose([component], schema, where=segment.path)
        if intact is not None and not schema.is_stand_in:
            comparison = Comparison(intact, index, schema)
            yield from comparison.disagreements()
            undecodable.update(comparison.undecodable)
    except DiptychError as error:
        fs.raise_transient(error)
        yield error.message


def _footer_says(path: str, name: str) -> str:
    """Whether Tantivy's own checksum notices the damage too."""
    if name == BUNDLE:
        return ""
    try:
        check_footer_of_file(path)
    except (CorruptionError, StorageError) as error:
        fs.raise_transient(error)
        return ", and fails Tantivy's checksum"
    return ", though Tantivy's checksum holds"


def _consumer_findings(path: str) -> Iterator[Finding]:
    for consumer in consumers_of(path):
        if consumer.lsn < 0:
            yield Finding(
                "consumer-damaged",
                position_path(path, consumer.name),
                Severity.WARNING,
                f"how far the consumer {consumer.name} is cannot be read: no journal file is removed",
                f"remove it with `diptych consumers --remove {consumer.name}`, and begin again",
            )


def _origin_findings(path: str) -> Iterator[Finding]:
    try:
        read_origin(path)
    except DiptychError as error:
        fs.raise_transient(error)
        advice = "remove it: what the store was made from is not known then, and nothing else is lost"
        yield Finding("origin-damaged", os.path.join(path, ORIGIN), Severity.WARNING, error.message, advice)


def _undecodable(found: Scan, files: OpenFiles, plan: Plan) -> Iterator[Finding]:
    """The records of the newest state whose payload is what was written, and does not decode."""
    changed: set[bytes] = set()
    newer: list[Segment] = []
    # From the newest to the oldest: what was replaced since does not count.
    for transaction in reversed(plan.replay):
        adopted = found.adopted_by(transaction)
        yield from _undecodable_in(adopted, files, changed, newer)
        changed |= {change.key for change in transaction.changes}
        newer += [files.segments[segment.listed.digest] for segment in adopted]
    if plan.base is not None:
        yield from _undecodable_in(plan.base.segments, files, changed, newer)


def _undecodable_in(
    segments: Iterable[FoundSegment], files: OpenFiles, changed: Container[bytes], newer: Sequence[Segment]
) -> Iterator[Finding]:
    for segment in segments:
        for key, problem in segment.undecodable.items():
            record_id = files.segments[segment.listed.digest].find(key)
            is_live = record_id is not None and segment.listed.is_live(record_id)
            if not is_live or key in changed or any(one.find(key) is not None for one in newer):
                continue
            yield Finding(
                UNDECODABLE,
                segment.path,
                Severity.WARNING,
                f"the record of {shown_key(key)} cannot be read: {problem}",
                "index it again, or remove it: the bytes are those that were written",
            )


def _old_adopted(found: Scan, reported: set[str]) -> Iterator[Finding]:
    """Damage to adopted segments that no generation lists, and that the journal names all the same."""
    listed = {segment.path for generation in found.generations for segment in generation.segments}
    for segment in found.adopted:
        if segment.damaged and segment.usable and segment.path not in (listed | reported):
            problem = segment.records_problem or segment.search_problem
            message = f"{problem}; no generation lists this segment, and its other half is intact"
            yield Finding("adopted-damaged", segment.path, Severity.NOTE, message)


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
