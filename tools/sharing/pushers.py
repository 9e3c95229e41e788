"""`python -m tools.sharing.pushers`: many pushers at once to one ref, and which acknowledged pushes are lost.

Each pusher is a client of its own that pushes one content after the other to the same ref, as stores do that
remember what they pushed. A push is acknowledged when it returns. At the end the ref's manifest and its
ancestors, by `parent`, must be exactly the acknowledged manifests, and each blob must be there.

`--url` is any remote that compares and swaps; `memory` and `file` need no server. `--remote` starts the
server too, as `tools.sharing.everywhere` does. A remote that cannot compare and swap is refused by its probe,
and then nothing is counted: with `--own-refs` each pusher has a ref that nobody else moves, for which no
condition is needed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

from diptych.artifact.errors import ArtifactError
from diptych.artifact.local import LocalGeneration
from diptych.artifact.manifest import decode_manifest
from diptych.artifact.push import push
from diptych.artifact.refs import body_of
from diptych.artifact.remotes.base import Remote
from diptych.artifact.remotes.file import FileRemote
from diptych.artifact.remotes.memory import MemoryRemote, MemoryStore
from diptych.artifact.remotes.opening import open_remote
from tools.sharing.everywhere import REMOTES
from tools.sharing.interleavings import contents_in, faked, here

REF = "branch/main"


@dataclass(slots=True)
class Counted:
    """What came of it."""

    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    """Pushes that failed, and said so."""
    lost: int = 0
    extra: int = 0
    """Manifests that the ref leads to and nobody was told of: the answer was lost."""
    missing_blobs: int = 0
    elapsed_s: float = 0.0


def count(
    client: Callable[[], Remote],
    contents: list[LocalGeneration],
    pushers: int,
    pushes: int,
    *,
    own_refs: bool = False,
) -> Counted:
    """Let `pushers` clients push `pushes` times each, at once: all to one ref, or each to its own."""
    counted = Counted()
    began_s = time.monotonic()
    errors: list[BaseException] = []
    refs = [f"{REF}-{number}" if own_refs else REF for number in range(pushers)]

    def act(number: int) -> None:
        here.memory = f"pusher {number}"
        ref = refs[number]
        try:
            with client() as remote:
                for turn in range(pushes):
                    chosen = contents[(number + turn) % len(contents)]
                    here.generation = _renamed(chosen, 1 + number + turn * pushers)
                    try:
                        done = push("", remote, ref=ref, force=True)
                    except ArtifactError:
                        counted.refused += 1
                        continue
                    if done.outcome == "pushed":
                        counted.acknowledged.append(done.manifest)
        except BaseException as error:
            errors.append(error)

    with faked():
        threads = [threading.Thread(target=act, args=(number,)) for number in range(pushers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    counted.elapsed_s = time.monotonic() - began_s
    with client() as remote:
        _compare(remote, sorted(set(refs)), counted)
    return counted


def _renamed(generation: LocalGeneration, number: int) -> LocalGeneration:
    """The same files, as if they had another content: of the same a push would have nothing to send."""
    first, *others = generation.manifest.segments
    renamed = replace(first, content=number)
    return replace(generation, manifest=replace(generation.manifest, segments=(renamed, *others)))


def _compare(remote: Remote, refs: list[str], counted: Counted) -> None:
    line: set[str] = set()
    blobs: set[str] = set()
    for ref in refs:
        found = remote.read_ref(ref)
        digest = body_of(found.body, ref).manifest if found is not None else ""
        while digest and digest not in line:
            line.add(digest)
            manifest = decode_manifest(remote.read_manifest(digest), where=digest)
            blobs |= {blob.digest for blob in manifest.blobs()}
            digest = manifest.parent
    acknowledged = set(counted.acknowledged)
    counted.lost = len(acknowledged - line)
    counted.extra = len(line - acknowledged)
    counted.missing_blobs = len(blobs - remote.present_blobs(blobs))


def _client(url: str, folder: str, *, without_swap: bool = False) -> Callable[[], Remote]:
    if url == "memory":
        shared = MemoryStore()
        return lambda: MemoryRemote(shared)
    if url == "file":
        return lambda: FileRemote(os.path.join(folder, "remote"))
    return lambda: open_remote(url, without_swap=without_swap)


@contextmanager
def _served(name: str, folder: str) -> Iterator[Callable[[], Remote]]:
    """A client of a server that is started, and ended after it."""
    with REMOTES[name](Path(folder)) as reached, mock.patch.dict(os.environ, reached.environment):
        yield _client(reached.push, folder, without_swap="--no-cas" in reached.push_options)


def _below(folder: str, name: str) -> str:
    place = os.path.join(folder, name)
    os.mkdir(place)
    return place


def main() -> int:
    """Count on each remote; 0 where nothing is lost."""
    parser = argparse.ArgumentParser(prog="python -m tools.sharing.pushers", description=__doc__)
    parser.add_argument("--url", action="append", help="may be given again; default: memory, file")
    parser.add_argument("--remote", action="append", choices=list(REMOTES), default=[], help="and its server")
    parser.add_argument("--own-refs", action="store_true", help="each pusher has a ref of its own")
    parser.add_argument("--pushers", type=int, default=8)
    parser.add_argument("--pushes", type=int, default=1_000, help="by each")
    options = parser.parse_args()
    lost = 0
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        contents = contents_in(folder)
        clients = {name: stack.enter_context(_served(name, _below(folder, name))) for name in options.remote}
        for url in options.url or ([] if clients else ["memory", "file"]):
            clients[url] = _client(url, folder)
        for url, client in clients.items():
            done = count(client, contents, options.pushers, options.pushes, own_refs=options.own_refs)
            lost += done.lost + done.missing_blobs
            with suppress(BrokenPipeError):
                print(
                    f"{url}: {options.pushers} pushers × {options.pushes:,}: {len(done.acknowledged):,}"
                    f" acknowledged, {done.lost} lost, {done.missing_blobs} blobs missing;"
                    f" {done.refused:,} refused, {done.extra} unanswered; {done.elapsed_s:,.0f} s",
                    flush=True,
                )
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
