"""What a remote that can only be read answers to everything else."""

# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diptych.artifact.errors import UnsupportedRemoteError
from diptych.artifact.remotes.base import BlobSize, ListedObject, Remote


class ReadOnlyRemote(Remote):
    """A remote whose writes, and whose listings for a collection, raise UnsupportedRemoteError."""

    def list_blobs(self) -> Iterator[ListedObject]:
        raise self._read_only()

    def list_manifests(self) -> Iterator[ListedObject]:
        raise self._read_only()

    def list_documents(self, prefix: str) -> list[str]:
        raise self._read_only()

    def write_blob(self, digest: str, data: bytes) -> None:
        raise self._read_only()

    def write_manifest(self, digest: str, data: bytes, blobs: Sequence[BlobSize]) -> None:
        raise self._read_only()

    def write_signature(self, digest: str, data: bytes) -> None:
        raise self._read_only()

    def write_ref(self, name: str, body: bytes, *, expected: str | None) -> str:
        raise self._read_only()

    def delete_ref(self, name: str, *, expected: str) -> None:
        raise self._read_only()

    def delete_blob(self, digest: str) -> None:
        raise self._read_only()

    def delete_manifest(self, digest: str) -> None:
        raise self._read_only()

    def write_document(self, name: str, data: bytes) -> None:
        raise self._read_only()

    def delete_document(self, name: str) -> None:
        raise self._read_only()

    def store_time_ms(self) -> int:
        raise self._read_only()

    def _read_only(self) -> UnsupportedRemoteError:
        return UnsupportedRemoteError(
            f"{self.url} can only be read",
            advice="push to the store that is published there: nothing was changed",
        )
