"""Bulk load into an empty store, to the point where all of it is durable and can be read and searched."""

from __future__ import annotations

import gc
import itertools
import json
import os
import shutil
import time
from typing import Any

from tools.bench import agree, peers
from tools.bench.context import Context, Row, Start
from tools.bench.data.dataset import Dataset, batched
from tools.bench.results import RowResult

BATCH_FILES = 1_000
_FLOOR = "tantivy alone"
# Beyond this many symbols one round shows what three would: rounds are for small, noisy figures.
_ONE_ROUND_SYMBOLS = 120_000


class LoadSession:
    """Fills a new store each round; the last one stays."""

    def __init__(self, peer: str, path: str, data: Dataset, check: bool = True) -> None:
        self._class = peers.peer_class(peer)
        self._path = path
        self._data = data
        self._check = check
        self._class(path).close()  # what is imported on first use is not part of a load

    def round(self, _number: int) -> float:
        shutil.rmtree(self._path, ignore_errors=True)
        # Read anew for each round: the contestants take turns, and must not all hold the data meanwhile.
        records = self._data.records()
        _set_aside()
        begin = time.perf_counter()
        peer = self._class(self._path, mode="bulk")
        peer.load(batched(records, BATCH_FILES))
        elapsed_s = time.perf_counter() - begin
        peer.close()
        return elapsed_s

    def finish(self) -> None:
        """Leave the store closed, for others to read."""

    def answers(self) -> dict[str, Any]:
        if not self._check:
            return {}
        peer = self._class(self._path)
        sample = list(itertools.islice(self._data.stream(), 0, None, max(1, self._data.files // 200)))
        answers: dict[str, Any] = {
            "how many files were loaded": peer.count(),
            "a sample of files": agree.digest([peer.file(record.path) for record in sample]),
        }
        if "symbols" not in peer.lacks:
            answers["a sample of symbols"] = agree.digest(
                [agree.found(peer.symbols(one.symbols[0].name)) for one in sample if one.symbols]
            )
        peer.close()
        return answers


class TantivyAlone:
    """The floor: the very documents that Diptych's search leaf has, made before the clock starts, added in
    the way that proved fastest and committed once, with nothing around it."""

    def __init__(self, path: str, data: Dataset) -> None:
        import tantivy

        from diptych.schema.code import CODE
        from diptych.search.documents import item_documents, record_document, tantivy_schema

        self._tantivy = tantivy
        self._schema = tantivy_schema(CODE)
        self._path = path
        self._documents = lambda: [
            document
            for record in data.stream()
            for key, payload in [(CODE.key_of(record), CODE.pack(record))]
            for document in (
                record_document(key, 0, payload),
                *map(_plain, item_documents(CODE, key, CODE.documents(key, payload))),
            )
        ]

    def round(self, _number: int) -> float:
        shutil.rmtree(self._path, ignore_errors=True)
        os.makedirs(self._path)
        documents = self._documents()
        _set_aside()
        begin = time.perf_counter()
        writer = self._tantivy.Index(self._schema, self._path).writer()
        new = self._tantivy.Document
        for fields in documents:
            document = new()
            for name, value in fields.items():
                if type(value) is list:
                    for text in value:
                        document.add_text(name, text)
                elif type(value) is str:
                    document.add_text(name, value)
                elif type(value) is int:
                    document.add_unsigned(name, value)
                else:
                    document.add_bytes(name, value)
            writer.add_document(document)
        writer.commit()
        elapsed_s = time.perf_counter() - begin
        writer.wait_merging_threads()
        return elapsed_s

    def answers(self) -> dict[str, Any]:
        return {}


def _plain(document: str) -> dict[str, Any]:
    """A document without empty fields, and without an array around a number."""
    fields = {name: value for name, value in json.loads(document).items() if value != []}
    return fields | {"_weight": fields["_weight"][0]}


def _set_aside() -> None:
    """Keep Python's garbage collector off what the benchmark itself holds: to walk it is no one's work."""
    gc.collect()
    gc.freeze()


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    points = ctx.real(result) + ctx.generated()
    for point in points:
        names = ctx.choose(
            "diptych", "sqlite normal + fts5", "sqlite full + fts5", "tantivy + pickle", "tantivy + msgpack",
            "lmdb", "rocksdb", "duckdb",
        )
        places = {name: ctx.new_place() for name in names}
        ctx.say(f"  {point.name}: {point.files:,} files, {point.symbols:,} symbols ...")
        starts: dict[str, Start] = {
            name: ("tools.bench.rows.load:LoadSession", name, places[name], point) for name in names
        }
        floor = ctx.new_place()
        starts[_FLOOR] = ("tools.bench.rows.load:TantivyAlone", floor, point)
        rounds = 1 if point.symbols > _ONE_ROUND_SYMBOLS else min(3, ctx.size.rounds)
        for name, taken in ctx.duel(result, starts, rounds).items():
            result.add(
                name, "rate", "symbols/s", point, [point.symbols / elapsed_s for elapsed_s in taken],
                more_is_better=True, note=_note(name),
            )
        for name, place in places.items():
            if result.find(name, "rate", point) is not None:
                ctx.keep_as_fixture(name, point, place)
        shutil.rmtree(floor, ignore_errors=True)
        where = f"on {point.name}"
        result.judge_ratio(f"0.85 of Tantivy alone {where}", _FLOOR, "rate", point, at_least=0.85)
        result.judge_ratio(
            f"at least SQLite NORMAL + FTS5 {where}", "sqlite normal + fts5", "rate", point, at_least=1.0
        )


def _note(name: str) -> str:
    if name == _FLOOR:
        return "documents only: no lookup by path or name, no journal"
    lacks = peers.peer_class(name).lacks
    return "; ".join(lacks[what] for what in ("search", "atomic") if what in lacks)


ROW = Row(
    "load", "Bulk load into an empty store",
    "0.85 of the rate of Tantivy alone; at least SQLite NORMAL + FTS5's", run,
)
