"""Bytes on disk per symbol, after a bulk load: Diptych's two stores and journal counted apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

from diptych.layout import RECORDS
from diptych.store.generation import read_manifest
from tools.bench import proc
from tools.bench.context import Context, Row
from tools.bench.results import RowResult

_PEERS = (
    "diptych", "sqlite full + fts5", "sqlite + record as blob", "tantivy + pickle", "tantivy + msgpack",
    "lmdb", "rocksdb", "duckdb",
)


def part_of(listed: Collection[str]) -> Callable[[str], str]:
    """What a file of a Diptych store belongs to; `listed` are the segments of the newest generation."""

    def label(path: str) -> str:
        parts = path.split("/")
        if parts[0] == "journal":
            return "journal"
        if parts[0] == "segments" and len(parts) > 2:
            if parts[1] not in listed:
                return "older generation"
            return "snapshot" if parts[2] == RECORDS else "search index"
        return "manifests" if parts[0] in ("generations", "segments") else "other"

    return label


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    for point in ctx.real(result) + ctx.generated():
        for name in ctx.choose(*_PEERS):
            path = ctx.try_fixture(result, name, point)
            if path is None:
                continue
            in_all = sum(proc.folder_bytes(path).values())
            result.add(name, "in all", "B/symbol", point, [in_all / point.symbols])
            if name == "diptych":
                generations = os.path.join(path, "generations")
                newest = read_manifest(os.path.join(generations, max(os.listdir(generations))))
                listed = {one.digest for one in newest.segments}
                for part, size in sorted(proc.folder_bytes(path, part_of(listed)).items()):
                    result.add(name, part, "B/symbol", point, [size / point.symbols])
        result.judge_ratio(
            f"1.5 of SQLite + FTS5 on {point.name}", "sqlite full + fts5", "in all", point, at_most=1.5
        )


ROW = Row("disk", "Bytes on disk per symbol", "1.5 of SQLite + FTS5's, in all", run)
