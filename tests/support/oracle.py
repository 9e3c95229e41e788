"""What opening and repair must come to: from the rules and from what was damaged, not from the engine.

1. A store opens when an identity or a manifest says what it is, and a generation with a manifest has a leaf
   that is whole and the journal goes on from it without a gap to its end. Then everything is there.
2. Otherwise opening refuses. Repair starts from what can be read of either leaf of a generation, manifest or
   not, takes every whole transaction behind it, and chooses the generation with which least is lost: first by
   transactions, then by records, then the newest. Where no leaf has anything, the journal alone is taken.
3. What is damaged and keeps its size is found by reading it, not by opening: a read of it heals from the
   other leaf of the generation or raises.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.support.damage import FLIPPED, LAST, NEW, OLD, Case, Files, apply, truth

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
        lost_paths=frozenset(lost_paths),
        ends_unknown=case.journal == "gone",
    )


def _generations(case: Case) -> dict[int, tuple[str, str, str]]:
    return {
        NEW: (case.new_snapshot, case.new_search, case.new_manifest),
        OLD: (case.old_snapshot, case.old_search, case.old_manifest),
    }


def _reaches_the_end(case: Case, base: int) -> bool:
    return case.journal != "gone" and not any(lsn > base for lsn in _LOST.get(case.journal, ()))


def _opens_from(case: Case) -> int | None:
    """The generation that opening rests on."""
    generations = _generations(case)
    if case.identity != "whole" and all(g[2] != "whole" for g in generations.values()):
        return None
    for lsn, (snapshot, search, manifest) in generations.items():
        # A flipped snapshot is opened, for its damage shows later; a flipped search leaf rebuilds nothing.
        readable = manifest == "whole" and (snapshot in ("whole", "flipped") or search == "whole")
        if readable and _reaches_the_end(case, lsn):
            return lsn
    return None


def _unread(case: Case, base: int | None) -> frozenset[str]:
    if base is not None:
        snapshot, search, _ = _generations(case)[base]
        if snapshot == "flipped" and search != "whole":
            return frozenset({FLIPPED})
    return frozenset()


def _best(case: Case) -> tuple[Files, set[int], set[str]]:
    states, lost = truth(), _LOST.get(case.journal, set())
    # Where the journal is gone, so is what says how far it went: the newest generation is the end.
    last = NEW if case.journal == "gone" else LAST
    best: tuple[tuple[int, int, int], Files, set[int], set[str]] | None = None
    for lsn, (snapshot, search, _) in _generations(case).items():
        missing = {FLIPPED} if snapshot == "flipped" and search != "whole" else set()
        if search != "whole" and snapshot == "gone":
            continue
        files = {path: one for path, one in states[lsn].items() if path not in missing}
        files, lost_lsns = _replayed(files, lsn, last, lost)
        rank = (len(lost_lsns), len(missing), -lsn)
        if best is None or rank < best[0]:
            best = (rank, files, lost_lsns, missing)
    if best is not None:
        return best[1:]
    files, lost_lsns = _replayed({}, 0, last, lost | set(range(1, 5)))
    return files, lost_lsns, set()


def _replayed(files: Files, base: int, last: int, lost: set[int]) -> tuple[Files, set[int]]:
    for lsn in range(base + 1, last + 1):
        if lsn not in lost:
            files = apply(files, lsn)
    return files, {lsn for lsn in lost if base < lsn <= last}
