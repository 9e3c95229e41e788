"""Send an index to a remote: scan, plan, encode, upload, and last of all move the ref.

Nothing that a ref names is ever missing: blobs come first, then the manifest, then the ref. The ref is moved
by compare and swap, so that two pushes at once are one after the other. A push that was killed leaves blobs
that nothing names, which a collection removes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from diptych._version import __version__
from diptych.artifact.ancestors import History, NoHistory
from diptych.artifact.encode import FULL_LEVEL
from diptych.artifact.errors import HostileArtifactError, RefMovedError, UntrustedError
from diptych.artifact.local import LocalGeneration, published_generation
from diptych.artifact.manifest import ArtifactManifest, Source, StoreFacts, encode_manifest
from diptych.artifact.names import check_ref, digest_of
from diptych.artifact.packing import Encoding, encode_plan
from diptych.artifact.plan import PushPlan, plan_push
from diptych.artifact.progress import Meter, Shown
from diptych.artifact.refs import (
    ABSENT,
    MOVES_MOST,
    Deadline,
    RefState,
    body_of,
    manifest_at,
    new_body,
    pause,
    read_state,
    write_body,
)
from diptych.artifact.remembered import Remembered, RememberedRef, load, save
from diptych.artifact.remotes.base import Remote
from diptych.artifact.scrub import Rules, scrub
from diptych.artifact.sign import SigningKey, split_ref, verify_manifest, verify_ref
from diptych.errors import StorageError, StoreLockedError
from diptych.layout import SEGMENTS
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.store.manifest import now_ms

Outcome = Literal["pushed", "unchanged", "newer", "planned"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a push did."""

    outcome: Outcome
    """`unchanged`: the remote had the same content. `newer`: it has that of a later commit. `planned`: with
    `dry_run`, nothing was sent."""
    url: str
    ref: str
    manifest: str
    """SHA-256 of what the ref names now; "" with `dry_run`."""
    serial: int
    content_id: str
    sent_bytes: int = 0
    full_bytes: int = 0
    """What one who has nothing reads."""
    reused_bytes: int = 0
    """The size of the files that were there already."""
    files_sent: int = 0
    files: int = 0


def push(
    store: str,
    remote: Remote,
    *,
    ref: str,
    schema: Schema[Any] = CODE,
    source: Source | None = None,
    history: History | None = None,
    indexer: Mapping[str, str] | None = None,
    root: str | None = None,
    compact: bool = False,
    level: int = FULL_LEVEL,
    force: bool = False,
    by: str = "",
    key: SigningKey | None = None,
    dry_run: bool = False,
    remember: bool = True,
    progress: Shown | None = None,
    timeout_s: float = 0.0,
    clock_s: Callable[[], float] = time.monotonic,
) -> Receipt:
    """Push the store at `store` to `remote`, and make `ref` name it.

    A ref `commit/…` is made too where the source's commit is known and nothing of it is uncommitted.
    `history` decides where another push came first: the later commit stays. `force` moves the ref in any
    case. `root` is the repository, whose `.diptych-noshare` counts. With a `key`, manifest and refs are
    signed. Without `remember` the store keeps no note of it, as of what is written to a file. `clock_s` is a
    clock that never goes back.

    Raises SecretsFoundError where something in the index must not leave the machine, RefMovedError,
    RemoteUnavailableError, InvalidArtifactNameError, and what opening the store raises.
    """
    check_ref(ref)
    deadline = Deadline(clock_s)
    source = source or Source()
    generation = published_generation(store, schema, compact=compact, timeout_s=timeout_s)
    content_id = generation.manifest.content_id
    remembered = load(store)
    known = remembered.ref(remote.url, ref)
    at, parent = _remembered_start(remote, known, content_id)
    asked = parent is None
    if asked:
        at, parent = _asked(remote, ref, known)
    is_first = parent is None and all(one.url != remote.url for one in remembered.refs)
    if is_first and not dry_run and not compact:
        generation = _without_dead(store, schema, generation, timeout_s)
    encoding: Encoding | None = None
    looked_through: dict[str, str] = {}
    sent_bytes = 0
    plan = plan_push(generation.files, parent, generation.by_hash())
    for attempt in range(MOVES_MOST):
        is_same = parent is not None and parent.content_id == content_id
        if parent is not None and is_same and (key is None or _is_signed(remote, ref, at, parent, key)):
            done = Receipt("unchanged", remote.url, ref, at.manifest, at.serial, content_id, sent_bytes)
            if dry_run:
                return done
            return _finish(
                store, remote, remembered, done, parent, source, at, deadline, key, remember=remember
            )
        # What this store was pushed to or pulled from is what it builds on, whatever git knows.
        builds_on_it = force or (known is not None and known.manifest == at.manifest)
        if parent is not None and not builds_on_it and _is_later(parent, source, history or NoHistory()):
            return Receipt("newer", remote.url, ref, at.manifest, at.serial, content_id, sent_bytes)
        if encoding is None:
            # Side by side: zstd leaves the interpreter to the search, and nothing is sent before both ended.
            with ThreadPoolExecutor(1, "diptych-scrub") as aside:
                looking = aside.submit(
                    _look_through, store, generation, schema, root, parent if known else None
                )
                encoding = encode_plan(plan, parent, generation, level, progress)
                looked_through = looking.result()
        manifest = _manifest(generation, encoding, source, indexer or {}, looked_through, at)
        data = encode_manifest(manifest)
        receipt = Receipt(
            "planned" if dry_run else "pushed",
            remote.url,
            ref,
            "" if dry_run else digest_of(data),
            at.serial + 1,
            content_id,
            sent_bytes + sum(map(len, encoding.packs.values())) + len(data),
            manifest.encoded_bytes,
            plan.reused_bytes,
            len(plan.new),
            len(manifest.files),
        )
        if dry_run:
            return receipt
        sent_bytes += _upload(remote, encoding, plan, progress) + len(data)
        remote.write_manifest(digest_of(data), data, manifest.blobs())
        if key is not None:
            remote.write_signature(digest_of(data), key.sign_manifest(data))
        deadline.check()
        body = new_body(digest_of(data), receipt.serial, by=by)
        try:
            version = write_body(remote, ref, body, at.version, key)
        except RefMovedError:
            if ref.startswith("commit/") and not force:
                raise
            pause(attempt)
            at, parent = _asked(remote, ref, known)
            if not asked:
                # What was remembered may be gone by now; what this push read itself is kept for it.
                asked, encoding = True, None
                plan = plan_push(generation.files, parent, generation.by_hash())
            continue
        moved = RefState(version, body.serial, body.manifest, body.moved_ms)
        return _finish(
            store, remote, remembered, receipt, manifest, source, moved, deadline, key, remember=remember
        )
    raise RefMovedError(f"{ref} moved {MOVES_MOST} times while this push ran; the blobs are there")


