"""A remote in a folder: on this machine, or one that several have mounted.

Everything is written under a temporary name, fsynced and renamed, so that no reader sees half of it. A ref is
compared and written under the folder's lock; its version is the SHA-256 of its body, which never repeats.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from urllib.parse import quote, unquote, urlsplit

from diptych import fs
from diptych.artifact.errors import (
    HostileArtifactError,
    InvalidArtifactNameError,
    MissingObjectError,
    RefMovedError,
)
from diptych.artifact.names import (
    BLOBS,
    MANIFESTS,
    REF_KINDS,
    REFS,
    blob_path,
    check_ref,
    digest_of,
    manifest_path,
    parse_blob_path,
    parse_manifest_path,
    parse_ref_path,
    ref_path,
)
from diptych.artifact.remotes.base import (
    MAX_BLOB_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_REF_BODY_BYTES,
    MAX_REFS,
    BlobSize,
    Capabilities,
    ListedObject,
    ListedRef,
    Ref,
    Remote,
)

_LOCK = "LOCK"
_SIGNATURE = ".minisig"
_TEMPORARY = ".tmp"
_PIECE_BYTES = 1 << 20
_LOCK_TIMEOUT_S = 60.0


def url_of(path: str) -> str:
    """The URL of the remote in a folder."""
    return f"file://{quote(os.path.abspath(path))}"


def is_folder(url: str) -> bool:
    """Whether a remote is named by the path of a folder, not by a URL."""
    return os.path.isabs(url) or url.startswith(("./", "../")) or url in (".", "..")


def path_of(url: str) -> str:
    """The folder of a `file://` URL. Raises InvalidArtifactNameError."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not os.path.isabs(path) or "\0" in path:
        raise InvalidArtifactNameError(
            f"{url!r:.200} names no folder", advice="write file:// and an absolute path: file:///srv/indexes"
        )
    return os.path.normpath(path)


