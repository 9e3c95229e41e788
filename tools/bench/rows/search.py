"""Full-text search: one to three words that must all be there, the best twenty symbols."""

from __future__ import annotations

from typing import Any

from tools.bench import agree, peers, proc
from tools.bench.context import Context, Row, Stopwatch, add_latencies
from tools.bench.data.questions import Questions
from tools.bench.results import RowResult

LIMIT = 20
FLOOR = "tantivy alone"
_FLOOR_PEER = "tantivy + pickle"


class SearchSession:
    """Searches a store that is open and warm."""

    def __init__(self, peer: str, path: str, questions: Questions, limit_s: float) -> None:
        proc.pin(0)
        self._peer = peers.peer_class(peer)(path)
        self._questions = questions
        self._limit_s = limit_s
        for query in questions.queries[:5]:
            self._peer.search(query, LIMIT)

    def round(self, _number: int) -> list[float]:
        watch = Stopwatch(self._limit_s)
        for query in self._questions.queries:
            watch.time(self._peer.search, query, LIMIT)
            if watch.over:
                break
        return watch.latencies

    def answers(self) -> dict[str, Any]:
        """Ranked answers cannot be compared hit by hit: each is checked against a scan of the data."""
        for query in self._questions.queries:
            agree.require_search_is_right(
                type(self._peer).name, query, self._peer.search(query, LIMIT),
                matches=self._questions.matches[query], limit=LIMIT,
            )
        self._peer.close()
        return {"every search holds what a scan finds": True}


class TantivySearch:
    """The floor: the same queries to the same kind of index, and the stored fields of the hits."""

    def __init__(self, path: str, questions: Questions) -> None:
        proc.pin(0)
        from tools.bench.peers import tantivy_index

        self._library = tantivy_index
        self._index = tantivy_index.create(f"{path}/search")
        self._queries = questions.queries
        self.round(0)

    def round(self, _number: int) -> list[float]:
        watch = Stopwatch(60)
        for query in self._queries:
            watch.time(self._library.search, self._index, query, LIMIT)
        return watch.latencies

    def answers(self) -> dict[str, Any]:
        return {}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    for name in ("lmdb", "rocksdb", "duckdb"):
        result.absent[name] = peers.peer_class(name).lacks["search"]
    for point in ctx.real(result) + ctx.generated():
        questions = ctx.questions(point)
        starts: dict[str, Any] = {
            name: ctx.on_fixture("tools.bench.rows.search:SearchSession", name, point, questions)
            for name in ctx.choose("diptych", "sqlite full + fts5", "tantivy + pickle")
        }
        starts[FLOOR] = ("tools.bench.rows.search:TantivySearch", ctx.fixture(_FLOOR_PEER, point), questions)
        for name, rounds in ctx.duel(result, starts, ctx.size.rounds).items():
            note = "path and position of each hit, the symbol not fetched" if name == FLOOR else ""
            add_latencies(result, name, rounds, point, unit="µs", note=note)
        where = f"on {point.name}"
        result.judge_ratio(f"p50 1.3 of Tantivy alone {where}", FLOOR, "p50", point, at_most=1.3)
        result.judge_ratio(f"p50 under FTS5's {where}", "sqlite full + fts5", "p50", point, at_most=1)


ROW = Row(
    "search", "Full-text search, 1 to 3 terms, top 20", "1.3 of Tantivy alone; faster than FTS5", run
)
