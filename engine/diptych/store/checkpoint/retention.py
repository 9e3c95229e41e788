"""What is removed after a checkpoint: generations beyond those kept, then journal that none of them needs."""

from __future__ import annotations

import os
from collections.abc import Collection
from itertools import pairwise

from diptych import fs
from diptych.layout import GENERATIONS, JOURNAL, parse_generation_name, parse_journal_file_name


def generations_to_remove(names: Collection[str], keep: int, pinned: Collection[str]) -> list[str]:
    """Which generations go, oldest first: all but the newest `keep` LSNs, and those a view holds. Pure."""
    parsed = sorted((p, name) for name in names if (p := parse_generation_name(name)) is not None)
    # A mended generation replaces the one at the same LSN; the damaged one goes first of all.
    newest_of_lsn = {lsn: name for (lsn, _), name in parsed}
    kept = {newest_of_lsn[lsn] for lsn in sorted(newest_of_lsn)[-keep:]}
    return [name for _, name in parsed if name not in kept and name not in pinned]


def journal_files_to_remove(firsts: Collection[int], oldest_lsn: int) -> list[int]:
    """Which files go, oldest first: those whose successor begins at or before `oldest_lsn` + 1. Pure."""
    ordered = sorted(firsts)
    return [first for first, following in pairwise(ordered) if following <= oldest_lsn + 1]


def trim(store: str, keep: int, pinned: Collection[str]) -> None:
    """Remove what is not kept. The caller has made the newest generation durable. Raises StorageError."""
    generations = os.path.join(store, GENERATIONS)
    with fs.translated("list", generations):
        names = fs.list_directory(generations)
    removed = generations_to_remove(names, keep, pinned)
    for name in removed:
        # Renamed first: a crash half-way through the deletion must not leave something that looks like
        # a damaged generation.
        doomed = os.path.join(generations, name + ".tmp")
        fs.remove_tree(doomed)
        fs.rename(os.path.join(generations, name), doomed)
        fs.remove_tree(doomed)
    left = [p[0] for name in names if name not in removed and (p := parse_generation_name(name))]
    if len(set(left)) < keep:
        # One generation alone: the journal from the beginning is the second way to everything in it.
        return
    fs.fsync_dir(generations)
    journal = os.path.join(store, JOURNAL)
    with fs.translated("list", journal):
        journal_files = fs.list_directory(journal)
    firsts = [first for name in journal_files if (first := parse_journal_file_name(name)) is not None]
    for first in journal_files_to_remove(firsts, min(left)):
        fs.remove_file(os.path.join(journal, f"{first:020d}.wal"))
