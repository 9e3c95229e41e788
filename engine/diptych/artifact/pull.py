"""Bring an index from a remote: choose, plan, fetch, decode, install.

What a stranger's remote says is checked before anything is done by it: the manifest against its name and its
bounds, each encoded piece against its SHA-256 before it is decoded, each file against its BLAKE3 after that,
and the whole store before it gets its place.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from diptych import fs
from diptych.artifact.ancestors import Nearest, nearest
from diptych.artifact.content import Verdict, judge, refuse_unfit
from diptych.artifact.errors import (
    HostileArtifactError,
    LocalChangesError,
    MissingObjectError,
    NoAncestorError,
    UnknownArtifactError,
    UnsupportedRemoteError,
)
from diptych.artifact.fetching import decode, fetch
from diptych.artifact.incoming import Incoming, clear_left
from diptych.artifact.install import assemble, has_store, heal, swap
from diptych.artifact.local import LocalGeneration, newest_generation
from diptych.artifact.manifest import ArtifactManifest
from diptych.artifact.names import check_digest, check_ref
from diptych.artifact.plan import PullPlan, plan_pull, prefix_bytes
from diptych.artifact.progress import Shown
from diptych.artifact.refs import ABSENT, RefState, manifest_at, read_state
from diptych.artifact.remembered import Remembered, RememberedRef, encode, load, save
from diptych.artifact.remotes.base import Remote
from diptych.artifact.trust import Trust, Verifier
from diptych.errors import CorruptSnapshotError, DiptychError, StorageFullError
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.store.opening import absolute, check_place
from diptych.store.store import RecordStore

MAX_BYTES = 8 * 1024**3
_KEPT_FREE = 0.1
_MISSING_TRIES = 3
# A file is decoded with about as many bytes of prefixes as it has; so many times --max-bytes is hostile.
_PREFIXES_MOST = 8

LocalChanges = Literal["refuse", "replace", "rebase", "recover"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a pull installs."""

    ref: str
    """"" where a manifest was named by its digest."""
    state: RefState
    manifest: ArtifactManifest
    text: bytes
    distance: int = 0
    """How many commits before the one asked for it is."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did."""

    outcome: Literal["installed", "unchanged", "planned"]
    url: str
    ref: str
    manifest: str
    serial: int
    content_id: str
    commit: str
    distance: int
    fetched_bytes: int = 0
    full_bytes: int = 0
    """What one who has nothing reads."""
    reused_bytes: int = 0
    kept: str = ""
    """Where the store is that was there before; "" where it is gone, or there was none."""
    lsn: int = 0
    stale: tuple[str, ...] = ()
    """Why the index has to be brought up to date in any case."""


def choose(
    remote: Remote,
    *,
    ref: str = "",
    digest: str = "",
    commits: Sequence[str] = (),
    remembered: Remembered | None = None,
    trust: Trust | None = None,
) -> Chosen:
    """The artifact that is asked for: by its digest, a ref, or the nearest of `commits`, in this order.

    With `commits` and `ref`, the ref is taken where none of the commits has an artifact, or the remote cannot
    list its refs. Raises UnknownArtifactError, NoAncestorError, UntrustedError, and what the remote raises.
    """
    remembered = remembered or Remembered()
    pin = check_digest(digest) if digest else ""
    verifier = Verifier(remote.url, (trust or Trust()).policy_of(remote.url), pin)
    if digest:
        manifest, text = manifest_at(remote, digest, verifier=verifier)
        return Chosen("", RefState(None, 0, digest), manifest, text)
    found: Nearest | None = None
    if commits:
        try:
            found = nearest(commits, (one.name for one in remote.list_refs("commit/")))
        except UnsupportedRemoteError:
            # A web server lists nothing: the ref is asked for.
            if not ref:
                raise
        if found is None and not ref:
            raise NoAncestorError(
                f"none of the {len(commits):,} commits before {commits[0][:12]} has an index at {remote.url}"
            )
    if found is not None:
        ref = f"commit/{found.commit}"
    known = remembered.ref(remote.url, check_ref(ref))
    state = read_state(remote, ref, known, verifier)
    if state == ABSENT:
        raise UnknownArtifactError(f"{remote.url} has no {ref}")
    manifest, text = manifest_at(remote, state.manifest, known, verifier)
    return Chosen(ref, state, manifest, text, found.distance if found is not None else 0)


