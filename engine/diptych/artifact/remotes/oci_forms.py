"""What an artifact is in the forms of OCI: manifests, notes and tags. Pure; `oci` and `archive` have them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from diptych.artifact.errors import HostileArtifactError, InvalidArtifactNameError
from diptych.artifact.names import check_ref, digest_of, is_ref
from diptych.artifact.remotes.base import MAX_REF_BODY_BYTES, BlobSize

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_TYPE = "application/vnd.diptych.index.v1+json"
NOTE_TYPE = "application/vnd.diptych.note.v1+json"
LAYER_TYPE = "application/vnd.diptych.blob.v1"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
OCI_MANIFEST_MOST_BYTES = 4 * 1024 * 1024
_NOTE = "dev.diptych.note"
_TAG_MOST = 128
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789.-")
_ENCODED = re.compile(r"(?:[a-z0-9.-]|_[0-9a-f]{2})+\Z")


def descriptor(kind: str, digest: str, size_bytes: int) -> dict[str, Any]:
    """How one document names another."""
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": size_bytes}


def empty() -> dict[str, Any]:
    """The descriptor of `{}`, which has to be there."""
    return descriptor(EMPTY_TYPE, digest_of(EMPTY), len(EMPTY))


def artifact_form(digest: str, data: bytes, blobs: Sequence[BlobSize]) -> bytes:
    """The OCI manifest of an artifact: its manifest is the config, its blobs are the layers."""
    layers = [descriptor(LAYER_TYPE, blob.digest, blob.size_bytes) for blob in blobs]
    return _oci_manifest(ARTIFACT_TYPE, descriptor(ARTIFACT_TYPE, digest, len(data)), layers or [empty()], {})


def note_form(data: bytes) -> bytes:
    """The OCI manifest of a note: small bytes in an annotation."""
    return _oci_manifest(NOTE_TYPE, empty(), [empty()], {_NOTE: base64.b64encode(data).decode("ascii")})


def note_in(body: bytes, tag: str, where: str) -> bytes:
    """The bytes of a note. Raises HostileArtifactError."""
    try:
        data = base64.b64decode(json.loads(body)["annotations"][_NOTE], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HostileArtifactError(f"{where} has something else under the tag {tag}") from error
    if len(data) > MAX_REF_BODY_BYTES and not tag.startswith("document-"):
        raise HostileArtifactError(f"{where} has {len(data):,} bytes under the tag {tag}")
    return data


def manifest_tag(digest: str) -> str:
    """The tag of the OCI manifest of an artifact."""
    return f"manifest-{digest}"


def signature_tag(digest: str) -> str:
    """The tag of the signature of an artifact's manifest."""
    return f"signature-{digest}"


def tag_of(ref: str) -> str:
    """The tag of a ref. Raises InvalidArtifactNameError for one that is too long."""
    kind, _, name = check_ref(ref).partition("/")
    return fitting(f"{kind}-{encoded_name(name)}", ref)


def ref_of_tag(tag: str) -> str | None:
    """The ref with that tag; None for any other tag."""
    kind, _, encoded = tag.partition("-")
    name = decoded_name(encoded)
    ref = f"{kind}/{name}"
    return ref if name is not None and is_ref(ref) and tag_of(ref) == tag else None


def fitting(tag: str, what: str) -> str:
    """The tag, which a registry takes. Raises InvalidArtifactNameError for one that is too long."""
    if len(tag) > _TAG_MOST:
        raise InvalidArtifactNameError(
            f"{what!r:.200} is too long for a registry, whose tags have at most {_TAG_MOST} characters",
            advice="use a shorter name",
        )
    return tag


def encoded_name(name: str) -> str:
    """A name in the letters of a tag."""
    return "".join(
        chr(byte) if byte in _KEPT else f"_{byte:02x}" for byte in name.encode("utf-8", "surrogatepass")
    )


def decoded_name(encoded: str) -> str | None:
    """The name again; None for what is none."""
    if _ENCODED.match(encoded) is None:
        return None
    try:
        return re.sub(
            rb"_([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), encoded.encode("ascii")
        ).decode()
    except UnicodeDecodeError:
        return None


def _oci_manifest(
    artifact_type: str,
    config: Mapping[str, Any],
    layers: Sequence[Mapping[str, Any]],
    annotations: Mapping[str, str],
) -> bytes:
    body: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": config,
        "layers": layers,
    }
    if annotations:
        body["annotations"] = dict(annotations)
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")
