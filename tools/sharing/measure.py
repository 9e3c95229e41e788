"""Index, push, change, push again, pull: what each step sends and what processor time it takes."""

from __future__ import annotations

import io
import os
import resource
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from diptych import Store, verify
from diptych.artifact.manifest import Source
from diptych.artifact.pull import pull
from diptych.artifact.push import push
from diptych.artifact.remotes.file import FileRemote
from diptych.indexer.grammar_versions import current
from diptych.workspace.freshness import update
from tools.sharing.counting import Counting
from tools.sharing.trees import allow_what_looks_secret, change, commit, git, repository_of


@dataclass(slots=True)
class Measured:
    """What was measured. Times are of the processor, in seconds, children included."""

    files: int = 0
    tar_bytes: int = 0
    tar_s: float = 0.0
    tar_elapsed_s: float = 0.0
    full_bytes: int = 0
    full_s: float = 0.0
    full_elapsed_s: float = 0.0
    index_s: float = 0.0
    delta_bytes: list[int] = field(default_factory=list)
    cold_bytes: list[int] = field(default_factory=list)
    """What one who has nothing would read after each push."""
    delta_requests: list[int] = field(default_factory=list)
    unchanged_requests: int = 0
    cold_pull_s: float = 0.0
    pull_s: float = 0.0
    pull_bytes: int = 0
    nearest_index_s: float = 0.0


def measure(source: Path, work: Path, *, pushes: int, share: float, compact_at: int, seed: int) -> Measured:
    """Do it all in the folder `work`."""
    tree, store = work / "tree", work / "tree" / ".diptych"
    repository_of(source, tree)
    measured = Measured()
    with _processor() as spent:
        _index(tree, store)
    measured.index_s = spent()
    allow_what_looks_secret(store)
    measured.files = sum(1 for _ in tree.rglob("*.py"))
    began_s = time.monotonic()
    measured.tar_bytes, measured.tar_s = _tar(store)
    measured.tar_elapsed_s = time.monotonic() - began_s
    with FileRemote(os.fspath(work / "remote")) as inner:
        remote = Counting(inner)
        began_s = time.monotonic()
        with _processor() as spent:
            first = push(os.fspath(store), remote, ref="branch/main", source=_source(tree), indexer=current())
        measured.full_bytes, measured.full_s = first.sent_bytes, spent()
        measured.full_elapsed_s = time.monotonic() - began_s
        with _processor() as spent:
            pull(remote, work / "cold" / ".diptych", ref="branch/main")
        measured.cold_pull_s = spent()
        for number in range(1, pushes + 1):
            change(tree, share, seed=seed * 1_000 + number)
            commit(tree)
            _index(tree, store)
            with Store.open(store) as opened:
                opened.checkpoint(compact=number == compact_at)
            remote.requests.clear()
            done = push(os.fspath(store), remote, ref="branch/main", source=_source(tree), indexer=current())
            measured.delta_bytes.append(done.sent_bytes)
            measured.cold_bytes.append(done.full_bytes)
            measured.delta_requests.append(len(remote.requests))
            if number == 1:
                with _processor() as spent:
                    near = pull(remote, work / "cold" / ".diptych", ref="branch/main")
                measured.pull_s, measured.pull_bytes = spent(), near.fetched_bytes
        remote.requests.clear()
        push(os.fspath(store), remote, ref="branch/main", source=_source(tree), indexer=current())
        measured.unchanged_requests = len(remote.requests)
        _nearest(tree, work, remote, measured)
    return measured


def _nearest(tree: Path, work: Path, remote: Counting, measured: Measured) -> None:
    """A fresh clone whose tree is one change of 1 % after the artifact: pull, then index."""
    clone = work / "clone"
    git(work, "clone", "-q", os.fspath(tree), os.fspath(clone))
    change(clone, 0.01, seed=0)
    commit(clone)
    with _processor() as spent:
        pull(remote, clone / ".diptych", ref="branch/main")
        _index(clone, clone / ".diptych")
    measured.nearest_index_s = spent()
    assert verify(clone / ".diptych").ok


def _source(tree: Path) -> Source:
    return Source(commit=git(tree, "rev-parse", "HEAD"), branch="main")


def _index(tree: Path, store: Path) -> None:
    with Store.open(store) as opened:
        update(os.fspath(tree), opened)


def _tar(store: Path) -> tuple[int, float]:
    """The size of the newest generation's files as `tar.gz -9`, and what making it takes."""
    out = io.BytesIO()
    with _processor() as spent:
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=9) as tar:
            for name in ("generations", "segments"):
                tar.add(store / name, name)
    return len(out.getvalue()), spent()


@contextmanager
def _processor() -> Iterator[object]:
    began_s = _spent_s()
    ended: list[float] = []
    yield lambda: (ended[0] if ended else _spent_s()) - began_s
    ended.append(_spent_s())


def _spent_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