def pull(
    remote: Remote,
    dest: str | os.PathLike[str],
    *,
    ref: str = "",
    digest: str = "",
    commits: Sequence[str] = (),
    schema: Schema[Any] = CODE,
    local_changes: LocalChanges = "refuse",
    trust: Trust | None = None,
    repo_id: str = "",
    indexer: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
    dry_run: bool = False,
    progress: Shown | None = None,
    timeout_s: float = 0.0,
) -> Pulled:
    """Install an artifact as the store at `dest`; see `choose` for which.

    Nothing is fetched that the store at `dest` has already. A pull that was killed is resumed by the next.
    `local_changes` says what to do where the store has commits that no remote is known to have: "refuse",
    "replace" it and keep it aside, or "rebase": the same, for a caller that indexes the tree again. "recover"
    keeps it aside in any case, and takes nothing from it: it may be damaged.

    Raises UnknownArtifactError, NoAncestorError, LocalChangesError, IncompatibleArtifactError,
    UntrustedError, CorruptArtifactError, HostileArtifactError, RemoteUnavailableError, StoreLockedError,
    StorageError; then the store at `dest` is as it was.
    """
    path = absolute(dest)
    heal(path)
    for attempt in range(_MISSING_TRIES):
        remembered = load(path)
        chosen = choose(remote, ref=ref, digest=digest, commits=commits, remembered=remembered, trust=trust)
        verdicts = judge(chosen.manifest, schema, repo_id=repo_id, indexer=indexer)
        refuse_unfit(verdicts)
        try:
            return _install(
                remote,
                path,
                chosen,
                verdicts,
                schema,
                _seen(remembered, remote, chosen),
                local_changes,
                max_bytes,
                dry_run,
                progress,
                timeout_s,
            )
        except MissingObjectError:
            # A collection removed it after the ref had moved: what it names now is there.
            if digest or attempt == _MISSING_TRIES - 1:
                raise
    raise AssertionError


def _install(
    remote: Remote,
    path: str,
    chosen: Chosen,
    verdicts: Sequence[Verdict],
    schema: Schema[Any],
    remembered: Remembered,
    local_changes: LocalChanges,
    max_bytes: int,
    dry_run: bool,
    progress: Shown | None,
    timeout_s: float,
) -> Pulled:
    manifest = chosen.manifest
    lenient = local_changes in ("replace", "recover")
    local = _local(path, lenient=lenient) if local_changes != "recover" else None
    has_changes = _has_changes(path, local, schema, load(path), manifest, lenient=lenient)
    available = local.by_hash() if local is not None else {}
    plan = plan_pull(manifest, available)
    _refuse_too_large(path, manifest, plan, max_bytes)
    pulled = Pulled(
        "planned" if dry_run else "installed",
        remote.url,
        chosen.ref,
        chosen.state.manifest,
        chosen.state.serial,
        manifest.content_id,
        manifest.source.commit,
        chosen.distance,
        plan.fetched_bytes,
        manifest.encoded_bytes,
        plan.reused_bytes,
        stale=tuple(verdict.message for verdict in verdicts),
    )
    if local is not None and not has_changes and local.manifest.content_id == manifest.content_id:
        if not dry_run:
            save(path, remembered)
            clear_left(path)
        return replace(pulled, outcome="unchanged", fetched_bytes=0, lsn=local.manifest.lsn)
    newest = [one.manifest for one in load(path).refs[:1]]
    if has_changes and not lenient and chosen.state.manifest in newest:
        # The changes were made on top of it: there is nothing newer to install.
        return replace(pulled, outcome="unchanged", fetched_bytes=0)
    if has_changes and local_changes == "refuse":
        raise LocalChangesError(
            f"the store at {path} has commits that no remote is known to have",
            advice="`--rebase` indexes the tree again on top of what is pulled; `--replace` keeps the store"
            " aside; or push it first",
        )
    if dry_run:
        return pulled
    with Incoming(path, timeout_s=timeout_s) as incoming:
        fetched_bytes = fetch(remote, plan, incoming, progress)
        try:
            decode(manifest, plan, available, incoming, progress)
        except CorruptSnapshotError:
            # What is here is damaged: all of it is fetched.
            incoming.begin()
            plan = plan_pull(manifest, {})
            _refuse_too_large(path, manifest, plan, max_bytes)
            fetched_bytes += fetch(remote, plan, incoming, progress)
            decode(manifest, plan, {}, incoming, progress)
            pulled = replace(pulled, reused_bytes=0)
        lsn = assemble(
            incoming.files,
            manifest,
            incoming.store,
            schema,
            encode(remembered),
            source=remote.url,
            details=_details(chosen),
        )
        seen_lsn = local.manifest.lsn if local is not None else 0
        kept = swap(incoming.store, path, schema, keep=has_changes, seen_lsn=seen_lsn, timeout_s=timeout_s)
        incoming.clear()
    return replace(pulled, fetched_bytes=fetched_bytes, kept=kept, lsn=lsn)


