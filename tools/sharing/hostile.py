"""`python -m tools.sharing.hostile`: remotes that lie, drawn at random, and what a pull does with them.

Each input is what a stranger may serve: a ref, a manifest or a pack with damaged bytes; a manifest with its
right name whose fields are changed; a piece or a file with other contents, for which every checksum is right.
A pull either installs a store that is intact, or fails with one sentence and leaves the store as it was.
Beside the store nothing may appear but what is fetched, and that is bounded, as memory is.
"""

from __future__ import annotations

import argparse
import collections
import copy
import json
import os
import random
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from blake3 import blake3
from fuzz.mutate import mutated

from diptych import CheckpointPolicy, Store, verify
from diptych.artifact.documents import canonical
from diptych.artifact.encode import compress, compress_with_prefix, decompress
from diptych.artifact.names import digest_of
from diptych.artifact.pull import pull
from diptych.artifact.push import push
from diptych.artifact.ref_body import RefBody, decode_ref, encode_ref
from diptych.artifact.remotes.memory import MemoryRemote, MemoryStore
from diptych.errors import DiptychError
from tools.sharing.interleavings import record

REF = "branch/main"
MAX_BYTES = 32 << 20
MEMORY_MOST_BYTES = (128 + 64) << 20
_MESSAGE_MOST = 1_000
_STRANGE: tuple[Any, ...] = (
    *(-1, 0, 1, 2**31, 2**63 - 1, 2**63, 10**40, "", "x", "..", "/etc/passwd", "../../x", "a\0b", "\x1b[2J"),
    *("generations/../../x", "segments/" + "0" * 64 + "/../x", "é" * 300, "0" * 64, "zstd", "zstd-prefix"),
    *(None, True, [], {}, [[[[[[[[[]]]]]]]]], {"critical": ["x"]}, ["x"] * 2_000),
)


class Stranger:
    """A remote that can be had anew, with the ref at the second of two pushes."""

    def __init__(self, folder: str) -> None:
        made = os.path.join(folder, "made")
        self.clone = os.path.join(folder, "first", ".diptych")
        remote = MemoryRemote()
        _fill(made, range(6), 0)
        push(made, remote, ref=REF)
        first = pull(remote, self.clone, ref=REF)
        _fill(made, range(2, 4), 1)
        second = push(made, remote, ref=REF)
        self.contents = {first.content_id, second.content_id}
        self._kept = remote.store
        self.body = decode_ref(remote.store.refs[REF].data, where=REF)
        self.manifest = remote.store.manifests[self.body.manifest].data

    def again(self) -> MemoryStore:
        """The remote as it was."""
        kept = self._kept
        return replace(kept, blobs=dict(kept.blobs), manifests=dict(kept.manifests), refs=dict(kept.refs))


def _fill(path: str, numbers: range, version: int) -> None:
    with Store.open(path, policy=CheckpointPolicy(automatic=False)) as store:
        with store.transaction() as txn:
            for number in numbers:
                txn.index_file(record(f"{number}.py", version))
        store.checkpoint()


def damaged(stranger: Stranger, store: MemoryStore, rng: random.Random) -> None:
    """Bytes of a ref, a manifest or a pack are others."""
    table: dict[str, Any] = rng.choice((store.refs, store.manifests, store.blobs))
    name = rng.choice(sorted(table))
    if table is store.manifests:
        name = stranger.body.manifest
    table[name] = store.kept(mutated([kept.data for kept in table.values()], rng))


def strange_ref(_: Stranger, store: MemoryStore, rng: random.Random) -> None:
    """A field of the ref is another."""
    said = json.loads(store.refs[REF].data)
    said[rng.choice(sorted(said))] = copy.deepcopy(rng.choice(_STRANGE))
    store.refs[REF] = store.kept(canonical(said))


