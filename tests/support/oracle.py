"""What opening and repair must come to: from the rules and from what was damaged, not from the engine.

1. A store opens when an identity or a manifest says what it is, and there is a generation with a manifest,
   each of whose segments has an intact half, from which the journal continues without a gap to its end. Then
   everything is there.
2. Otherwise opening refuses. Repair starts from what can be read of either half of a generation's segments;
   where its manifest is damaged, its copy says which they are. It takes every complete transaction after
   that, and chooses the generation with which least is lost: first by transactions, then by records, then
   the newest. Where no segment has anything, the journal alone is taken.
3. What is damaged and keeps its size is found by reading it, not by opening: a read of it heals from the
   other half of the segment or raises.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.support.damage import FLIPPED, FLIPPED_NEW, LAST, NEW, OLD, Case, Files, apply, truth

_SEGMENTS = {5: range(5, 9), 9: range(9, 11), 11: range(11, 13)}
_LOST = {
    "shortened": {12},
    "damaged-first": {6},
    "damaged-last": {11},
    "first-gone": set(_SEGMENTS[5]),
    "middle-gone": set(_SEGMENTS[9]),
    "last-gone": set(_SEGMENTS[11]),
    "gone": set(range(5, LAST + 1)),
}


class Outcome(NamedTuple):
    """What must come of a case."""

    opens: bool
    """Whether the store opens without repair; then it has everything, but for `unread`."""
    unread: frozenset[str]
    """Paths whose reading may raise before repair."""
    files: Files
    """What the store has after repair."""
    lost_lsns: frozenset[int]
    """What repair must name."""
    lost_paths: frozenset[str]
    lost_unnamed: bool
    """Whether records are lost whose paths nothing tells any more."""
    ends_unknown: bool
    """Whether more may have been committed than anything left tells of."""


def outcome(case: Case) -> Outcome:
    """What must come of that case."""
    base = _opens_from(case)
    files, lost_lsns, lost_paths = _best(case)
    return Outcome(
        opens=base is not None,
        unread=_unread(case, base),
        files=files,
        lost_lsns=frozenset(lost_lsns),
        lost_paths=frozenset(lost_paths & {FLIPPED, FLIPPED_NEW}),
        lost_unnamed=bool(lost_paths - {FLIPPED, FLIPPED_NEW}),
        ends_unknown=case.journal == "gone",
    )


# What the segment that both generations have holds, of what the older one has.
_SHARED = {FLIPPED, "keep/other.py", "pkg/001.py", "pkg/002.py"}


class _Part(NamedTuple):
    """A segment of a generation: what became of its halves, and which paths are in it."""

    snapshot: str
    search: str
    flipped: str
    paths: set[str]

    @property
    def opens(self) -> bool:
        """Whether it can be opened: flipped records are opened, for their damage shows later."""
        return self.snapshot in ("intact", "flipped") or self.search == "intact"

    @property
    def unread(self) -> set[str]:
        """Which paths cannot be read where it is open."""
        return {self.flipped} if self.snapshot == "flipped" and self.search != "intact" else set()

    @property
    def lost(self) -> set[str]:
        """Which paths neither half has any more. Cut off at its end, the snapshot has all records."""
        return self.paths if self.snapshot == "gone" and self.search != "intact" else self.unread


def _parts(case: Case, lsn: int) -> list[_Part]:
    """The segments of a generation that may be damaged."""
    files = set(truth()[lsn])
    shared = _Part(case.shared_snapshot, case.shared_search, FLIPPED, files & _SHARED)
    if lsn == OLD:
        return [shared]
    return [shared, _Part(case.new_snapshot, case.new_search, FLIPPED_NEW, files - _SHARED)]


def _manifests(case: Case) -> dict[int, str]:
    return {NEW: case.new_manifest, OLD: case.old_manifest}


def _reaches_the_end(case: Case, base: int) -> bool:
    return case.journal != "gone" and not any(lsn > base for lsn in _LOST.get(case.journal, ()))


def _opens_from(case: Case) -> int | None:
    """The generation that opening rests on."""
    manifests = _manifests(case)
    if case.identity != "intact" and all(manifest != "intact" for manifest in manifests.values()):
        return None
    for lsn, manifest in manifests.items():
        readable = manifest == "intact" and all(part.opens for part in _parts(case, lsn))
        if readable and _reaches_the_end(case, lsn):
            return lsn
    return None


def _unread(case: Case, base: int | None) -> frozenset[str]:
    if base is None:
        return frozenset()
    return frozenset[str]().union(*(part.unread for part in _parts(case, base)))


def _best(case: Case) -> tuple[Files, set[int], set[str]]:
    states, lost = truth(), _LOST.get(case.journal, set())
    # Where the journal is gone, so is what says how far it went: the newest generation is the end.
    last = NEW if case.journal == "gone" else LAST
    best: tuple[tuple[int, int, int], Files, set[int], set[str]] | None = None
    for lsn in (NEW, OLD):
        missing = set[str]().union(*(part.lost for part in _parts(case, lsn)))
        files = {path: one for path, one in states[lsn].items() if path not in missing}
        if not files:
            continue
        files, lost_lsns = _replayed(files, lsn, last, lost)
        rank = (len(lost_lsns), len(missing), -lsn)
        replaced = {path for path in missing if path in files or path not in states[last]}
        if best is None or rank < best[0]:
            best = (rank, files, lost_lsns, missing - replaced)
    alone, alone_lsns = _replayed({}, 0, last, lost | set(range(1, 5)))
    if best is not None and len(best[2]) <= len(alone_lsns):
        return best[1:]
    return alone, alone_lsns, set()


def _replayed(files: Files, base: int, last: int, lost: set[int]) -> tuple[Files, set[int]]:
    for lsn in range(base + 1, last + 1):
        if lsn not in lost:
            files = apply(files, lsn)
    return files, {lsn for lsn in lost if base < lsn <= last}
