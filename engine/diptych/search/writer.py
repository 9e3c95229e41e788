"""The writer's live Tantivy directory: filled from a generation, changed, committed, exported to the next.

It is a cache. What it holds is never trusted after a crash: a new process begins from a generation's files,
which Diptych has made durable and knows the hashes of.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from diptych import fs
from diptych.errors import CorruptSearchError, StorageError
from diptych.layout import SEARCH_MANAGED, SEARCH_META
from diptych.schema.base import Schema
from diptych.search.documents import (
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
from diptych.search.words import register_words

_HEAP_BYTES = 50_000_000
_THREADS = 2
_EXPORT_TRIES = 100


class SearchWriter:
    """A Tantivy writer on `directory`. One thread at a time."""

    def __init__(
        self, directory: str, schema: Schema[Any], base: str | None, files: Iterable[str] = ()
    ) -> None:
        """Begin anew in `directory`, from the `files` of the leaf in `base`, or empty.

        Raises CorruptSearchError, or StorageError.
        """
        import tantivy

        self.directory = directory
        self._fields = tantivy_schema(schema)
        fs.remove_tree(directory)
        fs.make_dir(directory)
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
            self._writer = index.writer(_HEAP_BYTES, _THREADS)

    def replace(
        self,
        key: bytes,
        check: int,
        payload: bytes | None,
        documents: Iterable[tuple[int, dict[str, Any]]] = (),
        *,
        known: bool = True,
    ) -> None:
        """Put a record, with its items' documents, in the place of what was known of its key.

        Only remove that when the payload is None. `known=False` promises that the index has nothing of
        the key.
        """
        from tantivy import Document

        with guarded("write to", self.directory):
            if known:
                self._writer.delete_documents_by_term("_key", key_term(key))
            if payload is not None:
                add, build, fields = self._writer.add_document, Document.from_dict, self._fields
                add(build(record_document(key, check, payload), fields))
                for document in item_documents(key, documents):
                    add(build(document, fields))

    def commit(self, watermark: Watermark) -> None:
        """Commit all changes with the watermark. After an error this writer is of no use any more."""
        from tantivy import Document

        with guarded("commit to", self.directory):
            self._writer.delete_documents_by_term("_key", WATERMARK_TERM)
            self._writer.add_document(Document.from_dict(watermark_document(watermark), self._fields))
            self._writer.commit()

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
        fs.write_file(os.path.join(target, SEARCH_META), meta)
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
