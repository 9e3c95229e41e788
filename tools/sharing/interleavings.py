"""`python -m tools.sharing.interleavings`: pushes, promotions and collections in random order, step by step.

Every request to the remote is a step. A scheduler lets one actor at a time make one, chosen by a seeded
random number, and moves the clock by hours now and then, so that what takes a day in life takes none here.
After each removal and at the end no ref may name what is not there, and each acknowledged push is among the
ancestors of its branch, or of what a promotion replaced there, unless the branch was removed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from unittest import mock

from diptych import CheckpointPolicy, FileRecord, Range, Store, Symbol, content_hash
from diptych.artifact import push as push_module
from diptych.artifact import refs as refs_module
from diptych.artifact.errors import ArtifactError
from diptych.artifact.gc import collect
from diptych.artifact.local import LocalGeneration, newest_generation
from diptych.artifact.manifest import Source, decode_manifest
from diptych.artifact.promote import promote
from diptych.artifact.push import push
from diptych.artifact.ref_body import decode_ref
from diptych.artifact.remembered import Remembered
from diptych.artifact.remotes.base import Remote
from diptych.artifact.remotes.memory import MemoryRemote, MemoryStore
from diptych.artifact.retention import Policy, cleanup
from diptych.errors import DiptychError

HOUR_MS = 3_600_000
HANG_S = 120.0
BRANCHES = ("branch/one", "branch/two", "pr/1")


class FaultError(Exception):
    """What must not happen happened."""


@dataclass
class World:
    """A remote, a clock, and a scheduler whose turn decides who makes the next request."""

    rng: random.Random
    remote: MemoryStore = field(init=False)
    now_ms: int = 1_000_000_000_000
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    parents: dict[str, str] = field(default_factory=dict)
    """Of every manifest that was ever written: what a collection removed can be followed too."""
    replaced: list[tuple[str, str]] = field(default_factory=list)
    """Refs that a promotion moved, and what each named before."""
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.remote = MemoryStore(clock_ms=lambda: self.now_ms)
        self._turns: dict[str, threading.Semaphore] = {}
        self._back = threading.Semaphore(0)
        self._ended: set[str] = set()
        self.errors: list[BaseException] = []

    def run(self, actors: dict[str, Callable[[Remote], None]]) -> None:
        """Run the actors, one request at a time. Raises FaultError."""
        threads = []
        for name, actor in actors.items():
            self._turns[name] = threading.Semaphore(0)
            threads.append(threading.Thread(target=self._act, args=(name, actor), daemon=True))
        for thread in threads:
            thread.start()
        waiting = list(actors)
        while waiting:
            if self.rng.random() < 0.06:
                # Some of these end a push; those that do not may add up to a collection's grace.
                self.now_ms += self.rng.choice((1, 5, 9, 11, 14, 26)) * HOUR_MS
            name = self.rng.choice(waiting)
            self._turns[name].release()
            if not self._back.acquire(timeout=HANG_S):
                raise FaultError(f"{name} hangs")
            waiting = [one for one in waiting if one not in self._ended]
        for thread in threads:
            thread.join(HANG_S)
        if self.errors:
            raise FaultError(f"{self.errors[0]!r}") from self.errors[0]

    def step(self, name: str, what: str) -> None:
        """Wait for the turn of `name`."""
        self._back.release()
        if not self._turns[name].acquire(timeout=HANG_S):
            raise FaultError(f"{name} never has its turn")
        self.log.append(f"{name}: {what}")

    def _act(self, name: str, actor: Callable[[Remote], None]) -> None:
        self._turns[name].acquire()
        try:
            actor(Stepped(self, name))
        except BaseException as error:
            self.errors.append(error)
        finally:
            self._ended.add(name)
            self._back.release()

    def check(self) -> None:
        """Raise FaultError where a ref names what is not there."""
        for name, kept in self.remote.refs.items():
            digest = decode_ref(kept.data, where=name).manifest
            found = self.remote.manifests.get(digest)
            if found is None:
                raise FaultError(f"{name} names a manifest that is gone: {self.log[-40:]}")
            for blob in decode_manifest(found.data, where=name).blobs():
                if blob.digest not in self.remote.blobs:
                    raise FaultError(f"{name} lacks a blob: {self.log[-40:]}")

    def check_acknowledged(self) -> None:
        """Raise FaultError where an acknowledged push is not among the ancestors of its branch."""
        for ref, digest in self.acknowledged:
            kept = self.remote.refs.get(ref)
            if kept is None or ref in self.removed:
                continue
            heads = [decode_ref(kept.data, where=ref).manifest]
            heads += [manifest for moved, manifest in self.replaced if moved == ref]
            before: set[str] = set()
            for at in heads:
                while at and at not in before:
                    before.add(at)
                    at = self.parents[at]
            if digest not in before:
                raise FaultError(f"the push of {digest[:12]} to {ref} is lost: {self.log[-60:]}")


_REQUESTS = (
    "present_blobs",
    "read_blob",
    "write_blob",
    "read_manifest",
    "write_manifest",
    "read_ref",
    "write_ref",
    "delete_ref",
    "delete_blob",
    "delete_manifest",
    "store_time_ms",
    "read_document",
    "write_document",
    "list_documents",
    "delete_document",
)


class Stepped(MemoryRemote):
    """A client whose requests wait for their turn."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world.remote)
        self.world, self.name = world, name
        for request in _REQUESTS:
            setattr(self, request, self._stepped(request, getattr(super(), request)))

    def _stepped(self, request: str, does: Callable[..., object]) -> Callable[..., object]:
        def act(*given: object, **named: object) -> object:
            self.world.step(self.name, f"{request} {str(given[0])[:24] if given else ''}")
            done = does(*given, **named)
            if request == "write_manifest":
                self.world.parents[str(given[0])] = decode_manifest(given[1], where="").parent  # type: ignore[arg-type]
            if request == "delete_ref":
                self.world.removed.add(str(given[0]))
            if request.startswith("delete"):
                self.world.check()
            return done

        return act

    def list_refs(self, prefix: str = "") -> Iterator[object]:  # type: ignore[override]
        self.world.step(self.name, "list_refs")
        return iter(list(super().list_refs(prefix)))

    def list_blobs(self) -> Iterator[object]:  # type: ignore[override]
        self.world.step(self.name, "list_blobs")
        return iter(list(super().list_blobs()))

    def list_manifests(self) -> Iterator[object]:  # type: ignore[override]
        self.world.step(self.name, "list_manifests")
        return iter(list(super().list_manifests()))


