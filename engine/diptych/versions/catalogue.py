"""Queries on a base directory. Each call reads the disk; nothing is cached and nothing is changed."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diptych.errors import DiptychError
from diptych.fs import is_directory, list_directory, read_bounded, translated
from diptych.versions.errors import (
    CorruptVersionError,
    IncompatibleVersionError,
    IncompleteVersionError,
    UnknownVersionError,
)
from diptych.versions.lease import hold
from diptych.versions.manifest import MAX_SIZE_BYTES, Embedding, Manifest, decode, raise_if_misplaced
from diptych.versions.names import (
    CURRENT_LINK,
    MANIFEST,
    VERSIONS,
    is_version_name,
    parse_staging_name,
    staging_name,
)
from diptych.versions.pointer import read_current
from diptych.versions.report import Finding, VersionReport
from diptych.versions.states import State
from diptych.versions.stores import check_stores
from diptych.versions.verify import check_version


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One line of the list. Times are Unix nanoseconds, 0 if unknown.

    `problem` says why a version cannot be used, "" if no problem is known. Only `verify` reads the files.
    """

    version: str
    state: State
    created_ns: int = 0
    published_ns: int = 0
    sequence: int = 0
    files: int = 0
    size_bytes: int = 0
    assets: tuple[str, ...] = ()
    attrs: dict[str, Any] | None = None
    embedding: Embedding | None = None
    problem: str = ""


