"""A remote on a web server: a folder's files, read only. It needs nothing of the server but GET.

With ranges a pull resumes; without, it starts over. There is no listing: a pull asks for the refs it wants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from urllib.parse import urlsplit

from diptych.artifact.errors import InvalidArtifactNameError, MissingObjectError, UnsupportedRemoteError
from diptych.artifact.names import blob_path, digest_of, manifest_path, ref_path
from diptych.artifact.remotes.base import (
    MAX_MANIFEST_BYTES,
    MAX_REF_BODY_BYTES,
    TIMEOUT_S,
    Capabilities,
    ListedRef,
    Ref,
)
from diptych.artifact.remotes.read_only import ReadOnlyRemote
from diptych.artifact.remotes.transport import Headers, Transport, is_loopback

SIGNATURE = ".minisig"
_FOUND = frozenset({200, 404})


class HttpRemote(ReadOnlyRemote):
    """The files of a remote below a URL."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        authorize: Callable[[str], Headers] | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """Raises InvalidArtifactNameError for plain HTTP to another machine."""
        parts = urlsplit(url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise InvalidArtifactNameError(
                f"{url:.200} is not encrypted: anyone on the way could change the refs",
                advice="use https://, or peer://HOST:PORT for a machine in this network",
            )
        self._begin(url, url, timeout_s, authorize, sleep)

    def _begin(
        self,
        url: str,
        base: str,
        timeout_s: float,
        authorize: Callable[[str], Headers] | None,
        sleep: Callable[[float], object] | None,
    ) -> None:
        self.url = url.rstrip("/")
        self._base = base.split("?")[0].rstrip("/")
        more = {} if sleep is None else {"sleep": sleep}
        self._transport = Transport(self.url, timeout_s=timeout_s, authorize=authorize, **more)

    def close(self) -> None:
        self._transport.close()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(compare_and_swap=False, ranges=True, lists=False, deletes=False, read_only=True)

    def present_blobs(self, digests: Collection[str]) -> set[str]:
        return {digest for digest in digests if self._head(blob_path(digest))}

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        pieces = self._transport.stream(self._at(blob_path(digest)), start=start, length=length)
        if pieces is None:
            raise self._missing(digest)
        yield from pieces

    def read_manifest(self, digest: str) -> bytes:
        data = self._get(manifest_path(digest), MAX_MANIFEST_BYTES)
        if data is None:
            raise self._missing(digest)
        return data

    def read_signature(self, digest: str) -> bytes | None:
        return self._get(manifest_path(digest) + SIGNATURE, MAX_REF_BODY_BYTES)

    def read_ref(self, name: str) -> Ref | None:
        # Not from a cache on the way: a ref moves.
        body = self._get(ref_path(name), MAX_REF_BODY_BYTES, fresh=True)
        return None if body is None else Ref(body, digest_of(body))

    def read_document(self, name: str) -> bytes | None:
        return self._get(name, MAX_MANIFEST_BYTES, fresh=True)

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:  # noqa: ARG002
        raise UnsupportedRemoteError(
            f"{self.url} cannot list its refs", advice="name the ref: `--ref branch/main`"
        )

    def _at(self, path: str) -> str:
        # A path's percent signs are part of its name.
        return f"{self._base}/{path.replace('%', '%25')}"

    def _get(self, path: str, most_bytes: int, *, fresh: bool = False) -> bytes | None:
        headers = {"cache-control": "no-cache"} if fresh else {}
        answer = self._transport.request(
            "GET", self._at(path), headers=headers, expected=_FOUND, most_bytes=most_bytes
        )
        return None if answer.status == 404 else answer.body

    def _head(self, path: str) -> bool:
        return self._transport.request("HEAD", self._at(path), expected=_FOUND).status == 200

    def _missing(self, digest: str) -> MissingObjectError:
        return MissingObjectError(f"{self.url} has no sha256:{digest}", where=digest)
