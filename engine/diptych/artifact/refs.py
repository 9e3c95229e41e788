"""Reading and moving refs: who wins where two pushes meet, and what becomes of an answer that was lost."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from diptych.artifact.errors import RefMovedError, RemoteUnavailableError
from diptych.artifact.manifest import ArtifactManifest, decode_manifest
from diptych.artifact.ref_body import RefBody, decode_ref, encode_ref
from diptych.artifact.remembered import RememberedRef
from diptych.artifact.remotes.base import Remote
from diptych.artifact.sign import SigningKey, split_ref
from diptych.artifact.trust import SIGNATURE, Policy, Verifier
from diptych.store.manifest import now_ms

MOVES_MOST = 20
"""How often a push tries again because another came first."""
MAX_PUSH_S = 12 * 3_600.0
"""What takes longer gives up: what it reuses is kept for it no longer than a collection's grace."""
_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class RefState:
    """A ref as it was read: what it names, and the version by which it is written."""

    version: str | None
    """None where the ref is absent."""
    serial: int
    manifest: str
    """SHA-256; "" where the ref is absent."""
    moved_ms: int = 0


ABSENT = RefState(None, 0, "")


def body_of(data: bytes, where: str) -> RefBody:
    """What a ref says, without its signature. Raises HostileArtifactError, IncompatibleArtifactError."""
    return decode_ref(split_ref(data)[0], where=where)


def read_state(
    remote: Remote, ref: str, known: RememberedRef | None = None, verifier: Verifier | None = None
) -> RefState:
    """The ref as it is now, which must be as `verifier` requires.

    Raises UntrustedError where its serial is below the one that is known: an old body was put back. A ref
    that was removed and made again begins at 1, but it was moved later.
    """
    found = remote.read_ref(ref)
    if found is None:
        return ABSENT
    verifier = verifier or Verifier(remote.url, Policy())
    body = decode_ref(verifier.opened_ref(ref, found.body), where=f"{remote.url} {ref}")
    is_newer = known is None or body.moved_ms > known.moved_ms
    verifier.refuse_stale(
        ref,
        moved_ms=body.moved_ms,
        expires_ms=body.expires_ms,
        serial=body.serial,
        known_serial=0 if known is None or is_newer else known.serial,
    )
    return RefState(found.version, body.serial, body.manifest, body.moved_ms)


def manifest_at(
    remote: Remote, digest: str, known: RememberedRef | None = None, verifier: Verifier | None = None
) -> tuple[ArtifactManifest, bytes]:
    """A manifest and its bytes; from what is remembered where that has it and no signature is required.

    Raises CorruptArtifactError, MissingObjectError, HostileArtifactError, IncompatibleArtifactError, and
    UntrustedError where it is not as `verifier` requires.
    """
    verifier = verifier or Verifier(remote.url, Policy())
    asks = verifier.policy.require == SIGNATURE and not verifier.pin
    if not asks and known is not None and known.manifest == digest:
        decoded = known.decoded()
        if decoded is not None:
            verifier.check_manifest(digest, known.text.encode("ascii"), lambda: None)
            return decoded, known.text.encode("ascii")
    data = remote.read_manifest(digest)
    verifier.check_manifest(digest, data, lambda: remote.read_signature(digest))
    return decode_manifest(data, where=f"{remote.url} sha256:{digest}"), data


def new_body(manifest: str, serial: int, *, by: str = "", expires_ms: int = 0) -> RefBody:
    """The body of a ref that is moved now."""
    return RefBody(manifest, serial, secrets.token_hex(16), now_ms(), by, expires_ms)


def write_body(
    remote: Remote, ref: str, body: RefBody, expected: str | None, key: SigningKey | None = None
) -> str:
    """Move a ref, signed if there is a `key`; returns its version.

    Where the answer is lost, the ref is read again: if it has this body's nonce, the write was done. Raises
    RefMovedError, and what the remote raises.
    """
    data = encode_ref(body)
    if key is not None:
        data = key.sign_ref(ref, data)
    try:
        version = remote.write_ref(ref, data, expected=expected)
    except RemoteUnavailableError as lost:
        found = remote.read_ref(ref)
        if found is not None and found.body == data:
            return found.version
        if found is not None and found.version != expected:
            raise RefMovedError(f"{ref} moved while it was written, and {lost.message}") from lost
        raise
    if not remote.capabilities.compare_and_swap:
        # The last writer wins there: at least the others find out.
        found = remote.read_ref(ref)
        if found is None or found.body != data:
            raise RefMovedError(f"another push overwrote {ref} right after this one, as {remote.url} permits")
        version = found.version
    return version


class Deadline:
    """The end of the time in which a ref may be made to name what was there when this began."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._end_s = clock_s() + MAX_PUSH_S

    @property
    def is_over(self) -> bool:
        """Whether it is too late."""
        return self._clock_s() > self._end_s

    def check(self) -> None:
        """Raise RemoteUnavailableError where it is too late."""
        if self.is_over:
            raise RemoteUnavailableError(
                f"this took more than {MAX_PUSH_S / 3600:.0f} hours; nothing was moved"
            )


def pause(attempt: int, sleep: Callable[[float], object] = time.sleep) -> None:
    """Wait a moment before another try, longer each time, and each client another time."""
    sleep(random.uniform(0, _PAUSE_S * (attempt + 1)))