def _without_dead(
    store: str, schema: Schema[Any], generation: LocalGeneration, timeout_s: float
) -> LocalGeneration:
    """The generation without dead records: nobody has anything yet that a compaction would send again.

    Where a writer has the store open, the generation as it is.
    """
    if all(one.seal.records == one.records for one in generation.manifest.segments):
        return generation
    try:
        return published_generation(store, schema, compact=True, timeout_s=timeout_s)
    except (StoreLockedError, StorageError):
        # What dead records say is looked through, as that of live ones.
        return generation


def _remembered_start(
    remote: Remote, known: RememberedRef | None, content_id: str
) -> tuple[RefState, ArtifactManifest | None]:
    """What to build on without asking: that it is so still, the write of the ref will tell."""
    decoded = known.decoded() if known is not None else None
    if known is None or decoded is None or decoded.content_id == content_id:
        return ABSENT, None
    if not remote.capabilities.compare_and_swap:
        return ABSENT, None
    return RefState(known.version, known.serial, known.manifest), decoded


def _asked(remote: Remote, ref: str, known: RememberedRef | None) -> tuple[RefState, ArtifactManifest | None]:
    """What to build on, by the remote."""
    at = read_state(remote, ref, known)
    return at, manifest_at(remote, at.manifest, known)[0] if at.manifest else None


def _is_signed(remote: Remote, ref: str, at: RefState, parent: ArtifactManifest, key: SigningKey) -> bool:
    """Whether the ref and what it names are signed by this key: another's manifest is not ours to sign."""
    found = remote.read_ref(ref)
    if found is None:
        return False
    body, signature = split_ref(found.body)
    where = f"{remote.url} {ref}"
    try:
        verify_ref(ref, body, signature, [key.public], where=where)
        of_manifest = remote.read_signature(at.manifest)
        verify_manifest(encode_manifest(parent), of_manifest, [key.public], where=where)
    except (UntrustedError, HostileArtifactError):
        return False
    return True


def _is_later(parent: ArtifactManifest, source: Source, history: History) -> bool:
    """Whether what the ref names is of a later commit. Raises RefMovedError where neither comes first."""
    theirs, ours = parent.source.commit, source.commit
    if not theirs or not ours or theirs == ours or history.is_ancestor(theirs, ours):
        return False
    if history.is_ancestor(ours, theirs):
        return True
    raise RefMovedError(
        f"the ref names commit {theirs[:12]}, which is not before {ours[:12]}",
        advice="fetch and merge that commit first; or push with --force, and the ref moves all the same",
    )


