"""The segments of a generation while they are built, and the rename that publishes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from diptych import fs
from diptych.layout import (
    GENERATIONS,
    SEGMENTS,
    generation_name,
    parse_generation_name,
    temporary_name,
)
from diptych.store.generation import make_segments_directory, new_incoming_directory, segment_path
from diptych.store.manifest import Manifest, encode_manifest


def next_revision(store: str, lsn: int) -> int:
    """The first revision that no generation at `lsn` has; 0 where there is none. Raises StorageError.

    A copy of a manifest counts too: where it is all that is left of one, it must not be replaced.
    """
    names = []
    for directory in (os.path.join(store, GENERATIONS), os.path.join(store, SEGMENTS)):
        with fs.translated("list", directory), suppress(FileNotFoundError):
            names += fs.list_directory(directory)
    return max((p[1] + 1 for name in names if (p := parse_generation_name(name)) and p[0] == lsn), default=0)


class Owner(Protocol):
    """Whoever holds the store's lock."""

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError where another store is at the path now, or none."""


class UnpublishedGeneration:
    """Build its new segments in directories from `new_directory`, then `publish` it with a manifest.

    An error in its `with` block removes what was built.
    """

    def __init__(self, store: str, lsn: int, owner: Owner) -> None:
        """Raises StorageError."""
        self._store, self._owner = store, owner
        self._name = generation_name(lsn, next_revision(store, lsn))
        self._path = os.path.join(store, GENERATIONS, self._name)
        self._temporary = os.path.join(store, GENERATIONS, temporary_name(self._name))
        self._copy = os.path.join(store, SEGMENTS, self._name)
        self._made: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.discard()

    def discard(self) -> None:
        """Remove what was built. Never raises for what cannot be removed: the next writer does it."""
        with suppress(Exception):
            # Another store's writer may be building under the same name.
            self._owner.refuse_replaced()
            for path in self._made:
                fs.remove_tree(path)
            self._made.clear()

    def new_directory(self) -> str:
        """The path of a directory to build a segment in, which is not there yet. Raises StorageError."""
        path = new_incoming_directory(self._store)
        self._made.append(path)
        return path

    def publish(self, manifest: Manifest, segments: Mapping[str, str]) -> str:
        """Publish the generation by one rename; returns the path of its manifest.

        `segments`: of each new segment the digest, and the directory in which it was built and sealed. Raises
        StorageError: StoreReplacedError where the store is not the owner's any more.
        """
        data = encode_manifest(manifest)
        self._owner.refuse_replaced()
        directory = make_segments_directory(self._store)
        for digest, built in segments.items():
            target = segment_path(self._store, digest)
            self._made.append(target)
            fs.rename(built, target)
        self._write_copy(data)
        # The segments' names before the manifest's: a crash after its rename must not show it without them.
        fs.fsync_dir(directory)
        self._made.append(self._temporary)
        fs.remove_file(self._temporary)
        # Durable before the rename: a crash after it must not find the manifest empty or torn.
        fs.write_file(self._temporary, data)
        self._owner.refuse_replaced()
        # From here on the segments may be those of a published generation.
        self._made.clear()
        fs.rename(self._temporary, self._path)
        # Before anything that the generation replaces is deleted: a crash after the deletion alone would
        # leave neither.
        fs.fsync_dir(os.path.dirname(self._path))
        return self._path

    def _write_copy(self, data: bytes) -> None:
        """The manifest's second copy, for repair. Not synced: while it is torn, the first one is there."""
        self._made.append(self._copy)
        fs.remove_file(self._copy)
        with fs.translated("write", self._copy), open(self._copy, "xb") as file:
            file.write(data)
