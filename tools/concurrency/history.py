"""A recorded history, and whether one order of commits explains all that was seen. Pure.

The order is that of the LSNs. A file's version is the number of the transaction that wrote it; a transaction
writes several files, so that half of one shows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Versions = Mapping[str, int]


class Commit(NamedTuple):
    """A transaction that was acknowledged: what it wrote (0: removed), by path."""

    lsn: int
    number: int
    writes: Mapping[str, int]


class Seen(NamedTuple):
    """What a reader saw through one view.

    `acked_lsn`: the newest LSN that was acknowledged, in the reader's process, before the view was made.
    `searched`: what a search for all symbols found, which is the same files where the leaves agree.
    """

    reader: str
    lsn: int
    acked_lsn: int
    files: Versions
    searched: Versions
    count: int
    found: Mapping[str, int | None] = {}
    """Single files that were asked for by path."""


class Glance(NamedTuple):
    """One read of a handle, without a view: it may be of any LSN from `low` to `high`."""

    reader: str
    low: int
    high: int
    path: str
    version: int | None


@dataclass
class History:
    """All that was recorded."""

    commits: list[Commit] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    glances: list[Glance] = field(default_factory=list)


def states(commits: Iterable[Commit]) -> Iterator[dict[str, int]]:
    """The files and their versions after each commit, beginning with none. Changed in place: do not keep."""
    state: dict[str, int] = {}
    yield state
    for commit in commits:
        for path, version in commit.writes.items():
            if version:
                state[path] = version
            else:
                state.pop(path, None)
        yield state


def check(history: History) -> list[str]:
    """A sentence for each thing that no order of commits explains."""
    commits = sorted(history.commits)
    lsns = [commit.lsn for commit in commits]
    broken = []
    if lsns != list(range(1, len(lsns) + 1)):
        broken.append(f"the LSNs acknowledged are not 1 to {len(lsns)}, each once")
        return broken
    broken += _monotone(history.seen)
    by_lsn: dict[int, list[Seen]] = {}
    for seen in history.seen:
        by_lsn.setdefault(seen.lsn, []).append(seen)
    for lsn, state in enumerate(states(commits)):
        for seen in by_lsn.pop(lsn, ()):
            broken += _compare(seen, state)
    for lsn in by_lsn:
        broken.append(f"{by_lsn[lsn][0].reader} saw LSN {lsn}, which no one committed")
    return broken + list(_glances(history.glances, commits))


def _monotone(observations: Iterable[Seen]) -> Iterator[str]:
    newest: dict[str, int] = {}
    for seen in observations:
        if seen.lsn < newest.get(seen.reader, 0):
            yield f"{seen.reader} went back from LSN {newest[seen.reader]} to {seen.lsn}"
        newest[seen.reader] = seen.lsn
        if seen.lsn < seen.acked_lsn:
            yield f"{seen.reader} saw LSN {seen.lsn} after {seen.acked_lsn} was acknowledged in its process"


def _compare(seen: Seen, state: Versions) -> Iterator[str]:
    where = f"{seen.reader} at LSN {seen.lsn}"
    if dict(seen.files) != dict(state):
        yield f"{where}: files differ: {_difference(seen.files, state)}"
    if dict(seen.searched) != dict(state):
        yield f"{where}: search differs: {_difference(seen.searched, state)}"
    if seen.count != len(state):
        yield f"{where}: len is {seen.count} instead of {len(state)}"
    for path, version in seen.found.items():
        if version != state.get(path):
            yield f"{where}: {path} has version {version} instead of {state.get(path)}"


def _difference(found: Versions, wanted: Versions) -> str:
    paths = sorted({path for path in {*found, *wanted} if found.get(path) != wanted.get(path)})
    shown = [f"{path} {found.get(path)} instead of {wanted.get(path)}" for path in paths[:4]]
    return ", ".join(shown) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")


def _glances(glances: Iterable[Glance], commits: list[Commit]) -> Iterator[str]:
    """Each read must be that of some LSN in its range."""
    changes: dict[str, tuple[list[int], list[int | None]]] = {}
    for commit in commits:
        for path, version in commit.writes.items():
            lsns, versions = changes.setdefault(path, ([0], [None]))
            lsns.append(commit.lsn)
            versions.append(version or None)
    for glance in glances:
        lsns, versions = changes.get(glance.path, ([0], [None]))
        first = bisect_right(lsns, glance.low) - 1
        last = bisect_right(lsns, glance.high)
        if glance.version not in versions[first:last]:
            yield (
                f"{glance.reader} read version {glance.version} of {glance.path} between LSN {glance.low} "
                f"and {glance.high}, where it had {versions[first:last]}"
            )
