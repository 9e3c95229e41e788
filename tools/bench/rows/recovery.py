"""Recovery after a kill: a log of changed files, none of them checkpointed, until a search sees the last."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any

from tools.bench import agree, peers
from tools.bench.context import Context, Row
from tools.bench.data import generate
from tools.bench.data.dataset import Dataset, batched
from tools.bench.results import RowResult
from tools.bench.worker import Worker

_MODULE = "tools.bench.rows.recovery"
_BATCH_FILES = 10


def changed(data: Dataset, files: int) -> list[Any]:
    """New contents for the first files of the store; the last carries a word of its own."""
    symbols = max(1, data.symbols // data.files)
    return [
        generate.record(6_000, index, symbols, mark="zzqrecovered" if index == files - 1 else "")
        for index in range(files)
    ]


class CrashSession:
    """Commits the changes durably, without a checkpoint; the caller then kills the process."""

    def __init__(self, peer: str, path: str, data: Dataset, files: int) -> None:
        self._peer = peers.peer_class(peer)(path, mode="manual")
        for batch in batched(changed(data, files), _BATCH_FILES):
            self._peer.commit(batch)


class RecoverSession:
    """Opens what the crash left."""

    def __init__(self, peer: str, path: str, data: Dataset, files: int, empty: str) -> None:
        self._class = peers.peer_class(peer)
        self._path = path
        self._last = changed(data, files)[-1]
        self._sample = changed(data, files)[:: max(1, files // 100)]
        self._class(empty).close()  # what is imported on first use is not part of a recovery

    def round(self, _number: int) -> dict[str, float]:
        begin = time.perf_counter()
        self._peer = self._class(self._path, mode="manual")
        opened_s = time.perf_counter() - begin
        if "search" not in self._peer.lacks:
            hits = self._peer.search(("zzqrecovered",), 20)
            if [path for path, _ in hits] != [self._last.path]:
                raise agree.AnswersDifferError(f"after recovery a search found {len(hits)} symbols, not 1")
        elif self._peer.file(self._last.path) != self._last:
            raise agree.AnswersDifferError("after recovery the last file is not as it was committed")
        return {"opened_s": opened_s, "seen_s": time.perf_counter() - begin}

    def answers(self) -> dict[str, Any]:
        found = [self._peer.file(record.path) for record in self._sample]
        count = self._peer.count()
        self._peer.close()
        return {"files after recovery": agree.digest([count, found])}


class BulkSession:
    """The same records, loaded in bulk into an empty Diptych store."""

    def __init__(self, path: str, data: Dataset, files: int) -> None:
        self._class = peers.peer_class("diptych")
        self._path = path
        self._records = changed(data, files)
        self._class(path).close()

    def round(self, _number: int) -> dict[str, float]:
        shutil.rmtree(self._path, ignore_errors=True)
        begin = time.perf_counter()
        peer = self._class(self._path, mode="bulk")
        peer.load(batched(self._records, 1_000))
        elapsed_s = time.perf_counter() - begin
        peer.close()
        return {"opened_s": elapsed_s, "seen_s": elapsed_s}

    def answers(self) -> dict[str, Any]:
        return {}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    rounds = min(3, ctx.size.rounds)
    points = ctx.generated()
    point = next((one for one in points if one.files >= ctx.size.recovery_files), points[-1])
    files = min(ctx.size.recovery_files, point.files)
    symbols = files * max(1, point.symbols // point.files)
    crashed: dict[str, str] = {}
    for name in ctx.choose("diptych", "sqlite full + fts5", "lmdb", "rocksdb"):
        with ctx.excused(result, name):
            place = ctx.copy(ctx.fixture(name, point))
            Worker(f"{_MODULE}:CrashSession", name, place, point, files).kill()
            crashed[name] = place
    for number in range(rounds):
        # A recovery changes the store: each round recovers a copy of what the crash left.
        copies = {name: ctx.copy(place) for name, place in crashed.items()}
        starts: dict[str, Any] = {
            name: (f"{_MODULE}:RecoverSession", name, copy, point, files, ctx.new_place())
            for name, copy in copies.items()
        }
        if ctx.choose("diptych"):
            starts["diptych, bulk load"] = (f"{_MODULE}:BulkSession", ctx.new_place(), point, files)
        for name, outcome in ctx.duel(result, starts, 1).items():
            for metric, key in (("until seen", "seen_s"), ("until open", "opened_s")):
                rate = symbols / outcome[0][key]
                series = result.find(name, metric, point)
                if series is None:
                    series = result.add(name, metric, "symbols/s", point, [rate], more_is_better=True)
                else:
                    series.rounds.append(rate)
                    series.value = sorted(series.rounds)[len(series.rounds) // 2]
        for copy in copies.values():
            shutil.rmtree(copy, ignore_errors=True)
        ctx.say(f"  recovery, round {number + 1} of {rounds}")
    for place in crashed.values():
        if os.path.isdir(place):
            shutil.rmtree(place)
    result.judge_ratio(
        f"{files:,} changed files, at the rate of a bulk load", "diptych, bulk load", "until seen", point,
        at_least=1,
    )


ROW = Row("recovery", "Recovery of a log of changed files", "at least the rate of a bulk load", run)
