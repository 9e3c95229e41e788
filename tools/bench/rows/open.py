"""Opening a store: warm, and with its files dropped from the kernel's cache; imports apart."""

from __future__ import annotations

import shutil
import time
from functools import partial
from typing import Any

from tools.bench import agree, peers, proc
from tools.bench.context import Context, Row
from tools.bench.data.questions import Questions
from tools.bench.results import RowResult

_PEERS = (
    "diptych", "sqlite full + fts5", "tantivy + pickle", "tantivy + msgpack", "lmdb", "rocksdb", "duckdb"
)
_METRICS = ("warm", "cold", "cold + first file()", "warm + first search")
_FLAT = 0.1


class OpenSession:
    """Opens a store in a process that has opened another, empty one: what is left is the store's own cost."""

    def __init__(self, peer: str, path: str, questions: Questions, empty: str) -> None:
        self._class = peers.peer_class(peer)
        self._path = path
        self._questions = questions
        warm = self._class(empty)
        warm.file("no/such/file.py")
        if "search" not in warm.lacks:
            warm.search(("nothing",), 1)
        warm.close()
        shutil.rmtree(empty, ignore_errors=True)

    def round(self, _number: int) -> dict[str, float]:
        figures = {}
        proc.forget_cached(self._path)
        begin = time.perf_counter()
        peer = self._class(self._path)
        figures["cold"] = time.perf_counter() - begin
        peer.file(self._questions.paths[0])
        figures["cold + first file()"] = time.perf_counter() - begin
        peer.close()
        # What the cold opening asked to be read ahead may be on its way still.
        proc.read_cached(self._path)
        begin = time.perf_counter()
        peer = self._class(self._path)
        figures["warm"] = time.perf_counter() - begin
        if "search" not in peer.lacks:
            peer.search(self._questions.queries[0], 20)
            figures["warm + first search"] = time.perf_counter() - begin
        peer.close()
        return figures

    def answers(self) -> dict[str, Any]:
        peer = self._class(self._path)
        found = [peer.file(path) for path in self._questions.paths[:20]]
        count = peer.count()
        peer.close()
        return {"files after opening": agree.digest([count, found])}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    result.notes.append(
        "cold: the store's pages are dropped from the kernel's cache (posix_fadvise), not from the disk's own"
    )
    for point in ctx.generated():
        questions = ctx.questions(point)

        def start(name: str, point: Any = point, questions: Any = questions) -> tuple[Any, ...]:
            fixture = ctx.fixture(name, point)
            return ("tools.bench.rows.open:OpenSession", name, fixture, questions, ctx.new_place())

        starts = {name: partial(start, name) for name in ctx.choose(*_PEERS)}
        for name, rounds in ctx.duel(result, starts, ctx.size.opens, restart=True).items():
            note = "unpickles everything" if name == "tantivy + pickle" else ""
            for metric in _METRICS:
                figures = [one[metric] * 1e3 for one in rounds if metric in one]
                if figures:
                    result.add(name, metric, "ms", point, figures, note=note)
        ours = {metric: result.find("diptych", metric, point) for metric in ("warm", "cold")}
        for metric, series in ours.items():
            target = f"{metric} under 10 ms at {point.files:,} files"
            result.judge(target, series.value if series else None, at_most=10, unit="ms")
    for curve in result.curves():
        if curve["contestant"] == "diptych" and curve["metric"] in ("warm", "cold"):
            target = f"flat when {curve['metric']} (exponent at most {_FLAT})"
            result.judge(target, curve["exponent"], at_most=_FLAT, unit="")


ROW = Row("open", "Open, cold and warm", "flat over size; under 10 ms", run)
