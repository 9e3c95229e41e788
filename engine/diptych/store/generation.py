"""A published generation, opened for reading: the segments that its manifest lists, at one LSN."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from diptych import fs
from diptych.errors import CorruptSnapshotError
from diptych.layout import IDENTITY, INCOMING, SEGMENTS, incoming_name, is_incoming_name
from diptych.schema.base import Schema
from diptych.sealed import MAX_SIZE_BYTES
from diptych.search.bounded import PUBLISHED
from diptych.segment.reader import Segment
from diptych.store.live_segment import open_set
from diptych.store.manifest import Identity, ListedSegment, Manifest, decode_identity, decode_manifest

if TYPE_CHECKING:
    from diptych.search.index import SearchIndex

_numbers = itertools.count(1)


def read_manifest(path: str) -> Manifest:
    """The manifest at `path`. Raises CorruptSnapshotError, IncompatibleStoreError, StorageError."""
    with fs.translated("read", path):
        try:
            data = fs.read_bounded(path, MAX_SIZE_BYTES)
        except FileNotFoundError:
            raise CorruptSnapshotError(f"{path} is gone", where=path) from None
    return decode_manifest(data, where=path)


def read_identity(store: str) -> Identity:
    """The identity of a store. Raises CorruptStoreError, IncompatibleStoreError, StorageError."""
    path = os.path.join(store, IDENTITY)
    with fs.translated("read", path):
        return decode_identity(fs.read_bounded(path, MAX_SIZE_BYTES), where=path)


def segment_path(store: str, digest: str) -> str:
    """The directory of the segment with that digest."""
    return os.path.join(store, SEGMENTS, digest)


def new_incoming_directory(store: str) -> str:
    """The path of a directory to build a segment in, which is not there yet. Raises StorageError."""
    incoming = os.path.join(store, INCOMING)
    with fs.translated("make the directory", incoming), suppress(FileExistsError):
        # Not durable, and not above it: nothing is made in the place of a store that is gone.
        os.mkdir(incoming)
    path = os.path.join(incoming, incoming_name(os.getpid(), next(_numbers)))
    fs.remove_tree(path)
    return path


def remove_incoming(store: str, pid: int) -> None:
    """Remove what process `pid`, which has ended, was building. Raises StorageError."""
    incoming = os.path.join(store, INCOMING)
    with fs.translated("list", incoming):
        try:
            names = fs.list_directory(incoming)
        except FileNotFoundError:
            return
    for name in names:
        if is_incoming_name(name) and name.startswith(f"{pid}."):
            fs.remove_tree(os.path.join(incoming, name))


def make_segments_directory(store: str) -> str:
    """The directory of segments, which is made durable where it is missing. Raises StorageError."""
    directory = os.path.join(store, SEGMENTS)
    if not fs.is_directory(directory):
        with fs.translated("make the directory", directory):
            os.mkdir(directory)
        # Its name before any that rests on it: a crash would take every segment with it.
        fs.fsync_dir(store)
    return directory


def open_segment(store: str, listed: ListedSegment, schema: Schema[Any]) -> Segment:
    """Open a segment that a manifest lists. Raises CorruptSnapshotError, StorageError."""
    return Segment(segment_path(store, listed.digest), schema, known=(listed.seal, listed.digest))


Known = TypeVar("Known")

# Some 4 MB of them.
_HITS_OF_TERMS_KEPT = 4_096


class Recent(Generic[Known]):
    """The answers that were asked for last: together of at least `most` elements, and some twice as many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._elements = 0
        self._newer: dict[Any, list[Known]] = {}
        self._older: dict[Any, list[Known]] = {}

    def get(self, question: Any) -> list[Known] | None:
        """What is remembered."""
        found = self._newer.get(question)
        if found is None:
            found = self._older.get(question)
            if found is not None:
                self.keep(question, found)
        return found

    def keep(self, question: Any, found: list[Known]) -> None:
        """Remember it."""
        if self._elements >= self._most:
            self._older, self._newer, self._elements = self._newer, {}, 0
        self._newer[question] = found
        self._elements += len(found) or 1


class HitCache:
    """What searches have found in a generation, decoded and checked: the same few are found again and again.

    Never wrong, since a generation does not change; bounded.
    """

    _MOST = 4_096

    def __init__(self) -> None:
        items: Recent[tuple[bytes, Any]] = Recent(self._MOST)
        keys: Recent[bytes] = Recent(self._MOST)
        self.get, self.keep = items.get, items.keep
        """What is at `(key hash, item)`, each with its key."""
        self.keys, self.keep_keys = keys.get, keys.keep
        """The keys with a hash."""


class Generation:
    """A published generation, open. Its records stay readable after its files were deleted.

    The search index is opened, and its files compared with their SEAL, when it is first asked for; a reader
    that must outlive the files asks at once.
    """

    def __init__(
        self, path: str, manifest: Manifest, schema: Schema[Any], segments: Mapping[str, Segment]
    ) -> None:
        """`path` is that of the manifest; `segments` has those that it lists by digest, and maybe others."""
        self.path = path
        self.lsn = manifest.lsn
        self.manifest = manifest
        self.segments = open_set(manifest, segments)
        self.hits = HitCache()
        self.terms: Recent[tuple[bytes, Any]] = Recent(_HITS_OF_TERMS_KEPT)
        """The first hits of a term in an index, each with its key."""
        self._schema = schema
        self._search: SearchIndex | None = None
        self.damaged_tables: dict[str, CorruptSnapshotError] = {}
        """What `search` found damaged and read around, by the digest of the segment."""
        self._lock = threading.Lock()

    def search(self) -> SearchIndex | None:
        """The search index, verified; None where there is no record.

        Raises CorruptSearchError, CorruptSnapshotError, StorageError.
        """
        if not self.segments.members:
            return None
        index = self._search
        if index is None:
            with self._lock:
                index = self._search
                if index is None:
                    index = self._search = self.segments.compose(self._schema, where=self.path)
                    self.damaged_tables = {
                        member.segment.digest: problem
                        for member in self.segments.members
                        if (problem := member.segment.table_problem) is not None
                    }
        PUBLISHED.use(self)
        return index

    def release_search(self) -> None:
        """Let go of the search index; who searches in it still has it, and `search` opens it again."""
        self._search = None

    @property
    def records_bytes(self) -> int:
        """The size of the records' halves."""
        return sum(listed.seal.records_bytes for listed in self.manifest.segments)

    @property
    def search_bytes(self) -> int:
        """The size of the search halves."""
        return sum(listed.seal.search_bytes for listed in self.manifest.segments)
