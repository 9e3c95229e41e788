"""Which records of the segments that stay are dead: the changes since then replace or remove their keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from diptych.change import Change, StoredRecord, term_hash
from diptych.errors import CorruptionError, CorruptSnapshotError
from diptych.schema.base import Schema
from diptych.segment.content import record_content, reduced
from diptych.segment.reader import bitmap_of, ids_in
from diptych.snapshot.format import KEY_INDEX
from diptych.store.adopted import AdoptedSegment
from diptych.store.checkpoint.pace import Pace
from diptych.store.healing import Healing
from diptych.store.live_segment import LiveSegment, SegmentSet
from diptych.store.manifest import ListedSegment
from diptych.store.upgrade import current_record
from diptych.values import replace


def mark_dead(
    segments: SegmentSet, changes: Iterable[Change], schema: Schema[Any], healing: Healing, pace: Pace
) -> dict[str, ListedSegment | None]:
    """By digest, the segments as they are listed once the keys of the changes are dead in them.

    None for one with no live record left, and None as well for one that is damaged where it was read:
    `healing` knows of that.
    """
    dead: dict[str, list[_Dead]] = {}
    for change in changes:
        for member in segments.holding(KEY_INDEX, term_hash(change.key), healing):
            digest = member.segment.digest
            try:
                record_id = member.find(change.key)
                if record_id is None:
                    continue
                dead.setdefault(digest, []).append(_Dead(record_id, member.segment.record(record_id)))
                break
            except CorruptSnapshotError as error:
                # It is written again, without the keys of the changes, whatever it has of them.
                healing.scan(digest, error)
        pace.step()
    return {
        member.segment.digest: _with_dead(member, dead.get(member.segment.digest, ()), schema, healing)
        for member in segments.members
    }


class _Dead(NamedTuple):
    """A record that the changes replace or remove."""

    record_id: int
    stored: StoredRecord


def mark_replaced(
    adopted: AdoptedSegment, newest: Mapping[bytes, Change], schema: Schema[Any]
) -> ListedSegment | None:
    """An adopted segment as it is listed once those of its records are dead that were replaced since.

    None as for `mark_dead`.
    """
    member = adopted.member
    try:
        dead = []
        for change in adopted.changes:
            if newest[change.key] is not change:
                record_id = member.find(change.key)
                assert record_id is not None
                dead.append(_Dead(record_id, member.segment.record(record_id)))
        return _with_dead(member, dead, schema, adopted.healing)
    except CorruptSnapshotError as error:
        adopted.healing.scan(adopted.digest, error)
        return None


def _with_dead(
    member: LiveSegment, dead: Collection[_Dead], schema: Schema[Any], healing: Healing
) -> ListedSegment | None:
    listed = member.listed
    records = listed.records - len(dead)
    if not records:
        return None
    content = listed.content if listed.content is not None else _content_of(member, healing)
    if not dead:
        return replace(listed, content=content)
    counts = list(listed.counts)
    for one in dead:
        key = one.stored.key
        try:
            lost = schema.counts(current_record(schema, member.version, one.stored).payload)
        except CorruptionError as error:
            healing.undecodable(member.segment.digest, key, error)
            return None
        counts = [count - less for count, less in zip(counts, lost, strict=True)]
        if content is not None:
            content -= record_content(key, one.stored.payload)
    bitmap = bitmap_of([*ids_in(listed.dead), *(one.record_id for one in dead)])
    content = reduced(content) if content is not None else None
    return ListedSegment(listed.sealed, bitmap, records, tuple(counts), content)


def _content_of(member: LiveSegment, healing: Healing) -> int | None:
    """The content of a segment that was listed without it; None where a record is damaged."""
    try:
        return reduced(sum(record_content(record.key, record.payload) for record in member.scan()))
    except CorruptSnapshotError as error:
        # It is written again, and then has one.
        healing.scan(member.segment.digest, error)
        return None
