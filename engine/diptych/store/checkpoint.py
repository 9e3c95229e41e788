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

from diptych import fs
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
        rewrite_snapshot = target.rewrite_snapshot or base is None
        if base is not None and not rewrite_snapshot and not _whole(base):
            log.warning("the snapshot leaf of LSN %d is damaged: writing it anew from all records", base.lsn)
            rewrite_snapshot = True
        writer = self._take_writer(target, base)
        feed = _Feed(writer, target)
        rewrite_search = target.rewrite_search or base is None
        source = feed.through(_all(view) if rewrite_search else _changes(changes))
        if rewrite_search != rewrite_snapshot:
            # The leaves need different records: one pass for each. Else one pass serves both: each payload
            # is read and taken apart once, and Tantivy's threads work while the snapshot is written.
            for _ in source:
                pass
            source = _all(view) if rewrite_snapshot else _changes(changes)
        written = _write_snapshot(target, None if rewrite_snapshot else base, source, directory)
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

    def _take_writer(self, target: Target, base: Generation | None) -> SearchWriter:
        """The Tantivy writer, standing where the base does."""
        writer = self._writer
        if writer is None or base is None or target.rewrite_search or self._written_path != base.path:
            self.drop()
            writer = self._begin(target, base, os.path.join(target.store, WORK))
        # Until what is built now is published, it stands nowhere.
        self._writer, self._written_path = writer, ""
        return writer

    def _begin(self, target: Target, base: Generation | None, work: str) -> SearchWriter:
        if base is None or target.rewrite_search:
            return SearchWriter(work, target.schema, None)
        files = base.manifest.of_search()
        # What is linked from here ends up in the next generation: a damaged file must not.
        verify_files(base.search_path, files)
        return SearchWriter(work, target.schema, base.search_path, files)


class _Feed:
    """Passes changes on to Tantivy."""

    def __init__(self, writer: SearchWriter, target: Target) -> None:
        self._writer, self._target = writer, target
        # An index that begins empty has nothing to delete.
        self._known = target.view.generation is not None and not target.rewrite_search

    def through(self, changes: Iterable[Change]) -> Iterator[Change]:
        """The same changes, each with its projection, after its documents were added."""
        schema, breathe = self._target.schema, self._target.breathe
        for key, check, payload, _ in changes:
            if payload is None:
                self._writer.replace(key, check, None, known=self._known)
                yield Change(key, check, None)
            else:
                projection = schema.project(key, payload)
                self._writer.replace(key, check, payload, projection.documents, known=self._known)
                yield Change(key, check, payload, projection)
            breathe()


def _write_snapshot(
    target: Target, base: Generation | None, changes: Iterable[Change], directory: str
) -> Written:
    return write_snapshot(
        os.path.join(directory, SNAPSHOT),
        store_id=target.identity.store_id,
        lsn=target.view.lsn,
        schema=target.schema,
        base=base.snapshot if base is not None else None,
        base_counts=tuple(base.manifest.counts.values()) if base is not None else (),
        changes=changes,
        breathe=target.breathe,
    )


def search_is_whole(generation: Generation) -> bool:
    """Whether a generation's search leaf is what its manifest says: reads all of it.

    Raises StorageError where it cannot be looked at now.
    """
    try:
        verify_files(generation.search_path, generation.manifest.of_search())
    except (CorruptSearchError, StorageError) as error:
        fs.refuse_of_the_moment(error)
        return False
    return True


def _whole(generation: Generation) -> bool:
    """Whether the snapshot is what was written: copying would bless damage with a new hash."""
    try:
        return generation.verify_snapshot()
    except StorageError as error:
        fs.refuse_of_the_moment(error)
        return False


def _all(view: View[Any]) -> Iterator[Change]:
    for record in view.stored():
        yield Change(*record)


def _changes(entries: list[Entry]) -> Iterator[Change]:
    for entry in entries:
        yield Change(entry.key, entry.check, entry.payload() if entry.segment is not None else None)