def _details(chosen: Chosen) -> dict[str, Any]:
    """What the store says of its origin; with the commit, where its records are those of the commit's files.

    From that the indexer knows which files of a work tree need not be read: see `freshness.Basis`.
    """
    manifest = chosen.manifest
    details: dict[str, Any] = {"ref": chosen.ref, "manifest": chosen.state.manifest}
    if manifest.source.commit and not manifest.source.dirty:
        details |= {"commit": manifest.source.commit, "indexer": dict(manifest.indexer)}
    return details


def _seen(remembered: Remembered, remote: Remote, chosen: Chosen) -> Remembered:
    """What the new store remembers."""
    default = remembered.remote or (remote.url if remote.lasting else "")
    if not chosen.ref or chosen.state.version is None:
        content_id = chosen.manifest.content_id
        return replace(remembered, remote=default, installed=content_id)
    known = remembered.ref(remote.url, chosen.ref)
    commits = known.commits if known is not None and known.manifest == chosen.state.manifest else ()
    return replace(
        remembered.seen(
            RememberedRef(
                remote.url,
                chosen.ref,
                chosen.state.version,
                chosen.state.serial,
                chosen.state.manifest,
                chosen.text.decode("ascii"),
                chosen.state.moved_ms,
                commits,
            )
        ),
        remote=default,
    )


def _local(path: str, *, lenient: bool) -> LocalGeneration | None:
    """The newest generation of the store that is there; None where there is no store."""
    if not has_store(path):
        return None
    try:
        return newest_generation(path)
    except DiptychError:
        # It is kept aside: what can be made of it is for its owner to see.
        if lenient:
            return None
        raise


def _has_changes(
    path: str,
    local: LocalGeneration | None,
    schema: Schema[Any],
    known: Remembered,
    manifest: ArtifactManifest,
    *,
    lenient: bool,
) -> bool:
    """Whether the store has what no remote is known to have."""
    if not has_store(path):
        # Nothing, or an empty folder, or the leftovers of a store; something else is refused.
        check_place(path, create=True)
        return False
    try:
        with RecordStore.open_with(path, schema, create=False, read_only=True) as store:
            lsn = store.lsn
            if lsn == 0:
                return False
    except DiptychError:
        if lenient:
            return True
        raise
    if local is None or local.manifest.lsn != lsn or not local.manifest.content_id:
        return True
    return local.manifest.content_id not in known.contents() | {manifest.content_id}


def _refuse_too_large(path: str, manifest: ArtifactManifest, plan: PullPlan, max_bytes: int) -> None:
    """Raise before anything is allocated or written for sizes that nobody wants, or that do not fit."""
    decoded = sum(one.size_bytes for one in {*manifest.files, *plan.decode})
    if decoded > max_bytes or plan.fetched_bytes > max_bytes:
        raise HostileArtifactError(
            f"the artifact has {decoded:,} bytes, more than {max_bytes:,}",
            advice="if that is right, give a larger --max-bytes; nothing was installed",
        )
    prefixes = prefix_bytes(manifest, plan)
    if prefixes > _PREFIXES_MOST * max_bytes:
        raise HostileArtifactError(f"to decode it, {prefixes:,} bytes would be read again and again")
    folder = os.path.dirname(path)
    while not fs.exists(folder):
        folder = os.path.dirname(folder)
    with fs.translated("examine", folder):
        status = os.statvfs(folder)
    free = int(status.f_bavail * status.f_frsize * (1 - _KEPT_FREE))
    needed = sum(one.size_bytes for one in plan.decode) + plan.fetched_bytes
    if needed > free:
        raise StorageFullError(
            f"the artifact needs {needed:,} bytes, and {free:,} are free; the index in use was not touched"
        )
