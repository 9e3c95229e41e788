"""A remote in an OCI registry: blobs are layers, an artifact's manifest is a config, refs are tags.

    blob                       a blob
    artifact manifest          a blob, the config of an OCI manifest with the tag `manifest-<digest>`, whose
                               layers are the blobs: so a registry's own collection keeps them
    signature, ref, document   the annotation of an OCI manifest with a tag of its own

A registry has no compare and swap: of two pushes at once, the last wins, and the first is told where it reads
the ref again. So only `commit/` refs, which never move, are safe there without further ado.
"""

from __future__ import annotations

import base64
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
from diptych.artifact.names import check_digest, check_ref, digest_of, is_ref
from diptych.artifact.remotes.base import (
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
from diptych.artifact.remotes.oci_auth import RegistryAuth
from diptych.artifact.remotes.transport import Answer, Transport, is_loopback, origin_of

_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_ARTIFACT_TYPE = "application/vnd.diptych.index.v1+json"
_NOTE_TYPE = "application/vnd.diptych.note.v1+json"
_LAYER_TYPE = "application/vnd.diptych.blob.v1"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"
_NOTE = "dev.diptych.note"
_CHUNK_BYTES = 8 * 1024 * 1024
_OCI_MANIFEST_MOST_BYTES = 4 * 1024 * 1024
_TAG_MOST = 128
_PAGE = 1_000
_FAILURES_MOST = 5
_FOUND = frozenset({200, 404})
_ACCEPTED = frozenset({202, 204})
_UPLOAD_STATES = frozenset({202, 204, 400, 404, 416})
_DELETED = frozenset({202, 404, 405})
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789.-")
_ENCODED = re.compile(r"(?:[a-z0-9.-]|_[0-9a-f]{2})+\Z")
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
        layers = [
            {"mediaType": _LAYER_TYPE, "digest": f"sha256:{blob.digest}", "size": self._size(blob)}
            for blob in blobs
        ]
        body = _oci_manifest(
            _ARTIFACT_TYPE,
            {"mediaType": _ARTIFACT_TYPE, "digest": f"sha256:{digest}", "size": len(data)},
            layers or [self._empty()],
            {},
        )
        self._put_tag(f"manifest-{digest}", body)

    def _size(self, blob: BlobSize) -> int:
        """A blob's size as the registry has it: a descriptor must have it to the byte."""
        answer = self._request("HEAD", f"{self._base}/blobs/sha256:{blob.digest}", expected=_FOUND)
        if answer.status == 404:
            raise self._missing(blob.digest)
        return int(answer.headers.get("content-length", blob.size_bytes))

    def read_signature(self, digest: str) -> bytes | None:
        found = self._note(f"signature-{check_digest(digest)}")
        return None if found is None else found[0]

    def write_signature(self, digest: str, data: bytes) -> None:
        self._put_note(f"signature-{check_digest(digest)}", data)

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
        found = self._note(f"document-{_encoded(name)}")
        return None if found is None else found[0]

    def write_document(self, name: str, data: bytes) -> None:
        self._put_note(f"document-{_encoded(name)}", data)

    def list_documents(self, prefix: str) -> list[str]:
        named = (
            _decoded(tag.removeprefix("document-")) for tag in self._tags() if tag.startswith("document-")
        )
        return sorted(name for name in named if name is not None and name.startswith(prefix))

    def delete_document(self, name: str) -> None:
        tag = f"document-{_encoded(name)}"
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
            headers={"accept": _MANIFEST_TYPE},
            most_bytes=_OCI_MANIFEST_MOST_BYTES,
        )
        if answer.status == 404:
            return None
        try:
            data = base64.b64decode(json.loads(answer.body)["annotations"][_NOTE], validate=True)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise HostileArtifactError(f"{self.url} has something else under the tag {tag}") from error
        if len(data) > MAX_REF_BODY_BYTES and not tag.startswith("document-"):
            raise HostileArtifactError(f"{self.url} has {len(data):,} bytes under the tag {tag}")
        return data, digest_of(answer.body)

    def _put_note(self, tag: str, data: bytes) -> str:
        empty = self._empty()
        body = _oci_manifest(_NOTE_TYPE, empty, [empty], {_NOTE: base64.b64encode(data).decode("ascii")})
        return self._put_tag(tag, body)

    def _empty(self) -> dict[str, Any]:
        """The descriptor of `{}`, which is there then."""
        digest = digest_of(_EMPTY)
        if not self._has_empty:
            self.write_blob(digest, _EMPTY)
            self._has_empty = True
        return {"mediaType": _EMPTY_TYPE, "digest": f"sha256:{digest}", "size": len(_EMPTY)}

    def _put_tag(self, tag: str, body: bytes) -> str:
        self._request(
            "PUT",
            f"{self._base}/manifests/{tag}",
            expected=frozenset({200, 201}),
            content=body,
            headers={"content-type": _MANIFEST_TYPE},
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


def tag_of(ref: str) -> str:
    """The tag of a ref. Raises InvalidArtifactNameError for one that is too long."""
    kind, _, name = check_ref(ref).partition("/")
    return _fitting(f"{kind}-{_encoded(name)}", ref)


def ref_of_tag(tag: str) -> str | None:
    """The ref with that tag; None for any other tag."""
    kind, _, encoded = tag.partition("-")
    name = _decoded(encoded)
    ref = f"{kind}/{name}"
    return ref if name is not None and is_ref(ref) and tag_of(ref) == tag else None


def _fitting(tag: str, what: str) -> str:
    if len(tag) > _TAG_MOST:
        raise InvalidArtifactNameError(
            f"{what!r:.200} is too long for a registry, whose tags have at most {_TAG_MOST} characters",
            advice="use a shorter name",
        )
    return tag


def _encoded(name: str) -> str:
    return "".join(
        chr(byte) if byte in _KEPT else f"_{byte:02x}" for byte in name.encode("utf-8", "surrogatepass")
    )


def _decoded(encoded: str) -> str | None:
    if _ENCODED.match(encoded) is None:
        return None
    try:
        return re.sub(
            rb"_([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), encoded.encode("ascii")
        ).decode()
    except UnicodeDecodeError:
        return None


def _oci_manifest(
    artifact_type: str, config: dict[str, Any], layers: list[dict[str, Any]], annotations: dict[str, str]
) -> bytes:
    body: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": config,
        "layers": layers,
    }
    if annotations:
        body["annotations"] = annotations
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")


def _received(answer: Answer, most: int) -> int:
    """How many bytes of an upload a registry has: `Range: 0-n`; it says 0-0 for none, too."""
    match = re.match(r"(?:bytes=)?0-([0-9]{1,12})\Z", answer.headers.get("range", ""))
    return min(int(match[1]) + 1, most) if match and int(match[1]) else 0


__all__ = ["OciRemote", "ref_of_tag", "tag_of"]
