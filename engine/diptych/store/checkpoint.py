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
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from diptych import fs
from diptych.errors import CorruptSearchError, StorageError
from diptych.layout import SEARCH, SNAPSHOT, WORK
from diptych.schema.base import Schema
from diptych.search.documents import Watermark
from diptych.search.leaf import verify_files
from diptych.search.writer import SearchWriter
from diptych.snapshot.writer import Change, Learned, Written, learn, write_snapshot
from diptych.store.aside import Aside
from diptych.store.generation import Generation
from diptych.store.manifest import Identity, Manifest, now_ms
from diptych.store.overlay import Entry, Overlay
from diptych.store.transaction import Operation
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
    one_segment: bool
    """Whether the rewritten search index is to have one segment."""
    breathe: Callable[[], None]


# A feed does not make one commit pay for more changes of others than these: the next checkpoint does.
_BACKLOG_MOST = 2_000
# What is learned of a load is kept up to this, and learned again of the rest: memory must not grow with it.
_LEARNED_BYTES = 32 * 1024 * 1024
# About what one takes beside its terms.
_ENTRY_BYTES = 500
# Where a Tantivy writer stands that began empty.
_EMPTY = ""
# What is learned of a removal.
_GONE = Learned((), ())


class Leaves:
    """Builds generations. Keeps the Tantivy writer from one to the next. One thread at a time."""

    def __init__(self) -> None:
        self._writer: SearchWriter | None = None
        self._committing: Aside | None = None
        self._stands: str | None = None
        """The generation that the writer began with or built last; None: it must not be gone on with."""
        self._fed_lsn = 0
        """Up to where the writer was fed ahead of the next generation."""
        self._learned: dict[bytes, tuple[Entry, Learned]] = {}
        """By key, what was learned of the changes that it was fed; of the first `_LEARNED_BYTES` of them."""
        self._learned_bytes = 0

    def feed(
        self,
        store: str,
        schema: Schema[Any],
        base: Generation | None,
        overlay: Overlay,
        lsn: int,
        operations: Mapping[bytes, Operation],
    ) -> None:
        """Give Tantivy what was committed up to `lsn`, ahead of the generation that will have it.

        `operations` are those of `lsn`, by key.
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
        backlog = overlay.position(lsn) - overlay.position(self._fed_lsn) - len(operations)
        if backlog > _BACKLOG_MOST:
            return
        try:
            for entry in overlay.between(self._fed_lsn, lsn):
                known = base is not None or entry.older is not None
                operation = operations.get(entry.key) if entry.lsn == lsn else None
                learned = _give(self._writer, schema, _change(entry), operation, known)
                if self._learned_bytes < _LEARNED_BYTES:
                    self._learned[entry.key] = entry, learned
                    self._learned_bytes += _ENTRY_BYTES + sum(8 * len(pairs) for pairs in learned.terms)
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
        self._fed_lsn = self._learned_bytes = 0
        self._learned = {}

    def _build(self, target: Target, directory: str) -> Manifest:
        view, base = target.view, target.view.generation
        fresh = partial(self._changes, target.schema, view.overlay.changes(view.lsn))
        rewrite_snapshot = target.rewrite_snapshot or base is None
        if base is not None and not rewrite_snapshot and not _whole(base):
            log.warning("the snapshot leaf of LSN %d is damaged: writing it anew from all records", base.lsn)
            rewrite_snapshot = True
        writer = self._take_writer(target, base)
        rewrite_search = target.rewrite_search and base is not None
        source = self._feed_rest(writer, target, _all(view) if rewrite_search else fresh())
        if base is not None and rewrite_search != rewrite_snapshot:
            # The leaves need different records: one pass for each. Else one pass serves both: each payload
            # is read and taken apart once, and Tantivy's threads work while the snapshot is written.
            for _ in source:
                pass
            source = _all(view) if rewrite_snapshot else fresh()

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

    def _changes(self, schema: Schema[Any], entries: list[Entry]) -> Iterator[Change]:
        """The changes, with what was learned of them where Tantivy was fed them."""
        for entry in entries:
            change = _change(entry)
            if entry.lsn <= self._fed_lsn:
                newest, learned = self._learned.get(entry.key, (None, _GONE))
                if newest is not entry and change.payload is not None:
                    learned = learn(schema.project(change.key, change.payload))
                change = change._replace(learned=learned)
            yield change

    def _feed_rest(
        self, writer: SearchWriter, target: Target, changes: Iterable[Change]
    ) -> Iterator[Change]:
        """The same changes, each with what was learned of it, after Tantivy was given it."""
        # An index that begins empty has nothing to delete.
        known = self._fed_lsn > 0 or (target.view.generation is not None and not target.rewrite_search)
        for change in changes:
            if change.learned is None:
                change = change._replace(learned=_give(writer, target.schema, change, None, known))
            yield change
            target.breathe()


def _change(entry: Entry) -> Change:
    return Change(entry.key, entry.check, entry.payload() if entry.segment is not None else None)


def _place(base: Generation | None) -> str:
    return base.path if base is not None else _EMPTY


def _give(
    writer: SearchWriter, schema: Schema[Any], change: Change, operation: Operation | None, known: bool
) -> Learned:
    """Give Tantivy one change; returns what the snapshot will want to know of the record."""
    key, check, payload, _ = change
    if payload is None:
        writer.replace(key, check, None, known=known)
        return _GONE
    projection = operation.project(schema, payload) if operation else schema.project(key, payload)
    learned = learn(projection)
    writer.replace(key, check, payload, projection.documents, known=known)
    return learned


def _write_snapshot(
    target: Target,
    base: Generation | None,
    changes: Iterable[Change],
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


def _all(view: View[Any]) -> Iterator[Change]:
    for record in view.stored():
        yield Change(*record)
