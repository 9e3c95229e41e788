"""Changes to a base directory: one at a time, each one completed or undone after a crash."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from diptych.errors import ReadOnlyError
from diptych.fs import (
    WriterLock,
    atomic_write,
    fsync_dir,
    is_directory,
    list_directory,
    make_dir,
    remove_tree,
    rename,
    translated,
)
from diptych.versions.errors import CorruptVersionError, UnknownVersionError
from diptych.versions.lease import exclusive
from diptych.versions.manifest import Manifest, encode
from diptych.versions.names import (
    LOCK,
    MANIFEST,
    VERSIONS,
    is_removed_name,
    is_temporary_name,
    parse_staging_name,
    removed_name,
    staging_name,
)
from diptych.versions.pointer import link_follows, read_current, switch_link


class BaseDirectory:
    """The base directory `path`, which this object may change unless it is `read_only`."""

    def __init__(self, path: str, *, read_only: bool, lock_timeout_s: float) -> None:
        self.path = path
        self.versions = os.path.join(path, VERSIONS)
        self._read_only = read_only
        self._lock_timeout_s = lock_timeout_s

    @contextmanager
    def writing(self, *, create: bool = False) -> Iterator[None]:
        """Hold the lock. First clean up after a killed manager.

        Raises ReadOnlyError, StoreLockedError, StorageError, and UnknownVersionError if there is no base and
        `create` is false.
        """
        if self._read_only:
            raise ReadOnlyError(f"{self.path} was opened read-only", advice="open it with read_only=False")
        if create:
            make_dir(self.versions, follow=False)
        elif not is_directory(self.versions):
            raise UnknownVersionError(f"{self.path} holds no versions", advice="stage one first")
        lock = WriterLock(os.path.join(self.path, LOCK), timeout_s=self._lock_timeout_s)
        try:
            self._sweep()
            version = self._lagging_link()
            if version is not None:
                switch_link(self.path, version)
            yield
        finally:
            lock.release()

    def is_unfinished(self) -> bool:
        """Whether a change is in progress, or was interrupted. Takes no lock and changes nothing."""
        if not is_directory(self.versions):
            return False
        return self._lagging_link() is not None or next(self._leftovers(), None) is not None

    def staging(self, version: str) -> str:
        """The directory in which `version` is built."""
        return os.path.join(self.versions, staging_name(version))

    def write_manifest(self, manifest: Manifest) -> None:
        """Durably write the manifest of a staged version. Raises StorageError."""
        atomic_write(os.path.join(self.staging(manifest.version), MANIFEST), encode(manifest))

    def name_published(self, version: str) -> None:
        """Durably rename a staged version to its published name. Raises StorageError."""
        rename(self.staging(version), os.path.join(self.versions, version))
        fsync_dir(self.versions)

    def remove_staging(self, version: str) -> None:
        """Remove a staged version, if there is one. Raises StorageError."""
        if os.path.lexists(self.staging(version)):
            remove_tree(self._set_aside(staging_name(version)))

    def remove_published(self, version: str) -> bool:
        """Remove a published version. Return False and change nothing if a reader holds it.

        Raises StorageError.
        """
        with exclusive(os.path.join(self.versions, version, MANIFEST)) as free:
            if not free:
                return False
            removed = self._set_aside(version)
        remove_tree(removed)
        return True

    def in_use(self, version: str) -> bool:
        """Whether a reader holds a published version. Raises StorageError."""
        with exclusive(os.path.join(self.versions, version, MANIFEST)) as free:
            return not free

    def _lagging_link(self) -> str | None:
        """The version that the symlink should point to but does not; None if it is up to date."""
        try:
            current = read_current(self.path)
        except CorruptVersionError:
            return None
        return current if current is not None and not link_follows(self.path, current) else None

    def _set_aside(self, name: str) -> str:
        """Rename the directory first, so that after a power loss it is either complete or gone."""
        removed = os.path.join(self.versions, removed_name(name))
        rename(os.path.join(self.versions, name), removed)
        fsync_dir(self.versions)
        return removed

    def _sweep(self) -> None:
        """Remove what killed managers left. Needs the lock, or it could remove a running manager's work."""
        for path in list(self._leftovers()):
            remove_tree(path)

    def _leftovers(self) -> Iterator[str]:
        with translated("read", self.path):
            for name in filter(is_temporary_name, os.listdir(self.path)):
                yield os.path.join(self.path, name)
            for name in list_directory(self.versions):
                directory = os.path.join(self.versions, name)
                if is_removed_name(name):
                    yield directory
                elif parse_staging_name(name) is not None:
                    # Another manager may be renaming it at this moment.
                    with suppress(FileNotFoundError, NotADirectoryError):
                        for file in filter(is_temporary_name, list_directory(directory)):
                            yield os.path.join(directory, file)
