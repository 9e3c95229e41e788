"""What a command asks of a keeper that holds the lock it would need."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from diptych.errors import StoreLockedError
from diptych.indexer import IndexReport, Progress, facts
from diptych.indexer.languages import language_of
from diptych.workspace.coordinator import Building, Degraded, IoError, LeafDamaged
from diptych.workspace.freshness import check, hints
from diptych.workspace.holder import holder
from diptych.workspace.keeper.state import KeeperState, keeper_state

KEEPER_ENDS_S = 10.0
"""For the lock of a keeper that was asked to end, unless more is given."""

_POLL_S = 0.1
_CHECK_S = 0.5
# So often in a row the index may differ though nothing seems to be left to do.
_IDLE_CHECKS_MAX = 60


def indexed_by_keeper(
    root: str, store_path: str, progress: Callable[[Progress], None] | None = None
) -> IndexReport | None:
    """Have the process that keeps the index bring it up to date; the report of what it found to do.

    None where there is none, or it ended before it was done: then one has to index oneself. `progress` is
    called while it builds. Raises OSError, StorageError, and StoreLockedError where it does not get it done.
    """
    if keeper_state(store_path) is None:
        return None
    started_s = time.monotonic()
    report: IndexReport | None = None
    idle = 0
    while (said := keeper_state(store_path)) is not None:
        verdict, gathered = check(root, store_path)
        found = gathered.evidence.differences
        if report is None and found is not None:
            report = IndexReport(root, indexed=len(found.new) + len(found.changed), removed=len(found.gone))
        if verdict.fresh:
            return _completed(report or IndexReport(root), store_path, started_s)
        _refuse_stuck(store_path, said)
        idle = idle + 1 if said.is_ready else 0
        if idle > _IDLE_CHECKS_MAX:
            raise _not_done(store_path, said, verdict.sentence())
        hints.ask_for_inspection(store_path)
        until_s = time.monotonic() + _CHECK_S
        while time.monotonic() < until_s or (said is not None and isinstance(said.state, Building)):
            if said is None:
                return None
            if progress is not None and isinstance(said.state, Building):
                done, total = said.state.indexed, said.state.total
                progress(Progress(done, total, 0, 0, time.monotonic() - started_s))
            time.sleep(_POLL_S)
            said = keeper_state(store_path)
    return None


def _refuse_stuck(store_path: str, said: KeeperState) -> None:
    """Raise StoreLockedError where it cannot do it: it tries again, after ever longer pauses."""
    if isinstance(said.state, Degraded) and isinstance(said.state.reason, IoError | LeafDamaged):
        raise _not_done(store_path, said, said.message)


def _not_done(store_path: str, said: KeeperState, why: str) -> StoreLockedError:
    return StoreLockedError(
        f"{store_path} is kept by process {said.pid}, which has not brought it up to date: {why}",
        pid=said.pid,
        advice=f"remove the cause, or end that process with `kill {said.pid}`, and run this again",
    )


def end_keeper(store_path: str) -> bool:
    """Ask a keeper to end, so that its lock is free. False where there is none.

    Raises StoreLockedError for a watch that a person has started: that is not ended.
    """
    said = keeper_state(store_path)
    if said is None or holder(store_path) != said.pid:
        return False
    if not said.is_keeper:
        raise StoreLockedError(
            f"{store_path} is kept up to date by `diptych watch`, process {said.pid}, with its own settings",
            pid=said.pid,
            advice="end that watch first, and start it again afterwards",
        )
    with suppress(ProcessLookupError, PermissionError):
        os.kill(said.pid, signal.SIGTERM)
    return True


def _completed(report: IndexReport, store_path: str, started_s: float) -> IndexReport:
    """The report, with what the indexer's facts say of the files."""
    from diptych.store.code import Store

    with Store.open(store_path, read_only=True) as store:
        report.lsn = store.lsn
        known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
        paths = [] if known is None else [path for path, fact in known.files.items() if not fact.skipped]
        report.found = len(paths) or len(store)
    report.unchanged = max(0, report.found - report.indexed)
    report.languages = Counter(language for path in paths if (language := language_of(path)))
    for path, fact in known.files.items() if known is not None else ():
        if fact.skipped:
            report.count_skipped(path, fact.skipped)
    report.elapsed_s = time.monotonic() - started_s
    return report