def pusher(world: World, name: str, contents: list[LocalGeneration], pushes: int) -> Callable[[Remote], None]:
    """Pushes contents at random to refs at random, as a clone that remembers what it pushed."""
    rng = random.Random(world.rng.random())

    def act(remote: Remote) -> None:
        for number in range(pushes):
            chosen, ref = rng.choice(contents), rng.choice(BRANCHES)
            source = Source(commit=f"{rng.getrandbits(160):040x}") if rng.random() < 0.2 else Source()
            here.memory, here.generation = f"{name}", chosen
            with suppress(ArtifactError):
                done = push(
                    "", remote, ref=ref, source=source, force=True, clock_s=lambda: world.now_ms / 1000
                )
                if done.outcome == "pushed":
                    world.acknowledged.append((ref, done.manifest))
            del number

    return act


def promoter(world: World) -> Callable[[Remote], None]:
    """Makes channels and branches name what others do."""
    rng = random.Random(world.rng.random())

    def act(remote: Remote) -> None:
        for _ in range(8):
            targets = ("branch/one", "branch/two", "pr/1")
            with suppress(ArtifactError):
                done = promote(
                    remote, rng.choice(BRANCHES), rng.choice(targets), clock_s=lambda: world.now_ms / 1000
                )
                world.replaced.append((done.ref, done.before))

    return act


