"""A remote in an OCI registry: blobs are layers, an artifact's manifest is a config, refs are tags.

    blob                       a blob
    artifact manifest          a blob, the config of an OCI manifest with the tag `manifest-<digest>`, whose
                               layers are the blobs: so a registry's own collection keeps them
    signature, ref, document   the annotation of an OCI manifest with a tag of its own

A registry has no compare and swap: of two pushes at once, the last wins, and the first is told where it reads
the ref again. So only `commit/` refs, which never move, are safe there without further ado.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from diptych.artifact.errors import (
    HostileArtifactError,
    InvalidArtifactNameError,
    MissingObjectError,
    RefMovedError,
    RemoteUnavailableError,
    UnsupportedRemoteError,
)
from diptych.artifact.names import check_digest, digest_of
from diptych.artifact.remotes.base import (
    MAX_MANIFEST_BYTES,
    MAX_REFS,
    TIMEOUT_S,
    BlobSize,
    Capabilities,
    ListedObject,
    ListedRef,
    Ref,
    Remote,
)
from diptych.artifact.remotes.oci_auth import RegistryAuth
from diptych.artifact.remotes.oci_forms import (
    EMPTY,
    MANIFEST_TYPE,
    OCI_MANIFEST_MOST_BYTES,
    artifact_form,
    decoded_name,
    encoded_name,
    manifest_tag,
    note_form,
    note_in,
    ref_of_tag,
    signature_tag,
    tag_of,
)
from diptych.artifact.remotes.transport import Answer, Transport, is_loopback, origin_of

_CHUNK_BYTES = 8 * 1024 * 1024
_PAGE = 1_000
_FAILURES_MOST = 5
_FOUND = frozenset({200, 404})
_ACCEPTED = frozenset({202, 204})
_UPLOAD_STATES = frozenset({202, 204, 400, 404, 416})
_DELETED = frozenset({202, 404, 405})
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*\Z"
)


class OciRemote(Remote):
    """The remote in one repository of a registry."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        without_swap: bool = False,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """`without_swap`: leave to move refs, though the last of two pushes wins.

        Raises InvalidArtifactNameError.
        """
        parts = urlsplit(url)
        repository = parts.path.strip("/")
        if not parts.hostname or _REPOSITORY.match(repository) is None or len(repository) > 255:
            raise InvalidArtifactNameError(
                f"{url!r:.200} names no repository", advice="write oci://HOST/REPOSITORY, in lower case"
            )
        self.url = url.rstrip("/")
        scheme = "http" if is_loopback(parts.hostname) else "https"
        self._base = f"{scheme}://{parts.netloc}/v2/{repository}"
        self._without_swap = without_swap
        self._has_empty = False
        more = {} if sleep is None else {"sleep": sleep}
        self._auth = RegistryAuth(self.url, parts.netloc, repository, timeout_s)
        self._transport = Transport(self.url, timeout_s=timeout_s, authorize=self._auth.headers, **more)

    def close(self) -> None:
        self._transport.close()
        self._auth.close()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(compare_and_swap=False, ranges=True, lists=True, deletes=False, read_only=False)

    # Blobs.

    def probe_again(self) -> str:
        return "the protocol of registries has no conditions"

    def present_blobs(self, digests: Collection[str]) -> set[str]:
        return {digest for digest in digests if self._has(digest)}

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        self._authenticated()
        pieces = self._transport.stream(
            f"{self._base}/blobs/sha256:{check_digest(digest)}", start=start, length=length
        )
        if pieces is None:
            raise self._missing(digest)
        yield from pieces

    def write_blob(self, digest: str, data: bytes) -> None:
        if self._has(digest):
            return
        location = self._begun()
        if len(data) > _CHUNK_BYTES:
            location = self._uploaded(location, data)
            data = b""
        self._request(
            "PUT",
            f"{location}{'&' if '?' in location else '?'}digest=sha256:{digest}",
            expected=frozenset({201, 204}),
            content=data,
            headers={"content-type": "application/octet-stream"},
        )

    def _begun(self) -> str:
        """Begin an upload; returns its location."""
        answer = self._request("POST", f"{self._base}/blobs/uploads/", expected=frozenset({202}), content=b"")
        return self._location(answer)

    def _uploaded(self, location: str, data: bytes) -> str:
        """Upload in chunks; returns the last location.

        After a failure it continues where the registry says it ended, or from the beginning where that has
        lost the upload.
        """
        done = failures = 0
        while done < len(data):
            chunk = data[done : done + _CHUNK_BYTES]
            headers = {
                "content-type": "application/octet-stream",
                "content-range": f"{done}-{done + len(chunk) - 1}",
            }
            try:
                answer = self._request(
                    "PATCH", location, expected=_ACCEPTED, content=chunk, headers=headers, again=False
                )
                done += len(chunk)
                location = self._location(answer)
            except RemoteUnavailableError:
                failures += 1
                if failures > _FAILURES_MOST:
                    raise
                answer = self._request("GET", location, expected=_UPLOAD_STATES)
                if answer.status in _ACCEPTED:
                    done, location = _received(answer, len(data)), self._location(answer)
                else:
                    done, location = 0, self._begun()
        return location

    # Manifests.

    def read_manifest(self, digest: str) -> bytes:
        answer = self._request(
            "GET",
            f"{self._base}/blobs/sha256:{check_digest(digest)}",
            expected=_FOUND,
            most_bytes=MAX_MANIFEST_BYTES,
        )
        if answer.status == 404:
            raise self._missing(digest)
        return answer.body

    def write_manifest(self, digest: str, data: bytes, blobs: Sequence[BlobSize]) -> None:
        self.write_blob(digest, data)
        if not blobs:
            self._write_empty()
        sized = [BlobSize(blob.digest, self._size(blob)) for blob in blobs]
        self._put_tag(manifest_tag(digest), artifact_form(digest, data, sized))

    def _size(self, blob: BlobSize) -> int:
        """A blob's size as the registry has it: a descriptor must have it to the byte."""
        answer = self._request("HEAD", f"{self._base}/blobs/sha256:{blob.digest}", expected=_FOUND)
        if answer.status == 404:
            raise self._missing(blob.digest)
        return int(answer.headers.get("content-length", blob.size_bytes))

    def read_signature(self, digest: str) -> bytes | None:
        found = self._note(signature_tag(check_digest(digest)))
        return None if found is None else found[0]

    def write_signature(self, digest: str, data: bytes) -> None:
        self._put_note(signature_tag(check_digest(digest)), data)

    # Refs.

    def read_ref(self, name: str) -> Ref | None:
        found = self._note(tag_of(name))
        return None if found is None else Ref(*found)

    def write_ref(self, name: str, body: bytes, *, expected: str | None) -> str:
        if not name.startswith("commit/") and not self._without_swap:
            raise UnsupportedRemoteError(
                f"a registry cannot compare and swap: of two pushes to {name} at once, one would be lost",
                advice="push to commit/ refs only, or give --no-cas if nobody else pushes",
            )
        found = self.read_ref(name)
        if (None if found is None else found.version) != expected:
            if found is not None and found.body == body:
                return found.version
            raise RefMovedError(f"{name} moved before it was written; nothing was written")
        return self._put_note(tag_of(name), body)

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        names = sorted(name for tag in self._tags() if (name := ref_of_tag(tag)) is not None)
        for name in names[:MAX_REFS]:
            # A registry keeps no times; the version is the tag's, which who acts on it reads again.
            if name.startswith(prefix):
                yield ListedRef(name, "", 0)

    def delete_ref(self, name: str, *, expected: str) -> None:
        found = self.read_ref(name)
        if found is None:
            return
        if found.version != expected:
            raise RefMovedError(f"{name} moved before it was deleted; nothing was deleted")
        # By digest, which no other tag has: each body has a nonce.
        answer = self._request("DELETE", f"{self._base}/manifests/sha256:{expected}", expected=_DELETED)
        if answer.status == 405:
            raise UnsupportedRemoteError(f"{self.url} does not let anyone delete", advice="ask who keeps it")

    # What a registry collects itself.

    def list_blobs(self) -> Iterator[ListedObject]:
        raise self._collects()

    def list_manifests(self) -> Iterator[ListedObject]:
        raise self._collects()

    def delete_blob(self, digest: str) -> None:  # noqa: ARG002
        raise self._collects()

    def delete_manifest(self, digest: str) -> None:  # noqa: ARG002
        raise self._collects()

    def store_time_ms(self) -> int:
        raise self._collects()

    def _collects(self) -> UnsupportedRemoteError:
        return UnsupportedRemoteError(
            f"{self.url} does not list its blobs: a registry collects garbage itself",
            advice="`diptych artifact cleanup` removes refs; then let the registry collect",
        )

    def read_document(self, name: str) -> bytes | None:
        found = self._note(f"document-{encoded_name(name)}")
        return None if found is None else found[0]

    def write_document(self, name: str, data: bytes) -> None:
        self._put_note(f"document-{encoded_name(name)}", data)

    def list_documents(self, prefix: str) -> list[str]:
        named = (
            decoded_name(tag.removeprefix("document-")) for tag in self._tags() if tag.startswith("document-")
        )
        return sorted(name for name in named if name is not None and name.startswith(prefix))

    def delete_document(self, name: str) -> None:
        tag = f"document-{encoded_name(name)}"
        found = self._note(tag)
        if found is not None:
            self._request("DELETE", f"{self._base}/manifests/sha256:{found[1]}", expected=_DELETED)

    # Notes: small bytes in the annotation of a manifest, under a tag.

    def _note(self, tag: str) -> tuple[bytes, str] | None:
        """The bytes under a tag, and the digest of their manifest; None where there is no such tag."""
        answer = self._request(
            "GET",
            f"{self._base}/manifests/{tag}",
            expected=_FOUND,
            headers={"accept": MANIFEST_TYPE},
            most_bytes=OCI_MANIFEST_MOST_BYTES,
        )
        if answer.status == 404:
            return None
        return note_in(answer.body, tag, self.url), digest_of(answer.body)

    def _put_note(self, tag: str, data: bytes) -> str:
        self._write_empty()
        return self._put_tag(tag, note_form(data))

    def _write_empty(self) -> None:
        """Have `{}` there: what nothing else is named by is named by it."""
        if not self._has_empty:
            self.write_blob(digest_of(EMPTY), EMPTY)
            self._has_empty = True

    def _put_tag(self, tag: str, body: bytes) -> str:
        self._request(
            "PUT",
            f"{self._base}/manifests/{tag}",
            expected=frozenset({200, 201}),
            content=body,
            headers={"content-type": MANIFEST_TYPE},
        )
        return digest_of(body)

    def _tags(self) -> Iterator[str]:
        """Every tag, page by page."""
        url = f"{self._base}/tags/list?n={_PAGE}"
        seen = 0
        while url and seen < 3 * MAX_REFS:
            answer = self._request("GET", url, expected=_FOUND, most_bytes=MAX_MANIFEST_BYTES)
            if answer.status == 404:
                return
            try:
                tags = json.loads(answer.body)["tags"] or []
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise HostileArtifactError(f"{self.url} lists its tags in another form") from error
            # A page without any is the last: it must not go on for ever.
            yield from (tag for tag in tags if isinstance(tag, str))
            seen += len(tags)
            following = re.match(r'<([^>]{1,2000})>;\s*rel="?next', answer.headers.get("link", ""))
            url = urljoin(url, following[1]) if following and tags else ""
            if url and origin_of(url) != origin_of(self._base):
                raise HostileArtifactError(f"{self.url} continues its list of tags on another host")

    # Requests.

    def _has(self, digest: str) -> bool:
        return (
            self._request("HEAD", f"{self._base}/blobs/sha256:{check_digest(digest)}", expected=_FOUND).status
            == 200
        )

    def _request(self, method: str, url: str, **more: Any) -> Answer:
        self._authenticated()
        return self._transport.request(method, url, **more)

    def _authenticated(self) -> None:
        """Have credentials, if the registry wants any: asked once, at the first request."""
        self._auth.ask(f"{self._base.split('/v2/')[0]}/v2/")

    def _location(self, answer: Answer) -> str:
        location = urljoin(answer.url, answer.headers.get("location", ""))
        if not answer.headers.get("location") or origin_of(location)[1] == "":
            raise HostileArtifactError(f"{self.url} accepts an upload, but does not say where")
        if origin_of(location)[0] == "http" and not is_loopback(origin_of(location)[1]):
            raise HostileArtifactError(f"{self.url} wants an upload without encryption")
        return location

    def _missing(self, digest: str) -> MissingObjectError:
        return MissingObjectError(f"{self.url} has no sha256:{digest}", where=digest)


def _received(answer: Answer, most: int) -> int:
    """How many bytes of an upload a registry has: `Range: 0-n`; it says 0-0 for none, too."""
    match = re.match(r"(?:bytes=)?0-([0-9]{1,12})\Z", answer.headers.get("range", ""))
    return min(int(match[1]) + 1, most) if match and int(match[1]) else 0
