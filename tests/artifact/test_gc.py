"""Collections beside pushes and promotions: what a ref comes to name stays, what nothing names goes."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.records import numbered
from tools.sharing.counting import Counting
from tools.sharing.interleavings import contents_in, run

from diptych.artifact.errors import CorruptArtifactError, HostileArtifactError, RemoteUnavailableError
from diptych.artifact.gc import GRACE_MS, Collected, collect
from diptych.artifact.inspection import verify_artifact
from diptych.artifact.manifest import Source, decode_manifest
from diptych.artifact.promote import promote
from diptych.artifact.push import push
from diptych.artifact.ref_body import decode_ref
from diptych.artifact.remotes.memory import MemoryRemote, MemoryStore
from diptych.artifact.retention import DAY_MS, DatedRef, Policy, cleanup, expired

from .support import check_installs, fill, some_records

DAY = GRACE_MS + 1


class World:
    """A remote whose clock the test moves, and two stores of which one continues the other."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = 1_000_000_000_000
        self.store = MemoryStore(clock_ms=lambda: self.now_ms)
        self.remote = MemoryRemote(self.store)
        self.first = os.path.join(folder, "first")
        self.second = os.path.join(folder, "second")
        fill(self.first, some_records(20))
        fill(self.second, some_records(20))
        self.folder = folder

    def push(self, store: str, ref: str, remote: MemoryRemote | Counting | None = None) -> str:
        """Push as a process that began now, by the clock of this world; returns the manifest."""
        done = push(store, remote or self.remote, ref=ref, force=True, clock_s=lambda: self.now_ms / 1000)
        return done.manifest

    def delete(self, ref: str) -> None:
        found = self.remote.read_ref(ref)
        assert found is not None
        self.remote.delete_ref(ref, expected=found.version)

    def collect_after(self, hours: float) -> Collected:
        self.now_ms += int(hours * 3_600_000)
        return collect(self.remote)

    def check(self) -> None:
        """No ref names what is not there."""
        for name, kept in self.store.refs.items():
            digest = decode_ref(kept.data, where=name).manifest
            manifest = decode_manifest(self.store.manifests[digest].data, where=name)
            assert {blob.digest for blob in manifest.blobs()} <= self.store.blobs.keys(), name


@pytest.fixture
def world(memory_path: Path) -> World:
    return World(memory_path)


class At(Counting):
    """A client for which something else happens right before its first request of a kind."""

    def __init__(self, inner: MemoryRemote, request: str, does: Callable[[], object]) -> None:
        super().__init__(inner)
        self._request, self._does = request, does

    def _count(self, name: str) -> None:
        super()._count(name)
        if name == self._request:
            self._request = ""
            self._does()


def test_what_nothing_names_is_removed_by_the_second_run_and_not_before(world: World) -> None:
    world.push(world.first, "branch/main")
    world.push(world.second, "pr/1")
    fill(world.second, numbered(30, version=5))
    world.push(world.second, "pr/2")
    blobs = len(world.store.blobs)
    world.delete("pr/1")
    world.delete("pr/2")
    assert world.collect_after(1).waiting == 0
    listed = world.collect_after(24)
    assert listed.waiting > 0
    assert listed.removed_blobs == 0
    assert world.collect_after(23).removed_blobs == 0
    removed = world.collect_after(2)
    assert removed.removed_blobs > 0
    assert removed.freed_bytes > 0
    assert len(world.store.blobs) < blobs
    assert world.remote.list_documents("gc/") == []
    world.check()
    check_installs(world.remote, world.folder, world.first, ref="branch/main")


def test_without_grace_two_runs_remove_what_was_just_pushed(world: World) -> None:
    world.push(world.first, "branch/main")
    fill(world.second, numbered(30, version=5))
    world.push(world.second, "pr/1")
    world.delete("pr/1")
    world.now_ms += 1
    assert collect(world.remote, grace_ms=0).waiting > 0
    removed = collect(world.remote, grace_ms=0)
    assert removed.removed_blobs > 0
    assert removed.removed_manifests == 1
    assert removed.kept == 0
    world.check()
    check_installs(world.remote, world.folder, world.first, ref="branch/main")


def test_a_dry_run_removes_and_lists_nothing(world: World) -> None:
    world.push(world.first, "pr/1")
    world.delete("pr/1")
    world.now_ms += DAY
    assert collect(world.remote, dry_run=True).waiting > 0
    assert world.remote.list_documents("gc/") == []
    world.collect_after(0)
    world.now_ms += DAY
    blobs = dict(world.store.blobs)
    assert collect(world.remote, dry_run=True).removed_blobs > 0
    assert world.store.blobs == blobs


def test_a_push_that_reuses_what_became_a_candidate_meanwhile_keeps_it(world: World) -> None:
    """Between the push's question and the move of its ref, the ref is removed, and a collection begins."""
    world.push(world.first, "pr/1")
    fill(world.first, numbered(2, version=1))
    world.now_ms += DAY

    def remove_and_collect() -> None:
        world.delete("pr/1")
        assert collect(world.remote).waiting > 0

    world.push(world.first, "pr/1", At(world.remote, "write_manifest", remove_and_collect))
    collected = world.collect_after(25)
    assert collected.kept > 0
    world.check()


