"""One durable commit of one file with 20 symbols, beside an append and fdatasync of the same bytes."""

from __future__ import annotations

import os
import shutil
from functools import partial
from typing import Any

from tools.bench import agree, peers
from tools.bench.context import Context, Row, Stopwatch, add_latencies
from tools.bench.data import codec, generate
from tools.bench.data.dataset import Dataset
from tools.bench.results import RowResult

SYMBOLS = 20
FLOOR = "append + fdatasync"
# So many paths are committed to in turn: first as new files, then as edits.
_PATHS = 64


def commit_record(number: int) -> Any:
    """The record of commit `number`: the same for every contestant."""
    return generate.record(1_000 + number, number, SYMBOLS, path=f"edited/file_{number % _PATHS}.py")


class CommitSession:
    """Commits one file after another to a copy of a store."""

    def __init__(self, peer: str, path: str, commits: int, limit_s: float) -> None:
        self._class = peers.peer_class(peer)
        self._path = path
        self._peer = self._class(path)
        self._commits = commits
        self._limit_s = limit_s
        self._done = 0

    def round(self, _number: int) -> list[float]:
        records = [commit_record(self._done + ahead) for ahead in range(self._commits)]
        watch = Stopwatch(self._limit_s)
        for record in records:
            watch.time(self._peer.commit, [record])
            if watch.over:
                break
        self._done += len(watch.latencies)
        self._peer.settle()
        return watch.latencies

    def answers(self) -> dict[str, Any]:
        """What is there after a close and a new open."""
        self._peer.close()
        peer = self._class(self._path)
        last = {record.path: record for record in map(commit_record, range(self._done))}
        found = {path: peer.file(path) for path in last}
        if found != last:
            raise agree.AnswersDifferError("a committed file does not read back as it was committed")
        answers = {
            "every committed file reads back": True,
            f"the files after {self._done} commits": agree.digest([peer.count(), *found.values()]),
        }
        peer.close()
        return answers


class AppendSession:
    """The floor: the same record's bytes at the end of a file, and fdatasync."""

    def __init__(self, path: str, commits: int) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._commits = commits
        self._done = 0

    def round(self, _number: int) -> list[float]:
        payloads = [codec.pack(commit_record(self._done + ahead)) for ahead in range(self._commits)]
        self._done += self._commits
        watch = Stopwatch(60)
        for payload in payloads:
            watch.time(self._append, payload)
        return watch.latencies

    def _append(self, payload: bytes) -> None:
        os.write(self._fd, payload)
        os.fdatasync(self._fd)

    def answers(self) -> dict[str, Any]:
        os.close(self._fd)
        return {}


def duel_at(ctx: Context, result: RowResult, point: Dataset) -> dict[str, list[list[float]]]:
    """Latencies of commits to stores that hold that data set, contestant by contestant."""
    names = ctx.choose(
        "diptych", "sqlite full + fts5", "tantivy + pickle", "tantivy + msgpack", "lmdb", "rocksdb", "duckdb"
    )
    copies: dict[str, str] = {}

    def start(name: str) -> tuple[Any, ...]:
        copies[name] = ctx.copy(ctx.fixture(name, point))
        module = "tools.bench.rows.commit:CommitSession"
        return (module, name, copies[name], ctx.size.commits, ctx.size.round_limit_s)

    log = ctx.new_place()
    starts: dict[str, Any] = {name: partial(start, name) for name in names}
    starts[FLOOR] = ("tools.bench.rows.commit:AppendSession", log, ctx.size.commits)
    try:
        return ctx.duel(result, starts, ctx.size.rounds)
    finally:
        for place in copies.values():
            shutil.rmtree(place, ignore_errors=True)
        if os.path.exists(log):
            os.unlink(log)


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    result.absent["sqlite normal + fts5"] = "left out: its commits are not durable when they return"
    for point in ctx.generated():
        for name, rounds in duel_at(ctx, result, point).items():
            lacks = {} if name == FLOOR else peers.peer_class(name).lacks
            note = "; ".join(lacks[what] for what in ("search", "atomic") if what in lacks)
            add_latencies(result, name, rounds, point, note=note)
        where = f"at {point.files:,} files"
        for metric in ("p50", "p99"):
            floor = f"{metric} 1.25 of append + fdatasync {where}"
            result.judge_ratio(floor, FLOOR, metric, point, at_most=1.25)
            beside = f"{metric} under SQLite FULL + FTS5's {where}"
            result.judge_ratio(beside, "sqlite full + fts5", metric, point, at_most=1.0)


ROW = Row(
    "commit", "Durable commit of one file (20 symbols)",
    "1.25 of append + fdatasync; faster than SQLite FULL + FTS5 (p50 and p99)", run,
)
