"""Remove what no ref leads to, while pushes and pulls continue: no lock is taken.

A collection has two phases, at least `grace` apart. The first lists what nothing leads to. The second removes
of that what nothing leads to still. The argument why no push loses a blob is in
docs/decisions/0014-sharing.md; it rests on three rules:

- No blob is ever written twice: each pack begins with random bytes.
- A push reuses only what a ref named when the push read it, or the remote refuses its ref; it ends within
  MAX_PUSH_S, which is half of the least grace. Who makes a second ref name a manifest writes that manifest
  again first.
- Besides what refs lead to, the second phase keeps what any manifest leads to that was written since
  MAX_PUSH_S before the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from diptych.artifact.documents import canonical, parse_canonical
from diptych.artifact.errors import CorruptArtifactError, HostileArtifactError, MissingObjectError
from diptych.artifact.manifest import ArtifactManifest
from diptych.artifact.names import GC, is_digest
from diptych.artifact.refs import MAX_PUSH_S, manifest_at
from diptych.artifact.remotes.base import MAX_MANIFEST_BYTES, ListedObject, Remote
from diptych.artifact.retention import dated_refs

GRACE_MS = 24 * 3_600_000
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Candidates:
    """What nothing led to at some time."""

    name: str
    began_ms: int
    """By the remote's clock, before anything was read."""
    blobs: frozenset[str]
    manifests: frozenset[str]


@dataclass(slots=True)
class Collected:
    """What a collection did."""

    removed_blobs: int = 0
    removed_manifests: int = 0
    freed_bytes: int = 0
    kept: int = 0
    """Candidates that something leads to again."""
    waiting: int = 0
    """Candidates that a later collection may remove."""
    live_blobs: int = 0
    live_bytes: int = 0
    dry_run: bool = False


@dataclass(slots=True)
class _Marked:
    """What refs and young manifests lead to."""

    manifests: set[str] = field(default_factory=set)
    blobs: set[str] = field(default_factory=set)

    def add(self, digest: str, manifest: ArtifactManifest) -> None:
        self.manifests.add(digest)
        self.blobs |= {blob.digest for blob in manifest.blobs()}