def _look_through(
    store: str,
    generation: LocalGeneration,
    schema: Schema[Any],
    root: str | None,
    parent: ArtifactManifest | None,
) -> dict[str, str]:
    """Look for what must not leave the machine; returns what a manifest says of that.

    Segments of the parent, which this store pushed or pulled, were looked through by the same rules already.
    Raises SecretsFoundError.
    """
    rules = Rules.of(store, root)
    said = {"rules": rules.digest}
    same_rules = parent is not None and dict(parent.filter) == said
    there = {one.path for one in parent.files} if parent is not None and same_rules else set()
    of_store = generation.manifest
    segments = tuple(
        listed
        for listed in of_store.segments
        if not {f"{SEGMENTS}/{listed.digest}/{name}" for name in listed.seal.files} <= there
    )
    scrub(generation.store, replace(of_store, segments=segments), schema, rules).refuse()
    return said


def _upload(remote: Remote, encoding: Encoding, plan: PushPlan, progress: Shown | None) -> int:
    """Send the blobs; returns how many bytes. What was sent is not sent again by a second try."""
    total = sum(map(len, encoding.packs.values()))
    meter = Meter(progress, "sending", total, plan.reused_bytes)
    for digest in list(encoding.packs):
        data = encoding.packs[digest]
        remote.write_blob(digest, data)
        del encoding.packs[digest]
        meter.add(len(data))
    return total


def _manifest(
    generation: LocalGeneration,
    encoding: Encoding,
    source: Source,
    indexer: Mapping[str, str],
    looked_through: Mapping[str, str],
    at: RefState,
) -> ArtifactManifest:
    of_store = generation.manifest
    return ArtifactManifest(
        content_id=of_store.content_id,
        created_ms=now_ms(),
        tool=f"diptych {__version__}",
        store=StoreFacts(
            store_id=of_store.identity.store_id.hex(),
            schema=of_store.identity.schema,
            schema_version=of_store.identity.schema_version,
            fingerprint=of_store.identity.fingerprint,
            lsn=of_store.lsn,
            chain=of_store.chain,
            records=of_store.records,
            counts=of_store.counts,
        ),
        files=tuple(encoding.files),
        bases=encoding.bases,
        source=source,
        indexer=indexer,
        filter=looked_through,
        parent=at.manifest,
    )


def _name_commit(
    remote: Remote, commit_ref: str, manifest: str, key: SigningKey | None, *, is_known: bool
) -> None:
    """Make the commit's ref name the manifest, unless it names one already.

    Another push of the same commit may have made it: its content is the same, or it came first. Where that
    push had no key and this one has, the ref is replaced: who requires signatures could not pull the commit.
    """
    if not is_known:
        with suppress(RefMovedError):
            write_body(remote, commit_ref, new_body(manifest, 1), None, key)
            return
    if key is None:
        return
    found = remote.read_ref(commit_ref)
    if found is None or split_ref(found.body)[1] is not None:
        return
    serial = body_of(found.body, f"{remote.url} {commit_ref}").serial + 1
    with suppress(RefMovedError):
        write_body(remote, commit_ref, new_body(manifest, serial), found.version, key)


def _finish(
    store: str,
    remote: Remote,
    remembered: Remembered,
    receipt: Receipt,
    manifest: ArtifactManifest,
    source: Source,
    at: RefState,
    deadline: Deadline,
    key: SigningKey | None,
    *,
    remember: bool,
) -> Receipt:
    """Name the commit, and remember what was pushed."""
    known = remembered.ref(remote.url, receipt.ref)
    commits = known.commits if known is not None and known.manifest == receipt.manifest else ()
    commit_ref = f"commit/{source.commit}"
    names_commit = bool(source.commit) and not source.dirty and receipt.ref != commit_ref
    if names_commit and (commit_ref not in commits or (key is not None and receipt.outcome == "unchanged")):
        is_known = commit_ref in commits
        if receipt.outcome == "unchanged" and not is_known:
            # Young again, so that no collection removes it while a second ref is made to name it.
            data = encode_manifest(manifest)
            remote.write_manifest(digest_of(data), data, manifest.blobs())
        if not deadline.is_over:
            _name_commit(remote, commit_ref, receipt.manifest, key, is_known=is_known)
            commits = commits if is_known else (*commits, commit_ref)
    seen = RememberedRef(
        remote.url,
        receipt.ref,
        at.version or "",
        at.serial,
        receipt.manifest,
        encode_manifest(manifest).decode("ascii"),
        at.moved_ms,
        commits,
    )
    if not remember:
        return receipt
    # A cache: where the store cannot be written to, the next push asks the remote.
    with suppress(StorageError):
        save(store, replace(remembered.seen(seen), remote=remembered.remote or remote.url))
    return receipt
