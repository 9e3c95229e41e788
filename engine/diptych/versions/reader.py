"""Reading a version. It stays complete on disk while it is open, whatever is published or pruned."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from diptych.errors import DiptychError, StoreClosedError
from diptych.lazy import logger
from diptych.versions.errors import (
    CorruptVersionError,
    EmbeddingMismatchError,
    UnknownVersionError,
)
from diptych.versions.lease import Lease, hold
from diptych.versions.manifest import Embedding, Manifest, decode
from diptych.versions.names import MANIFEST, VERSIONS, check_version_name
from diptych.versions.pointer import read_current

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class AssetInfo:
    """An asset in a version. `parts`: a part's name ("" if it is the only one) -> its full path."""

    name: str
    kind: str
    path: str
    parts: Mapping[str, str]
    files: int
    size_bytes: int


class OpenVersion:
    """An open version. `prune` and `discard` leave it alone until `close` or the end of the process.

    Returned by `VersionManager.open_current` and `open`, or without a manager by `open_current(base)`. If it
    is dropped without `close`, it is released with a ResourceWarning.
    """

    def __init__(self, base: str, manifest: Manifest, lease: Lease) -> None:
        self._base = base
        self._manifest = manifest
        self._lease: Lease | None = lease
        self.version = manifest.version
        self.path = os.path.join(base, VERSIONS, manifest.version)
        self.assets = asset_infos(self.path, manifest)

    @property
    def attrs(self) -> dict[str, Any]:
        """A copy of the version's attributes."""
        return dict(self._manifest.attrs)

    @property
    def embedding(self) -> Embedding | None:
        """How its vectors were made."""
        return self._manifest.embedding

    def asset(self, name: str, part: str = "") -> str:
        """The full path of an asset, or of one of its parts. Raises UnknownVersionError, StoreClosedError."""
        if self._lease is None:
            raise StoreClosedError(f"version {self.version} was closed", advice="open it again")
        try:
            return self.assets[name].parts[part] if part else self.assets[name].path
        except KeyError:
            raise UnknownVersionError(
                f"version {self.version} has no asset {name!r}" + (f" with a part {part!r}" if part else ""),
                advice=f"it has {', '.join(self.assets) or 'none'}",
            ) from None

    def require_embedding(self, expected: Embedding) -> None:
        """Raise EmbeddingMismatchError unless the vectors were made with `expected`.

        An engine may compare vectors of two models or dimensions, but the result is meaningless.
        """
        if self.embedding != expected:
            raise EmbeddingMismatchError(
                f"version {self.version} was made with {_name(self.embedding)}, not {_name(expected)}",
                advice="use that model, or build a version with yours",
            )

    def changed(self) -> bool:
        """Whether another version is current now. Reads one small file. Raises StorageError."""
        return read_current(self._base) != self.version

    def reopen(self) -> OpenVersion:
        """The current version: this object if it is still current, otherwise a newly opened one.

        This object stays open either way, so that running queries can finish. Close it after that.
        Raises the errors of `open_current`.
        """
        return open_current(self._base) if self.changed() else self

    def close(self) -> None:
        """Release the version. A second call does nothing."""
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.close()

    def __del__(self) -> None:
        # Absent if the constructor failed.
        if getattr(self, "_lease", None) is not None:
            self.close()
            message = f"version {self.version} was dropped without close()"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)

    def __enter__(self) -> OpenVersion:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_version(base: str, version: str) -> OpenVersion:
    """Open a published version by name.

    Raises UnknownVersionError, VersionInUseError while it is being removed, CorruptVersionError if its
    manifest is damaged, IncompatibleVersionError, and StorageError.
    """
    check_version_name(version)
    path = os.path.join(base, VERSIONS, version, MANIFEST)
    try:
        lease = hold(path)
    except FileNotFoundError:
        raise UnknownVersionError(
            f"there is no published version {version}", advice="`diptych versions list` shows the versions"
        ) from None
    try:
        manifest = decode(lease.read(), path)
        if manifest.version != version:
            raise CorruptVersionError(  # noqa: TRY301 - the lease is closed for all of them below
                f"{path} is the manifest of version {manifest.version}",
                where=path,
                advice="a version cannot be renamed by hand; give it back its original name",
            )
        return OpenVersion(base, manifest, lease)
    except BaseException:
        lease.close()
        raise


def open_current(base: str) -> OpenVersion:
    """Open the current version. Takes no lock that would delay a manager.

    Raises UnknownVersionError if nothing has been published, CorruptVersionError, VersionInUseError if a
    stopped process holds it for removal, and StorageError.
    """
    while True:
        version = read_current(base)
        if version is None:
            raise UnknownVersionError(f"no version was published in {base} yet", advice="publish one")
        try:
            return open_version(base, version)
        except UnknownVersionError:
            # It may have been superseded and pruned between the two reads; then CURRENT names another.
            if read_current(base) == version:
                raise CorruptVersionError(
                    f"CURRENT names version {version}, which is not there",
                    where=os.path.join(base, VERSIONS, version),
                    advice="choose the version to serve: `diptych versions rollback VERSION`",
                ) from None


class Watch:
    """Calls `callback(name)` in a separate thread when another version becomes current, until `close`.

    Polls every `interval_s` seconds. An error in the callback is logged, and the watch continues.
    """

    def __init__(self, base: str, callback: Callable[[str], None], interval_s: float) -> None:
        self._base = base
        self._callback = callback
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._seen = read_current(base)
        self._thread = threading.Thread(target=self._run, name="diptych-versions-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching, and wait for a callback that is running."""
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            try:
                current = read_current(self._base)
            except DiptychError:
                _log.warning("cannot read which version is current", exc_info=True)
                continue
            if current is None or current == self._seen:
                continue
            self._seen = current
            try:
                self._callback(current)
            except Exception:  # noqa: BLE001 - one bad callback must not end the watch
                _log.exception("the callback for a new version failed")

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def asset_infos(path: str, manifest: Manifest) -> dict[str, AssetInfo]:
    """The assets in the version's directory `path`, by name."""
    infos = {}
    for name, asset in manifest.assets.items():
        top = os.fsencode(name)
        sizes = [
            entry.size_bytes
            for file, entry in manifest.files.items()
            if file == top or file.startswith(top + b"/")
        ]
        infos[name] = AssetInfo(
            name=name,
            kind=asset.kind,
            path=os.path.join(path, name),
            parts={part: os.path.join(path, os.fsdecode(where)) for part, where in asset.parts.items()},
            files=len(sizes),
            size_bytes=sum(sizes),
        )
    return infos


def _name(embedding: Embedding | None) -> str:
    if embedding is None:
        return "no embedding"
    return f"{embedding.model} ({embedding.dimension} dimensions, {embedding.metric})"
