"""Fill the staging directory of a version. The manifest, written last, makes the version complete."""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from diptych.errors import StorageError, StoreLockedError
from diptych.fs import WriterLock, fsync_dir, is_regular_below, remove_file, translated
from diptych.versions.assets import Asset, Part
from diptych.versions.errors import CorruptVersionError, InvalidAssetError
from diptych.versions.manifest import AssetEntry, FileEntry, Manifest
from diptych.versions.sharing import bring, digest_source, digest_stable_file, share

SHARE_MODES = ("auto", "link", "copy")


@dataclass
class Contents:
    """What a staging directory holds so far, in the form of its manifest."""

    files: dict[bytes, FileEntry] = field(default_factory=dict)
    directories: set[bytes] = field(default_factory=set)
    assets: dict[str, AssetEntry] = field(default_factory=dict)


class Filler:
    """Fills the staging directory `root`.

    `relatives`: (directory, manifest) of versions of the same base whose files may be shared.
    `mode`: "auto" reflinks or copies from outside, and hard-links what a relative already has; "link" also
    hard-links from outside; "copy" shares no blocks.
    """

    def __init__(self, root: str, relatives: list[tuple[str, Manifest]], mode: str) -> None:
        self._root = root
        self._mode = mode
        self._candidates: dict[int, dict[bytes, tuple[str, str]]] = defaultdict(dict)
        self.contents = Contents()
        if mode == "auto":
            for directory, manifest in relatives:
                for path, entry in manifest.files.items():
                    place = directory, os.fsdecode(path)
                    self._candidates[entry.size_bytes].setdefault(entry.digest, place)

    def add(self, name: str, asset: Asset) -> None:
        """Add an asset from outside. Raises InvalidAssetError, StoreLockedError, StorageError."""
        with ExitStack() as held:
            parts = asset.parts()
            if asset.writer_lock is not None:
                # Lock only what is a store, and list its parts again once nobody can change them.
                _hold(asset.writer_lock, held)
                parts = asset.parts()
            paths = {}
            if any(part.name for part in parts):
                self._make_directory(os.fsencode(name))
            for part in parts:
                path = os.fsencode(f"{name}/{part.name}" if part.name else name)
                self._add_part(path, part)
                paths[part.name] = path
            asset.check(os.path.join(self._root, name))
        self.contents.assets[name] = AssetEntry(asset.kind, paths)

    def carry(self, name: str, directory: str, manifest: Manifest) -> None:
        """Share an asset with another version of the base. Raises CorruptVersionError, StorageError."""
        entry = manifest.assets[name]
        top = os.fsencode(name)
        belongs = lambda path: path == top or path.startswith(top + b"/")  # noqa: E731
        for path in sorted(filter(belongs, manifest.directories)):
            self._make_directory(path)
        for path in sorted(filter(belongs, manifest.files)):
            relative = os.fsdecode(path)
            if not is_regular_below(directory, relative):
                raise CorruptVersionError(
                    f"version {manifest.version} has no file {relative!r}",
                    where=os.path.join(directory, relative),
                    advice=f"`diptych versions verify {manifest.version}` lists all its damage",
                )
            share(
                os.path.join(directory, relative),
                os.path.join(self._root, relative),
                copy=self._mode == "copy",
            )
            self.contents.files[path] = manifest.files[path]
        self.contents.assets[name] = entry

    def finish(self) -> None:
        """Make every name durable, deepest first. Raises StorageError."""
        for path in sorted(self.contents.directories, reverse=True):
            fsync_dir(os.path.join(self._root, os.fsdecode(path)))
        fsync_dir(self._root)

    def _add_part(self, path: bytes, part: Part) -> None:
        if not os.path.isdir(part.source):
            self._add_file(path, part.source)
            return
        self._make_directory(path)
        for relative, source, is_directory in _walk(part):
            target = path + b"/" + relative
            if is_directory:
                self._make_directory(target)
            else:
                top = os.fsdecode(relative.partition(b"/")[0])
                self._add_file(target, source, linkable=part.immutable is None or top in part.immutable)

    def _add_file(self, path: bytes, source: str, *, linkable: bool = True) -> None:
        target = os.path.join(self._root, os.fsdecode(path))
        self.contents.files[path] = self._share_known(source, target) or bring(
            source, target, link=linkable and self._mode == "link"
        )

    def _share_known(self, source: str, target: str) -> FileEntry | None:
        """Link a file of a relative with the same bytes; None if there is none."""
        with translated("read", source):
            candidates = self._candidates.get(os.stat(source).st_size)
        if not candidates:
            return None
        entry = digest_source(source)
        place = candidates.get(entry.digest)
        if place is None or not is_regular_below(*place):
            return None
        share(os.path.join(*place), target, copy=False)
        # If the relative was damaged after staging, use the source instead.
        if digest_stable_file(target) == entry:
            return entry
        remove_file(target)
        return None

    def _make_directory(self, path: bytes) -> None:
        directory = os.path.join(self._root, os.fsdecode(path))
        # Not durable yet: `finish` syncs once per directory, not once per name.
        with translated("make the directory", directory):
            os.mkdir(directory)
        self.contents.directories.add(path)


def carried_assets(manifest: Manifest | None, assets: Mapping[str, Asset], remove: set[str]) -> list[str]:
    """The assets that a new version takes from `manifest`. Raises InvalidAssetError."""
    if manifest is None:
        return []
    unknown = sorted(remove - manifest.assets.keys())
    if unknown:
        raise InvalidAssetError(f"version {manifest.version} has no asset {unknown[0]} to leave out")
    return sorted(manifest.assets.keys() - assets.keys() - remove)


def _hold(lock: str, held: ExitStack) -> None:
    try:
        writer = WriterLock(lock)
    except StoreLockedError as error:
        raise StoreLockedError(
            error.message, pid=error.pid, advice="close the store, then stage it again"
        ) from error
    except StorageError as error:
        # Nobody can be writing to a store on a read-only file system.
        if error.errno == errno.EROFS:
            return
        raise
    held.callback(writer.release)


def _walk(part: Part) -> Iterator[tuple[bytes, str, bool]]:
    """(path below the part's directory, source, whether a directory) of each entry, parents first.

    Links to files are followed if the part allows it: a version holds the bytes. Raises InvalidAssetError
    for anything else.
    """
    top = part.source
    pending = [""]
    while pending:
        directory = pending.pop()
        with translated("read", os.path.join(top, directory)):
            with os.scandir(os.path.join(top, directory)) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            if not directory and entry.name in part.skip:
                continue
            relative = os.path.join(directory, entry.name)
            is_directory = entry.is_dir(follow_symlinks=False)
            if is_directory:
                pending.append(relative)
            elif not entry.is_file(follow_symlinks=not part.stranger):
                raise InvalidAssetError(
                    f"{entry.path} is neither a file nor a directory, so no version can hold it",
                    advice="remove it, or replace it by a regular file",
                )
            yield os.fsencode(relative), entry.path, is_directory
