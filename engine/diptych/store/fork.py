"""Another store of a generation: a fork of an open one, or one of a generation that came without its store.

It has an id of its own and shares the segments, by hard links where the file system has them: segments never
change, and nothing that either store writes to is linked. Its journal begins after the generation, with what
was committed since. ORIGIN says what it was made from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from diptych import fs
from diptych.errors import CorruptionError, CorruptStoreError, StorageError, StoreNotFoundError
from diptych.journal.file import JournalFile
from diptych.journal.format import COMMIT, PART, JournalHeader, encode_frame, encode_header
from diptych.journal.reader import FrameReader
from diptych.layout import (
    CLOSED,
    GENERATIONS,
    IDENTITY,
    JOURNAL,
    journal_file_name,
    parse_generation_name,
)
from diptych.schema.base import Schema
from diptych.store.copying import copy_generation, copy_segment, new_store
from diptych.store.generation import read_manifest
from diptych.store.handle import REMOVED_TRIES, Handle
from diptych.store.manifest import (
    ClosedMark,
    Identity,
    Manifest,
    encode_closed,
    encode_identity,
    now_ms,
)
from diptych.store.opening import absolute
from diptych.store.origin import Origin, write_origin
from diptych.store.recovery.reading import names_in
from diptych.store.view import View
from diptych.values import replace


def fork(
    handle: Handle[Any], path: str | os.PathLike[str], details: Mapping[str, Any], *, private: bool
) -> int:
    """Make a fork of an open store; returns its LSN. See `RecordStore.fork`."""
    for _ in range(REMOVED_TRIES):
        with handle.current.hold() as view:
            try:
                with new_store(absolute(path), handle.path, handle.schema, private=private) as new:
                    new.is_known = _fill_fork(new.directory, handle, view, details)
            except (CorruptionError, StorageError):
                # The writer removed what a reader was linking: again, from the newer generation.
                if not handle.overtaken(view.generation):
                    raise
            else:
                return view.lsn
    raise StorageError(f"the generations of {handle.path} are removed faster than they are linked")


def adopt(
    directory: str | os.PathLike[str],
    path: str | os.PathLike[str],
    schema: Schema[Any],
    *,
    source: str,
    details: Mapping[str, Any],
    verified: bool,
) -> int:
    """Make a store of a generation in `directory`; returns its LSN. See `RecordStore.adopt_with`."""
    found = absolute(directory)
    manifest = _newest_manifest(found)
    manifest.identity.refuse_other(schema, found)
    with new_store(absolute(path), found, schema) as new:
        identity = Identity.new(schema).forked(manifest.identity, manifest.lsn)
        # The journal begins after it, and names no segment from before.
        taken = replace(manifest, identity=identity, adopted=())
        new.is_known = copy_generation(new.directory, found, taken, linked=True) and verified
        _begin_journal(new.directory, identity, manifest.lsn, manifest.chain)
        origin = _origin_of(manifest, source or found, details)
        _complete(new.directory, identity, origin, manifest.chain)
    return manifest.lsn


def _newest_manifest(directory: str) -> Manifest:
    """The manifest of the newest generation in a directory.

    Raises StoreNotFoundError, CorruptSnapshotError, IncompatibleStoreError, StorageError.
    """
    generations = os.path.join(directory, GENERATIONS)
    named = [(parsed, name) for name in names_in(generations) if (parsed := parse_generation_name(name))]
    if not named:
        raise StoreNotFoundError(
            f"there is no generation in {directory}",
            advice=f"name a folder that has {GENERATIONS}/ with a manifest, and the segments that it lists",
        )
    (lsn, _), name = max(named)
    where = os.path.join(generations, name)
    manifest = read_manifest(where)
    if manifest.lsn != lsn:
        raise CorruptStoreError(f"{where} holds the manifest of LSN {manifest.lsn}", where=where)
    return manifest


def _origin_of(manifest: Manifest, source: str, details: Mapping[str, Any]) -> Origin:
    store_id = manifest.identity.store_id.hex()
    return Origin(source, store_id, manifest.lsn, manifest.chain, manifest.content_id, dict(details))


def _fill_fork(directory: str, handle: Handle[Any], view: View[Any], details: Mapping[str, Any]) -> bool:
    """Returns whether all segments are linked."""
    base, of = view.generation, handle.identity
    identity = Identity.new(handle.schema).forked(of, view.lsn)
    lsn, chain, shares_all = 0, 0, True
    origin = Origin(handle.path, of.store_id.hex(), view.lsn, 0, "", dict(details))
    if base is not None:
        lsn, chain = base.lsn, base.manifest.chain
        taken = replace(base.manifest, identity=identity, adopted=())
        shares_all = copy_generation(directory, handle.path, taken, linked=True)
        if lsn == view.lsn:
            origin = _origin_of(base.manifest, handle.path, details)
    for segment in view.overlay.adopted_until(view.lsn):
        shares_all &= copy_segment(directory, handle.path, segment.listed, linked=True)
    last_chain = chain
    if lsn < view.lsn:
        last_chain, seen = _repeat_journal(directory, handle.path, identity, lsn, view.lsn, chain)
        origin = replace(origin, chain=seen)
    else:
        _begin_journal(directory, identity, lsn, chain)
    _complete(directory, identity, origin, last_chain)
    return shares_all


def _complete(directory: str, identity: Identity, origin: Origin, chain: int) -> None:
    """What a store has beside its generation and its journal, which ends with the frame of `chain`."""
    # So that a fork whose end is lost does not open as an older one.
    closed = ClosedMark(identity.store_id, origin.lsn, chain, now_ms())
    fs.write_file(os.path.join(directory, JOURNAL, CLOSED), encode_closed(closed))
    write_origin(directory, origin)
    fs.write_file(os.path.join(directory, IDENTITY), encode_identity(identity))


def _begin_journal(directory: str, identity: Identity, lsn: int, chain: int) -> None:
    """Make the journal file that follows a generation whose own journal is elsewhere. Raises StorageError.

    `chain` is the one in the generation's manifest, 0 for none: that it follows is all that recovery asks.
    """
    header = JournalHeader(identity.store_id, lsn + 1, _salt(), chain, identity.schema_version)
    path = os.path.join(directory, JOURNAL, journal_file_name(lsn + 1))
    # Under its own name at once: the directory is no store yet.
    fs.write_file(path, encode_header(header))


def _repeat_journal(
    directory: str, store: str, identity: Identity, after: int, until: int, chain: int
) -> tuple[int, int]:
    """Write the transactions of a store's journal after one LSN and up to another into the fork's.

    In journal files that begin where those of the store do, and with the version of the schema that those
    have. Returns the checksum of the last frame here, and there.
    """
    last, seen = after, 0
    while last < until:
        name = journal_file_name(last + 1)
        file = JournalFile(os.path.join(store, JOURNAL, name))
        header = JournalHeader(identity.store_id, last + 1, _salt(), chain, file.header.schema_version)
        first, parts = last, [encode_header(header)]
        # The frames of a transaction that is not complete are left out.
        complete, complete_chain = len(parts), chain
        for frame in FrameReader(file):
            if frame.lsn > until:
                break
            if frame.kind in (PART, COMMIT):
                encoded, chain = encode_frame(
                    frame.lsn,
                    frame.kind,
                    frame.payload,
                    salt=header.salt,
                    chain=chain,
                    continues=frame.continues,
                )
                parts.append(encoded)
            if frame.kind == COMMIT:
                last, seen, complete, complete_chain = frame.lsn, frame.checksum, len(parts), chain
        chain = complete_chain
        fs.write_file(os.path.join(directory, JOURNAL, name), b"".join(parts[:complete]))
        if last == first and last < until:
            raise CorruptStoreError(f"{file.path} ends at LSN {last}, and {until} was read", where=file.path)
    return chain, seen


def _salt() -> int:
    return int.from_bytes(os.urandom(8), "little")
