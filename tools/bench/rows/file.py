"""`file(path)`: everything known of one file, decoded."""

from __future__ import annotations

from typing import Any

from tools.bench import agree, peers, proc
from tools.bench.context import Context, Row, Stopwatch, add_latencies
from tools.bench.data import codec
from tools.bench.data.dataset import Dataset
from tools.bench.data.questions import Questions
from tools.bench.results import RowResult

FLOOR = "unpacking its bytes"
_PEERS = (
    "diptych", "sqlite full + fts5", "sqlite + record as blob", "tantivy + pickle", "lmdb", "rocksdb",
    "duckdb",
)


class FileSession:
    """Looks up paths in a store that is open and warm."""

    def __init__(self, peer: str, path: str, questions: Questions, limit_s: float) -> None:
        proc.pin(0)
        self._peer = peers.peer_class(peer)(path)
        self._questions = questions
        self._limit_s = limit_s
        self._peer.file(questions.paths[0])

    def round(self, _number: int) -> list[float]:
        watch = Stopwatch(self._limit_s)
        for path in self._questions.paths:
            watch.time(self._peer.file, path)
            if watch.over:
                break
        return watch.latencies

    def answers(self) -> dict[str, Any]:
        found = [self._peer.file(path) for path in self._questions.paths[:200]]
        missing = self._peer.file("no/such/file.py")
        self._peer.close()
        return {"files by path": agree.digest(found), "a path that is not there": repr(missing)}


class UnpackSession:
    """The floor: the packed records are at hand, and only unpacked."""

    def __init__(self, data: Dataset, questions: Questions) -> None:
        proc.pin(0)
        wanted = set(questions.paths)
        packed = {record.path: codec.pack(record) for record in data.stream() if record.path in wanted}
        self._packed = [packed[path] for path in questions.paths]

    def round(self, _number: int) -> list[float]:
        watch = Stopwatch(60)
        for data in self._packed:
            watch.time(codec.unpack, data)
        return watch.latencies

    def answers(self) -> dict[str, Any]:
        return {"files by path": agree.digest([codec.unpack(data) for data in self._packed[:200]])}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    for point in ctx.real(result) + ctx.generated():
        questions = ctx.questions(point)
        starts: dict[str, Any] = {
            name: ctx.on_fixture("tools.bench.rows.file:FileSession", name, point, questions)
            for name in ctx.choose(*_PEERS)
        }
        starts[FLOOR] = ("tools.bench.rows.file:UnpackSession", point, questions)
        for name, rounds in ctx.duel(result, starts, ctx.size.rounds).items():
            note = "all records are held in memory" if name == "tantivy + pickle" else ""
            add_latencies(result, name, rounds, point, unit="µs", note=note)
        where = f"on {point.name}"
        result.judge_ratio(f"p50 within 2 of SQLite {where}", "sqlite full + fts5", "p50", point, at_most=2)
        ours, floor = result.find("diptych", "p50", point), result.find(FLOOR, "p50", point)
        beyond = ours.value - floor.value if ours and floor else None
        result.judge(f"p50 15 µs beyond unpacking {where}", beyond, at_most=15, unit="µs")


ROW = Row("file", "file(path), decoded", "within 2 of SQLite; 15 µs beyond unpacking its bytes", run)