def strange_manifest(stranger: Stranger, store: MemoryStore, rng: random.Random) -> None:
    """Fields of the manifest are others, gone, twice there or those of another place; its name is right."""
    said = json.loads(stranger.manifest)
    for _ in range(rng.choice((1, 1, 2, 4))):
        holder, key = _place_in(said, rng)
        match rng.randrange(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case 2:
                other, at = _place_in(said, rng)
                holder[key] = copy.deepcopy(other[at])
            case _:
                holder[key] = copy.deepcopy(rng.choice(_STRANGE))
        if not said:
            break
    _offer(stranger, store, canonical(said))


def other_contents(stranger: Stranger, store: MemoryStore, rng: random.Random) -> None:
    """A file has other bytes, or a piece decodes to more than it says: every checksum is right."""
    said = json.loads(stranger.manifest)
    one = rng.choice([one for one in said["files"] if len(one["enc"]) == 1])
    piece = one["enc"][0]
    raw = store.blobs[piece["blob"]].data[piece["offset"] : piece["offset"] + piece["length"]]
    data = raw
    if piece["codec"] == "zstd":
        data = decompress(raw, piece["size"], where="x")
    match rng.randrange(4):
        case 0:
            encoded, said_size = compress(bytes(1 << rng.randrange(20, 28)), 3), piece["size"]
        case 1:
            encoded, said_size = compress_with_prefix(data, rng.randbytes(5_000)), len(data)
        case _:
            data = mutated([data], rng)
            encoded, said_size = compress(data, 3), len(data)
    piece |= {"codec": "zstd", "offset": 0, "length": len(encoded), "sha256": digest_of(encoded)}
    piece |= {"size": said_size, "blob": digest_of(encoded)}
    piece.pop("bases", None)
    one |= {"size": said_size, "blake3": blake3(data).hexdigest()}
    store.blobs[digest_of(encoded)] = store.kept(encoded)
    _offer(stranger, store, canonical(said))


LIES: tuple[Callable[[Stranger, MemoryStore, random.Random], None], ...] = (
    damaged,
    strange_ref,
    strange_manifest,
    other_contents,
)


def _place_in(value: Any, rng: random.Random) -> tuple[Any, Any]:
    """A list or table in a JSON value, and a place in it."""
    holders = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        inner = list(holder.values()) if isinstance(holder, dict) else holder
        if inner:
            holders.append(holder)
        waiting += [one for one in inner if isinstance(one, dict | list)]
    holder = rng.choice(holders or [{"": 0}])
    return holder, rng.choice(sorted(holder) if isinstance(holder, dict) else range(len(holder)))


def _offer(stranger: Stranger, store: MemoryStore, manifest: bytes) -> None:
    digest = digest_of(manifest)
    store.manifests[digest] = store.kept(manifest)
    body: RefBody = replace(stranger.body, manifest=digest, serial=stranger.body.serial + 1)
    store.refs[REF] = store.kept(encode_ref(body))


def check(stranger: Stranger, folder: str, seed: int) -> str:
    """Pull from one such remote; what came of it: "installed" or the name of the error.

    Raises AssertionError where something that must hold does not.
    """
    rng = random.Random(seed)
    store = stranger.again()
    lie = rng.choice(LIES)
    lie(stranger, store, rng)
    place = os.path.join(folder, "there")
    path = os.path.join(place, ".diptych")
    if not os.path.exists(path):
        shutil.copytree(stranger.clone, path)
    before, around = _seen(path), sorted(os.listdir(folder))
    try:
        done = pull(MemoryRemote(store), path, ref=REF, max_bytes=MAX_BYTES)
    except DiptychError as error:
        outcome, said = type(error).__name__, str(error)
        assert said and said.isprintable() and len(said) < _MESSAGE_MOST, f"no sentence: {said!r}"
        assert _seen(path) == before, "the store is another after a pull that failed"
    else:
        outcome = done.outcome
        assert verify(path, deep=True).ok, "what was installed is damaged"
        with Store.open(path, read_only=True) as opened:
            assert opened.stats().content_id in stranger.contents, "what was installed was never made"
        if outcome == "installed":
            shutil.rmtree(place)
    assert sorted(os.listdir(folder)) == around or outcome == "installed", (
        "something is outside of the folder"
    )
    if os.path.exists(place):
        assert set(os.listdir(place)) <= {".diptych", ".diptych.incoming"}, os.listdir(place)
        incoming = f"{path}.incoming"
        assert _bytes(incoming) <= 2 * MAX_BYTES, "what was fetched is not bounded"
        shutil.rmtree(incoming, ignore_errors=True)
    return f"{lie.__name__}: {outcome}"


def _seen(path: str) -> list[tuple[str, int, int, int]]:
    found = []
    for where, _, names in os.walk(path):
        for name in names:
            status = os.lstat(os.path.join(where, name))
            found.append((os.path.join(where, name), status.st_ino, status.st_size, status.st_mtime_ns))
    return sorted(found)


def _bytes(path: str) -> int:
    return sum(size for _, _, size, _ in _seen(path))


def main() -> int:
    """Try many; 0 where all that must hold does."""
    parser = argparse.ArgumentParser(prog="python -m tools.sharing.hostile", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="diptych-hostile-") as folder:
        stranger = Stranger(folder)
        began_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for seed in range(options.seed, options.seed + options.inputs):
            try:
                counts[check(stranger, folder, seed)] += 1
            except Exception as error:
                print(f"seed {seed}: {type(error).__name__}: {error}")
                return 1
        grown_bytes = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - began_kib)
    for name, count in sorted(counts.items()):
        print(f"{count:8,}  {name}")
    is_bounded = grown_bytes <= MEMORY_MOST_BYTES
    print(f"{options.inputs:,} hostile inputs, none got beyond the folder; {grown_bytes:,} bytes of memory")
    return 0 if is_bounded else 1


if __name__ == "__main__":
    sys.exit(main())
