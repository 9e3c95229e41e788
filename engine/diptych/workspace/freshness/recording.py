"""Writing down what git said at a moment when the index was fresh, so that git can be asked again.

The argument why each of the two moments is a right one is in docs/freshness.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diptych.indexer import facts as facts_file
from diptych.indexer.fact_columns import FactColumns
from diptych.indexer.facts import Facts
from diptych.indexer.settings import IndexReport
from diptych.workspace.freshness import gitstate, record
from diptych.workspace.freshness.evidence import Evidence

if TYPE_CHECKING:
    from diptych.indexer.discover import Scan
    from diptych.store.code import Store

# Between reading git's index and the run: less than the margin by which the indexer doubts times.
_BEFORE_RUN_NS_MAX = 1_000_000_000
_FLAGGED_MAX = 10_000


def after_run(root: str, store: Store, digest: bytes | None, began_ns: int, report: IndexReport) -> bool:
    """After a run of the indexer, under its lock: `digest` is of git's index just before it, at `began_ns`.

    Returns whether it was written. Raises StorageError.
    """
    if digest is None:
        return False
    identity = record.facts_identity(store.path)
    known = facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
    if known is None or identity is None or known.lsn != store.lsn:
        return False
    if known.taken_ns - began_ns > _BEFORE_RUN_NS_MAX:
        return False
    state = gitstate.ask(root)
    if state is None or state.digest != digest:
        return False
    return _write(store.path, root, known, state, identity, report)


def after_inspection(evidence: Evidence, state: gitstate.GitState, scan: Scan) -> bool:
    """After every file was inspected, later than `state`, and found fresh. The caller holds the lock.

    Returns whether it was written. Raises StorageError.
    """
    path = evidence.store_path
    identity = record.facts_identity(path)
    store, found = evidence.store, evidence.differences
    known = facts_file.load(path, store_id=store.store_id, lsn=store.lsn)
    if known is None or identity is None or known.lsn != store.lsn or found is None:
        return False
    report = IndexReport(evidence.root)
    scan.count_in(report)
    for name, fact in known.files.items():
        if fact.skipped:
            report.count_skipped(name, fact.skipped)
        report.count_errors(name, fact.error_bytes, fact.stat.size)
    return _write(path, evidence.root, known, state, identity, report, touched=found.touched)


def _write(
    path: str,
    root: str,
    known: Facts,
    state: gitstate.GitState,
    identity: record.FactsIdentity,
    report: IndexReport,
    *,
    touched: Sequence[str] = (),
) -> bool:
    entries = gitstate.entries(root)
    # With so many, inspecting every file is cheaper.
    if entries is None or len(entries.flagged) > _FLAGGED_MAX or identity != record.facts_identity(path):
        return False
    assert isinstance(known.files, FactColumns)
    smudged = [name for name, stat in known.files.stats().items() if stat[0] < 0]
    untracked = [name for name in map(_encoded, known.files) if name not in entries.tracked]
    doubtful = frozenset(map(_encoded, [*smudged, *touched]))
    watched = (state.dirty | entries.flagged | doubtful) - frozenset(untracked)
    staged = gitstate.staged(root, state.commit) if state.commit else frozenset()
    if staged is None:
        return False
    # Those, too, that the commit alone has: a work tree at that commit has them, and the facts do not.
    unlike = staged | watched | frozenset(untracked)
    # The flags and the names are of the index that was looked at, or they are not written down.
    if gitstate.index_digest(root) != state.digest:
        return False
    record.save(
        path,
        record.Recorded(
            facts=identity,
            store_id=known.store_id,
            lsn=known.lsn,
            indexer=known.indexer,
            settings=known.settings,
            files=len(known.files),
            root=root,
            commit=state.commit,
            branch=state.branch,
            index_digest=state.digest,
            watched=sorted(watched),
            untracked=untracked,
            report=_reported(report, files=len(known.files)),
            unlike=sorted(unlike),
        ),
    )
    return True


def _reported(report: IndexReport, *, files: int) -> dict[str, Any]:
    """What a report says of the same files as long as none changes."""
    reported = {name: getattr(report, name) for name in record.REPORTED}
    # Plain dicts: `asdict` breaks a Counter.
    reported |= {name: dict(value) for name, value in reported.items() if isinstance(value, Counter)}
    reported["unchanged"] = files - len(report.skipped_paths)
    return reported


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
