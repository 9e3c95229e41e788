"""A published generation, opened for reading: both stores at one LSN, with a manifest."""

from __future__ import annotations

import os
import threading
from typing import Any

from diptych import fs
from diptych.errors import CorruptSearchError, CorruptSnapshotError, StorageError
from diptych.layout import MANIFEST, SEARCH, SNAPSHOT
from diptych.schema.base import Schema
from diptych.sealed import MAX_SIZE_BYTES
from diptych.search.bounded import PUBLISHED
from diptych.search.index import SearchIndex
from diptych.search.leaf import open_leaf, stats_of, verify_files
from diptych.snapshot.reader import SnapshotReader
from diptych.store.manifest import Manifest, decode_manifest


def read_manifest(path: str) -> Manifest:
    """The manifest of the generation in directory `path`. Raises CorruptSnapshotError or StorageError."""
    where = os.path.join(path, MANIFEST)
    with fs.translated("read", where):
        try:
            data = fs.read_bounded(where, MAX_SIZE_BYTES)
        except FileNotFoundError:
            raise CorruptSnapshotError(f"{where} is gone", where=where) from None
    return decode_manifest(data, where=where)


class HitCache:
    """What searches have found in a generation, decoded and checked: the same few are found again and again.

    Never wrong, since a generation does not change; bounded, and emptied when full.
    """

    _MOST = 4_096

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], list[tuple[bytes, Any]]] = {}
        self.get = self._known.get

    def keep(self, place: tuple[int, int], found: list[tuple[bytes, Any]]) -> None:
        """Remember what stands at a key's hash and an item, each with its key."""
        if len(self._known) >= self._MOST:
            self._known.clear()
        self._known[place] = found


class Generation:
    """A published generation, open. Both leaves stay readable after its directory was deleted.

    The search leaf is opened, and compared with the manifest, when it is first asked for; a reader that
    must outlive the directory asks at once.
    """

    def __init__(self, path: str, manifest: Manifest, schema: Schema[Any], snapshot: SnapshotReader) -> None:
        self.path = path
        self.lsn = manifest.lsn
        self.manifest = manifest
        self._schema = schema
        self.hits = HitCache()
        self._search_stats: list[tuple[int, ...]] | None = None
        """The stats of the search index's files, once they were found to be what the manifest says."""
        self._search: SearchIndex | None = None
        self._lock = threading.Lock()
        self.snapshot = snapshot

    @property
    def search_path(self) -> str:
        """The search leaf's directory."""
        return os.path.join(self.path, SEARCH)

    def search(self) -> SearchIndex:
        """The search leaf, verified. Raises CorruptSearchError or StorageError."""
        index = self._search
        if index is None:
            with self._lock:
                index = self._search
                if index is None:
                    files = self.manifest.of_search()
                    # Before the bytes are read: what is replaced meanwhile has other stats than these.
                    stats = self._stats()
                    if stats is None or stats != self._search_stats:
                        verify_files(self.search_path, files)
                        self._search_stats = stats
                    index = open_leaf(self.search_path, files, self._schema)
                    compare_watermark(index, self.manifest)
                    self._search = index
        PUBLISHED.use(self)
        return index

    def trust_search(self) -> None:
        """Take the search index's files for verified as they are: they were hashed when they were made."""
        self._search_stats = self._stats()

    def _stats(self) -> list[tuple[int, ...]] | None:
        try:
            return stats_of(self.search_path, self.manifest.of_search())
        except StorageError:
            # What is wrong is said by whoever reads them.
            return None

    def release_search(self) -> None:
        """Let go of the search index; who searches in it still has it, and `search` opens it again."""
        self._search = None

    def verify_snapshot(self) -> bool:
        """Whether the snapshot's bytes are those that were written: reads the whole file."""
        path = os.path.join(self.path, SNAPSHOT)
        expected = self.manifest.files.get(SNAPSHOT, (0, ""))
        size, digest = fs.hash_stable_file(path, expected_bytes=expected[0])
        return (size, digest.hex()) == expected


def compare_watermark(index: SearchIndex, manifest: Manifest) -> None:
    """Raise CorruptSearchError unless the search leaf says of itself what the manifest says of it."""
    mark = index.watermark()
    expected = (
        manifest.identity.store_id,
        manifest.lsn,
        manifest.chain,
        manifest.records,
        tuple(manifest.counts.values()),
    )
    if tuple(mark) != expected:
        raise CorruptSearchError(
            f"{index.where} is of LSN {mark.lsn}, and its manifest of LSN {manifest.lsn}", where=index.where
        )
