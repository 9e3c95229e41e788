"""Find out whether a store keeps to conditions: by trying, since some accept them and ignore them.

    1  an object is created on the condition that it is absent: this must work
    2  and created again, with other bytes: this must be refused
    3  it is replaced on the condition of its version: this must work
    4  and replaced again, on the condition of the first version: this must be refused
    5  its bytes are those of the third step

What was found is written down in `diptych-remote.json`, so that it is asked once for each remote, and asked
again by `diptych artifact remote check`. It is a claim of the remote about itself: one that is wrong costs
those who push there, and nobody else.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any, Protocol

from diptych.artifact.errors import RefMovedError
from diptych.artifact.names import REMOTE

FORMAT = 1
_PROBES = "probe"


class Conditional(Protocol):
    """What is probed."""

    url: str

    def read_document(self, name: str) -> bytes | None:
        """A document at the root."""

    def write_document(self, name: str, data: bytes) -> None:
        """Store a document."""

    def put_if(self, path: str, data: bytes, expected: str | None) -> str:
        """Write on a condition. Raises RefMovedError."""

    def delete(self, path: str) -> None:
        """Delete an object."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What is known of a store. `why` says what it did wrong, "" where it did not."""

    compare_and_swap: bool
    why: str = ""


def probed(remote: Conditional, *, again: bool = False) -> Probed:
    """What was found of the store, now or, unless `again`, once before.

    Raises what the remote raises.
    """
    if not again:
        known = _read(remote)
        if known is not None:
            return known
    found = probe(remote)
    known_body = _body(remote)
    body = {
        **known_body,
        "format": FORMAT,
        "id": known_body.get("id") or secrets.token_hex(16),
        "compare_and_swap": int(found.compare_and_swap),
        "why": found.why,
    }
    remote.write_document(REMOTE, json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii"))
    return found


def probe(remote: Conditional) -> Probed:
    """Try it. Raises what the remote raises for other reasons than a condition."""
    path = f"{_PROBES}/{secrets.token_hex(16)}"
    first, second, third = (f"{number} {secrets.token_hex(16)}".encode() for number in range(3))
    try:
        try:
            version = remote.put_if(path, first, None)
        except RefMovedError:
            return Probed(False, "it refuses to create what is absent")
        if not _refused(remote, path, second, None):
            return Probed(False, "it overwrites what was to be written only if absent")
        try:
            newer = remote.put_if(path, third, version)
        except RefMovedError:
            return Probed(False, "it refuses to replace what is as expected")
        if newer == version:
            return Probed(False, "it gives one version to two states")
        if not _refused(remote, path, second, version):
            return Probed(False, "it overwrites what is no longer as expected")
        held = remote.read_document(path)
        if held != third:
            return Probed(False, "it reads back something else than was written last")
        return Probed(True)
    finally:
        remote.delete(path)


def _refused(remote: Conditional, path: str, data: bytes, expected: str | None) -> bool:
    try:
        remote.put_if(path, data, expected)
    except RefMovedError:
        return True
    return False


def _body(remote: Conditional) -> dict[str, Any]:
    """The remote's description as it is; empty where it is missing or makes no sense."""
    data = remote.read_document(REMOTE)
    try:
        body = json.loads(data) if data is not None and len(data) < 1 << 16 else {}
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) and body.get("format") == FORMAT else {}


def _read(remote: Conditional) -> Probed | None:
    body = _body(remote)
    swap, why = body.get("compare_and_swap"), body.get("why", "")
    return Probed(swap == 1, why) if swap in (0, 1) and isinstance(why, str) else None


__all__ = ["FORMAT", "Probed", "probe", "probed"]
