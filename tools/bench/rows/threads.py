"""Durable commits per second: one thread, and eight that commit at once."""

from __future__ import annotations

import shutil
import threading
import time
from functools import partial
from typing import Any

from tools.bench import agree, peers
from tools.bench.context import Context, Row
from tools.bench.data import generate
from tools.bench.data.dataset import Dataset
from tools.bench.peers.base import Mode
from tools.bench.results import RowResult
from tools.bench.rows.commit import SYMBOLS

THREADS = 8


class ThreadsSession:
    """Commits from several threads: each round first all from one, then as many from eight."""

    def __init__(self, peer: str, path: str, commits: int, mode: Mode) -> None:
        self._class = peers.peer_class(peer)
        self._path = path
        self._peer = self._class(path, mode=mode)
        self._commits = commits

    def round(self, number: int) -> tuple[float, float]:
        return self._rate(number, 1), self._rate(number, THREADS)

    def _rate(self, number: int, threads: int) -> float:
        work = [
            [
                generate.record(3_000 + number, index, SYMBOLS, path=f"thread_{thread}/file_{index}.py")
                for index in range(self._commits * THREADS // threads)
            ]
            for thread in range(threads)
        ]
        errors: list[BaseException] = []
        ready = threading.Barrier(threads + 1)

        def commit_all(records: list[Any]) -> None:
            try:
                with self._peer.for_thread() as commit:
                    ready.wait()
                    for record in records:
                        commit([record])
            except BaseException as error:
                errors.append(error)
                ready.abort()

        running = [threading.Thread(target=commit_all, args=(records,)) for records in work]
        for thread in running:
            thread.start()
        ready.wait()
        begin = time.perf_counter()
        for thread in running:
            thread.join()
        elapsed_s = time.perf_counter() - begin
        if errors:
            raise errors[0]
        self._peer.settle()
        return THREADS * self._commits / elapsed_s

    def answers(self) -> dict[str, Any]:
        self._peer.close()
        peer = self._class(self._path)
        found = [
            peer.file(f"thread_{thread}/file_{index}.py")
            for thread in range(THREADS)
            for index in range(self._commits)
        ]
        count = peer.count()
        peer.close()
        return {"what eight threads committed": agree.digest([count, found])}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    result.absent["tantivy + pickle"] = "has one writer, which must not be used by two threads at once"
    point = ctx.generated()[0]
    _commits(ctx, result, point, "usual", "")
    _commits(ctx, result, point, "manual", ", no checkpoints")
    for suffix in ("", ", no checkpoints"):
        ours = result.find("diptych", "8 ÷ 1" + suffix, point)
        result.judge(f"3 times one thread's rate{suffix}", ours.value if ours else None, at_least=3)


def _commits(ctx: Context, result: RowResult, point: Dataset, mode: Mode, suffix: str) -> None:
    copies: list[str] = []

    def start(name: str) -> tuple[Any, ...]:
        copies.append(ctx.copy(ctx.fixture(name, point)))
        return ("tools.bench.rows.threads:ThreadsSession", name, copies[-1], ctx.size.commits, mode)

    names = ctx.choose("diptych", "sqlite full + fts5", "lmdb", "rocksdb", "duckdb")
    for name, rounds in ctx.duel(
        result, {name: partial(start, name) for name in names}, ctx.size.rounds
    ).items():
        for metric, unit, values in (
            ("8 threads", "commits/s", [many for _, many in rounds]),
            ("1 thread", "commits/s", [one for one, _ in rounds]),
            ("8 ÷ 1", "×", [many / one for one, many in rounds]),
        ):
            result.add(name, metric + suffix, unit, point, values, more_is_better=True)
    for place in copies:
        shutil.rmtree(place, ignore_errors=True)


ROW = Row("threads", "Durable commits per second, 8 threads", "3 times the rate of 1 thread", run)
