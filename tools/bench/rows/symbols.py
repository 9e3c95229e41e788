"""`symbols(name)`: the symbols of exactly that name, one hit and several."""

from __future__ import annotations

from typing import Any

from tools.bench import agree, peers, proc
from tools.bench.context import Context, Row, Stopwatch, add_latencies
from tools.bench.data.questions import Questions
from tools.bench.results import RowResult

_PEERS = ("diptych", "sqlite full + fts5", "tantivy + pickle", "lmdb", "rocksdb", "duckdb")


class SymbolsSession:
    """Looks up names in a store that is open and warm."""

    def __init__(self, peer: str, path: str, questions: Questions, limit_s: float) -> None:
        proc.pin(0)
        self._peer = peers.peer_class(peer)(path)
        self._questions = questions
        self._limit_s = limit_s
        self._peer.symbols("warm")

    def round(self, _number: int) -> tuple[list[float], list[float]]:
        return self._time(self._questions.rare_names), self._time(self._questions.shared_names)

    def _time(self, names: list[str]) -> list[float]:
        watch = Stopwatch(self._limit_s)
        for name in names:
            watch.time(self._peer.symbols, name)
            if watch.over:
                break
        return watch.latencies

    def answers(self) -> dict[str, Any]:
        asked = {
            "names with one symbol": self._questions.rare_names[:200],
            "names with several": self._questions.shared_names[:200],
            "a name that is not there": ["no such name"],
        }
        found = {
            question: agree.digest([agree.found(self._peer.symbols(name)) for name in names])
            for question, names in asked.items()
        }
        self._peer.close()
        return found


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    for point in ctx.real(result) + ctx.generated():
        questions = ctx.questions(point)
        starts = {
            name: ctx.on_fixture("tools.bench.rows.symbols:SymbolsSession", name, point, questions)
            for name in ctx.choose(*_PEERS)
        }
        for name, rounds in ctx.duel(result, starts, ctx.size.rounds).items():
            note = "all records are held in memory" if name == "tantivy + pickle" else ""
            add_latencies(result, name, [one for one, _ in rounds], point, unit="µs", note=note)
            several = [latency * 1e6 for _, many in rounds for latency in many]
            if several:
                per_round = [sum(many) / len(many) * 1e6 for _, many in rounds if many]
                result.add(name, "mean, 2–50 hits", "µs", point, per_round)
        where = f"on {point.name}"
        result.judge_ratio(f"p50 within 2 of SQLite {where}", "sqlite full + fts5", "p50", point, at_most=2)
        ours = result.find("diptych", "p50", point)
        result.judge(f"p50 under 40 µs {where}", ours.value if ours else None, at_most=40, unit="µs")


ROW = Row("symbols", "symbols(name), decoded", "within 2 of SQLite; 40 µs with one hit", run)