class Catalogue:
    """Queries on `base`."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._versions = os.path.join(base, VERSIONS)

    def directory(self, version: str) -> str:
        """The directory of `version`, published or staged. Raises UnknownVersionError."""
        for name in (version, staging_name(version)):
            path = os.path.join(self._versions, name)
            if is_directory(path):
                return path
        raise UnknownVersionError(
            f"there is no version {version}", advice="`diptych versions list` shows the versions"
        )

    def load(self, version: str) -> tuple[str, Manifest]:
        """The directory and the manifest of `version`.

        Raises UnknownVersionError, IncompleteVersionError, CorruptVersionError, IncompatibleVersionError.
        """
        directory = self.directory(version)
        path = os.path.join(directory, MANIFEST)
        staged = parse_staging_name(os.path.basename(directory)) is not None
        try:
            manifest = decode(_content(path), path)
            if manifest.version != version:
                raise CorruptVersionError(  # noqa: TRY301 - handled as the others are
                    f"{path} is the manifest of version {manifest.version}", where=path
                )
        except CorruptVersionError as error:
            if staged:
                raise IncompleteVersionError(
                    f"the staging of version {version} never finished", advice="stage it again"
                ) from error
            raise
        return directory, manifest

    def believed_current(self) -> str | None:
        """The current version's name; if CURRENT is damaged, the name in the symlink."""
        try:
            return read_current(self._base)
        except CorruptVersionError:
            with contextlib.suppress(OSError):
                name = os.path.basename(os.readlink(os.path.join(self._base, CURRENT_LINK)))
                return name if is_version_name(name) else None
            return None

    def current_is_unreadable(self) -> bool:
        """Whether CURRENT is damaged or missing."""
        try:
            read_current(self._base)
        except CorruptVersionError:
            return True
        return False

    def state(self, version: str, current: str | None) -> State | None:
        """The state of `version` while `current` is the current one; None if there is no such version.

        Raises IncompatibleVersionError, StorageError.
        """
        try:
            directory, manifest = self.load(version)
        except UnknownVersionError:
            return None
        except IncompleteVersionError:
            return State.INCOMPLETE
        except CorruptVersionError:
            return State.CURRENT if version == current else State.DAMAGED
        if os.path.basename(directory) != version:
            return State.STAGED
        return _published_state(manifest, current, self._sequence(current))

    def published(self) -> dict[str, Manifest]:
        """Every published version with a readable manifest. Raises IncompatibleVersionError."""
        found = {}
        for version in self._names(staged=False):
            with contextlib.suppress(CorruptVersionError, UnknownVersionError):
                directory, manifest = self.load(version)
                if os.path.basename(directory) == version:
                    found[version] = manifest
        return found

    def incomplete(self) -> list[str]:
        """The versions whose staging never finished. Reliable only under the manager's lock."""
        names = []
        for version in self._names(staged=True):
            try:
                self.load(version)
            except IncompleteVersionError:
                names.append(version)
            except DiptychError:
                continue
        return names

    def list(self) -> list[VersionInfo]:
        """Every version: the unpublished ones first, then the newest first."""
        current = self.believed_current()
        names = {*self._names(staged=False), *self._names(staged=True)}
        infos = []
        for version in names:
            # It may be published or removed in the meantime.
            with contextlib.suppress(UnknownVersionError):
                infos.append(self._info(version, current))
        infos.sort(key=lambda info: (info.sequence == 0, info.sequence, info.created_ns, info.version))
        return infos[::-1]

    def info(self, version: str) -> VersionInfo:
        """Information about one version. Raises UnknownVersionError."""
        return self._info(version, self.believed_current())

    def verify(self, version: str, *, deep: bool) -> VersionReport:
        """See `VersionManager.verify`."""
        directory = self.directory(version)
        with contextlib.ExitStack() as held:
            if os.path.basename(directory) == version:
                try:
                    lease = hold(os.path.join(directory, MANIFEST))
                except (FileNotFoundError, CorruptVersionError):
                    pass  # Without a manifest there is nothing to hold; the next line reports it.
                else:
                    held.callback(lease.close)
            try:
                directory, manifest = self.load(version)
            except IncompatibleVersionError:
                raise
            except CorruptVersionError as error:
                finding = Finding("manifest", MANIFEST, error.message, advice=error.advice)
                return VersionReport(version, (finding,), 0, 0, 0.0)
            report = check_version(directory, manifest)
            if deep:
                found = tuple(check_stores(directory, manifest))
                report = dataclasses.replace(report, findings=report.findings + found)
            return report

    def _info(self, version: str, current: str | None) -> VersionInfo:
        try:
            directory, manifest = self.load(version)
        except IncompleteVersionError as error:
            return VersionInfo(version, State.INCOMPLETE, problem=error.message)
        except (CorruptVersionError, IncompatibleVersionError) as error:
            state = State.CURRENT if version == current else State.DAMAGED
            return VersionInfo(version, state, problem=error.message)
        published = os.path.basename(directory) == version
        return VersionInfo(
            version=version,
            state=_published_state(manifest, current, self._sequence(current)) if published else State.STAGED,
            created_ns=manifest.created_ns,
            published_ns=manifest.published_ns if published else 0,
            sequence=manifest.sequence if published else 0,
            files=len(manifest.files),
            size_bytes=manifest.size_bytes,
            assets=tuple(sorted(manifest.assets)),
            attrs=dict(manifest.attrs),
            embedding=manifest.embedding,
        )

    def _sequence(self, current: str | None) -> int:
        """The sequence number of the current version; 0 if unknown."""
        if current is not None:
            with contextlib.suppress(DiptychError):
                return self.load(current)[1].sequence
        return 0

    def _names(self, *, staged: bool) -> Iterator[str]:
        with translated("read", self._versions):
            try:
                names = list_directory(self._versions)
            except (FileNotFoundError, NotADirectoryError):
                return
        for name in names:
            version = parse_staging_name(name) if staged else (name if is_version_name(name) else None)
            if version is not None and is_directory(os.path.join(self._versions, name)):
                yield version


def _content(path: str) -> bytes:
    """The bytes of a manifest; b"" if there is none. Raises CorruptVersionError, StorageError."""
    with translated("read", path):
        try:
            return read_bounded(path, MAX_SIZE_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise_if_misplaced(error, path)
            raise


def _published_state(manifest: Manifest, current: str | None, current_sequence: int) -> State:
    if manifest.version == current:
        return State.CURRENT
    return State.AHEAD if manifest.sequence > current_sequence else State.EARLIER
