"""Two file systems: what a sync makes durable, and in which combinations the rest may survive.

**posix** is the letter of POSIX. Only a sync of a file makes its contents durable, only a sync of a
directory makes its entries durable, and of everything else any subset may survive. The two halves of a
rename are two entries. One thing is granted, because no file system can be mounted without it: a directory
has one place. An exchange of two names, which is not of POSIX, happens or does not, as Linux says of it.

**ordered** is metadata as journalling file systems have it (ext4, XFS): changes of entries, truncations
and growth by `fallocate` survive as a prefix of the order in which they were made, a rename whole or not
at all. A sync of a file commits the metadata up to the last change of that file, as both do; a later
rename elsewhere is not part of that, and `fdatasync` does not wait for a rename of the file itself. Data
is written back on its own: a rename may be there without the data of the file renamed. What extends a file
survives as a prefix, its last write torn or zeros; what overwrites may be missing by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .effects import Change, Inode, Mark, Resize, Step, Sync, Write
from .variants import GROWN, MISSING, WHOLE, Variant

MODELS = ("posix", "ordered")
NEVER = 1 << 60


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest thing that survives by itself. It happened in step `step`, and is durable from
    `durable_at` on.

    Both count steps: an atom is pending at crash point p (after the first p steps) when `step < p <
    durable_at`.
    """

    step: int
    effect: Write | Resize | Change
    durable_at: int


def atoms(model: str, steps: Sequence[Step], inodes: Sequence[Inode]) -> list[Atom]:
    """The atoms of a recording under a model, in order."""
    parts: list[tuple[int, Write | Resize | Change]] = []
    for index, step in enumerate(steps):
        effect = step.effect
        if isinstance(effect, (Sync, Mark)):
            continue
        if isinstance(effect, Change) and model == "posix" and not _exchanges(effect):
            parts.extend(
                (index, Change((entry,), effect.touched, effect.creates)) for entry in effect.entries
            )
        else:
            parts.append((index, effect))
    durable = [NEVER] * len(parts)
    for index, step in enumerate(steps):
        if isinstance(step.effect, Sync):
            covered = _posix_covered if model == "posix" else _ordered_covered
            for part in covered(parts, step.effect, inodes):
                durable[part] = min(durable[part], index + 1)
    return [Atom(index, effect, at) for (index, effect), at in zip(parts, durable, strict=True)]


def _exchanges(effect: Change) -> bool:
    """Whether two names change places. It is durable when the directory of the second name is synced."""
    return len(effect.entries) == 2 and all(entry.inode is not None for entry in effect.entries)


def _posix_covered(
    parts: list[tuple[int, Write | Resize | Change]], sync: Sync, _inodes: Sequence[Inode]
) -> list[int]:
    covered = []
    for number, (index, effect) in enumerate(parts):
        if index == sync.covers if sync.extent else index < sync.covers:
            about = effect.entries[0].directory if isinstance(effect, Change) else effect.inode
            if sync.inode is None or about == sync.inode:
                covered.append(number)
    return covered


def _ordered_covered(
    parts: list[tuple[int, Write | Resize | Change]], sync: Sync, inodes: Sequence[Inode]
) -> list[int]:
    limit = sync.covers + 1 if sync.extent else sync.covers
    committed = -1
    data_only = sync.data_only and sync.inode is not None and inodes[sync.inode].kind != "directory"
    for number, (index, effect) in enumerate(parts):
        if index < limit and (
            sync.inode is None or _changes_metadata(effect, sync.inode, data_only=data_only)
        ):
            committed = number
    covered = []
    for number, (index, effect) in enumerate(parts):
        if isinstance(effect, Write):
            of_file = sync.inode is None or effect.inode == sync.inode
            if of_file and (index == sync.covers if sync.extent else index < limit):
                covered.append(number)
        elif number <= committed:
            covered.append(number)
    return covered


def _changes_metadata(effect: Write | Resize | Change, inode: int, *, data_only: bool) -> bool:
    if isinstance(effect, Change):
        if any(entry.directory == inode for entry in effect.entries):
            return True
        return inode in effect.touched and (effect.creates or not data_only)
    return effect.inode == inode and (isinstance(effect, Resize) or effect.extends)


def legal(model: str, pending: Sequence[Atom], choice: Sequence[Variant]) -> tuple[Variant, ...]:
    """The nearest combination to `choice` that the model allows: itself under posix.

    Under ordered, whatever comes after a missing change of metadata is missing too, and whatever extends a
    file after a piece that is not whole.
    """
    if model == "posix":
        return tuple(choice)
    settled: list[Variant] = []
    cut = False
    blocked: set[int] = set()
    short: set[int] = set()
    for atom, variant in zip(pending, choice, strict=True):
        effect = atom.effect
        chosen = variant
        if not isinstance(effect, Write):
            if cut:
                chosen = MISSING
            cut = chosen == MISSING
            if cut and isinstance(effect, Resize):
                blocked.add(effect.inode)
        elif effect.inode in blocked:
            chosen = MISSING
        elif effect.extends:
            if effect.inode in short:
                chosen = MISSING
            elif chosen[0] == "zeros" and effect.offset < effect.size_before:
                chosen = GROWN
            if chosen != WHOLE:
                short.add(effect.inode)
        elif chosen[0] == "zeros":
            chosen = MISSING
        settled.append(chosen)
    return tuple(settled)
