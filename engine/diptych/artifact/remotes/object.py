"""A remote in an object store: S3 and what is compatible with it, Google Cloud Storage, Azure.

Credentials are those of the environment, as the stores' own tools take them (AWS_ACCESS_KEY_ID,
GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_KEY and so on). A ref is written on a condition; whether
the store keeps to it is found by a probe: see `probe`.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from diptych.artifact.errors import (
    AccessDeniedError,
    HostileArtifactError,
    InvalidArtifactNameError,
    MissingObjectError,
    RefMovedError,
    RemoteUnavailableError,
    ThrottledError,
    UnsupportedRemoteError,
)
from diptych.artifact.names import (
    BLOBS,
    MANIFESTS,
    REFS,
    blob_path,
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
    TIMEOUT_S,
    BlobSize,
    Capabilities,
    ListedObject,
    ListedRef,
    Ref,
    Remote,
)
from diptych.artifact.remotes.http import SIGNATURE
from diptych.artifact.remotes.probe import Probed, probed
from diptych.fs import importing

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_TRIES = 5
_PIECE_BYTES = 1 << 20
_PAGE = 1_000
_CLOCK = "clock"
_STATUS = re.compile(r"status code: ([0-9]{3})|response error \(([0-9]{3})\)|status: ([0-9]{3})")
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9$._-]{1,254}\Z")


class ObjectRemote(Remote):
    """The remote below a prefix of a bucket or container."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        without_swap: bool = False,
        store: ObjectStore | None = None,
    ) -> None:
        """`without_swap`: leave to write refs in a store that keeps to no condition.

        Raises InvalidArtifactNameError, and AccessDeniedError where the environment's settings make no sense.
        """
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._without_swap = without_swap
        self._store = store if store is not None else _opened(self.url, timeout_s)
        self._probed: Probed | None = None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            compare_and_swap=self._probe().compare_and_swap,
            ranges=True,
            lists=True,
            deletes=True,
            read_only=False,
        )

    def probe_again(self) -> str:
        """Probe the store now, and note what was found; why it cannot compare and swap, "" if it can."""
        self._probed = probed(self, again=True)
        return self._probed.why

    def _probe(self) -> Probed:
        if self._probed is None:
            self._probed = probed(self)
        return self._probed

    def present_blobs(self, digests: Collection[str]) -> set[str]:
        import obstore

        present = set()
        for digest in digests:
            with self._translated(), suppress(FileNotFoundError):
                obstore.head(self._store, blob_path(digest))
                present.add(digest)
        return present

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        most_bytes = MAX_BLOB_BYTES if length is None else min(length, MAX_BLOB_BYTES)
        pieces = self._read(blob_path(digest), start, most_bytes)
        if pieces is None:
            raise MissingObjectError(f"{self.url} has no sha256:{digest}", where=digest)
        yield from pieces

    def write_blob(self, digest: str, data: bytes) -> None:
        self.put(blob_path(digest), data)

    def read_manifest(self, digest: str) -> bytes:
        data = self._small(manifest_path(digest), MAX_MANIFEST_BYTES)
        if data is None:
            raise MissingObjectError(f"{self.url} has no sha256:{digest}", where=digest)
        return data[0]

    def write_manifest(self, digest: str, data: bytes, blobs: Sequence[BlobSize]) -> None:  # noqa: ARG002
        self.put(manifest_path(digest), data)

    def read_signature(self, digest: str) -> bytes | None:
        found = self._small(manifest_path(digest) + SIGNATURE, MAX_REF_BODY_BYTES)
        return None if found is None else found[0]

    def write_signature(self, digest: str, data: bytes) -> None:
        self.put(manifest_path(digest) + SIGNATURE, data)

    def read_ref(self, name: str) -> Ref | None:
        found = self._small(ref_path(name), MAX_REF_BODY_BYTES)
        return None if found is None else Ref(*found)

    def write_ref(self, name: str, body: bytes, *, expected: str | None) -> str:
        if not self._probe().compare_and_swap:
            if not self._without_swap:
                raise UnsupportedRemoteError(
                    f"{self.url} does not keep to conditions ({self._probe().why}):"
                    " of two pushes at once, one would be lost",
                    advice="use a store with conditional writes, or --no-cas if nobody else pushes",
                )
            return self.put(ref_path(name), body)
        try:
            return self.put_if(ref_path(name), body, expected)
        except RefMovedError:
            # A try whose answer was lost may have been this one: no two bodies are equal.
            found = self.read_ref(name)
            if found is not None and found.body == body:
                return found.version
            raise RefMovedError(f"{name} moved while it was written; nothing was written") from None

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        kind, slash, _ = prefix.partition("/")
        found = []
        for meta in self._listed(f"{REFS}/{kind}" if slash else REFS):
            name = parse_ref_path(meta["path"])
            if name is not None and name.startswith(prefix):
                found.append(ListedRef(name, _version(meta), _modified_ms(meta)))
                if len(found) >= MAX_REFS:
                    break
        yield from sorted(found)

    def delete_ref(self, name: str, *, expected: str) -> None:
        # No store deletes on a condition: between the two, a push may come.
        found = self.read_ref(name)
        if found is None:
            return
        if found.version != expected:
            raise RefMovedError(f"{name} moved before it was deleted; nothing was deleted")
        self.delete(ref_path(name))

    def list_blobs(self) -> Iterator[ListedObject]:
        return self._objects(f"{BLOBS}/sha256", parse_blob_path)

    def list_manifests(self) -> Iterator[ListedObject]:
        return self._objects(f"{MANIFESTS}/sha256", parse_manifest_path)

    def delete_blob(self, digest: str) -> None:
        self.delete(blob_path(digest))

    def delete_manifest(self, digest: str) -> None:
        self.delete(manifest_path(digest))
        self.delete(manifest_path(digest) + SIGNATURE)

    def store_time_ms(self) -> int:
        import obstore

        path = f"{_CLOCK}/{secrets.token_hex(8)}"
        self.put(path, b"")
        try:
            with self._translated():
                return _modified_ms(obstore.head(self._store, path))
        finally:
            self.delete(path)

    def read_document(self, name: str) -> bytes | None:
        found = self._small(name, MAX_MANIFEST_BYTES)
        return None if found is None else found[0]

    def write_document(self, name: str, data: bytes) -> None:
        self.put(name, data)

    def list_documents(self, prefix: str) -> list[str]:
        folder = prefix.rpartition("/")[0]
        names = (meta["path"] for meta in self._listed(folder))
        found = []
        for name in names:
            if name.startswith(prefix) and name.count("/") == prefix.count("/"):
                found.append(name)
                if len(found) >= MAX_REFS:
                    break
        return sorted(found)

    def delete_document(self, name: str) -> None:
        self.delete(name)

    # What the probe works with too.

    def put(self, path: str, data: bytes) -> str:
        """Write an object; returns its version."""
        import obstore

        with self._translated():
            return _version(obstore.put(self._store, path, data, use_multipart=False))

    def put_if(self, path: str, data: bytes, expected: str | None) -> str:
        """Write an object if it has the version `expected` (None: if it is absent). Raises RefMovedError."""
        import obstore
        from obstore import exceptions

        mode: Any = "create" if expected is None else _update(expected)
        try:
            with self._translated():
                return _version(obstore.put(self._store, path, data, mode=mode, use_multipart=False))
        except (exceptions.PreconditionError, exceptions.AlreadyExistsError, FileExistsError) as error:
            raise RefMovedError(f"{path} is not as expected") from error
        except FileNotFoundError as error:
            # Some stores answer so to a condition on what is gone.
            raise RefMovedError(f"{path} is gone") from error

    def delete(self, path: str) -> None:
        """Delete an object; one that is gone is no error."""
        import obstore

        with self._translated(), suppress(FileNotFoundError):
            obstore.delete(self._store, path)

    def _small(self, path: str, most_bytes: int) -> tuple[bytes, str] | None:
        """An object and its version; None where there is none. Raises HostileArtifactError."""
        import obstore

        try:
            with self._translated():
                result = obstore.get(self._store, path)
                meta = result.meta
                if meta["size"] > most_bytes:
                    raise HostileArtifactError(f"{path} is larger than {most_bytes:,} bytes", where=path)
                return bytes(result.bytes()), _version(meta)
        except FileNotFoundError:
            return None

    def _read(self, path: str, start: int, most_bytes: int) -> Iterator[bytes] | None:
        """The bytes of an object from `start`; None where there is none."""
        import obstore

        if most_bytes <= 0:
            return iter(())
        try:
            with self._translated():
                size_bytes = obstore.head(self._store, path)["size"] if start else 0
                if start and start >= size_bytes:
                    return iter(())
                end = start + most_bytes
                options: Any = {"range": (start, end)}
                result = obstore.get(self._store, path, options=options)
        except FileNotFoundError:
            return None
        return self._pieces(result, most_bytes)

    def _pieces(self, result: Any, most_bytes: int) -> Iterator[bytes]:
        left = most_bytes
        with self._translated():
            for buffer in result.stream(min_chunk_size=_PIECE_BYTES):
                piece = bytes(buffer)[:left]
                left -= len(piece)
                yield piece
                if left <= 0:
                    return

    def _listed(self, folder: str) -> Iterator[Any]:
        """Every object below a folder, page by page."""
        import obstore

        with self._translated():
            for page in obstore.list(self._store, folder or None, chunk_size=_PAGE):
                yield from page

    def _objects(self, folder: str, parse: Callable[[str], str | None]) -> Iterator[ListedObject]:
        for meta in self._listed(folder):
            digest = parse(meta["path"])
            if digest is not None:
                yield ListedObject(digest, meta["size"], _modified_ms(meta))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise the store's errors as Diptych's; what is said of an object stays for the caller."""
        from obstore import exceptions

        try:
            yield
        except (
            exceptions.PreconditionError,
            exceptions.AlreadyExistsError,
            FileExistsError,
            FileNotFoundError,
        ):
            raise
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError) as error:
            raise AccessDeniedError(f"{self.url} refuses the request. Nothing was changed") from error
        except exceptions.BaseError as error:
            raise self._failure(str(error)) from None

    def _failure(self, text: str) -> Exception:
        """An error with the status in the store's own message, which may have more than is to be shown."""
        match = _STATUS.search(text)
        status = int(next(filter(None, match.groups()))) if match else 0
        if status in (401, 403):
            return AccessDeniedError(f"{self.url} refuses the request ({status}). Nothing was changed")
        if status == 429:
            return ThrottledError(f"{self.url} asks to wait (429). Nothing was changed")
        if "credential" in text.lower() and not status:
            return AccessDeniedError(f"{self.url} needs credentials, and the environment has none")
        what = str(status) if status else "no connection"
        return RemoteUnavailableError(
            f"{self.url} does not answer ({what}, {_TRIES} tries). Nothing was changed"
        )


