"""Filling a generation's directory: both stores at one LSN, durable, and the manifest.

The changes are fed to Tantivy, which indexes them in its own threads; meanwhile the snapshot's records are
written; Tantivy commits while the snapshot's indexes are written; its files are linked, made durable and
hashed.

The changes of large transactions are fed as they are committed, so that Tantivy's threads work while the next
is prepared. Tantivy's directory is a cache: what it was fed and did not publish is discarded at the next
opening.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from diptych import fs
from diptych.change import Change, FileIndexed, FileRemoved, loaded
from diptych.errors import CorruptSearchError, StorageError
from diptych.layout import SEARCH, SNAPSHOT, WORK
from diptych.schema.base import Schema
from diptych.search.documents import Watermark
from diptych.search.leaf import verify_files
from diptych.search.writer import SearchWriter
from diptych.snapshot.writer import NO_TERMS, IndexTerms, SnapshotWriter, extract_terms
from diptych.store.changes import ChangeSet
from diptych.store.checkpoint.background import BackgroundTask
from diptych.store.generation import Generation
from diptych.store.manifest import Identity, Manifest, now_ms
from diptych.store.overlay import Overlay, OverlayEntry
from diptych.store.view import View, log

# While it builds a generation, a thread works this long at a stretch, then steps aside for those that
# committed this recently.
_STRETCH_NS = 400_000
_PAUSE_S = 0.000_05
_COMMITS_RECENT_NS = 20_000_000
# A feed does not make one commit pay for more changes of others than these: the next checkpoint does.
_BACKLOG_MOST = 2_000
# The terms of a load are kept up to this, and extracted again from the rest: memory must not grow with it.
_TERMS_BYTES = 32 * 1024 * 1024
# About what one takes beside its terms.
_ENTRY_BYTES = 500
# Where a Tantivy writer is that began empty.
_EMPTY = ""

Unfed = tuple[Change, IndexTerms | None]
"""A change, with its terms where Tantivy has it already."""


class BuildRequest(NamedTuple):
    """What to build."""

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
    one_segment: bool
    """Whether the rewritten search index is to have one segment."""


class Pace:
    """Lets threads that commit run while a generation is built.

    Python hands the GIL over only every 5 ms, which is ten commits long; a sleeping thread does not hold it.
    """

    def __init__(self) -> None:
        self._committing_ns = 0
        self._last_ns = 0

    def committing(self) -> None:
        """A commit begins."""
        self._committing_ns = time.perf_counter_ns()

    def step(self) -> None:
        """After each small piece of work: yield the GIL when it was held for long, and others commit."""
        now_ns = time.perf_counter_ns()
        if now_ns - self._last_ns > _STRETCH_NS:
            if now_ns - self._committing_ns < _COMMITS_RECENT_NS:
                time.sleep(_PAUSE_S)
            self._last_ns = time.perf_counter_ns()


class GenerationBuilder:
    """Builds generations. Keeps the Tantivy writer from one to the next. One thread at a time."""

    def __init__(self) -> None:
        self._writer: SearchWriter | None = None
        self._committing: BackgroundTask | None = None
        self._is_at: str | None = None
        """The generation that the writer began with or built last; None: it must not be reused."""
        self._fed_lsn = 0
        """Up to where the writer was fed ahead of the next generation."""
        self._terms: dict[bytes, tuple[Change, IndexTerms]] = {}
        """By key, the terms of the changes that it was fed; of the first `_TERMS_BYTES` of them."""
        self._terms_bytes = 0

    def feed(
        self,
        store: str,
        schema: Schema[Any],
        base: Generation | None,
        overlay: Overlay,
        lsn: int,
        changes: ChangeSet[Any],
    ) -> None:
        """Give Tantivy what was committed up to `lsn`, ahead of the generation that will have it.

        `changes` are those of `lsn`.
        Does nothing where Tantivy's writer would have to be brought to the base first, or lags far.
        Whatever is raised, the next checkpoint begins with a new writer.
        """
        if self._writer is None and base is None:
            self._writer, self._is_at = SearchWriter(os.path.join(store, WORK), schema, None), _EMPTY
        if self._writer is None or self._is_at != _place(base):
            return
        if lsn <= self._fed_lsn:
            # The feed of a later commit came first, from another thread, and took this one along.
            return
        backlog = overlay.position(lsn) - overlay.position(self._fed_lsn) - len(changes)
        if backlog > _BACKLOG_MOST:
            return
        try:
            for entry in overlay.between(self._fed_lsn, lsn):
                known = base is not None or entry.older is not None
                projector = changes if entry.lsn == lsn else schema
                terms = _give(self._writer, loaded(entry.change), projector, known)
                if self._terms_bytes < _TERMS_BYTES:
                    self._terms[entry.change.key] = entry.change, terms
                    self._terms_bytes += _ENTRY_BYTES + sum(8 * len(pairs) for pairs in terms.terms)
            self._fed_lsn = lsn
        except BaseException:
            self.drop()
            raise

    def build(self, request: BuildRequest, directory: str, pace: Pace) -> Manifest:
        """Fill `directory` with both stores at the view's LSN; returns the manifest.

        Raises CorruptionError and StorageError; then the next build begins with a new Tantivy writer.
        """
        try:
            return self._build(request, directory, pace)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Let the Tantivy writer go; what it has not exported is lost, and known to the journal."""
        if self._committing is not None:
            # Two writers in one directory would spoil each other's files. Forgotten only when it has ended:
            # an interrupt before that leaves it to the next who looks.
            self._committing.settle()
            self._committing = None
        writer, self._writer = self._writer, None
        self._move(None)
        if writer is not None:
            writer.drop()

    def published(self, path: str, request: BuildRequest) -> None:
        """What was built is published at `path`: the Tantivy writer is where that generation is."""
        if request.one_segment:
            # It has one thread, and may take gigabytes before it writes a segment.
            self.drop()
        else:
            self._move(path)

    def _move(self, place: str | None) -> None:
        self._is_at = place
        self._fed_lsn = self._terms_bytes = 0
        self._terms = {}

    def _build(self, request: BuildRequest, directory: str, pace: Pace) -> Manifest:
        view, base = request.view, request.view.generation
        changed = partial(self._changes, request.schema, view.overlay.changes(view.lsn))
        rewrite_snapshot = request.rewrite_snapshot or base is None
        if base is not None and not rewrite_snapshot and not _snapshot_is_intact(base):
            log.warning("the snapshot of LSN %d is damaged: writing it again from all records", base.lsn)
            rewrite_snapshot = True
        writer = self._take_writer(request, base)
        rewrite_search = request.rewrite_search and base is not None
        source = self._feed_rest(writer, request, _all(view) if rewrite_search else changed())
        if base is not None and rewrite_search != rewrite_snapshot:
            # The stores need different records: one pass for each. Else one pass serves both: each payload
            # is read and taken apart once, and Tantivy's threads work while the snapshot is written.
            for _ in source:
                pace.step()
            rest = _all(view) if rewrite_snapshot else changed()
            source = ((change, terms or _terms_of(request.schema, change)) for change, terms in rest)

        snapshot = _begin_snapshot(request, None if rewrite_snapshot else base, directory)
        try:
            for _ in snapshot.write_records(source):
                pace.step()
            watermark = Watermark(
                request.identity.store_id, view.lsn, request.chain, snapshot.records, snapshot.counts
            )
            # Tantivy has all of it, and writes its segments while the snapshot's indexes are written.
            committing = self._committing = BackgroundTask(partial(writer.commit, watermark))
            committing.start()
            for _ in snapshot.write_indexes():
                pace.step()
            written = snapshot.finish()
        finally:
            snapshot.close()
        # Before the export, which takes what the newest commit names: the one before has none of this.
        committing.result()
        self._committing = None
        # A merge that ends after the export is lost with this writer, and due again with the next.
        writer.wait_for_merges()
        known = base.manifest.of_search() if base is not None and not request.rewrite_search else {}
        files = writer.export(os.path.join(directory, SEARCH), known)
        return Manifest(
            identity=request.identity,
            lsn=view.lsn,
            chain=request.chain,
            records=written.records,
            counts=dict(zip(request.schema.counters, written.counts, strict=True)),
            created_ms=now_ms(),
            modified_ms=request.modified_ms,
            files={SNAPSHOT: (written.size, written.blake3)}
            | {f"{SEARCH}/{name}": facts for name, facts in files.items()},
        )

    def _take_writer(self, request: BuildRequest, base: Generation | None) -> SearchWriter:
        """The Tantivy writer, brought to the base."""
        writer = self._writer
        if writer is None or request.rewrite_search or self._is_at != _place(base):
            self.drop()
            writer = self._begin(request, base, os.path.join(request.store, WORK))
        # Until what is built now is published, it is nowhere.
        self._writer, self._is_at = writer, None
        return writer

    def _begin(self, request: BuildRequest, base: Generation | None, work: str) -> SearchWriter:
        if base is None or request.rewrite_search:
            return SearchWriter(work, request.schema, None, one_segment=request.one_segment)
        files = base.manifest.of_search()
        # What is linked from here ends up in the next generation: a damaged file must not.
        verify_files(base.search_path, files)
        return SearchWriter(work, request.schema, base.search_path, files)

    def _changes(self, schema: Schema[Any], entries: list[OverlayEntry]) -> Iterator[Unfed]:
        """The changes, with their terms where Tantivy was fed them already."""
        for entry in entries:
            # Once: it is read from the journal.
            change, terms = loaded(entry.change), None
            if entry.lsn <= self._fed_lsn:
                newest, terms = self._terms.get(change.key, (None, None))
                if newest is not entry.change or terms is None:
                    terms = _terms_of(schema, change)
            yield change, terms

    def _feed_rest(
        self, writer: SearchWriter, request: BuildRequest, changes: Iterable[Unfed]
    ) -> Iterator[tuple[Change, IndexTerms]]:
        """The same changes, each with its terms, after Tantivy was given it."""
        # An index that begins empty has nothing to delete.
        known = self._fed_lsn > 0 or (request.view.generation is not None and not request.rewrite_search)
        for change, terms in changes:
            yield change, terms or _give(writer, change, request.schema, known)


