"""A checkpoint: both leaves brought to one LSN, and published as a generation.

In order: the journal is synced and goes on in a new segment; the changes are fed to Tantivy, which indexes
them in its own threads; meanwhile the snapshot is written; Tantivy commits; its files are linked, made
durable and hashed; the manifest is written; one rename publishes. A crash anywhere before the rename leaves
the generation before and the journal, which hold everything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from diptych.errors import CorruptSearchError, StorageError
from diptych.layout import SEARCH, SNAPSHOT, WORK
from diptych.schema.base import Schema
from diptych.search.documents import Watermark
from diptych.search.leaf import verify_files
from diptych.search.writer import SearchWriter
from diptych.snapshot.writer import Change, Written, write_snapshot
from diptych.store.generation import Generation
from diptych.store.manifest import Identity, Manifest, now_ms
from diptych.store.overlay import Entry
from diptych.store.view import View, log


class Target(NamedTuple):
    """What a checkpoint is to come to."""

    store: str
    identity: Identity
    schema: Schema[Any]
    view: View[Any]
    """Everything at the checkpoint's LSN."""
    chain: int
    modified_ms: int
    rewrite_snapshot: bool
    """Whether the snapshot is written from all records: the one before is damaged, or there is none."""
    rewrite_search: bool
    breathe: Callable[[], None]


class Leaves:
    """Builds generations. Keeps the Tantivy writer from one to the next. One thread at a time."""

    def __init__(self) -> None:
        self._writer: SearchWriter | None = None
        self._written_path = ""

    def build(self, target: Target, directory: str) -> Manifest:
        """Fill `directory` with both leaves at the view's LSN; returns the manifest.

        Raises CorruptionError and StorageError; then the Tantivy writer begins anew next time.
        """
        try:
            return self._build(target, directory)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Let the Tantivy writer go; what it has not exported is lost, and known to the journal."""
        self._writer = None
        self._written_path = ""

    def published(self, path: str) -> None:
        """What was built is published at `path`: the Tantivy writer stands where that generation does."""
        self._written_path = path

    def _build(self, target: Target, directory: str) -> Manifest:
        view, base = target.view, target.view.generation
        changes = view.overlay.changes(view.lsn)
        rewrite_snapshot = target.rewrite_snapshot
        if base is not None and not rewrite_snapshot and not _whole(base):
            log.warning("the snapshot leaf of LSN %d is damaged: writing it anew from all records", base.lsn)
            rewrite_snapshot = True
        writer = self._feed(target, base, changes)
        written = self._write_snapshot(target, base, changes, directory, rewrite=rewrite_snapshot)
        counts = dict(zip(target.schema.counters, written.counts, strict=True))
        writer.commit(
            Watermark(target.identity.store_id, view.lsn, target.chain, written.records, written.counts)
        )
        known = base.manifest.of_search() if base is not None and not target.rewrite_search else {}
        files = writer.export(os.path.join(directory, SEARCH), known)
        return Manifest(
            identity=target.identity,
            lsn=view.lsn,
            chain=target.chain,
            records=written.records,
            counts=counts,
            created_ms=now_ms(),
            modified_ms=target.modified_ms,
            files={SNAPSHOT: (written.size, written.blake3)}
            | {f"{SEARCH}/{name}": facts for name, facts in files.items()},
        )

    def _feed(self, target: Target, base: Generation | None, changes: list[Entry]) -> SearchWriter:
        """The Tantivy writer, given all that is newer than the base."""
        work = os.path.join(target.store, WORK)
        if base is not None and self._writer is not None and self._written_path == base.path:
            writer = self._writer
        else:
            # From here on until the next generation is published, an error leaves no writer.
            self.drop()
            writer = self._begin(target, base, work)
        self._writer = writer
        self._written_path = ""
        if target.rewrite_search:
            for record in target.view.stored():
                writer.replace(*record, known=False)
                target.breathe()
            return writer
        for entry in changes:
            payload = entry.payload() if entry.segment is not None else None
            writer.replace(entry.key, entry.check, payload, known=base is not None)
            target.breathe()
        return writer

    def _begin(self, target: Target, base: Generation | None, work: str) -> SearchWriter:
        if base is None or target.rewrite_search:
            return SearchWriter(work, target.schema, None)
        files = base.manifest.of_search()
        # What is linked from here ends up in the next generation: a damaged file must not.
        verify_files(base.search_path, files)
        return SearchWriter(work, target.schema, base.search_path, files)

    def _write_snapshot(
        self, target: Target, base: Generation | None, changes: list[Entry], directory: str, *, rewrite: bool
    ) -> Written:
        view = target.view
        stored: Iterable[Change]
        if rewrite or base is None:
            stored = (Change(*record) for record in view.stored())
        else:
            stored = _changes(changes)
        return write_snapshot(
            os.path.join(directory, SNAPSHOT),
            store_id=target.identity.store_id,
            lsn=view.lsn,
            schema=target.schema,
            base=None if rewrite or base is None else base.snapshot,
            base_counts=() if rewrite or base is None else tuple(base.manifest.counts.values()),
            changes=stored,
            breathe=target.breathe,
        )


def search_is_whole(generation: Generation) -> bool:
    """Whether a generation's search leaf is what its manifest says: reads all of it."""
    try:
        verify_files(generation.search_path, generation.manifest.of_search())
    except (CorruptSearchError, StorageError):
        return False
    return True


def _whole(generation: Generation) -> bool:
    """Whether the snapshot is what was written: copying would bless damage with a new hash."""
    try:
        return generation.verify_snapshot()
    except StorageError:
        return False


def _changes(entries: list[Entry]) -> Iterator[Change]:
    for entry in entries:
        yield Change(entry.key, entry.check, entry.payload() if entry.segment is not None else None)
