"""Bytes written per byte changed, over many small commits and whatever follows from them."""

from __future__ import annotations

import shutil
import time
from functools import partial
from typing import Any

from tools.bench import agree, peers, proc
from tools.bench.context import Context, Row
from tools.bench.data import codec
from tools.bench.results import RowResult
from tools.bench.rows.commit import commit_record


class WriteSession:
    """Commits many times, closes, and asks the kernel what was written."""

    def __init__(self, peer: str, path: str, commits: int, limit_s: float) -> None:
        self._class = peers.peer_class(peer)
        self._path = path
        self._commits = commits
        self._limit_s = limit_s
        self._done = 0

    def round(self, _number: int) -> dict[str, float]:
        records = [commit_record(number) for number in range(self._commits)]
        peer = self._class(self._path)
        end = time.monotonic() + self._limit_s
        before = proc.written_bytes()
        changed = 0
        for record in records:
            peer.commit([record])
            changed += len(codec.pack(record))
            self._done += 1
            if time.monotonic() > end:
                break
        peer.settle()
        peer.close()
        after = proc.written_bytes()
        return {
            "to storage": (after["storage"] - before["storage"]) / changed,
            "in write calls": (after["calls"] - before["calls"]) / changed,
            "commits": self._done,
        }

    def answers(self) -> dict[str, Any]:
        peer = self._class(self._path)
        found = [peer.file(f"edited/file_{number}.py") for number in range(min(64, self._done))]
        peer.close()
        return {f"files after {self._done} small commits": agree.digest(found)}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    for point in ctx.generated():
        copies: list[str] = []

        def start(name: str, point: Any = point, copies: list[str] = copies) -> tuple[Any, ...]:
            copies.append(ctx.copy(ctx.fixture(name, point)))
            limit_s = ctx.size.round_limit_s * 10
            return (
                "tools.bench.rows.amplification:WriteSession", name, copies[-1],
                ctx.size.amplification_commits, limit_s,
            )

        names = ctx.choose("diptych", "sqlite full + fts5", "tantivy + pickle", "lmdb", "rocksdb", "duckdb")
        for name, rounds in ctx.duel(result, {name: partial(start, name) for name in names}, 1).items():
            commits = rounds[0]["commits"]
            note = "" if commits >= ctx.size.amplification_commits else f"stopped after {commits:,} commits"
            for metric in ("to storage", "in write calls"):
                result.add(name, metric, "B/B", point, [one[metric] for one in rounds], note=note)
        for place in copies:
            shutil.rmtree(place, ignore_errors=True)
        ours = result.find("diptych", "to storage", point)
        where = f"over {ctx.size.amplification_commits:,} commits at {point.files:,} files"
        result.judge(f"under 20 {where}", ours.value if ours else None, at_most=20, unit="B/B")


ROW = Row("amplification", "Bytes written per byte changed, small commits", "under 20", run)
