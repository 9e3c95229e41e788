"""What `stats` and `diptych status` say of a store."""

from __future__ import annotations

import os
from typing import Any

from diptych import fs
from diptych.errors import DiptychError
from diptych.layout import GENERATIONS, JOURNAL, parse_generation_name, parse_journal_file_name
from diptych.metadata import unpack_metadata
from diptych.store.generation import Generation
from diptych.store.handle import Handle
from diptych.store.origin import Origin, read_origin
from diptych.store.positions import ConsumerInfo, consumers_of
from diptych.store.report import Finding
from diptych.store.state import StoreState
from diptych.values import Value


class Stats(Value):
    """Figures of a store, at one moment."""

    path: str
    store_id: str
    schema: str
    state: StoreState
    origin_id: str
    """Of a fork: the id of the store that it was made from; else "" …"""
    origin_lsn: int
    """… and at which LSN."""
    origin: Origin | None
    """Of a fork, and of a store that was adopted: where it came from, as far as that can be read."""
    lsn: int
    records: int
    older_records: int
    """How many of a generation's records are of an older version of the schema, and upgraded when read."""
    counts: dict[str, int]
    """The schema's counters: for a code index, symbols and relations."""
    dead_records: int
    """How many removed or replaced records the newest generation's files still have."""
    generation_lsn: int
    """Of the newest generation; 0 where there is none."""
    content_id: str
    """What is in it, 64 hexadecimal digits: equal for stores with the same records of the same schema.

    "" where there is no generation, or one of an earlier release: the next checkpoint computes it.
    """
    generations: tuple[str, ...]
    """The names of those kept, oldest first."""
    changes: int
    """Changes that are in the journal and in no generation yet."""
    snapshot_bytes: int
    search_bytes: int
    journal_bytes: int
    created_ms: int
    modified_ms: int
    metadata: dict[str, Any]
    """What came with the newest transaction that has metadata; empty where none has …"""
    metadata_lsn: int
    """… and the LSN of that transaction, or 0."""
    consumers: tuple[ConsumerInfo, ...]
    """The named consumers, for which the journal is kept."""
    recovery: tuple[Finding, ...]
    """What recovery found when the store was opened."""
    checkpoint_error: str
    """Why the last automatic checkpoint failed; "" when it did not."""


def gather(handle: Handle[Any]) -> Stats:
    """The figures of an open store."""
    path, identity, error = handle.path, handle.identity, handle.checkpoint_error
    view = handle.current.view
    base = view.generation
    newest = view.metadata()
    return Stats(
        path=path,
        store_id=identity.store_id.hex(),
        schema=identity.schema,
        state=handle.state,
        origin_id=identity.origin_id.hex(),
        origin_lsn=identity.origin_lsn,
        origin=_origin(path),
        lsn=view.lsn,
        records=len(view),
        older_records=_older_records(base, handle.schema.version),
        # Without its schema, what is in the journal alone cannot be counted.
        counts=view.counts() if not handle.schema.is_stand_in else {},
        dead_records=_dead_records(base),
        generation_lsn=base.lsn if base is not None else 0,
        content_id=base.manifest.content_id if base is not None else "",
        generations=tuple(sorted(name for name in _names(path, GENERATIONS) if parse_generation_name(name))),
        changes=view.overlay.position(view.lsn),
        snapshot_bytes=base.records_bytes if base is not None else 0,
        search_bytes=base.search_bytes if base is not None else 0,
        journal_bytes=sum(
            _size(os.path.join(path, JOURNAL, name))
            for name in _names(path, JOURNAL)
            if parse_journal_file_name(name) is not None
        ),
        created_ms=identity.created_ms,
        modified_ms=handle.modified_ms,
        metadata=unpack_metadata(newest.packed, where=f"{path}, LSN {newest.lsn}") if newest.lsn else {},
        metadata_lsn=newest.lsn,
        consumers=tuple(consumers_of(path)),
        recovery=tuple(handle.recovery),
        checkpoint_error=str(error) if error is not None else "",
    )


def _origin(path: str) -> Origin | None:
    try:
        return read_origin(path)
    except DiptychError:
        # Verification says what is wrong with it.
        return None


def _older_records(base: Generation | None, version: int) -> int:
    members = base.segments.members if base is not None else ()
    return sum(member.listed.records for member in members if member.version != version)


def _dead_records(base: Generation | None) -> int:
    listed = base.manifest.segments if base is not None else ()
    return sum(one.seal.records - one.records for one in listed)


def _names(path: str, name: str) -> list[str]:
    try:
        return fs.list_directory(os.path.join(path, name))
    except OSError:
        return []


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