class FileRemote(Remote):
    """The remote in the folder `path`, which the first write makes."""

    def __init__(self, path: str, *, lock_timeout_s: float = _LOCK_TIMEOUT_S) -> None:
        self.path = os.path.abspath(path)
        self.url = url_of(path)
        self._lock_timeout_s = lock_timeout_s
        # A folder of a remote is never removed, so that one that was synced once stays.
        self._synced_folders: set[str] = set()

    @property
    def capabilities(self) -> Capabilities:
        writable = os.access(self.path, os.W_OK) or not fs.exists(self.path)
        return Capabilities(
            compare_and_swap=writable, ranges=True, lists=True, deletes=writable, read_only=not writable
        )

    def present_blobs(self, digests: Collection[str]) -> set[str]:
        return {digest for digest in digests if fs.is_regular(self._at(blob_path(digest)))}

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        path = self._at(blob_path(digest))
        left = MAX_BLOB_BYTES if length is None else min(length, MAX_BLOB_BYTES)
        with fs.translated("read", path):
            try:
                file = open(path, "rb", buffering=0, opener=fs.open_regular)  # noqa: SIM115
            except FileNotFoundError:
                raise self._missing(digest) from None
            with file:
                file.seek(start)
                while left > 0 and (piece := file.read(min(left, _PIECE_BYTES))):
                    left -= len(piece)
                    yield piece

    def write_blob(self, digest: str, data: bytes) -> None:
        self._write(blob_path(digest), data)

    def read_manifest(self, digest: str) -> bytes:
        data = self._read(manifest_path(digest), MAX_MANIFEST_BYTES)
        if data is None:
            raise self._missing(digest)
        return data

    def write_manifest(self, digest: str, data: bytes, blobs: Sequence[BlobSize]) -> None:  # noqa: ARG002
        self._write(manifest_path(digest), data)

    def read_signature(self, digest: str) -> bytes | None:
        return self._read(manifest_path(digest) + _SIGNATURE, MAX_REF_BODY_BYTES)

    def write_signature(self, digest: str, data: bytes) -> None:
        self._write(manifest_path(digest) + _SIGNATURE, data)

    def read_ref(self, name: str) -> Ref | None:
        body = self._read(ref_path(name), MAX_REF_BODY_BYTES)
        return None if body is None else Ref(body, digest_of(body))

    def write_ref(self, name: str, body: bytes, *, expected: str | None) -> str:
        lock = self._locked()
        try:
            self._refuse_moved(name, expected)
            self._write(ref_path(name), body)
        finally:
            lock.release()
        return digest_of(body)

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        found: list[str] = []
        for kind in REF_KINDS:
            if not f"{kind}/".startswith(prefix) and not prefix.startswith(f"{kind}/"):
                continue
            names = (parse_ref_path(f"{REFS}/{kind}/{name}") for name in self._names(f"{REFS}/{kind}"))
            found += [ref for ref in names if ref is not None and ref.startswith(prefix)]
        for name in sorted(found)[:MAX_REFS]:
            # The version is read with it: a listing that is acted on must not cost a guess.
            ref = self.read_ref(name)
            if ref is not None:
                yield ListedRef(name, ref.version, self._modified_ms(ref_path(name)))

    def delete_ref(self, name: str, *, expected: str) -> None:
        lock = self._locked()
        try:
            if self.read_ref(name) is not None:
                self._refuse_moved(name, expected)
                self._remove(ref_path(name))
        finally:
            lock.release()

    def list_blobs(self) -> Iterator[ListedObject]:
        top = f"{BLOBS}/sha256"
        for folder in sorted(self._names(top)):
            yield from self._listed(f"{top}/{folder}", parse_blob_path)

    def list_manifests(self) -> Iterator[ListedObject]:
        return self._listed(f"{MANIFESTS}/sha256", parse_manifest_path)

    def delete_blob(self, digest: str) -> None:
        self._remove(blob_path(digest))

    def delete_manifest(self, digest: str) -> None:
        # The signature after it: a manifest without its signature would be refused by those who ask for one.
        self._remove(manifest_path(digest))
        self._remove(manifest_path(digest) + _SIGNATURE)

    def store_time_ms(self) -> int:
        # By a file: a mounted folder has its server's clock.
        self._make_folder(self.path)
        path = os.path.join(self.path, f".clock.{secrets.token_hex(8)}{_TEMPORARY}")
        fs.write_file(path, b"")
        try:
            with fs.translated("examine", path):
                return os.stat(path).st_mtime_ns // 1_000_000
        finally:
            fs.remove_file(path)

    def read_document(self, name: str) -> bytes | None:
        return self._read(name, MAX_MANIFEST_BYTES)

    def write_document(self, name: str, data: bytes) -> None:
        self._write(name, data)

    def list_documents(self, prefix: str) -> list[str]:
        folder, _, start = prefix.rpartition("/")
        beside = f"{folder}/" if folder else ""
        return sorted(
            f"{beside}{name}"
            for name in self._names(folder)
            if name.startswith(start) and not name.endswith(_TEMPORARY)
        )

    def delete_document(self, name: str) -> None:
        self._remove(name)

    def _at(self, relative: str) -> str:
        return os.path.join(self.path, *relative.split("/"))

    def _read(self, relative: str, most_bytes: int) -> bytes | None:
        """The bytes of a file; None where it is not there."""
        path = self._at(relative)
        with fs.translated("read", path):
            try:
                return fs.read_bounded(path, most_bytes)
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError as error:
                if error.errno == errno.EFBIG:
                    raise HostileArtifactError(
                        f"{relative} is larger than {most_bytes:,} bytes", where=relative
                    ) from error
                raise

    def _write(self, relative: str, data: bytes) -> None:
        path = self._at(relative)
        folder = os.path.dirname(path)
        self._make_folder(folder)
        # Of several machines, perhaps: a process id would not be enough.
        fs.atomic_write(path, data, token=secrets.token_hex(8))

    def _make_folder(self, folder: str) -> None:
        # Also one that is there: who made it may have been killed before it was synced, and a power cut would
        # take what is pushed into it.
        fs.make_dir(folder, sync_existing=folder not in self._synced_folders)
        self._synced_folders.add(folder)

    def _remove(self, relative: str) -> None:
        path = self._at(relative)
        if fs.exists(path):
            fs.remove_file(path)
            fs.fsync_dir(os.path.dirname(path))

    def _locked(self) -> fs.WriterLock:
        self._make_folder(self.path)
        return fs.WriterLock(os.path.join(self.path, _LOCK), timeout_s=self._lock_timeout_s)

    def _refuse_moved(self, name: str, expected: str | None) -> None:
        found = self.read_ref(check_ref(name))
        if (None if found is None else found.version) != expected:
            raise RefMovedError(f"{name} moved while it was written; nothing was written")

    def _names(self, relative: str) -> list[str]:
        path = self._at(relative) if relative else self.path
        with fs.translated("list", path):
            try:
                return fs.list_directory(path)
            except (FileNotFoundError, NotADirectoryError):
                return []

    def _listed(self, folder: str, parse: Callable[[str], str | None]) -> Iterator[ListedObject]:
        for name in sorted(self._names(folder)):
            digest = parse(f"{folder}/{name}")
            if digest is None:
                continue
            path = self._at(f"{folder}/{name}")
            with fs.translated("examine", path), suppress(FileNotFoundError):
                status = os.lstat(path)
                yield ListedObject(digest, status.st_size, status.st_mtime_ns // 1_000_000)

    def _modified_ms(self, relative: str) -> int:
        path = self._at(relative)
        with fs.translated("examine", path), suppress(FileNotFoundError):
            return os.lstat(path).st_mtime_ns // 1_000_000
        return 0

    def _missing(self, digest: str) -> MissingObjectError:
        return MissingObjectError(f"{self.url} has no sha256:{digest}", where=digest)
