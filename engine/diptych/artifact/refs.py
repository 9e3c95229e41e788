"""Reading and moving refs: who wins where two pushes meet, and what becomes of an answer that was lost."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from diptych.artifact.errors import (
    CorruptArtifactError,
    RefMovedError,
    RemoteUnavailableError,
    UntrustedError,
)
from diptych.artifact.manifest import ArtifactManifest, RefBody, decode_manifest, decode_ref, encode_ref
from diptych.artifact.names import digest_of
from diptych.artifact.remembered import RememberedRef
from diptych.artifact.remotes.base import Remote
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


def read_state(remote: Remote, ref: str, known: RememberedRef | None = None) -> RefState:
    """The ref as it is now.

    Raises UntrustedError where its serial is below the one that is known: an old body was put back. A ref
    that was removed and made again begins at 1, but it was moved later.
    """
    found = remote.read_ref(ref)
    if found is None:
        return ABSENT
    body = decode_ref(found.body, where=f"{remote.url} {ref}")
    if known is not None and body.serial < known.serial and body.moved_ms <= known.moved_ms:
        raise UntrustedError(
            f"{ref} has serial {body.serial}, which is older than {known.serial}, seen before",
            advice="someone put an old state of it back: ask who keeps the remote; nothing was installed",
        )
    return RefState(found.version, body.serial, body.manifest, body.moved_ms)


def manifest_at(
    remote: Remote, digest: str, known: RememberedRef | None = None
) -> tuple[ArtifactManifest, bytes]:
    """A manifest and its bytes; from what is remembered where that has it.

    Raises CorruptArtifactError, MissingObjectError, HostileArtifactError, IncompatibleArtifactError.
    """
    if known is not None and known.manifest == digest and (decoded := known.decoded()) is not None:
        return decoded, known.text.encode("ascii")
    data = remote.read_manifest(digest)
    where = f"{remote.url} sha256:{digest}"
    if digest_of(data) != digest:
        raise CorruptArtifactError(f"{where} is not what its name says", where=where)
    return decode_manifest(data, where=where), data


def new_body(manifest: str, serial: int, *, by: str = "", expires_ms: int = 0) -> RefBody:
    """The body of a ref that is moved now."""
    return RefBody(manifest, serial, secrets.token_hex(16), now_ms(), by, expires_ms)


def write_body(remote: Remote, ref: str, body: RefBody, expected: str | None) -> str:
    """Move a ref; returns its version.

    Where the answer is lost, the ref is read again: if it has this body's nonce, the write was done. Raises
    RefMovedError, and what the remote raises.
    """
    data = encode_ref(body)
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
