"""The manager of a base directory of versions. It makes every change, under one lock."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from diptych.errors import DiptychError, InvalidArgumentError, StorageError, StoreLockedError
from diptych.fs import fsync_dir, make_dir
from diptych.versions.assets import Asset, LucenePair, PathLike, as_assets
from diptych.versions.base import BaseDirectory
from diptych.versions.catalogue import Catalogue, VersionInfo
from diptych.versions.difference import VersionDiff, compare
from diptych.versions.errors import (
    CorruptVersionError,
    InvalidAssetError,
    NoRollbackTargetError,
    UnknownVersionError,
    VersionInUseError,
)
from diptych.versions.manifest import MAX_LINEAGE, Embedding, Manifest, check_attrs
from diptych.versions.names import CURRENT, check_version_name
from diptych.versions.pointer import read_current, switch
from diptych.versions.reader import AssetInfo, OpenVersion, Watch, asset_infos, open_current, open_version
from diptych.versions.report import VersionReport
from diptych.versions.retention import rollback_target, to_remove
from diptych.versions.staging import SHARE_MODES, Filler, carried_assets
from diptych.versions.states import State, after
from diptych.versions.verify import check_version

# Inside the class, `list` is the method.
Names = list[str]
Relatives = list[tuple[str, Manifest]]


@dataclass(frozen=True, slots=True)
class Switched:
    """The result of a publish or a rollback: `version` is durably the current one.

    `previous` was current before. `verify_ms` is the time to hash its files, `switch_ms` the rest.
    """

    version: str
    previous: str | None
    verify_ms: float
    switch_ms: float


@dataclass(frozen=True, slots=True)
class Pruned:
    """What `prune` removed, oldest first; what it left because readers hold it; and unfinished stagings."""

    removed: tuple[str, ...]
    in_use: tuple[str, ...]
    abandoned: tuple[str, ...]


class VersionManager:
    """Complete versions of an index directory, published one after another in `base_dir`.

    Opening it cleans up after a killed manager, unless it is read-only or another manager holds the lock.
    Each method that makes a change holds the base's lock while it runs. It waits `lock_timeout_s` seconds
    for the lock, then raises StoreLockedError. With `read_only` these methods raise ReadOnlyError, and
    nothing is ever written. All methods raise StorageError if the operating system reports an error.
    """

    def __init__(self, base_dir: PathLike, *, read_only: bool = False, lock_timeout_s: float = 0.0) -> None:
        self.path = os.path.abspath(base_dir)
        self._base = BaseDirectory(self.path, read_only=read_only, lock_timeout_s=lock_timeout_s)
        self._catalogue = Catalogue(self.path)
        if not read_only and self._base.is_unfinished():
            # If another manager holds the lock, it cleans up. If nobody may write, readers use CURRENT.
            with contextlib.suppress(StoreLockedError, StorageError), self._writing():
                pass

    # Making a version

    def stage(
        self,
        version: str,
        assets: Mapping[str, Asset | PathLike] | None = None,
        attrs: Mapping[str, Any] | None = None,
        *,
        embedding: Embedding | None = None,
        base: str | None = None,
        without: Iterable[str] = (),
        share: str = "auto",
    ) -> VersionInfo:
        """Make `version` from `assets`, ready to publish. Replaces a staging of the same name.

        `base`: a version from which to take all other assets except those in `without`, and the attributes
        and embedding that are not given. `share`: "auto" reflinks or copies files from outside, and
        hard-links those that `base` or the current version already has. "link" also hard-links files from
        outside; the caller promises never to write to them again. "copy" shares nothing.

        Raises InvalidVersionNameError, InvalidAssetError, VersionExistsError, AssetChangedError. An error
        leaves nothing staged.
        """
        check_version_name(version)
        if share not in SHARE_MODES:
            raise InvalidAssetError(f"share must be one of {', '.join(SHARE_MODES)}, not {share!r}")
        if base == version:
            raise InvalidAssetError(f"version {version} cannot be staged from itself")
        checked = as_assets(assets or {})
        new_attrs = check_attrs(attrs or {})
        with self._writing(create=True) as current:
            after("stage", version, self._catalogue.state(version, current))
            origin = self._catalogue.load(base) if base is not None else None
            carried = carried_assets(origin and origin[1], checked, set(without))
            if origin is not None:
                new_attrs = {**origin[1].attrs, **new_attrs}
                embedding = embedding or origin[1].embedding
            self._base.remove_staging(version)
            try:
                staging = self._base.staging(version)
                make_dir(staging, follow=False)
                filler = Filler(staging, self._relatives(origin, current), share)
                for name in carried:
                    filler.carry(name, *cast("tuple[str, Manifest]", origin))
                for name, asset in checked.items():
                    filler.add(name, asset)
                filler.finish()
                manifest = Manifest(
                    version=version,
                    files=filler.contents.files,
                    directories=frozenset(filler.contents.directories),
                    assets=filler.contents.assets,
                    attrs=new_attrs,
                    embedding=embedding,
                    created_ns=time.time_ns(),
                )
                self._base.write_manifest(manifest)
                fsync_dir(self._base.versions)
            except BaseException:
                # If it cannot be removed now (a full or failing disk), the next staging removes it.
                with contextlib.suppress(DiptychError):
                    self._base.remove_staging(version)
                raise
        return self._catalogue.info(version)

    def relink_lucene(
        self, version: str, pair: LucenePair, *, base: str | None = None, name: str = "lucene"
    ) -> VersionInfo:
        """Stage `version`: the Lucene pair `name` replaced, all else shared with `base` (default: current).

        Raises the errors of `stage`, and UnknownVersionError if there is no such version.
        """
        base = base if base is not None else self.current()
        if base is None:
            raise UnknownVersionError(
                f"no version was published in {self.path} yet", advice="stage a complete one"
            )
        return self.stage(version, {name: pair}, base=base)

    def write_attrs(self, version: str, attrs: Mapping[str, Any]) -> None:
        """Set attributes of a staged version. The value None removes an attribute.

        Raises UnknownVersionError, ImmutableVersionError, InvalidAssetError.
        """
        changes = check_attrs(attrs)
        with self._changing(version) as manifest:
            merged = {**manifest.attrs, **changes}
            present = {name: value for name, value in merged.items() if value is not None}
            self._base.write_manifest(replace(manifest, attrs=present))

    def write_embedding(self, version: str, embedding: Embedding | None) -> None:
        """Record which embedding made the vectors of a staged version.

        Raises UnknownVersionError, ImmutableVersionError.
        """
        with self._changing(version) as manifest:
            self._base.write_manifest(replace(manifest, embedding=embedding))

    # Choosing the current version

    def publish(self, version: str) -> Switched:
        """Verify a staged version, and make it the current one.

        It may also be the current version, one whose publishing was interrupted, or the one that was rolled
        back from. Raises UnknownVersionError, IncompleteVersionError, VersionExistsError, and
        CorruptVersionError with every finding. After StorageError or a crash, either the old version or the
        new one is current, and it is complete; `current()` tells which.
        """
        check_version_name(version)
        with self._writing() as current:
            state = self._catalogue.state(version, current)
            after("publish", version, state)
            directory, manifest = self._catalogue.load(version)
            verify_ms = self._verified(directory, manifest)
            started = time.perf_counter()
            if state is State.STAGED:
                published = self._catalogue.published()
                self._base.write_manifest(
                    replace(
                        manifest,
                        published_ns=time.time_ns(),
                        sequence=1 + max((other.sequence for other in published.values()), default=0),
                        lineage=_lineage(current, published),
                    )
                )
                self._base.name_published(version)
            return self._switched(version, current, verify_ms, started)

    def rollback(self, version: str | None = None) -> Switched:
        """Verify an earlier version and make it current again. The default is the previous one.

        Raises UnknownVersionError, NotPublishedError, NoRollbackTargetError, CorruptVersionError.
        """
        if version is not None:
            check_version_name(version)
        with self._writing() as current:
            target = version if version is not None else self._previous(current)
            after("roll back to", target, self._catalogue.state(target, current))
            directory, manifest = self._catalogue.load(target)
            verify_ms = self._verified(directory, manifest)
            return self._switched(target, current, verify_ms, time.perf_counter())

    # Reading

    def current(self) -> str | None:
        """The current version's name; None before the first publish. Raises CorruptVersionError."""
        return read_current(self.path)

    def open_current(self) -> OpenVersion:
        """Open the current version for reading. Raises UnknownVersionError, CorruptVersionError."""
        return open_current(self.path)

    def open(self, version: str) -> OpenVersion:
        """Open a published version for reading.

        Raises UnknownVersionError, NotPublishedError, VersionInUseError, CorruptVersionError.
        """
        check_version_name(version)
        after("open", version, self._catalogue.state(version, self._catalogue.believed_current()))
        return open_version(self.path, version)

    def watch(self, callback: Callable[[str], None], *, interval_s: float = 0.5) -> Watch:
        """Call `callback(name)` whenever another version becomes current, until the watch is closed."""
        return Watch(self.path, callback, interval_s)

    def list(self) -> list[VersionInfo]:
        """Every version: the unpublished ones first, then the newest first."""
        return self._catalogue.list()

    def info(self, version: str) -> VersionInfo:
        """Information about one version. Raises UnknownVersionError."""
        return self._catalogue.info(check_version_name(version))

    def assets(self, version: str) -> dict[str, AssetInfo]:
        """The assets of a version, by name.

        Raises UnknownVersionError, IncompleteVersionError, CorruptVersionError.
        """
        return asset_infos(*self._catalogue.load(check_version_name(version)))

    def verify(self, version: str, *, deep: bool = False) -> VersionReport:
        """Hash every file of a version and compare it with the manifest. Changes nothing.

        `deep` also verifies each Diptych store in it. The report lists any damage. Raises
        UnknownVersionError, IncompleteVersionError, IncompatibleVersionError.
        """
        return self._catalogue.verify(check_version_name(version), deep=deep)

    def diff(self, old: str, new: str) -> VersionDiff:
        """The differences between two versions, by their manifests.

        Raises UnknownVersionError, IncompleteVersionError, CorruptVersionError.
        """
        return compare(
            self._catalogue.load(check_version_name(old))[1], self._catalogue.load(check_version_name(new))[1]
        )

    # Removing

    def prune(
        self, *, keep: int = 2, older_than_s: float | None = None, dry_run: bool = False
    ) -> Pruned:
        """Remove published versions beyond the first `keep`, if they are older than `older_than_s`.

        The order is: the current version, which always stays, the target of `rollback()`, then the newest.
        A version that a reader holds stays. Unfinished stagings are removed too. Raises
        InvalidArgumentError for a `keep` below 1, UnknownVersionError if there is no base, and
        CorruptVersionError if CURRENT does not name a version.
        """
        if keep < 1:
            raise InvalidArgumentError(
                f"keep must be 1 or more, not {keep}", advice="the current version always stays"
            )
        removed: Names = []
        in_use: Names = []
        with self._writing():
            # Not `believed_current`: if CURRENT is damaged, remove nothing on a guess.
            current = read_current(self.path)
            if current is not None and self._catalogue.state(current, current) is None:
                raise CorruptVersionError(
                    f"CURRENT names version {current}, which is not there",
                    where=os.path.join(self.path, CURRENT),
                    advice="choose the version to serve: `diptych versions rollback VERSION`",
                )
            candidates = to_remove(
                self._catalogue.published(),
                current,
                keep=keep,
                older_than_ns=None if older_than_s is None else int(older_than_s * 1e9),
                now_ns=time.time_ns(),
            )
            for version in candidates:
                free = not self._base.in_use(version) if dry_run else self._base.remove_published(version)
                (removed if free else in_use).append(version)
            abandoned = self._catalogue.incomplete()
            if not dry_run:
                for version in abandoned:
                    self._base.remove_staging(version)
        return Pruned(tuple(removed), tuple(in_use), tuple(abandoned))

    def discard(self, version: str) -> None:
        """Remove one version, staged or published, that is not current.

        Raises UnknownVersionError, CurrentVersionError, VersionInUseError.
        """
        check_version_name(version)
        with self._writing():
            state = self._catalogue.state(version, read_current(self.path))
            after("discard", version, state)
            if state in (State.STAGED, State.INCOMPLETE):
                self._base.remove_staging(version)
            elif not self._base.remove_published(version):
                raise VersionInUseError(
                    f"version {version} is held open by a reader", advice="close it there, and try again"
                )

    # Inside

    @contextlib.contextmanager
    def _writing(self, *, create: bool = False) -> Iterator[str | None]:
        """Hold the lock, and yield the current version's name if it is known."""
        with self._base.writing(create=create):
            yield self._catalogue.believed_current()

    @contextlib.contextmanager
    def _changing(self, version: str) -> Iterator[Manifest]:
        check_version_name(version)
        with self._writing() as current:
            after("write attributes of", version, self._catalogue.state(version, current))
            yield self._catalogue.load(version)[1]

    def _relatives(self, origin: tuple[str, Manifest] | None, current: str | None) -> Relatives:
        """The versions to share files with. Skips a damaged one: staging does not need it."""
        relatives = [origin] if origin is not None else []
        if current is not None:
            with contextlib.suppress(DiptychError):
                relatives.append(self._catalogue.load(current))
        return relatives

    def _verified(self, directory: str, manifest: Manifest) -> float:
        """The milliseconds that verifying took. Raises CorruptVersionError."""
        report = check_version(directory, manifest)
        if not report.ok:
            first = report.findings[0]
            more = f", and {len(report.findings) - 1} more" if len(report.findings) > 1 else ""
            raise CorruptVersionError(
                f"version {manifest.version} is damaged: {first.where}: {first.message}{more}",
                where=os.path.join(directory, first.where),
                advice="stage it again, or choose another version",
                findings=report.findings,
            )
        return report.elapsed_ms

    def _switched(self, version: str, current: str | None, verify_ms: float, started: float) -> Switched:
        if current != version or self._catalogue.current_is_unreadable():
            switch(self.path, version)
        return Switched(version, current, verify_ms, (time.perf_counter() - started) * 1e3)

    def _previous(self, current: str | None) -> str:
        published = self._catalogue.published()
        target = None
        if current is not None and current in published:
            target = rollback_target(published[current], published)
        if target is None:
            others = ", ".join(sorted(published.keys() - {current})) or "none"
            raise NoRollbackTargetError(
                "no earlier version is known to go back to",
                advice=f"name one (`diptych versions rollback VERSION`); other published versions: {others}",
            )
        return target


def _lineage(current: str | None, published: Mapping[str, Manifest]) -> tuple[str, ...]:
    if current is None:
        return ()
    before = published[current].lineage if current in published else ()
    return (current, *before)[:MAX_LINEAGE]
