"""Make a ref name what another names, such as `channel/stable` what a commit's ref does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from diptych.artifact.errors import RefMovedError, UnknownArtifactError
from diptych.artifact.names import check_ref
from diptych.artifact.refs import (
    ABSENT,
    MOVES_MOST,
    Deadline,
    manifest_at,
    new_body,
    pause,
    read_state,
    write_body,
)
from diptych.artifact.remembered import Remembered
from diptych.artifact.remotes.base import Remote
from diptych.artifact.sign import SigningKey
from diptych.artifact.trust import SIGNATURE, TLS, Policy, Trust, Verifier, parse_pin


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a promotion did."""

    ref: str
    manifest: str
    serial: int
    before: str
    """The manifest that the ref named before; "" for none."""


def promote(
    remote: Remote,
    source: str,
    target: str,
    *,
    by: str = "",
    key: SigningKey | None = None,
    trust: Trust | None = None,
    remembered: Remembered | None = None,
    clock_s: Callable[[], float] = time.monotonic,
) -> Promoted:
    """Make the ref `target` name what the ref `source` names, signed if there is a `key`.

    `source` may be pinned: REF@sha256:<manifest>. It must be as `trust` requires of this remote, and no older
    than `remembered` knows it. A key vouches for what it signs: where `trust` requires no signature, only
    what this key signed, or what is pinned, is promoted with it.

    Raises UntrustedError, UnknownArtifactError, CorruptArtifactError, RefMovedError, and what the remote
    raises.
    """
    check_ref(target)
    source, pin = parse_pin(source)
    verifier = _verifier(remote.url, trust or Trust(), pin, key)
    known = (remembered or Remembered()).ref(remote.url, check_ref(source))
    for attempt in range(MOVES_MOST):
        deadline = Deadline(clock_s)
        found = read_state(remote, source, known, verifier)
        if found == ABSENT:
            raise UnknownArtifactError(f"{remote.url} has no {source}")
        manifest, text = manifest_at(remote, found.manifest, verifier=verifier)
        at = read_state(remote, target)
        if at.manifest == found.manifest:
            return Promoted(target, at.manifest, at.serial, at.manifest)
        # Written again so that it is young: a collection that is about to remove it sees that it is in use.
        remote.write_manifest(found.manifest, text, manifest.blobs())
        body = new_body(found.manifest, at.serial + 1, by=by)
        deadline.check()
        try:
            write_body(remote, target, body, at.version, key)
        except RefMovedError:
            pause(attempt)
            continue
        return Promoted(target, found.manifest, body.serial, at.manifest)
    raise RefMovedError(f"{target} moved {MOVES_MOST} times while it was promoted")


def _verifier(url: str, trust: Trust, pin: str, key: SigningKey | None) -> Verifier:
    """What is required of the ref that is promoted, and of its manifest."""
    policy = trust.policy_of(url)
    if key is not None and not pin and policy.require == TLS:
        policy = Policy(url, SIGNATURE, (key.public,), policy.max_age_days)
    return Verifier(url, policy, pin)