def test_a_push_reuses_what_a_promotion_made_reachable_while_a_collection_began(world: World) -> None:
    """The second collection sees no ref to it, and must see that it was in use since the first."""
    world.push(world.first, "pr/1")
    world.now_ms += DAY

    def remove_and_collect() -> None:
        world.delete("pr/1")
        collect(world.remote)

    slow = At(world.remote, "write_ref", remove_and_collect)
    promote(slow, "pr/1", "pr/2", clock_s=lambda: world.now_ms / 1000)
    world.now_ms += DAY
    fill(world.first, numbered(2, version=1))

    def remove_again_and_collect() -> None:
        world.delete("pr/2")
        collect(world.remote)

    world.push(world.first, "pr/2", At(world.remote, "write_manifest", remove_again_and_collect))
    world.check()


def test_a_push_of_the_same_under_another_ref_makes_its_manifest_young(world: World) -> None:
    """So that a collection that began before does not remove it."""
    world.push(world.first, "pr/1")
    world.now_ms += DAY
    commit = Source(commit="a" * 40)

    def remove_and_collect() -> None:
        world.delete("pr/1")
        collect(world.remote)

    slow = At(world.remote, "write_ref", remove_and_collect)
    done = push(world.first, slow, ref="pr/1", source=commit, clock_s=lambda: world.now_ms / 1000)
    assert done.outcome == "unchanged"
    world.collect_after(25)
    world.check()
    assert world.remote.read_ref(f"commit/{'a' * 40}") is not None


def test_a_push_that_took_too_long_moves_nothing(world: World) -> None:
    world.push(world.first, "pr/1")
    fill(world.first, numbered(2, version=1))
    world.now_ms += DAY

    def remove_and_collect_all() -> None:
        world.delete("pr/1")
        collect(world.remote)
        assert world.collect_after(25).removed_blobs > 0

    with pytest.raises(RemoteUnavailableError):
        world.push(world.first, "pr/1", At(world.remote, "write_manifest", remove_and_collect_all))
    world.check()


def test_no_blob_is_ever_written_twice(world: World) -> None:
    """A blob that is being removed is not the one that a push of the same content writes."""
    world.push(world.first, "pr/1")
    first = set(world.store.blobs)
    Path(world.first, "REMOTES").unlink()
    world.push(world.first, "pr/2")
    assert len(world.store.blobs) == len(first) + 1


def test_a_ref_to_what_is_gone_stops_a_collection(world: World) -> None:
    world.push(world.first, "pr/1")
    world.push(world.second, "pr/2")
    world.delete("pr/2")
    (kept,) = [decode_ref(one.data, where="x").manifest for one in world.store.refs.values()]
    world.remote.delete_manifest(kept)
    with pytest.raises(CorruptArtifactError, match="gone"):
        collect(world.remote)


def test_a_list_of_candidates_that_is_damaged_stops_a_collection(world: World) -> None:
    world.push(world.first, "pr/1")
    world.remote.write_document("gc/00000000000000000001.json", b"{}")
    with pytest.raises(HostileArtifactError):
        collect(world.remote)


def test_what_is_kept_for_how_long() -> None:
    def ref(name: str, days: float, manifest: str = "") -> DatedRef:
        return DatedRef(name, "v", manifest or name, 1_000 * DAY_MS - int(days * DAY_MS))

    refs = [
        ref("branch/main", 400, "m1"),
        ref("branch/old", 15),
        ref("branch/young", 13),
        ref("channel/stable", 900, "m2"),
        ref("pr/1", 8),
        ref("pr/2", 6),
        ref("user/me", 8),
        ref(f"commit/{'1' * 40}", 300, "m1"),
        ref(f"commit/{'2' * 40}", 300, "m2"),
        ref(f"commit/{'3' * 40}", 300),
        ref(f"commit/{'4' * 40}", 8),
        ref(f"commit/{'5' * 40}", 6),
    ]
    found = expired(refs, 1_000 * DAY_MS, Policy(keep_latest=1))
    assert [one.name for one in found] == [
        "branch/old",
        f"commit/{'3' * 40}",
        f"commit/{'4' * 40}",
        "pr/1",
        "user/me",
    ]
    assert all("days ago" in one.reason for one in found)
    assert expired(refs, 1_000 * DAY_MS, Policy(days={}, keep_latest=0)) == []


def test_a_ref_that_moved_while_it_was_cleaned_up_is_kept(world: World) -> None:
    world.push(world.first, "pr/1")
    world.now_ms += 10 * DAY_MS

    def move() -> None:
        fill(world.first, numbered(2, version=1))
        world.push(world.first, "pr/1")

    assert cleanup(At(world.remote, "delete_ref", move)) == []
    assert world.remote.read_ref("pr/1") is not None


def test_a_blob_that_is_gone_or_damaged_is_found(world: World) -> None:
    digest = world.push(world.first, "branch/main")
    manifest = decode_manifest(world.remote.read_manifest(digest), where="x")
    assert verify_artifact(world.remote, manifest, deep=True) == []
    (blob,) = manifest.blobs()
    data = bytearray(world.store.blobs[blob.digest].data)
    data[random.Random(1).randrange(30, len(data))] ^= 1
    world.store.blobs[blob.digest].data = bytes(data)
    assert verify_artifact(world.remote, manifest) == []
    assert verify_artifact(world.remote, manifest, deep=True) != []
    world.remote.delete_blob(blob.digest)
    assert verify_artifact(world.remote, manifest) != []


def test_random_interleavings_lose_nothing(tmp_path: Path) -> None:
    """More of them: `python -m tools.sharing.interleavings`."""
    contents = contents_in(os.fspath(tmp_path))
    assert sum(run(seed, contents) for seed in range(2)) > 200
