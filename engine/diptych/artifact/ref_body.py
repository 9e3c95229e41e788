"""What a ref says, as canonical JSON. Formats: docs/sharing.md."""

from __future__ import annotations

from dataclasses import dataclass

from diptych.artifact.documents import (
    FORMAT,
    canonical,
    hostile,
    parse_document,
    read_hash,
    read_number,
    read_text,
    slots_of,
)
from diptych.artifact.remotes.base import MAX_REF_BODY_BYTES


@dataclass(frozen=True, slots=True)
class RefBody:
    """What a ref says."""

    manifest: str
    serial: int
    """One more than before: one that falls is a replay."""
    nonce: str
    """Random, so that no two bodies are equal."""
    moved_ms: int
    by: str = ""
    expires_ms: int = 0
    """0 for never."""


def encode_ref(body: RefBody) -> bytes:
    """The body of a ref."""
    return canonical({"format": FORMAT, "kind": "ref", "critical": [], **slots_of(body)})


def decode_ref(data: bytes, *, where: str) -> RefBody:
    """The body again. Raises HostileArtifactError, IncompatibleArtifactError for a newer format."""
    body = parse_document(data, MAX_REF_BODY_BYTES, where, kind="ref")
    try:
        found = RefBody(
            manifest=read_hash(body["manifest"]),
            serial=read_number(body["serial"]),
            nonce=read_text(body["nonce"]),
            moved_ms=read_number(body["moved_ms"]),
            by=read_text(body["by"]),
            expires_ms=read_number(body["expires_ms"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise hostile(where, error) from error
    return found
