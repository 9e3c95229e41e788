"""A generation's directory while it is built, and the rename that publishes it."""

from __future__ import annotations

import os
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from diptych import fs
from diptych.layout import (
    GENERATIONS,
    MANIFEST,
    SEARCH,
    generation_name,
    parse_generation_name,
    temporary_name,
)
from diptych.store.manifest import Manifest, encode_manifest


def next_revision(store: str, lsn: int) -> int:
    """The first revision that no generation at `lsn` has; 0 where there is none. Raises StorageError."""
    generations = os.path.join(store, GENERATIONS)
    with fs.translated("list", generations):
        names = fs.list_directory(generations)
    return max((p[1] + 1 for name in names if (p := parse_generation_name(name)) and p[0] == lsn), default=0)


class Owner(Protocol):
    """Whoever holds the store's lock."""

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError where another store is at the path now, or none."""


class UnpublishedGeneration:
    """A temporary directory: fill `path` with both stores, durable, then `publish` it with a manifest.

    An error in its `with` block removes it.
    """

    def __init__(self, store: str, lsn: int, owner: Owner) -> None:
        """Raises StorageError."""
        self._owner = owner
        self._generations = os.path.join(store, GENERATIONS)
        name = generation_name(lsn, next_revision(store, lsn))
        self.path = os.path.join(self._generations, temporary_name(name))
        self._published_path = os.path.join(self._generations, name)

    def __enter__(self) -> Self:
        """Make the directory. Raises StorageError."""
        try:
            fs.remove_tree(self.path)
            with fs.translated("make the directory", self.path):
                # One by one: the directory above is not made again in the place of a store that is gone.
                os.mkdir(self.path)
                os.mkdir(os.path.join(self.path, SEARCH))
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            with suppress(Exception):
                # Another store's writer may be building under the same name.
                self._owner.refuse_replaced()
                fs.remove_tree(self.path)

    def publish(self, manifest: Manifest) -> str:
        """Write the manifest, and give the directory its name by one rename; returns its path.

        Raises StorageError: StoreReplacedError where the store is not the owner's any more.
        """
        fs.write_file(os.path.join(self.path, MANIFEST), encode_manifest(manifest))
        # Names inside before the name outside: a crash after the rename must not show an empty directory.
        fs.fsync_dir(os.path.join(self.path, SEARCH))
        fs.fsync_dir(self.path)
        self._owner.refuse_replaced()
        fs.rename(self.path, self._published_path)
        # Before anything that the generation replaces is deleted: a crash after the deletion alone would
        # leave neither.
        fs.fsync_dir(self._generations)
        return self._published_path
