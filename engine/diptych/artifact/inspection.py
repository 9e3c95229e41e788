"""Look at what a remote has: list, describe, compare and verify artifacts. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from diptych import fs
from diptych.artifact.errors import ArtifactError, UnknownArtifactError
from diptych.artifact.fetching import decode, fetch
from diptych.artifact.incoming import Incoming
from diptych.artifact.install import assemble
from diptych.artifact.manifest import ArtifactManifest
from diptych.artifact.names import check_ref, is_digest
from diptych.artifact.plan import plan_pull
from diptych.artifact.progress import Shown
from diptych.artifact.ref_body import RefBody
from diptych.artifact.refs import body_of, manifest_at
from diptych.artifact.remotes.base import Remote
from diptych.errors import DiptychError
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.store.store import RecordStore
from diptych.store.verify import verify


@dataclass(frozen=True, slots=True)
class ListedArtifact:
    """A ref of a remote, and what it names."""

    ref: str
    serial: int
    manifest: str
    moved_ms: int
    by: str
    problem: str = ""
    """Why the ref cannot be read; "" where it can."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How two artifacts differ."""

    same_content: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]
    new_bytes: int
    """The size of the files that only the second one has."""
    records: tuple[int, int]
    commits: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with an artifact."""

    where: str
    message: str


def list_artifacts(remote: Remote, pattern: str = "*") -> Iterator[ListedArtifact]:
    """The refs that match a shell pattern such as `branch/*`, in order of name."""
    prefix = ""
    for character in pattern:
        if character in "*?[":
            break
        prefix += character
    for listed in remote.list_refs(prefix):
        if not fnmatchcase(listed.name, pattern):
            continue
        ref = remote.read_ref(listed.name)
        if ref is None:
            continue
        try:
            body = body_of(ref.body, f"{remote.url} {listed.name}")
        except ArtifactError as error:
            yield ListedArtifact(listed.name, 0, "", listed.modified_ms, "", error.message)
            continue
        yield _listed(listed.name, body)


def find(remote: Remote, name: str) -> tuple[ListedArtifact, ArtifactManifest]:
    """The artifact that a ref, or `sha256:` and a digest, names.

    Raises UnknownArtifactError, CorruptArtifactError, HostileArtifactError, and what the remote raises.
    """
    digest = name.removeprefix("sha256:")
    if is_digest(digest):
        return ListedArtifact("", 0, digest, 0, ""), manifest_at(remote, digest)[0]
    found = remote.read_ref(check_ref(name))
    if found is None:
        raise UnknownArtifactError(f"{remote.url} has no {name}")
    body = body_of(found.body, f"{remote.url} {name}")
    return _listed(name, body), manifest_at(remote, body.manifest)[0]


def difference(old: ArtifactManifest, new: ArtifactManifest) -> Difference:
    """How two artifacts differ. Pure."""
    before, after = ({one.blake3: one for one in manifest.files} for manifest in (old, new))
    return Difference(
        old.content_id == new.content_id,
        tuple(sorted(one.path for digest, one in after.items() if digest not in before)),
        tuple(sorted(one.path for digest, one in before.items() if digest not in after)),
        sum(one.size_bytes for digest, one in after.items() if digest not in before),
        (old.store.records, new.store.records),
        (old.source.commit, new.source.commit),
    )


def verify_artifact(
    remote: Remote,
    manifest: ArtifactManifest,
    *,
    deep: bool = False,
    schema: Schema[Any] = CODE,
    progress: Shown | None = None,
) -> list[Problem]:
    """What is wrong with an artifact. Without `deep`: blobs that are gone. With it every byte is read.

    Raises what the remote raises.
    """
    wanted = [blob.digest for blob in manifest.blobs()]
    there = remote.present_blobs(wanted)
    gone = [Problem(f"blob sha256:{digest}", "it is gone") for digest in wanted if digest not in there]
    if gone or not deep:
        return gone
    with fs.private_directory() as folder:
        store = os.path.join(folder, "store")
        try:
            with Incoming(store) as incoming:
                plan = plan_pull(manifest, ())
                fetch(remote, plan, incoming, progress)
                decode(manifest, plan, {}, incoming, progress)
                assemble(incoming.files, manifest, store, schema, b"", source="", details={})
            report = verify(store, deep=True, schema=schema)
            if not report.ok:
                return [Problem(one.where, one.message) for one in report.findings if one.advice]
            with RecordStore.open_with(store, schema, create=False, read_only=True) as opened:
                found = opened.stats().content_id
        except (ArtifactError, DiptychError) as error:
            return [Problem(getattr(error, "where", ""), error.message)]
    if found != manifest.content_id:
        return [Problem("its content id", f"it is {found}, and the manifest says {manifest.content_id}")]
    return []


def _listed(name: str, body: RefBody) -> ListedArtifact:
    return ListedArtifact(name, body.serial, body.manifest, body.moved_ms, body.by)
