"""A checkpoint after one percent of the files changed, while commits go on."""

from __future__ import annotations

import os
import shutil
import threading
import time
from functools import partial
from typing import Any

from tools.bench import peers, stats
from tools.bench.context import Context, Row
from tools.bench.data import generate
from tools.bench.data.dataset import Dataset
from tools.bench.results import RowResult
from tools.bench.rows.commit import commit_record

FLOOR = "write + fsync of as many bytes"
_CHUNK_BYTES = 1 << 20


class CheckpointSession:
    """Each round: usual commits, checkpointed; one percent changed; commits while a thread checkpoints."""

    def __init__(self, peer: str, path: str, data: Dataset, commits: int) -> None:
        self._class = peers.peer_class(peer)
        self._path = path
        self._data = data
        self._commits = commits
        self._peer = self._class(path, mode="manual")
        self._done = 0

    def round(self, number: int) -> dict[str, Any]:
        usual = [self._commit() for _ in range(self._commits)]
        # These are not of the one percent: what is measured begins without them.
        self._peer.checkpoint()
        symbols = max(1, self._data.symbols // self._data.files)
        self._peer.commit([
            generate.record(5_000 + number, index * 100, symbols)
            for index in range(max(1, self._data.files // 100))
        ])
        before = _files(self._path)
        meanwhile: list[float] = []
        ended = threading.Event()
        failure: list[BaseException] = []

        def checkpoint() -> None:
            try:
                self._peer.checkpoint()
            except BaseException as error:
                failure.append(error)
            finally:
                ended.set()

        thread = threading.Thread(target=checkpoint)
        begin = time.perf_counter()
        thread.start()
        while not ended.is_set():
            meanwhile.append(self._commit())
        thread.join()
        elapsed_s = time.perf_counter() - begin
        if failure:
            raise failure[0]
        written = _written(self._path, before)
        return {
            "elapsed_s": elapsed_s, "usual_s": usual, "meanwhile_s": meanwhile, "bytes": written,
            "floor_s": _floor(f"{self._path}.floor", written),
        }

    def _commit(self) -> float:
        record = commit_record(self._done)
        self._done += 1
        begin = time.perf_counter()
        self._peer.commit([record])
        return time.perf_counter() - begin

    def answers(self) -> dict[str, Any]:
        """How many commits fit into a checkpoint differs; that the last of each path is there does not."""
        self._peer.close()
        peer = self._class(self._path)
        last = {record.path: record for record in map(commit_record, range(self._done))}
        kept = all(peer.file(path) == record for path, record in last.items())
        peer.close()
        return {"what was committed beside a checkpoint is there": kept}


def _files(path: str) -> dict[tuple[int, int], int]:
    """(inode, change time) to size, of what a generation is made of."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            if folder.startswith(os.path.join(path, "journal")) or name.endswith(("-wal", "-shm")):
                continue
            try:
                status = os.stat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            found[status.st_ino, status.st_mtime_ns] = status.st_size
    return found


def _written(path: str, before: dict[tuple[int, int], int]) -> int:
    """The bytes of files that are new or changed."""
    return sum(size for key, size in _files(path).items() if key not in before)


def _floor(path: str, size: int) -> float:
    """Seconds to write and fsync that many bytes."""
    chunk = os.urandom(_CHUNK_BYTES)
    begin = time.perf_counter()
    with open(path, "wb", buffering=0) as file:
        left = size
        while left > 0:
            left -= file.write(chunk[:left])
        os.fsync(file.fileno())
    elapsed_s = time.perf_counter() - begin
    os.unlink(path)
    return elapsed_s


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    for name in ("lmdb", "tantivy + pickle", "tantivy + msgpack"):
        result.absent[name] = peers.peer_class(name).lacks["checkpoint"]
    result.absent["duckdb"] = "refuses to checkpoint while a transaction writes"
    for point in ctx.generated():
        copies: list[str] = []

        def start(name: str, point: Any = point, copies: list[str] = copies) -> tuple[Any, ...]:
            copies.append(ctx.copy(ctx.fixture(name, point)))
            module = "tools.bench.rows.checkpoint:CheckpointSession"
            return (module, name, copies[-1], point, ctx.size.commits)

        starts = {
            name: partial(start, name) for name in ctx.choose("diptych", "sqlite full + fts5", "rocksdb")
        }
        for name, rounds in ctx.duel(result, starts, min(3, ctx.size.rounds)).items():
            _add(result, name, point, rounds)
        for place in copies:
            shutil.rmtree(place, ignore_errors=True)
        where = f"at {point.files:,} files"
        for metric, limit in (("÷ write + fsync", 2.0), ("p99 meanwhile ÷ usual", 5.0)):
            ours = result.find("diptych", metric, point)
            result.judge(f"{metric}: {limit:g} {where}", ours.value if ours else None, at_most=limit)


def _add(result: RowResult, name: str, point: Dataset, rounds: list[dict[str, Any]]) -> None:
    result.add(name, "checkpoint", "ms", point, [one["elapsed_s"] * 1e3 for one in rounds])
    if name == "diptych":
        # The others write into their files in place: which bytes they had to write cannot be told apart.
        result.add(name, "written", "MB", point, [one["bytes"] / 1e6 for one in rounds])
        result.add(FLOOR, "checkpoint", "ms", point, [one["floor_s"] * 1e3 for one in rounds])
        result.add(
            name, "÷ write + fsync", "×", point, [one["elapsed_s"] / one["floor_s"] for one in rounds]
        )
    usual = [stats.percentile(one["usual_s"], 0.99) for one in rounds]
    meanwhile = [stats.percentile(one["meanwhile_s"], 0.99) for one in rounds]
    result.add(name, "commit p99", "ms", point, [one * 1e3 for one in usual])
    result.add(name, "p99 meanwhile", "ms", point, [one * 1e3 for one in meanwhile])
    result.add(
        name, "p99 meanwhile ÷ usual", "×", point,
        [one / other for one, other in zip(meanwhile, usual, strict=True)],
    )


ROW = Row(
    "checkpoint", "Checkpoint after 1% changed, while commits go on",
    "twice the write + fsync of its bytes; commits' p99 meanwhile under 5 times the usual", run,
)
