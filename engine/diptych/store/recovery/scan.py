"""The first step of recovery: read all there is, change nothing, judge nothing.

What is found is a `Scan`, which `plan` turns into what to do.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

from diptych import fs
from diptych.errors import CorruptionError, IncompatibleStoreError
from diptych.layout import (
    CLOSED,
    CONSUMERS,
    FACTS,
    FRESHNESS,
    GENERATIONS,
    IDENTITY,
    INCOMING,
    JOURNAL,
    QUARANTINE,
    RECORDS,
    SEGMENTS,
    parse_journal_file_name,
)
from diptych.schema.base import Schema
from diptych.segment.reader import Segment
from diptych.store.manifest import decode_identity, listed_sealed
from diptych.store.recovery.found import OpenFiles, Scan
from diptych.store.recovery.reading import irregular, names_in, read_small
from diptych.store.recovery.scan_generations import Segments, scan_generations, unreferenced
from diptych.store.recovery.scan_journal import scan_journal
from diptych.values import replace

# More than two generations are there only while a view holds one.
_GENERATIONS_AHEAD = 2
_JOURNAL_AHEAD_BYTES = 256 * 1024


def scan(
    path: str, schema: Schema[Any], segments: Mapping[str, Segment] | None = None
) -> tuple[Scan, OpenFiles]:
    """Read the store in directory `path`, and what was opened for that.

    The journal's transactions are read from the newest generation that looks usable. Segments are inspected
    from outside: present, of the right size. `segments` has those that are open already, by digest. Raises
    StorageError.
    """
    _read_ahead(path)
    files = OpenFiles(schema, segments=dict(segments or {}))
    strays = [
        *(
            stray
            for name in (JOURNAL, GENERATIONS, SEGMENTS, INCOMING, QUARANTINE, CONSUMERS)
            for stray in irregular(os.path.join(path, name), stat.S_ISDIR, "no directory")
        ),
        *(
            stray
            for name in (FACTS, FRESHNESS, IDENTITY)
            for stray in irregular(os.path.join(path, name), stat.S_ISREG, "no regular file")
        ),
    ]
    where = os.path.join(path, IDENTITY)
    found = _with_rest(replace(_scan_identity(path, where), strays=tuple(strays)), files)
    if _is_stranger(found):
        problem = f"{where} belongs to another store than all the rest"
        found = _with_rest(Scan(path, identity_problem=problem, strays=tuple(strays)), files)
    return found, files


def rescan_journal(found: Scan, files: OpenFiles, journal_from: int) -> Scan:
    """The scan with the journal read again, from an older LSN. Raises StorageError."""
    directory = os.path.join(found.path, JOURNAL)
    strays = tuple(stray for stray in found.strays if os.path.dirname(stray.path) != directory)
    segments = Segments(found.path, files)
    return _with_journal(replace(found, strays=strays), segments, files, journal_from)


def _with_rest(begun: Scan, files: OpenFiles) -> Scan:
    generations = scan_generations(begun.path, begun.identity, files)
    found = replace(
        begun,
        generations=generations.found,
        strays=(*begun.strays, *generations.strays),
        temporaries=tuple(generations.temporaries),
        segment_names=generations.segment_names,
        incompatible=begun.incompatible or generations.incompatible,
    )
    journal_from = next((g.lsn for g in found.generations if g.usable), 0)
    return _with_journal(found, generations.segments, files, journal_from)


def _with_journal(found: Scan, segments: Segments, files: OpenFiles, journal_from: int) -> Scan:
    journal = scan_journal(found.path, found.store_id, journal_from, files)
    entries = [one for file in journal.files for t in file.transactions for one in t.adopted]
    scanned = replace(
        found,
        journal=journal.files,
        journal_from=journal_from,
        adopted=tuple(segments.find(listed_sealed(entry.sealed)) for entry in dict.fromkeys(entries)),
        closed=journal.closed,
        closed_problem=journal.closed_problem,
        strays=(*found.strays, *journal.strays),
        temporaries=tuple(dict.fromkeys((*found.temporaries, *journal.temporaries))),
        incompatible=found.incompatible or journal.incompatible,
    )
    return replace(scanned, unreferenced=unreferenced(scanned))


def _read_ahead(path: str) -> None:
    """Ask for all that opening reads at once: read one by one from a cold disk, it waits for each.

    Of segments the ends are asked for, and no more: touching their maps would bring in much around them.
    """
    journal, generations = os.path.join(path, JOURNAL), os.path.join(path, GENERATIONS)
    fs.will_read(os.path.join(path, IDENTITY))
    fs.will_read(os.path.join(journal, CLOSED))
    for name in names_in(generations)[-_GENERATIONS_AHEAD:]:
        fs.will_read(os.path.join(generations, name))
    segments = os.path.join(path, SEGMENTS)
    for name in names_in(segments):
        fs.will_read(os.path.join(segments, name, RECORDS), beginning=1, end=True)
    journal_files = [name for name in names_in(journal) if parse_journal_file_name(name) is not None]
    for name in journal_files[-1:]:
        fs.will_read(os.path.join(journal, name), beginning=_JOURNAL_AHEAD_BYTES)


def _is_stranger(found: Scan) -> bool:
    """Whether the identity alone is of another store: then it is what is damaged, not all the rest."""
    if found.identity is None:
        return False
    others = [file.header.store_id for file in found.journal if file.header is not None]
    others += [found.closed.store_id] if found.closed is not None else []
    foreign = [generation.foreign for generation in found.generations]
    return (
        len(others) + len(foreign) > 1
        and all(foreign)
        and len(set(others)) == 1
        and others[0] != found.identity.store_id
    )


def _scan_identity(path: str, where: str) -> Scan:
    """A scan with no more than the identity."""
    try:
        data = read_small(where)
        if data is None:
            return Scan(path, identity_missing=True, identity_problem=f"{where} is missing")
        return Scan(path, identity=decode_identity(data, where=where))
    except IncompatibleStoreError as error:
        return Scan(path, identity_problem=error.message, incompatible=error)
    except CorruptionError as error:
        return Scan(path, identity_problem=error.message)
