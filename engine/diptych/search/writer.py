"""The writer's live Tantivy directory: filled from a generation, changed, committed, exported to the next.

It is a cache. What it holds is never trusted after a crash: a new process begins from a generation's files,
which Diptych has made durable and knows the checksums of.

Each writer has a private directory below `work/`: the merge threads of a dropped writer run on for a while,
and would change and remove files under its successor.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from diptych import fs
from diptych.change import Change, FileIndexed
from diptych.errors import CorruptSearchError, StorageError
from diptych.layout import SEARCH_MANAGED, SEARCH_META
from diptych.schema.base import Schema
from diptych.search.documents import (
    NO_KEY_TERM,
    WATERMARK_TERM,
    Watermark,
    item_documents,
    key_term,
    record_document,
    tantivy_schema,
    watermark_document,
)
from diptych.search.guard import guarded
from diptych.search.leaf import files_in_use
from diptych.search.merging import wait_for_merges
from diptych.search.revision import stamped
from diptych.search.words import register_words

_HEAP_BYTES = 50_000_000
_THREADS = 2
_EXPORT_TRIES = 100
# What one thread may hold before it writes a segment: Tantivy's maximum is 4 GiB, less a margin.
_ONE_SEGMENT_HEAP_BYTES = 4_000_000_000


class SearchWriter:
    """A Tantivy writer in a private directory below `work`. One thread at a time."""

    def __init__(
        self,
        work: str,
        schema: Schema[Any],
        base: str | None,
        files: Iterable[str] = (),
        *,
        one_segment: bool = False,
    ) -> None:
        """Begin in a new directory below `work`, from the `files` of the search index in `base`, or empty.

        `one_segment`: keep all documents in memory and write them as one segment (of up to 4 GB in memory).
        Raises CorruptSearchError, or StorageError.
        """
        with fs.importing("tantivy"):
            import tantivy

        self._fields = tantivy_schema(schema)
        directory = self.directory = _private_directory(work)
        if base is not None:
            managed = []
            for name in files:
                source, target = os.path.join(base, name), os.path.join(directory, name)
                if name == SEARCH_META:
                    with fs.translated("copy", source):
                        shutil.copyfile(source, target)
                else:
                    fs.link_or_copy(source, target)
                managed.append(name)
            # Tantivy collects as garbage only what this list names.
            where = os.path.join(directory, SEARCH_MANAGED)
            with fs.translated("write", where), open(where, "w", encoding="utf-8") as file:
                file.write("[" + ",".join(f'"{name}"' for name in managed) + "]")
        with guarded("open", directory):
            if base is not None:
                index = tantivy.Index.open(directory)
            else:
                index = tantivy.Index(self._fields, directory)
            index.config_reader("manual")
            register_words(index)
            if one_segment:
                self._writer = index.writer(_ONE_SEGMENT_HEAP_BYTES, 1)
            else:
                self._writer = index.writer(_HEAP_BYTES, _THREADS)
            # Tantivy stamps a new writer's first operation like the commit before it. A merge of that commit
            # takes a delete so stamped for one that it has applied already, and the deleted documents come
            # back. So the first operation deletes nothing.
            self._writer.delete_documents_by_term("_key", NO_KEY_TERM)

    def drop(self) -> None:
        """Let the writer go, with everything that was not exported. Its directory may outlast its threads."""
        del self._writer
        remove_directory(self.directory)

    def apply(
        self, change: Change, documents: Iterable[tuple[int, dict[str, Any]]] = (), *, known: bool = True
    ) -> None:
        """Take in a change; `documents` are those of the record's items.

        `known=False` promises that the index has nothing of the key.
        """
        from tantivy import Document

        with guarded("write to", self.directory):
            if known:
                self._writer.delete_documents_by_term("_key", key_term(change.key))
            if isinstance(change, FileIndexed):
                add, build, fields = self._writer.add_document, Document.from_dict, self._fields
                add(build(record_document(change.key, change.checksum, change.payload), fields))
                for document in item_documents(change.key, documents):
                    add(build(document, fields))

    def commit(self, watermark: Watermark) -> None:
        """Commit all changes with the watermark. After an error this writer is of no use any more."""
        from tantivy import Document

        with guarded("commit to", self.directory):
            self._writer.delete_documents_by_term("_key", WATERMARK_TERM)
            self._writer.add_document(Document.from_dict(watermark_document(watermark), self._fields))
            self._writer.commit()

    def wait_for_merges(self) -> None:
        """Wait, within a bound, for the merges that are due: what is exported before they end loses them."""
        wait_for_merges(self.directory)

    def export(self, target: str, known: Mapping[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
        """Give the newest commit's files a second name in `target`; their sizes and BLAKE3.

        Their bytes are durable; for their names the caller fsyncs `target`.

        `known` are those of files that an earlier generation has made durable: a segment's file never
        changes, so they are neither synced nor hashed again.
        """
        for _ in range(_EXPORT_TRIES):
            meta, names = files_in_use(self.directory)
            try:
                for name in names:
                    path = os.path.join(target, name)
                    if not os.path.exists(path):
                        fs.link_or_copy(os.path.join(self.directory, name), path)
            except StorageError as error:
                if error.errno != errno.ENOENT:
                    raise
                # A merge ended meanwhile, and took its segments away: look again.
                continue
            break
        else:
            raise CorruptSearchError(f"{self.directory} does not hold still", where=self.directory)
        for name in set(os.listdir(target)).difference(names):
            fs.remove_file(os.path.join(target, name))
        # The bytes that the names were taken from: by now there may be another one.
        fs.write_file(os.path.join(target, SEARCH_META), stamped(meta))
        names.append(SEARCH_META)
        files = {}
        for name in names:
            path = os.path.join(target, name)
            if name in known and name != SEARCH_META:
                files[name] = known[name]
            else:
                # Tantivy's own fsyncs are not what the generation rests on.
                fs.fsync_file(path)
                size, digest = fs.hash_stable_file(path)
                files[name] = (size, digest.hex())
        return files


def _private_directory(work: str) -> str:
    """A new directory below `work`, and nothing else there that can be removed."""
    fs.make_dir(work, follow=False)
    with fs.translated("list", work):
        names = fs.list_directory(work)
    for name in names:
        remove_directory(os.path.join(work, name))
    # A name that no writer had before: the threads of one may still write to theirs.
    directory = os.path.join(work, secrets.token_hex(8))
    fs.make_dir(directory)
    return directory


def remove_directory(path: str) -> None:
    """Remove what a writer left. What its merge threads still write to, the next writer removes."""
    with suppress(StorageError):
        fs.remove_tree(path)
