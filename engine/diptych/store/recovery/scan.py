"""The first step of recovery: look at all there is, change nothing, judge nothing.

What is found is a `Scan`, which `plan` turns into what to do.
"""

from __future__ import annotations

import os
import stat

from diptych import fs
from diptych.errors import CorruptionError, IncompatibleStoreError
from diptych.layout import (
    CLOSED,
    FACTS,
    FRESHNESS,
    GENERATIONS,
    IDENTITY,
    JOURNAL,
    MANIFEST,
    QUARANTINE,
    SNAPSHOT,
    WORK,
    parse_segment_name,
)
from diptych.store.manifest import decode_identity
from diptych.store.recovery.found import Scan
from diptych.store.recovery.reading import names_in, note_irregular, read_sealed
from diptych.store.recovery.scan_generations import scan_generations
from diptych.store.recovery.scan_journal import scan_journal

# More than two generations are there only while a view holds one.
_GENERATIONS_AHEAD = 2
_JOURNAL_AHEAD_BYTES = 256 * 1024


def scan(path: str, *, journal_from: int | None = None) -> Scan:
    """Look at the store in directory `path`.

    The journal's frames are read from LSN `journal_from` on; None for behind the newest generation that
    looks usable. Leaves are looked at from outside: present, of the right size. Raises StorageError.
    """
    found = Scan(path)
    _read_ahead(path)
    for name in (JOURNAL, GENERATIONS, QUARANTINE, WORK):
        note_irregular(found, os.path.join(path, name), stat.S_ISDIR, "no directory")
    for name in (FACTS, FRESHNESS):
        note_irregular(found, os.path.join(path, name), stat.S_ISREG, "no regular file")
    _scan_identity(found)
    scan_generations(found)
    if journal_from is None:
        journal_from = next((g.lsn for g in found.generations if g.usable), 0)
    scan_journal(found, journal_from)
    if _is_stranger(found):
        found.identity_problem = f"{os.path.join(path, IDENTITY)} belongs to another store than all the rest"
        found.identity = None
        found.generations.clear()
        found.temporaries.clear()
        scan_generations(found)
        scan_journal(found, next((g.lsn for g in found.generations if g.usable), 0))
    return found


def _read_ahead(path: str) -> None:
    """Ask for all that opening reads at once: read one by one from a cold disk, it waits for each.

    The snapshot's ends are asked for, and no more of it: touching its map would bring in much around them.
    """
    journal, generations = os.path.join(path, JOURNAL), os.path.join(path, GENERATIONS)
    fs.will_read(os.path.join(path, IDENTITY))
    fs.will_read(os.path.join(journal, CLOSED))
    for name in names_in(generations)[-_GENERATIONS_AHEAD:]:
        fs.will_read(os.path.join(generations, name, MANIFEST))
        fs.will_read(os.path.join(generations, name, SNAPSHOT), beginning=1, end=True)
    segments = [name for name in names_in(journal) if parse_segment_name(name) is not None]
    for name in segments[-1:]:
        fs.will_read(os.path.join(journal, name), beginning=_JOURNAL_AHEAD_BYTES)


def _is_stranger(found: Scan) -> bool:
    """Whether the identity alone is of another store: then it is what is damaged, not all the rest."""
    if found.identity is None:
        return False
    others = [s.header.store_id for s in found.segments if s.header is not None]
    others += [found.closed.store_id] if found.closed is not None else []
    foreign = [g.foreign for g in found.generations]
    return (
        len(others) + len(foreign) > 1
        and all(foreign)
        and len(set(others)) == 1
        and others[0] != found.identity.store_id
    )


def rescan_journal(found: Scan, journal_from: int) -> None:
    """Read the journal again, from an older LSN. Raises StorageError."""
    scan_journal(found, journal_from)


def _scan_identity(found: Scan) -> None:
    where = os.path.join(found.path, IDENTITY)
    try:
        data = read_sealed(found, where)
    except CorruptionError as error:
        found.identity_problem = error.message
        return
    if data is None:
        found.identity_problem = f"{where} is gone"
        return
    try:
        found.identity = decode_identity(data, where=where)
    except IncompatibleStoreError as error:
        found.incompatible = error
        found.identity_problem = error.message
    except CorruptionError as error:
        found.identity_problem = error.message