def _opened(url: str, timeout_s: float) -> ObjectStore:
    """The store of a URL, with the environment's credentials."""
    with importing("obstore"):
        from obstore import exceptions, store

    parts = urlsplit(url)
    prefix = unquote(parts.path).strip("/")
    if _BUCKET.match(parts.netloc) is None or any(
        part in (".", "..", "") for part in prefix.split("/") if prefix
    ):
        raise InvalidArtifactNameError(
            f"{url!r:.200} names no bucket", advice=f"write {parts.scheme}://BUCKET/PATH"
        )
    more: dict[str, Any] = {
        "prefix": prefix or None,
        "client_options": {"timeout": timedelta(seconds=timeout_s), "connect_timeout": timedelta(seconds=10)},
        "retry_config": {"max_retries": _TRIES - 1, "retry_timeout": timedelta(seconds=timeout_s)},
    }
    if _may_be_plain(parts.scheme):
        more["client_options"]["allow_http"] = True
    try:
        if parts.scheme == "s3":
            return store.S3Store(parts.netloc, **more)
        if parts.scheme == "gs":
            return store.GCSStore(parts.netloc, **more)
        return store.AzureStore(parts.netloc, **more)
    except exceptions.BaseError as error:
        raise AccessDeniedError(
            f"the environment's settings for {url} make no sense ({type(error).__name__})",
            advice="check the variables that this store's own tools read",
        ) from None


def _may_be_plain(scheme: str) -> bool:
    """Whether the environment names a server on this machine: then plain HTTP is safe."""
    import os

    from diptych.artifact.remotes.transport import is_loopback

    names = {"s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"), "gs": ("GOOGLE_BASE_URL",)}
    endpoints = [os.environ.get(name, "") for name in names.get(scheme, ("AZURE_STORAGE_ENDPOINT",))]
    return any(is_loopback(urlsplit(endpoint).hostname or "") for endpoint in endpoints if endpoint)


def _version(meta: Any) -> str:
    """The token of an object's state: what a condition on it needs."""
    found = {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}
    tag = found.get("e_tag", "")
    if tag and not tag.endswith('"'):
        # Azure's listing leaves out the quotes that a condition needs.
        found["e_tag"] = f'"{tag}"'
    return json.dumps(found, sort_keys=True)


def _update(version: str) -> dict[str, str]:
    found = json.loads(version)
    # A key without a value is an error there.
    return {name: found[name] for name in ("e_tag", "version") if found.get(name)}


def _modified_ms(meta: Any) -> int:
    return int(meta["last_modified"].timestamp() * 1000)
