"""Resident memory, each figure in a fresh process: open, while loading, while checkpointing."""

from __future__ import annotations

import shutil
from functools import partial
from typing import Any

from tools.bench import agree, peers, proc
from tools.bench.context import Context, Row
from tools.bench.data import generate
from tools.bench.data.dataset import Dataset, batched
from tools.bench.data.questions import Questions
from tools.bench.results import RowResult
from tools.bench.rows.load import BATCH_FILES

_MODULE = "tools.bench.rows.memory"
_MB = 1_000_000
_FLAT = 0.1
BATCH_SYMBOLS = 20_000


class OpenSession:
    """Resident after opening, and the first lookup of each kind."""

    def __init__(self, peer: str, path: str, questions: Questions) -> None:
        self._peer = peer
        self._path = path
        self._questions = questions

    def round(self, _number: int) -> dict[str, float]:
        peer = peers.peer_class(self._peer)(self._path)
        peer.file(self._questions.paths[0])
        if self._questions.rare_names:
            peer.symbols(self._questions.rare_names[0])
        if "search" not in peer.lacks:
            peer.search(self._questions.queries[0], 20)
        now = proc.memory_bytes()
        self._answer = agree.digest([peer.count(), peer.file(self._questions.paths[0])])
        peer.close()
        return {"open": now["VmRSS"], "open, not of files": now["RssAnon"]}

    def answers(self) -> dict[str, Any]:
        return {"a file after opening": self._answer}


class LoadSession:
    """The highest while a store is filled from a stream that is never in memory as a whole."""

    def __init__(self, peer: str, path: str, data: Dataset) -> None:
        self._class = peers.peer_class(peer)
        self._path = path
        self._data = data

    def round(self, _number: int) -> dict[str, float]:
        shutil.rmtree(self._path, ignore_errors=True)
        peer = self._class(self._path, mode="bulk")
        proc.reset_peak()
        # A batch is in memory whole: by symbols, so that large files do not make it larger.
        files = min(BATCH_FILES, BATCH_SYMBOLS * self._data.files // self._data.symbols)
        peer.load(batched(self._data.stream(), files))
        peak = proc.memory_bytes()["VmHWM"]
        self._count = peer.count()
        peer.close()
        return {"loading, highest": peak}

    def answers(self) -> dict[str, Any]:
        shutil.rmtree(self._path, ignore_errors=True)
        return {"files loaded": self._count}


class CheckpointSession:
    """The highest while one percent of the files is changed and a generation is published."""

    def __init__(self, path: str, data: Dataset) -> None:
        self._path = path
        self._data = data

    def round(self, number: int) -> dict[str, float]:
        peer = peers.peer_class("diptych")(self._path, mode="manual")
        changed = max(1, self._data.files // 100)
        symbols = max(1, self._data.symbols // self._data.files)
        peer.commit([generate.record(4_000 + number, index * 100, symbols) for index in range(changed)])
        proc.reset_peak()
        before = proc.memory_bytes()["VmRSS"]
        peer.checkpoint()
        peak = proc.memory_bytes()["VmHWM"]
        peer.close()
        return {"checkpoint, highest": peak, "checkpoint, beyond open": peak - before}

    def answers(self) -> dict[str, Any]:
        return {}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    rounds = min(3, ctx.size.rounds)
    for point in ctx.generated():
        questions = ctx.questions(point)
        names = ctx.choose(
            "diptych", "sqlite full + fts5", "tantivy + pickle", "tantivy + msgpack", "lmdb", "rocksdb",
            "duckdb",
        )
        opens = {
            name: ctx.on_fixture(f"{_MODULE}:OpenSession", name, point, questions, limit=False)
            for name in names
        }
        _add(result, point, ctx.duel(result, opens, rounds, restart=True, fresh=True))
        loads: dict[str, Any] = {
            name: (f"{_MODULE}:LoadSession", name, ctx.new_place(), point)
            for name in ctx.choose("diptych", "sqlite normal + fts5", "tantivy + pickle", "lmdb", "rocksdb")
        }
        _add(result, point, ctx.duel(result, loads, 1, fresh=True))
        if ctx.choose("diptych"):
            _add(result, point, _checkpoints(ctx, result, point))
        where = f"at {point.files:,} files, {point.symbols:,} symbols"
        for metric, limit_mb in (("open", 80), ("loading, highest", 300)):
            ours = result.find("diptych", metric, point)
            target = f"{metric}: under {limit_mb} MB {where}"
            result.judge(target, ours.value if ours else None, at_most=limit_mb, unit="MB")
    for curve in result.curves():
        if curve["contestant"] == "diptych" and curve["metric"].startswith(("open", "checkpoint")):
            target = f"{curve['metric']}: not growing with the store (exponent at most {_FLAT})"
            result.judge(target, curve["exponent"], at_most=_FLAT, unit="")


def _checkpoints(ctx: Context, result: RowResult, point: Dataset) -> dict[str, list[Any]]:
    copies: list[str] = []

    def start() -> tuple[Any, ...]:
        copies.append(ctx.copy(ctx.fixture("diptych", point)))
        return (f"{_MODULE}:CheckpointSession", copies[-1], point)

    try:
        return ctx.duel(result, {"diptych": partial(start)}, 1, fresh=True)
    finally:
        for place in copies:
            shutil.rmtree(place, ignore_errors=True)


def _add(result: RowResult, point: Dataset, outcome: dict[str, list[Any]]) -> None:
    for name, rounds in outcome.items():
        for metric in rounds[0]:
            result.add(name, metric, "MB", point, [one[metric] / _MB for one in rounds])


ROW = Row(
    "memory", "Resident memory, the interpreter included",
    "open 80 MB; loading under 300 MB; checkpointing not growing with the store", run,
)
