"""Moving segments into a store, before the journal names them."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from diptych import fs
from diptych.errors import InvalidArgumentError, StorageError
from diptych.layout import SEAL
from diptych.segment.reader import verify_file
from diptych.store.adopted import AdoptedSegment
from diptych.store.generation import make_segments_directory, new_incoming_directory, segment_path


class Adopting:
    """The segments of commits that are under way. Safe to use from several threads."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._underway: dict[str, tuple[AdoptedSegment, str]] = {}
        """Each, and where it came from, by digest."""

    @property
    def underway(self) -> Collection[str]:
        """The digests of segments that nothing may name yet, and that must not be removed."""
        with self._lock:
            return tuple(self._underway)

    def take_in(self, adopted: Sequence[AdoptedSegment], known_ids: Collection[str]) -> None:
        """Move the segments into the store, durable; where that fails, they are where they were.

        `known_ids`: Tantivy's ids of the segments that the store has. Raises InvalidArgumentError where it
        has one of these, CorruptionError where a copy is not what it should be, StorageError.
        """
        directory = make_segments_directory(self._store)
        taken: list[AdoptedSegment] = []
        try:
            for segment in adopted:
                self._reserve(segment, known_ids)
                taken.append(segment)
                self._take(segment)
            # Before the journal names them.
            fs.fsync_dir(directory)
        except BaseException:
            self.put_back(taken)
            raise

    def put_back(self, adopted: Iterable[AdoptedSegment]) -> None:
        """Move the segments back to where they were: nothing was committed.

        Of one that was refused nothing is moved. What cannot be moved stays, and the next writer removes it:
        never raises for that.
        """
        for segment in adopted:
            origin = self._forget(segment)
            target = segment_path(self._store, segment.digest)
            if origin is None or segment.segment.directory != target:
                continue
            with suppress(StorageError):
                if fs.exists(origin):
                    # It was copied.
                    fs.remove_tree(target)
                else:
                    fs.rename(target, origin)
                segment.segment.moved(origin)

    def keep(self, adopted: Iterable[AdoptedSegment]) -> None:
        """The journal and the overlay have the segments."""
        for segment in adopted:
            origin = self._forget(segment)
            if origin is not None:
                with suppress(StorageError):
                    # What it was copied from.
                    fs.remove_tree(origin)

    def _reserve(self, segment: AdoptedSegment, known_ids: Collection[str]) -> None:
        """Raise InvalidArgumentError where the store has that segment, or is about to."""
        origin, digest = segment.segment.directory, segment.digest
        with self._lock:
            is_there = (
                digest in self._underway
                or segment.listed.seal.segment_id in known_ids
                or fs.exists(segment_path(self._store, digest))
            )
            if is_there:
                raise InvalidArgumentError(
                    f"the store has the segment at {origin} already",
                    advice="a segment is adopted once; build another one of the same records",
                )
            self._underway[digest] = segment, origin

    def _forget(self, segment: AdoptedSegment) -> str | None:
        """Where a segment under way came from; None where that is another commit's copy of it, or none is."""
        with self._lock:
            known, origin = self._underway.get(segment.digest, (None, None))
            if known is not segment:
                return None
            del self._underway[segment.digest]
            return origin

    def _take(self, segment: AdoptedSegment) -> None:
        """Move a segment, or a copy of one that is on another file system, to its place."""
        source, target = segment.segment.directory, segment_path(self._store, segment.digest)
        # Whoever brought it here may not have synced it: what is acknowledged rests on it.
        self._sync(source, segment)
        try:
            fs.rename(source, target)
        except StorageError as error:
            if error.errno != errno.EXDEV:
                raise
            fs.rename(self._copied(source, segment), target)
        segment.segment.moved(target)
        segment.segment.trust_search()

    def _copied(self, source: str, segment: AdoptedSegment) -> str:
        """A durable copy within the store's file system."""
        seal, directory = segment.listed.seal, new_incoming_directory(self._store)
        try:
            with fs.translated("copy to", directory):
                os.mkdir(directory)
                for name in (SEAL, *seal.files):
                    fs.copy_regular(os.path.join(source, name), os.path.join(directory, name))
            self._sync(directory, segment)
            for name in seal.files:
                verify_file(directory, name, seal)
        except BaseException:
            with suppress(StorageError):
                fs.remove_tree(directory)
            raise
        return directory

    def _sync(self, directory: str, segment: AdoptedSegment) -> None:
        for name in (SEAL, *segment.listed.seal.files):
            fs.fsync_file(os.path.join(directory, name))
        fs.fsync_dir(directory)
