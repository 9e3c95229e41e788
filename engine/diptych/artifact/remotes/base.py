"""What a remote is: immutable blobs and manifests, named by their SHA-256, and refs that move.

The words of every implementation:

- A read verifies nothing but its bounds: who asked for a digest compares it with what came.
- A write returns when the remote has acknowledged it. Of a blob or manifest that is there already, it may
  send nothing. Writing the same twice is no error.
- A ref is written by compare and swap: `expected` is the version that was read, or None for "absent". A
  remote that cannot do that says so in its capabilities, and raises UnsupportedRemoteError unless it was
  opened with leave to write without.
- A method that fails raises an error of `diptych.artifact.errors`, or StorageError. RemoteUnavailableError
  means that trying again may help. After one in `write_ref`, the outcome is unknown: read the ref again and
  compare its nonce.

No method is called from two threads at once, except those of `read_blob` and `write_blob`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

MAX_BLOB_BYTES = 80 * 1024 * 1024
"""No blob is larger: files are cut into spans, and packs closed, well before."""
MAX_MANIFEST_BYTES = 16 * 1024 * 1024
MAX_REF_BODY_BYTES = 16 * 1024
TIMEOUT_S = 30.0
"""How long a request is tried again before it fails."""
MAX_REFS = 100_000
"""How many refs a listing gives at most: a stranger's remote could list for ever."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a remote can do."""

    compare_and_swap: bool
    """Whether a ref is written only where it is as expected; found by a probe, never assumed."""
    ranges: bool
    """Whether a blob can be read from an offset."""
    lists: bool
    """Whether refs and blobs can be listed."""
    deletes: bool
    read_only: bool


class Ref(NamedTuple):
    """A ref as it is now: its body, and the token by which a write names this state of it."""

    body: bytes
    version: str


class ListedRef(NamedTuple):
    """A ref in a listing. `modified_ms` is by the remote's clock; 0 where it does not say.

    `version` may have less than a condition needs: Google's listings leave out the generation.
    """

    name: str
    version: str
    modified_ms: int


class ListedObject(NamedTuple):
    """A blob or manifest in a listing. `modified_ms` is by the remote's clock."""

    digest: str
    size_bytes: int
    modified_ms: int


class BlobSize(NamedTuple):
    """A blob that a manifest needs, and its size."""

    digest: str
    size_bytes: int


class Remote(ABC):
    """A place for artifacts. Use `with`, or call `close`."""

    url: str
    """As messages show it: without credentials."""

    lasting = True
    """Whether a store remembers it as the remote to use where none is named."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this remote can do. May cost a request the first time."""

    def probe_again(self) -> str:
        """Why it cannot compare and swap, "" where it can; found out again where that takes a probe."""
        return ""

    # Blobs.

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is there."""
        return digest in self.present_blobs([digest])

    @abstractmethod
    def present_blobs(self, digests: Collection[str]) -> set[str]:
        """Which of these blobs are there."""

    @abstractmethod
    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes of a blob from `start`, at most `length` of them, in pieces of at most a few MiB.

        Never yields more than MAX_BLOB_BYTES. Raises MissingObjectError.
        """

    @abstractmethod
    def write_blob(self, digest: str, data: bytes) -> None:
        """Store a blob. `digest` is its SHA-256."""

    # Manifests.

    @abstractmethod
    def read_manifest(self, digest: str) -> bytes:
        """A manifest's bytes, at most MAX_MANIFEST_BYTES. Raises MissingObjectError, HostileArtifactError."""

    @abstractmethod
    def write_manifest(self, digest: str, data: bytes, blobs: Sequence[BlobSize]) -> None:
        """Store a manifest, after every blob that it needs. `blobs` are those: a registry has to be told."""

    @abstractmethod
    def read_signature(self, digest: str) -> bytes | None:
        """The signature beside a manifest, at most MAX_REF_BODY_BYTES; None where there is none."""

    @abstractmethod
    def write_signature(self, digest: str, data: bytes) -> None:
        """Store the signature beside a manifest; replaces one that is there."""

    # Refs.

    @abstractmethod
    def read_ref(self, name: str) -> Ref | None:
        """A ref as it is now, its body at most MAX_REF_BODY_BYTES; None where there is none."""

    @abstractmethod
    def write_ref(self, name: str, body: bytes, *, expected: str | None) -> str:
        """Write a ref if its version is `expected` (None: if it is absent); returns its new version.

        Raises RefMovedError where it is another; then nothing was written.
        """

    @abstractmethod
    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        """The refs whose names begin with `prefix`, such as `branch/`; at most MAX_REFS, in order of name."""

    @abstractmethod
    def delete_ref(self, name: str, *, expected: str) -> None:
        """Delete a ref if its version is `expected`. Raises RefMovedError. One that is gone is no error."""

    # What a collection needs.

    @abstractmethod
    def list_blobs(self) -> Iterator[ListedObject]:
        """Every blob."""

    @abstractmethod
    def list_manifests(self) -> Iterator[ListedObject]:
        """Every manifest."""

    @abstractmethod
    def delete_blob(self, digest: str) -> None:
        """Delete a blob. One that is gone is no error."""

    @abstractmethod
    def delete_manifest(self, digest: str) -> None:
        """Delete a manifest and its signature. One that is gone is no error."""

    @abstractmethod
    def store_time_ms(self) -> int:
        """Now, by the clock that listings have their times from; in milliseconds since 1970."""

    # Small documents of the remote itself: its description, and the candidates of collections.

    @abstractmethod
    def read_document(self, name: str) -> bytes | None:
        """A document at the root, such as `diptych-remote.json`; at most MAX_MANIFEST_BYTES."""

    @abstractmethod
    def write_document(self, name: str, data: bytes) -> None:
        """Store a document; replaces one that is there."""

    @abstractmethod
    def list_documents(self, prefix: str) -> list[str]:
        """The names of the documents that begin with `prefix`, such as `gc/`, in order."""

    @abstractmethod
    def delete_document(self, name: str) -> None:
        """Delete a document. One that is gone is no error."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what is held. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def bounded(pieces: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """The pieces, as long as they have at most `most_bytes` together; the rest is not asked for."""
    left = most_bytes
    for piece in pieces:
        if len(piece) > left:
            yield piece[:left]
            return
        left -= len(piece)
        yield piece
