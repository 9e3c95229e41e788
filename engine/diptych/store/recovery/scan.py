"""The first step of recovery: look at all there is, change nothing, judge nothing.

What is found is a `Scan`, which `plan` turns into what to do.
"""

from __future__ import annotations

import os
import stat

from diptych.errors import CorruptionError, IncompatibleStoreError
from diptych.layout import GENERATIONS, IDENTITY, JOURNAL, QUARANTINE, WORK
from diptych.store.manifest import decode_identity
from diptych.store.recovery.found import Scan
from diptych.store.recovery.reading import note_irregular, read_sealed
from diptych.store.recovery.scan_generations import scan_generations
from diptych.store.recovery.scan_journal import scan_journal


def scan(path: str, *, journal_from: int | None = None) -> Scan:
    """Look at the store in directory `path`.

    The journal's frames are read from LSN `journal_from` on; None for behind the newest generation that
    looks usable. Leaves are looked at from outside: present, of the right size. Raises StorageError.
    """
    found = Scan(path)
    for name in (JOURNAL, GENERATIONS, QUARANTINE, WORK):
        note_irregular(found, os.path.join(path, name), stat.S_ISDIR, "no directory")
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
