"""Which refs a remote no longer needs. The bytes that they named are removed by a collection: see `gc`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from diptych.artifact.errors import RefMovedError
from diptych.artifact.refs import body_of
from diptych.artifact.remotes.base import Remote

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Policy:
    """How long refs are kept after they were moved last, in days, by kind; for ever where none is given."""

    days: dict[str, float] = field(
        default_factory=lambda: {"pr": 7.0, "user": 7.0, "branch": 14.0, "commit": 7.0}
    )
    default_branch: str = "main"
    """Its ref is kept for ever, like channels."""
    keep_latest: int = 5
    """So many refs of commits are kept however old they are, the newest."""


@dataclass(frozen=True, slots=True)
class DatedRef:
    """A ref, what it names, and when it was moved by the remote's clock."""

    name: str
    version: str
    manifest: str
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Expired:
    """A ref that is not needed any more, and why."""

    name: str
    version: str
    reason: str


def expired(refs: Sequence[DatedRef], now_ms: int, policy: Policy) -> list[Expired]:
    """The refs to remove, in order of name. Pure."""
    held = {
        ref.manifest: ref.name
        for ref in sorted(refs, key=lambda ref: ref.name, reverse=True)
        if ref.name.startswith(("branch/", "channel/"))
    }
    commits = [ref for ref in refs if ref.name.startswith("commit/")]
    commits.sort(key=lambda ref: (-ref.modified_ms, ref.name))
    latest = {ref.name for ref in commits[: policy.keep_latest]}
    found = []
    for ref in sorted(refs, key=lambda ref: ref.name):
        kind = ref.name.partition("/")[0]
        days = policy.days.get(kind)
        if days is None or ref.name == f"branch/{policy.default_branch}" or ref.name in latest:
            continue
        if kind == "commit" and ref.manifest in held:
            continue
        age_days = (now_ms - ref.modified_ms) / DAY_MS
        if age_days > days:
            reason = f"moved {age_days:.1f} days ago; refs {kind}/ are kept for {days:g}"
            found.append(Expired(ref.name, ref.version, reason))
    return found


def dated_refs(remote: Remote, prefix: str = "") -> list[DatedRef]:
    """Every ref of a remote with what it names. Raises HostileArtifactError, and what the remote raises."""
    found = []
    for listed in remote.list_refs(prefix):
        ref = remote.read_ref(listed.name)
        # One that is gone meanwhile needs no removal.
        if ref is not None:
            body = body_of(ref.body, f"{remote.url} {listed.name}")
            found.append(DatedRef(listed.name, ref.version, body.manifest, listed.modified_ms))
    return found


def cleanup(remote: Remote, policy: Policy | None = None, *, dry_run: bool = False) -> list[Expired]:
    """Remove the refs that are not needed any more; returns those. One that moved meanwhile is kept."""
    found = expired(dated_refs(remote), remote.store_time_ms(), policy or Policy())
    if dry_run:
        return found
    removed = []
    for one in found:
        with suppress(RefMovedError):
            remote.delete_ref(one.name, expected=one.version)
            removed.append(one)
    return removed
