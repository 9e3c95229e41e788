"""A remote that counts the requests that reach another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from diptych.artifact.remotes.base import BlobSize, Capabilities, ListedObject, ListedRef, Ref, Remote


class Counting(Remote):
    """A remote that counts the requests that reach `inner`."""

    def __init__(self, inner: Remote) -> None:
        self.inner = inner
        self.url = inner.url
        self.requests: list[str] = []
        self.read_bytes = 0

    def _count(self, name: str) -> None:
        self.requests.append(name)

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def present_blobs(self, digests: Any) -> set[str]:
        self._count("present_blobs")
        return self.inner.present_blobs(digests)

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        self._count("read_blob")
        for piece in self.inner.read_blob(digest, start=start, length=length):
            self.read_bytes += len(piece)
            yield piece

    def write_blob(self, digest: str, data: bytes) -> None:
        self._count("write_blob")
        self.inner.write_blob(digest, data)

    def read_manifest(self, digest: str) -> bytes:
        self._count("read_manifest")
        return self.inner.read_manifest(digest)

    def write_manifest(self, digest: str, data: bytes, blobs: Sequence[BlobSize]) -> None:
        self._count("write_manifest")
        self.inner.write_manifest(digest, data, blobs)

    def read_signature(self, digest: str) -> bytes | None:
        self._count("read_signature")
        return self.inner.read_signature(digest)

    def write_signature(self, digest: str, data: bytes) -> None:
        self._count("write_signature")
        self.inner.write_signature(digest, data)

    def read_ref(self, name: str) -> Ref | None:
        self._count("read_ref")
        return self.inner.read_ref(name)

    def write_ref(self, name: str, body: bytes, *, expected: str | None) -> str:
        self._count("write_ref")
        return self.inner.write_ref(name, body, expected=expected)

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        self._count("list_refs")
        return self.inner.list_refs(prefix)

    def delete_ref(self, name: str, *, expected: str) -> None:
        self._count("delete_ref")
        self.inner.delete_ref(name, expected=expected)

    def list_blobs(self) -> Iterator[ListedObject]:
        self._count("list_blobs")
        return self.inner.list_blobs()

    def list_manifests(self) -> Iterator[ListedObject]:
        self._count("list_manifests")
        return self.inner.list_manifests()

    def delete_blob(self, digest: str) -> None:
        self._count("delete_blob")
        self.inner.delete_blob(digest)

    def delete_manifest(self, digest: str) -> None:
        self._count("delete_manifest")
        self.inner.delete_manifest(digest)

    def store_time_ms(self) -> int:
        self._count("store_time_ms")
        return self.inner.store_time_ms()

    def read_document(self, name: str) -> bytes | None:
        self._count("read_document")
        return self.inner.read_document(name)

    def write_document(self, name: str, data: bytes) -> None:
        self._count("write_document")
        self.inner.write_document(name, data)

    def list_documents(self, prefix: str) -> list[str]:
        self._count("list_documents")
        return self.inner.list_documents(prefix)

    def delete_document(self, name: str) -> None:
        self._count("delete_document")
        self.inner.delete_document(name)