def collector(world: World) -> Callable[[Remote], None]:
    """Cleans up and collects, several times."""
    rng = random.Random(world.rng.random())

    def act(remote: Remote) -> None:
        for _ in range(6):
            with suppress(DiptychError):
                if rng.random() < 0.7:
                    policy = Policy(dict.fromkeys(("pr", "branch", "commit"), 0.2), "none", 0)
                    cleanup(remote, policy)
            collect(remote)

    return act


def run(seed: int, contents: list[LocalGeneration]) -> int:
    """One interleaving; returns how many steps it had. Raises FaultError."""
    world = World(random.Random(seed))
    actors: dict[str, Callable[[Remote], None]] = {
        f"push {number}": pusher(world, f"{seed}-{number}", contents, 8) for number in range(3)
    }
    actors |= {"promote": promoter(world), "collect": collector(world), "collect too": collector(world)}
    with faked():
        world.run(actors)
    world.check()
    world.check_acknowledged()
    return len(world.log)


class _Here(threading.local):
    """What the pusher of this thread pushes, and whose memory it has."""

    memory: str = ""
    generation: LocalGeneration | None = None


here = _Here()


@contextmanager
def faked() -> Iterator[None]:
    """Pushes without stores: of generations that are there already, with memories in memory."""
    memories: dict[str, Remembered] = {}

    def load(_: str) -> Remembered:
        return memories.get(here.memory, Remembered())

    def save(_: str, remembered: Remembered) -> None:
        memories[here.memory] = remembered

    with (
        mock.patch.object(push_module, "published_generation", lambda *_, **__: here.generation),
        mock.patch.object(push_module, "load", load),
        mock.patch.object(push_module, "save", save),
        mock.patch.object(refs_module.time, "sleep", lambda _: None),
    ):
        yield


def contents_in(folder: str, count: int = 4) -> list[LocalGeneration]:
    """Generations of a store that grows, each with the files that it shares with the one before."""
    found = []
    store = os.path.join(folder, "store")
    for number in range(count):
        with Store.open(store, policy=CheckpointPolicy(automatic=False)) as opened:
            with opened.transaction() as txn:
                for name in range(4):
                    txn.index_file(record(f"{name + 4 * number}.py", number))
            opened.checkpoint()
            generation = newest_generation(store)
            assert generation is not None
            copied = os.path.join(folder, f"copy-{number}")
            opened.fork(copied)
        # Files of its own: the store removes those of older generations.
        places = {
            one.path: os.path.join(copied, one.path) for one in generation.files if "segments" in one.path
        }
        manifest = next(one for one in generation.files if one.path not in places)
        kept = os.path.join(folder, f"manifest-{number}")
        with open(kept, "wb") as out:
            out.write(manifest.read())
        files = tuple(replace(one, place=places.get(one.path, kept)) for one in generation.files)
        found.append(LocalGeneration(store, generation.manifest, files, {}))
    return found


def record(path: str, version: int) -> FileRecord:
    """A file with three symbols, other ones in each version."""
    symbols = [Symbol(f"s{version}_{n}", "function", Range(n, 0, n, 5), "m", f"def s{n}()") for n in range(3)]
    return FileRecord(path, content_hash(f"{path}{version}".encode()), "python", symbols)


def main() -> int:
    """Run many; 0 where nothing went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.sharing.interleavings", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    steps = 0
    with tempfile.TemporaryDirectory() as folder:
        contents = contents_in(folder)
        for seed in range(options.seed, options.seed + options.runs):
            try:
                steps += run(seed, contents)
            except FaultError as error:
                print(f"seed {seed}: {error}")
                return 1
    print(f"{options.runs:,} interleavings of {steps:,} steps: nothing is lost, and no ref dangles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
