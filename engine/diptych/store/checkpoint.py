"""A checkpoint: both leaves brought to one LSN, and published as a generation.

In order: the journal is synced and goes on in a new segment; the changes are fed to Tantivy, which indexes
them in its own threads; meanwhile the snapshot's records are written; Tantivy commits while the snapshot's
indexes are written; its files are linked, made durable and hashed; the manifest is written; one rename
publishes. A crash anywhere before the rename leaves the generation before and the journal, which hold
everything.

The changes of large transactions are fed as they are committed, so that Tantivy's threads work while the next
is prepared. Tantivy's directory is a cache: what it was fed and did not publish is thrown away at the next
opening.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
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
from diptych.snapshot.writer import NO_TERMS, IndexTerms, Written, extract_terms, write_snapshot
from diptych.store.aside import Aside
from diptych.store.changes import ChangeSet
from diptych.store.generation import Generation
from diptych.store.manifest import Identity, Manifest, now_ms
from diptych.store.overlay import Overlay, OverlayEntry
from diptych.store.view import View, log

Unfed = tuple[Change, IndexTerms | None]
"""A change, with its terms where Tantivy has it already."""


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
    one_segment: bool
    """Whether the rewritten search index is to have one segment."""
    breathe: Callable[[], None]


# A feed does not make one commit pay for more changes of others than these: the next checkpoint does.
_BACKLOG_MOST = 2_000
# The terms of a load are kept up to this, and extracted again from the rest: memory must not grow with it.
_TERMS_BYTES = 32 * 1024 * 1024
# About what one takes beside its terms.
_ENTRY_BYTES = 500
# Where a Tantivy writer stands that began empty.
_EMPTY = ""


class Leaves:
    """Builds generations. Keeps the Tantivy writer from one to the next. One thread at a time."""

    def __init__(self) -> None:
        self._writer: SearchWriter | None = None
        self._committing: Aside | None = None
        self._stands: str | None = None
        """The generation that the writer began with or built last; None: it must not be gone on with."""
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
        Nothing is done where Tantivy's writer would have to be brought to the base first, or has fallen far
        behind. Whatever is raised, the next checkpoint begins anew.
        """
        if self._writer is None and base is None:
            self._writer, self._stands = SearchWriter(os.path.join(store, WORK), schema, None), _EMPTY
        if self._writer is None or self._stands != _place(base):
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
        if self._committing is not None:
            # Two writers in one directory would spoil each other's files. Forgotten only when it has ended:
            # an interrupt before that leaves it to the next who looks.
            self._committing.settle()
            self._committing = None
        writer, self._writer = self._writer, None
        self._stand(None)
        if writer is not None:
            writer.drop()

    def published(self, path: str, target: Target) -> None:
        """What was built is published at `path`: the Tantivy writer is where that generation is."""
        if target.one_segment:
            # It has one thread, and may take gigabytes before it writes a segment.
            self.drop()
        else:
            self._stand(path)

    def _stand(self, place: str | None) -> None:
        self._stands = place
        self._fed_lsn = self._terms_bytes = 0
        self._terms = {}

    def _build(self, target: Target, directory: str) -> Manifest:
        view, base = target.view, target.view.generation
        changed = partial(self._changes, target.schema, view.overlay.changes(view.lsn))
        rewrite_snapshot = target.rewrite_snapshot or base is None
        if base is not None and not rewrite_snapshot and not _whole(base):
            log.warning("the snapshot leaf of LSN %d is damaged: writing it anew from all records", base.lsn)
            rewrite_snapshot = True
        writer = self._take_writer(target, base)
        rewrite_search = target.rewrite_search and base is not None
        source = self._feed_rest(writer, target, _all(view) if rewrite_search else changed())
        if base is not None and rewrite_search != rewrite_snapshot:
            # The leaves need different records: one pass for each. Else one pass serves both: each payload
            # is read and taken apart once, and Tantivy's threads work while the snapshot is written.
            for _ in source:
                pass
            rest = _all(view) if rewrite_snapshot else changed()
            source = ((change, terms or _terms_of(target.schema, change)) for change, terms in rest)

        def merged(records: int, counts: tuple[int, ...]) -> None:
            # Tantivy has all of it, and writes its segments while the snapshot's indexes are written.
            watermark = Watermark(target.identity.store_id, view.lsn, target.chain, records, counts)
            self._committing = Aside(partial(writer.commit, watermark))
            self._committing.start()

        written = _write_snapshot(target, None if rewrite_snapshot else base, source, directory, merged)
        counts = dict(zip(target.schema.counters, written.counts, strict=True))
        assert self._committing is not None
        # Before the export, which takes what the newest commit names: the one before has none of this.
        self._committing.result()
        self._committing = None
        # A merge that ends after the export is lost with this writer, and due again with the next.
        writer.wait_for_merges()
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
        if writer is None or target.rewrite_search or self._stands != _place(base):
            self.drop()
            writer = self._begin(target, base, os.path.join(target.store, WORK))
        # Until what is built now is published, it stands nowhere.
        self._writer, self._stands = writer, None
        return writer

    def _begin(self, target: Target, base: Generation | None, work: str) -> SearchWriter:
        if base is None or target.rewrite_search:
            return SearchWriter(work, target.schema, None, one_segment=target.one_segment)
        files = base.manifest.of_search()
        # What is linked from here ends up in the next generation: a damaged file must not.
        verify_files(base.search_path, files)
        return SearchWriter(work, target.schema, base.search_path, files)

    def _changes(self, schema: Schema[Any], entries: list[OverlayEntry]) -> Iterator[Unfed]:
        """The changes, with their terms where Tantivy was fed them already."""
        for entry in entries:
            change, terms = entry.change, None
            if entry.lsn <= self._fed_lsn:
                newest, terms = self._terms.get(change.key, (None, None))
                if newest is not change or terms is None:
                    terms = _terms_of(schema, loaded(change))
            yield loaded(change), terms

    def _feed_rest(
        self, writer: SearchWriter, target: Target, changes: Iterable[Unfed]
    ) -> Iterator[tuple[Change, IndexTerms]]:
        """The same changes, each with its terms, after Tantivy was given it."""
        # An index that begins empty has nothing to delete.
        known = self._fed_lsn > 0 or (target.view.generation is not None and not target.rewrite_search)
        for change, terms in changes:
            yield change, terms or _give(writer, change, target.schema, known)
            target.breathe()


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


def _write_snapshot(
    target: Target,
    base: Generation | None,
    changes: Iterable[tuple[Change, IndexTerms]],
    directory: str,
    merged: Callable[[int, tuple[int, ...]], None],
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
        merged=merged,
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


def _all(view: View[Any]) -> Iterator[Unfed]:
    for record in view.stored():
        yield FileIndexed(*record), None
