"""A commit, then a search that finds what it committed."""

from __future__ import annotations

import shutil
from functools import partial
from typing import Any

from tools.bench import agree, peers
from tools.bench.context import Context, Row, Stopwatch, add_latencies
from tools.bench.data import codec, generate
from tools.bench.results import RowResult
from tools.bench.rows.commit import SYMBOLS

FLOOR = "plain tantivy commit"
_MODULE = "tools.bench.rows.commit_search"
_LIMIT = 20


def marked(number: int) -> tuple[Any, str]:
    """A record, and a word that only it holds."""
    digits = number
    letters = ""
    for _ in range(5):
        digits, letter = divmod(digits, 26)
        letters += chr(97 + letter)
    mark = f"zzq{letters}"
    return generate.record(2_000 + number, number, SYMBOLS, path=f"marked/file_{number}.py", mark=mark), mark


class CommitSearchSession:
    """Commits a file and searches for it, again and again."""

    def __init__(self, peer: str, path: str, commits: int, limit_s: float) -> None:
        self._peer = peers.peer_class(peer)(path)
        self._commits = commits
        self._limit_s = limit_s
        self._done = 0
        self._found: list[Any] = []
        self._peer.search(("warm",), _LIMIT)

    def round(self, _number: int) -> list[float]:
        asked = [marked(self._done + ahead) for ahead in range(self._commits)]
        watch = Stopwatch(self._limit_s)
        for record, mark in asked:
            hits = watch.time(self._commit_and_search, record, mark)
            if [path for path, _ in hits] != [record.path]:
                raise agree.AnswersDifferError(f"a search for {mark} found {len(hits)} symbols, not 1")
            self._found.extend(hits)
            if watch.over:
                break
        self._done += len(watch.latencies)
        self._peer.settle()
        return watch.latencies

    def _commit_and_search(self, record: Any, mark: str) -> list[Any]:
        self._peer.commit([record])
        return self._peer.search((mark,), _LIMIT)

    def answers(self) -> dict[str, Any]:
        self._peer.close()
        # Slower contestants did fewer: what all of them did is compared.
        shared = [count for count in (1, 2, 5, 10, 20, 50, 100, 200) if count <= self._done]
        return {f"the first {count} searches": agree.digest(self._found[:count]) for count in shared}


class TantivyCommitSession:
    """Tantivy alone: add the documents, commit, reload, search; no snapshot is saved."""

    def __init__(self, path: str, commits: int) -> None:
        from tools.bench.peers import tantivy_index

        self._library = tantivy_index
        self._index = tantivy_index.create(f"{path}/search")
        self._writer = tantivy_index.writer(self._index)
        self._commits = commits
        self._done = 0

    def round(self, _number: int) -> list[float]:
        asked = [marked(self._done + ahead) for ahead in range(self._commits)]
        self._done += self._commits
        watch = Stopwatch(60)
        for record, mark in asked:
            hits = watch.time(self._commit_and_search, record, codec.pack(record), mark)
            if [path for path, _ in hits] != [record.path]:
                raise agree.AnswersDifferError(f"a search for {mark} found {len(hits)} symbols, not 1")
        return watch.latencies

    def _commit_and_search(self, record: Any, payload: bytes, mark: str) -> list[Any]:
        self._writer.delete_documents_by_term("path", record.path)
        self._library.add(self._writer, record, payload)
        self._writer.commit()
        self._index.reload()
        return self._library.search(self._index, (mark,), _LIMIT)

    def answers(self) -> dict[str, Any]:
        return {}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    for name in ("lmdb", "rocksdb", "duckdb"):
        result.absent[name] = peers.peer_class(name).lacks["search"]
    for point in ctx.generated():
        copies: list[str] = []

        def on_copy(
            session: str, name: str, *arguments: Any, point: Any = point, copies: Any = copies
        ) -> Any:
            copies.append(ctx.copy(ctx.fixture(name, point)))
            given = (name,) if session == "CommitSearchSession" else ()
            return (f"{_MODULE}:{session}", *given, copies[-1], *arguments)

        commits, limit_s = ctx.size.commits, ctx.size.round_limit_s
        starts: dict[str, Any] = {
            name: partial(on_copy, "CommitSearchSession", name, commits, limit_s)
            for name in ctx.choose("diptych", "sqlite full + fts5", "tantivy + pickle")
        }
        starts[FLOOR] = partial(on_copy, "TantivyCommitSession", "tantivy + pickle", commits)
        for name, rounds in ctx.duel(result, starts, ctx.size.rounds).items():
            add_latencies(result, name, rounds, point)
        for place in copies:
            shutil.rmtree(place, ignore_errors=True)
        where = f"at {point.files:,} files"
        ours = result.find("diptych", "p50", point)
        result.judge(f"p50 5 ms {where}", ours.value if ours else None, at_most=5, unit="ms")
        result.judge_ratio(f"p50 a third of plain Tantivy's {where}", FLOOR, "p50", point, at_most=1 / 3)


ROW = Row(
    "commit_search", "Commit, then a search that sees it", "p50 5 ms; a third of a plain Tantivy commit", run
)