def collect(
    remote: Remote,
    *,
    grace_ms: int = GRACE_MS,
    push_ms: int = int(MAX_PUSH_S * 1000),
    dry_run: bool = False,
    between: Callable[[str], object] | None = None,
) -> Collected:
    """Run both phases: remove what earlier collections listed, and list what the next may remove.

    `grace_ms` below twice the time that a push may take, `push_ms`, is safe only while nobody pushes: then
    what was written in the last half of it counts as somebody's, not in the last `push_ms`.
    `between` is called at each step, for tests that let others run there.

    Raises CorruptArtifactError where a ref leads to something that is gone or unreadable: then nothing is
    removed; and what the remote raises.
    """
    step = between or (lambda _: None)
    push_ms = min(push_ms, grace_ms // 2)
    now_ms = remote.store_time_ms()
    manifests = {one.digest: one for one in remote.list_manifests()}
    step("listed manifests")
    blobs = {one.digest: one for one in remote.list_blobs()}
    step("listed blobs")
    done = Collected(dry_run=dry_run)
    pending = _pending(remote)
    for candidates in pending:
        if candidates.began_ms + grace_ms <= now_ms:
            _remove(remote, candidates, push_ms, done, step, dry_run=dry_run)
    marked = _mark(remote, (), step)
    done.live_blobs = len(marked.blobs & blobs.keys())
    done.live_bytes = sum(blobs[digest].size_bytes for digest in marked.blobs & blobs.keys())
    listed = {digest for one in pending for digest in (*one.blobs, *one.manifests)}
    young_ms = now_ms - grace_ms
    new_blobs = _old(blobs.values(), young_ms) - marked.blobs - listed
    new_manifests = _old(manifests.values(), young_ms) - marked.manifests - listed
    done.waiting = len(new_blobs) + len(new_manifests)
    done.waiting += sum(
        len(one.blobs) + len(one.manifests) for one in pending if one.began_ms + grace_ms > now_ms
    )
    if (new_blobs or new_manifests) and not dry_run:
        name = f"{GC}/{now_ms:020d}.json"
        remote.write_document(name, _encoded(now_ms, new_blobs, new_manifests))
    return done


def _remove(
    remote: Remote,
    candidates: Candidates,
    push_ms: int,
    done: Collected,
    step: Callable[[str], object],
    *,
    dry_run: bool,
) -> None:
    """The second phase. Manifests go before blobs, so that none that is left lacks a blob for good."""
    # Listed after the refs were read: what a push wrote meanwhile counts.
    marked = _mark(remote, (), step)
    young = [
        one.digest
        for one in remote.list_manifests()
        if one.modified_ms >= candidates.began_ms - push_ms and one.digest not in marked.manifests
    ]
    step("listed young manifests")
    for digest in young:
        _add(remote, digest, marked, may_be_gone=True)
    sizes = {one.digest: one.size_bytes for one in remote.list_blobs()}
    for digest in sorted(candidates.manifests):
        if digest in marked.manifests:
            done.kept += 1
            continue
        if not dry_run:
            remote.delete_manifest(digest)
        done.removed_manifests += 1
        step("removed a manifest")
    for digest in sorted(candidates.blobs):
        if digest in marked.blobs:
            done.kept += 1
            continue
        if digest not in sizes:
            continue
        if not dry_run:
            remote.delete_blob(digest)
        done.removed_blobs += 1
        done.freed_bytes += sizes[digest]
        step("removed a blob")
    if not dry_run:
        remote.delete_document(candidates.name)


def _mark(remote: Remote, more: Iterable[str], step: Callable[[str], object]) -> _Marked:
    """What the refs lead to, and the manifests `more`."""
    marked = _Marked()
    refs = dated_refs(remote)
    step("read the refs")
    for digest in sorted({*(ref.manifest for ref in refs), *more}):
        _add(remote, digest, marked, may_be_gone=False)
    step("marked")
    return marked


def _add(remote: Remote, digest: str, marked: _Marked, *, may_be_gone: bool) -> None:
    try:
        manifest, _ = manifest_at(remote, digest)
    except MissingObjectError as error:
        if may_be_gone:
            return
        # It may have been removed with its ref since the refs were read. If not, people have to look.
        if any(ref.manifest == digest for ref in dated_refs(remote)):
            raise CorruptArtifactError(
                f"a ref of {remote.url} names sha256:{digest[:12]}…, which is gone; nothing was removed",
                advice="push that index again, or remove the ref; then collect again",
            ) from error
        return
    except HostileArtifactError:
        if may_be_gone:
            # No push of Diptych wrote it.
            return
        raise
    marked.add(digest, manifest)


def _old(objects: Iterable[ListedObject], before_ms: int) -> set[str]:
    return {one.digest for one in objects if one.modified_ms < before_ms}


def _pending(remote: Remote) -> list[Candidates]:
    found = []
    for name in remote.list_documents(f"{GC}/"):
        data = remote.read_document(name)
        if data is None:
            continue
        try:
            found.append(_decoded(name, data))
        except (ValueError, TypeError, KeyError) as error:
            raise HostileArtifactError(
                f"{remote.url} {name} is no list of candidates: {error}",
                advice="remove that file; the next collection lists its candidates again",
            ) from error
    return found


def _encoded(began_ms: int, blobs: set[str], manifests: set[str]) -> bytes:
    # What does not fit is listed by the next collection.
    most = MAX_MANIFEST_BYTES // 80
    body = {
        "format": _FORMAT,
        "kind": "gc",
        "began_ms": began_ms,
        "blobs": sorted(blobs)[: most // 2],
        "manifests": sorted(manifests)[: most // 2],
    }
    return canonical(body)


def _decoded(name: str, data: bytes) -> Candidates:
    body = parse_canonical(data, MAX_MANIFEST_BYTES)
    lists = (body["blobs"], body["manifests"])
    if body["format"] != _FORMAT or body["kind"] != "gc" or type(body["began_ms"]) is not int:
        raise ValueError("of another format")
    if not all(type(one) is list and all(map(is_digest, one)) for one in lists):
        raise ValueError("a digest that is none")
    return Candidates(name, body["began_ms"], frozenset(lists[0]), frozenset(lists[1]))
