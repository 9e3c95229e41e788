"""A remote in memory, of this process alone: for tests, and to try things out.

Two handles of one `MemoryStore` are two clients of one remote. Its clock is a function, so a test can set it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from diptych.artifact.errors import MissingObjectError, RefMovedError
from diptych.artifact.names import check_digest, check_ref
from diptych.artifact.remotes.base import (
    MAX_REFS,
    BlobSize,
    Capabilities,
    ListedObject,
    ListedRef,
    Ref,
    Remote,
)

_PIECE_BYTES = 1 << 20


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Kept:
    data: bytes
    modified_ms: int
    version: int


@dataclass(slots=True)
class MemoryStore:
    """What memory remotes share."""

    clock_ms: Callable[[], int] = _wall_clock_ms
    blobs: dict[str, _Kept] = field(default_factory=dict)
    manifests: dict[str, _Kept] = field(default_factory=dict)
    signatures: dict[str, bytes] = field(default_factory=dict)
    refs: dict[str, _Kept] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    writes: int = 0

    def kept(self, data: bytes) -> _Kept:
        """`data` as written now."""
        self.writes += 1
        return _Kept(bytes(data), self.clock_ms(), self.writes)


class MemoryRemote(Remote):
    """One client of a `MemoryStore`; of a new one where none is given."""

    def __init__(self, store: MemoryStore | None = None, *, url: str = "memory:") -> None:
        self.url = url
        self.store = store if store is not None else MemoryStore()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(compare_and_swap=True, ranges=True, lists=True, deletes=True, read_only=False)

    def present_blobs(self, digests: Collection[str]) -> set[str]:
        return {digest for digest in digests if digest in self.store.blobs}

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        data = self._found(self.store.blobs, digest)
        end = len(data) if length is None else min(len(data), start + length)
        for at in range(start, end, _PIECE_BYTES):
            yield data[at : min(at + _PIECE_BYTES, end)]

    def write_blob(self, digest: str, data: bytes) -> None:
        with self.store.lock:
            self.store.blobs[check_digest(digest)] = self.store.kept(data)

    def read_manifest(self, digest: str) -> bytes:
        return self._found(self.store.manifests, digest)

    def write_manifest(self, digest: str, data: bytes, blobs: Sequence[BlobSize]) -> None:  # noqa: ARG002
        with self.store.lock:
            self.store.manifests[check_digest(digest)] = self.store.kept(data)

    def read_signature(self, digest: str) -> bytes | None:
        return self.store.signatures.get(digest)

    def write_signature(self, digest: str, data: bytes) -> None:
        self.store.signatures[digest] = bytes(data)

    def read_ref(self, name: str) -> Ref | None:
        kept = self.store.refs.get(check_ref(name))
        return None if kept is None else Ref(kept.data, str(kept.version))

    def write_ref(self, name: str, body: bytes, *, expected: str | None) -> str:
        with self.store.lock:
            self._refuse_moved(check_ref(name), expected)
            kept = self.store.refs[name] = self.store.kept(body)
            return str(kept.version)

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        with self.store.lock:
            found = sorted((name, kept) for name, kept in self.store.refs.items() if name.startswith(prefix))
        for name, kept in found[:MAX_REFS]:
            yield ListedRef(name, str(kept.version), kept.modified_ms)

    def delete_ref(self, name: str, *, expected: str) -> None:
        with self.store.lock:
            if name in self.store.refs:
                self._refuse_moved(name, expected)
                del self.store.refs[name]

    def list_blobs(self) -> Iterator[ListedObject]:
        return self._listed(self.store.blobs)

    def list_manifests(self) -> Iterator[ListedObject]:
        return self._listed(self.store.manifests)

    def delete_blob(self, digest: str) -> None:
        self.store.blobs.pop(digest, None)

    def delete_manifest(self, digest: str) -> None:
        self.store.manifests.pop(digest, None)
        self.store.signatures.pop(digest, None)

    def store_time_ms(self) -> int:
        return self.store.clock_ms()

    def read_document(self, name: str) -> bytes | None:
        return self.store.documents.get(name)

    def write_document(self, name: str, data: bytes) -> None:
        self.store.documents[name] = bytes(data)

    def list_documents(self, prefix: str) -> list[str]:
        return sorted(name for name in list(self.store.documents) if name.startswith(prefix))

    def delete_document(self, name: str) -> None:
        self.store.documents.pop(name, None)

    def _found(self, kept: dict[str, _Kept], digest: str) -> bytes:
        found = kept.get(check_digest(digest))
        if found is None:
            raise MissingObjectError(f"{self.url} has no sha256:{digest}", where=digest)
        return found.data

    def _listed(self, kept: dict[str, _Kept]) -> Iterator[ListedObject]:
        with self.store.lock:
            found = sorted(kept.items())
        for digest, one in found:
            yield ListedObject(digest, len(one.data), one.modified_ms)

    def _refuse_moved(self, name: str, expected: str | None) -> None:
        kept = self.store.refs.get(name)
        if (None if kept is None else str(kept.version)) != expected:
            raise RefMovedError(f"{name} moved while it was written; nothing was written")
