"""Which files differ from the records made of them: told by stat, and by hash where that leaves a doubt.

Exactly what a run of the indexer would read and remove is found here, by the indexer's own plan, so that an
index is fresh if and only if a run would leave the store as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from diptych import fs
from diptych.indexer.discover import Scan
from diptych.indexer.fact_columns import Fact
from diptych.indexer.facts import compare
from diptych.indexer.parse import read_regular
from diptych.indexer.plan import Job, plan
from diptych.indexer.text import is_binary
from diptych.model import content_hash
from diptych.values import Value, field
from diptych.workspace.freshness.evidence import Differences

# When so many files are known to differ, the rest in doubt are not read: the index is stale, and
# an update will show by how much.
ENOUGH = 100


class _Found(Value, frozen=False):
    hashed: int = 0
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)


def differences(
    root: str,
    scan: Scan,
    facts: Mapping[str, Fact],
    stored: Mapping[str, str] | None,
    *,
    max_file_bytes: int,
    by: str,
    files: int | None = None,
) -> Differences:
    """Compare what a scan found with the facts and the store.

    `stored` maps paths to the content hash of their record; None: the facts are of the store as it is.
    `files` is how many there are now, when the scan was of a part. Files are read, and nothing is raised
    for those that cannot be.
    """
    found = _Found()
    unread = 0
    if stored is None:
        compared = compare(facts, {path: stat for path, (_, stat) in scan.files.items()})
        doubtful = {path: scan.files[path] for path in compared.in_doubt + compared.new}
        of_interest = [*compared.in_doubt, *compared.gone]
        made = plan(doubtful, {path: facts[path] for path in of_interest}, None)
    else:
        made = plan(scan.files, facts, stored)
    # Without a hash to compare with there is less to do: those first.
    jobs = sorted(made.jobs, key=lambda job: (job.expected != "", job.path))
    in_store = stored if stored is not None else _indexed(facts, jobs)
    found.gone.extend(made.removed)
    with fs.Beneath(root) as tree:
        for number, job in enumerate(jobs):
            if len(found.new) + len(found.changed) + len(found.gone) >= ENOUGH:
                unread = len(jobs) - number
                break
            _examine(tree, job, job.path in in_store, max_file_bytes, found)
    return Differences(
        by,
        files=len(scan.files) if files is None else files,
        looked_at=len(scan.files),
        hashed=found.hashed,
        unread=unread,
        new=tuple(sorted(found.new)),
        changed=tuple(sorted(found.changed)),
        gone=tuple(sorted(found.gone)),
        touched=tuple(sorted(found.touched)),
    )


def _indexed(facts: Mapping[str, Fact], jobs: list[Job]) -> frozenset[str]:
    """Of the files to read, those that have a record."""
    return frozenset(job.path for job in jobs if job.path in facts and not facts[job.path].skipped)


def _examine(tree: fs.Beneath, job: Job, stored: bool, max_file_bytes: int, found: _Found) -> None:
    """Read a file, and note what a run would change because of it: nothing, if its record stays."""
    data = None
    with suppress(OSError):
        data = read_regular(tree, job.path, max_file_bytes)
    if data is None:
        # It would be skipped, and what was known of it removed.
        if stored:
            found.changed.append(job.path)
        return
    found.hashed += 1
    if content_hash(data) == job.expected:
        found.touched.append(job.path)
        return
    if stored:
        found.changed.append(job.path)
    elif len(data) <= max_file_bytes and not is_binary(data):
        found.new.append(job.path)
