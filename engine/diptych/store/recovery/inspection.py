"""Recovery up to the plan: scan, plan, and read more of the journal where the plan needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from diptych import fs
from diptych.schema.base import Schema
from diptych.segment.reader import Segment
from diptych.store.recovery.found import OpenFiles, Scan
from diptych.store.recovery.plan import NeedMore, Plan, make_plan
from diptych.store.recovery.scan import rescan_journal, scan
from diptych.values import replace


class Inspection(NamedTuple):
    """What was found, what was opened for that, and what to do about it."""

    scan: Scan
    files: OpenFiles
    plan: Plan


def inspect(
    path: str, schema: Schema[Any], segments: Mapping[str, Segment] | None = None
) -> Inspection:
    """Scan and plan, as far back in the journal as the plan needs. Changes nothing. Raises StorageError.

    `segments` has those that are open already, by digest.
    """
    inspection, unreadable = fs.read_again_after_medium_errors(
        lambda: plan_for(*scan(path, schema, segments))
    )
    return inspection._replace(scan=replace(inspection.scan, unreadable=tuple(unreadable)))


def plan_for(found: Scan, files: OpenFiles) -> Inspection:
    """The plan, the journal read as far back as it needs. Raises StorageError."""
    plan = make_plan(found)
    while isinstance(plan, NeedMore):
        found = rescan_journal(found, files, plan.journal_from)
        plan = make_plan(found)
    return Inspection(found, files, plan)
