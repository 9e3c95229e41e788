"""What is removed after a checkpoint: generations beyond those kept, then what none of them needs.

That is the journal before the oldest of them, and the segments that none of them lists and that the rest of
the journal does not name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from itertools import pairwise

from diptych import fs
from diptych.errors import CorruptionError
from diptych.layout import (
    GENERATIONS,
    JOURNAL,
    SEGMENTS,
    journal_file_name,
    parse_generation_name,
    parse_journal_file_name,
    segments_to_remove,
)
from diptych.store.generation import read_manifest
from diptych.store.positions import consumers_of


def generations_to_remove(
    names: Collection[str], keep: int, pinned: Collection[str], followed: Collection[int] = ()
) -> list[str]:
    """Which generations go, oldest first. Pure.

    Kept are those of the newest `keep` LSNs, those a view holds, and for each LSN that a consumer is at the
    newest one that is not newer: from there, the records before each change are known.
    """
    parsed = sorted((p, name) for name in names if (p := parse_generation_name(name)) is not None)
    # A healed generation replaces the one at the same LSN; the damaged one goes first of all.
    newest_of_lsn = {lsn: name for (lsn, _), name in parsed}
    kept = {newest_of_lsn[lsn] for lsn in sorted(newest_of_lsn)[-keep:]}
    for position in followed:
        older = [lsn for lsn in newest_of_lsn if lsn <= position]
        if older:
            kept.add(newest_of_lsn[max(older)])
    return [name for _, name in parsed if name not in kept and name not in pinned]


def journal_files_to_remove(firsts: Collection[int], oldest_lsn: int) -> list[int]:
    """Which files go, oldest first: those whose successor begins at or before `oldest_lsn` + 1. Pure."""
    ordered = sorted(firsts)
    return [first for first, following in pairwise(ordered) if following <= oldest_lsn + 1]


def first_journal_lsn(store: str) -> int:
    """The first LSN that the journal has a file for; 1 where it has none. Raises StorageError."""
    return min(_journal_firsts(store), default=1)


def trim(
    store: str,
    store_id: bytes,
    keep: int,
    pinned: Collection[str],
    needed_segments: Callable[[], Collection[str]] = tuple,
    *,
    at_once: bool,
) -> bool:
    """Remove what is not kept; whether anything is left to be removed the next time.

    A crash may bring back a generation whose removal was not synced, so what it needs has to outlive it. With
    `at_once` that costs an fsync. Otherwise it is removed the next time: the caller has just published, which
    made the removals of the time before durable too.

    `needed_segments`: the digests of segments that no manifest names yet, asked when the others are known.
    Raises StorageError.
    """
    followed = [consumer.lsn for consumer in consumers_of(store, store_id)]
    if any(lsn < 0 for lsn in followed):
        # How far that consumer is cannot be read: everything may be needed.
        return False
    directory = os.path.join(store, GENERATIONS)
    with fs.translated("list", directory):
        names = fs.list_directory(directory)
    removed = generations_to_remove(names, keep, pinned, followed)
    left = [name for name in names if parse_generation_name(name) is not None]
    if at_once:
        _remove_generations(directory, removed)
        # Those that were removed the time before, too.
        fs.fsync_dir(directory)
        left = [name for name in left if name not in removed]
    lsns = {parsed[0] for name in left if (parsed := parse_generation_name(name))}
    if len(lsns) >= keep:
        # Otherwise one generation alone: the journal from the beginning is the second way to all in it.
        for first in journal_files_to_remove(_journal_firsts(store), min([*lsns, *followed])):
            fs.remove_file(os.path.join(store, JOURNAL, journal_file_name(first)))
    _remove_segments(store, left, needed_segments)
    if not at_once:
        _remove_generations(directory, removed)
    return bool(removed) and not at_once


def _remove_generations(directory: str, names: Collection[str]) -> None:
    for name in names:
        fs.remove_file(os.path.join(directory, name))


def _journal_firsts(store: str) -> list[int]:
    """The LSNs that journal files begin with, by their names."""
    journal = os.path.join(store, JOURNAL)
    with fs.translated("list", journal):
        names = fs.list_directory(journal)
    return [first for name in names if (first := parse_journal_file_name(name)) is not None]


def _remove_segments(
    store: str, generations: Collection[str], needed_segments: Callable[[], Collection[str]]
) -> None:
    """Remove the segments that none of these generations lists, unless one of them cannot be read.

    Those that the journal names are kept as long as it is.
    """
    directory = os.path.join(store, SEGMENTS)
    with fs.translated("list", directory):
        names = fs.list_directory(directory)
    try:
        manifests = [read_manifest(os.path.join(store, GENERATIONS, name)) for name in generations]
    except CorruptionError:
        # It may list any of them, and repair may still need that.
        return
    first_lsn = first_journal_lsn(store)
    listed = {one.digest for manifest in manifests for one in manifest.segments}
    listed |= {one.digest for manifest in manifests for one in manifest.adopted if one.lsn >= first_lsn}
    listed |= set(needed_segments())
    for name in segments_to_remove(names, generations, listed):
        fs.remove_tree(os.path.join(directory, name))