def _terms_of(schema: Schema[Any], change: Change) -> IndexTerms:
    if isinstance(change, FileRemoved):
        return NO_TERMS
    return extract_terms(schema.project(change.key, change.payload))


def _place(base: Generation | None) -> str:
    return base.path if base is not None else _EMPTY


def _give(
    writer: SearchWriter, change: Change, projector: Schema[Any] | ChangeSet[Any], known: bool
) -> IndexTerms:
    """Give Tantivy one change; returns the terms that the snapshot will index the record by."""
    if isinstance(change, FileRemoved):
        writer.apply(change, known=known)
        return NO_TERMS
    projection = projector.project(change.key, change.payload)
    terms = extract_terms(projection)
    writer.apply(change, projection.documents, known=known)
    return terms


def _begin_snapshot(request: BuildRequest, base: Generation | None, directory: str) -> SnapshotWriter:
    return SnapshotWriter(
        os.path.join(directory, SNAPSHOT),
        store_id=request.identity.store_id,
        lsn=request.view.lsn,
        schema=request.schema,
        base=base.snapshot if base is not None else None,
        base_counts=tuple(base.manifest.counts.values()) if base is not None else (),
    )


def search_is_intact(generation: Generation) -> bool:
    """Whether a generation's search index is what its manifest says: reads all of it.

    Raises StorageError where it cannot be looked at now.
    """
    try:
        verify_files(generation.search_path, generation.manifest.of_search())
    except (CorruptSearchError, StorageError) as error:
        fs.raise_transient(error)
        return False
    return True


def _snapshot_is_intact(generation: Generation) -> bool:
    """Whether the snapshot is what was written: copying would bless damage with a new hash."""
    try:
        return generation.verify_snapshot()
    except StorageError as error:
        fs.raise_transient(error)
        return False


def _all(view: View[Any]) -> Iterator[Unfed]:
    for record in view.stored():
        yield FileIndexed(*record), None
