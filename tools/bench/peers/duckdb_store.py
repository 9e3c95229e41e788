"""DuckDB: columns, filled by lists as its manual advises instead of row by row."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from diptych.model import FileRecord
from tools.bench.data import codec
from tools.bench.peers.base import Found, Mode, Peer

_TABLES = """
CREATE TABLE files (path BLOB PRIMARY KEY, record BLOB);
CREATE TABLE symbols (name VARCHAR, path BLOB, place INTEGER);
CREATE TABLE relations (target VARCHAR, path BLOB, place INTEGER);
CREATE INDEX symbols_name ON symbols (name);
CREATE INDEX symbols_path ON symbols (path);
CREATE INDEX relations_target ON relations (target);
CREATE INDEX relations_path ON relations (path);
"""


class DuckDb(Peer):
    """Commits go through its write-ahead log, which it syncs."""

    name = "duckdb"
    layout = "duckdb"
    about = "two threads; records as msgpack; names and targets in indexed tables, filled by lists"
    lacks: ClassVar[dict[str, str]] = {
        "search": "its full-text extension is not in the package, and does not follow changes"
    }

    def __init__(self, path: str, *, mode: Mode = "usual") -> None:
        super().__init__(path, mode=mode)
        import duckdb

        os.makedirs(path, exist_ok=True)
        file = os.path.join(path, "store.duckdb")
        new = not os.path.exists(file)
        self.connection: Any = duckdb.connect(file, config={"threads": os.cpu_count() or 1})
        if new:
            self.connection.execute(_TABLES)

    @contextmanager
    def for_thread(self) -> Iterator[Callable[[list[FileRecord]], None]]:
        cursor = self.connection.cursor()
        try:
            yield lambda records: self.commit(records, cursor)
        finally:
            cursor.close()

    def commit(self, records: list[FileRecord], connection: Any = None) -> None:
        execute = (connection or self.connection).execute
        paths = [os.fsencode(record.path) for record in records]
        among = "IN (SELECT unnest(?::BLOB[]))"
        known = execute(f"SELECT path FROM files WHERE path {among}", (paths,)).fetchall()
        execute("BEGIN")
        if known:
            old = [row[0] for row in known]
            for table in ("symbols", "relations"):
                execute(f"DELETE FROM {table} WHERE path {among}", (old,))
        packed = [codec.pack(record) for record in records]
        execute(
            "INSERT OR REPLACE INTO files SELECT unnest(?::BLOB[]), unnest(?::BLOB[])", (paths, packed)
        )
        symbols, relations = [], []
        for path, data in zip(paths, packed, strict=True):
            names, targets = codec.places(data)
            symbols += [(name, path, offset) for name, offset in names]
            relations += [(target, path, 0) for target in targets]
        for table, rows in (("symbols", symbols), ("relations", relations)):
            if rows:
                execute(
                    f"INSERT INTO {table}"
                    " SELECT unnest(?::VARCHAR[]), unnest(?::BLOB[]), unnest(?::INTEGER[])",
                    tuple(map(list, zip(*rows, strict=True))),
                )
        execute("COMMIT")

    def load(self, batches: Iterable[list[FileRecord]]) -> None:
        super().load(batches)
        self.connection.execute("CHECKPOINT")

    def count(self) -> int:
        return int(self.connection.execute("SELECT count(*) FROM files").fetchone()[0])

    def file(self, path: str) -> FileRecord | None:
        row = self.connection.execute(
            "SELECT record FROM files WHERE path = ?", (os.fsencode(path),)
        ).fetchone()
        return None if row is None else codec.unpack(row[0])

    def symbols(self, name: str) -> list[Found]:
        rows = self.connection.execute(
            "SELECT s.path, place, record FROM symbols s JOIN files f ON f.path = s.path WHERE name = ?",
            (name,),
        ).fetchall()
        return [(os.fsdecode(bytes(path)), codec.symbol_at(data, offset)) for path, offset, data in rows]

    def close(self) -> None:
        self.connection.close()
