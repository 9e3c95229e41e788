"""SQLite: tables in normal form and an external-content FTS5 index, in WAL mode, as its manual advises."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from diptych.model import FileRecord, Range, Relation, Symbol
from tools.bench.data import codec
from tools.bench.peers.base import Found, Mode, Peer

_TABLES = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, content_hash TEXT, language TEXT{blob});
CREATE TABLE symbols (
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT,
    start_line INT, start_column INT, end_line INT, end_column INT,
    container TEXT, signature TEXT, documentation TEXT);
CREATE TABLE relations (
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL, kind TEXT, source TEXT, target TEXT NOT NULL,
    start_line INT, start_column INT, end_line INT, end_column INT);
CREATE VIRTUAL TABLE text USING fts5(
    name, signature, documentation, content='symbols', content_rowid='id');
"""
_INDEXES = """
CREATE INDEX symbols_name ON symbols (name);
CREATE INDEX symbols_file ON symbols (file);
CREATE INDEX relations_target ON relations (target);
CREATE INDEX relations_file ON relations (file);
"""
_NAMES = re.compile(r"CREATE INDEX (\w+)")
_SYMBOL = "name, kind, start_line, start_column, end_line, end_column, container, signature, documentation"
_FORGET_TEXT = """
INSERT INTO text (text, rowid, name, signature, documentation)
SELECT 'delete', id, name, signature, documentation FROM symbols WHERE file = ?
"""
_ADD_TEXT = """
INSERT INTO text (rowid, name, signature, documentation)
SELECT id, name, signature, documentation FROM symbols WHERE id > ?
"""


class SqliteFull(Peer):
    """Each commit is on disk when it returns."""

    name = "sqlite full + fts5"
    layout = "sqlite"
    about = "WAL, synchronous=FULL, tables in normal form, FTS5 with external content"
    synchronous: ClassVar[str] = "FULL"
    blob: ClassVar[bool] = False

    def __init__(self, path: str, *, mode: Mode = "usual") -> None:
        super().__init__(path, mode=mode)
        os.makedirs(path, exist_ok=True)
        self._database = os.path.join(path, "store.db")
        new = not os.path.exists(self._database)
        self.connection = self.connect()
        if new:
            self.connection.executescript(
                _TABLES.format(blob=", record BLOB" if self.blob else "") + _INDEXES
            )

    def connect(self) -> sqlite3.Connection:
        """A connection with the peer's settings; one for each thread."""
        connection = sqlite3.connect(
            self._database, isolation_level=None, timeout=60, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self.synchronous}")
        if self.mode == "manual":
            connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("PRAGMA mmap_size=1073741824")
        connection.execute("PRAGMA temp_store=MEMORY")
        return connection

    def commit(self, records: list[FileRecord], connection: sqlite3.Connection | None = None) -> None:
        db = connection or self.connection
        db.execute("BEGIN IMMEDIATE")
        numbers = [self._file_row(db, record) for record in records]
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM symbols").fetchone()
        for number, record in zip(numbers, records, strict=True):
            db.executemany(
                f"INSERT INTO symbols (file, {_SYMBOL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(number, s[0], s[1], *s[2], s[3], s[4], s[5]) for s in record.symbols],
            )
            db.executemany(
                "INSERT INTO relations VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(number, r[0], r[1], r[2], *r[3]) for r in record.relations],
            )
        # Text last, in one statement: FTS5 takes it in at once, and no index on file is needed for it.
        db.execute(_ADD_TEXT, (last,))
        db.execute("COMMIT")

    def _file_row(self, db: sqlite3.Connection, record: FileRecord) -> int:
        """The number of the file's row, which now says what the record does; without the file's symbols."""
        path = os.fsencode(record.path)
        row = db.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
        values = (record.content_hash, record.language) + ((codec.pack(record),) if self.blob else ())
        if row is None:
            marks = ", ?" * len(values)
            return db.execute(f"INSERT INTO files VALUES (NULL, ?{marks})", (path, *values)).lastrowid or 0
        number = int(row[0])
        more = ", record = ?" if self.blob else ""
        db.execute(f"UPDATE files SET content_hash = ?, language = ?{more} WHERE id = ?", (*values, number))
        db.execute(_FORGET_TEXT, (number,))
        db.execute("DELETE FROM symbols WHERE file = ?", (number,))
        db.execute("DELETE FROM relations WHERE file = ?", (number,))
        return number

    def load(self, batches: Iterable[list[FileRecord]]) -> None:
        # Indexes made after the rows are in cost less than indexes kept up with each row.
        for name in _NAMES.findall(_INDEXES):
            self.connection.execute(f"DROP INDEX {name}")
        super().load(batches)
        self.connection.executescript(_INDEXES)
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def for_thread(self) -> Iterator[Callable[[list[FileRecord]], None]]:
        connection = self.connect()
        try:
            yield lambda records: self.commit(records, connection)
        finally:
            connection.close()

    def checkpoint(self) -> None:
        # PASSIVE: the others wait for writers, and make them wait.
        connection = self.connect()
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        connection.close()

    def count(self) -> int:
        return int(self.connection.execute("SELECT count(*) FROM files").fetchone()[0])

    def file(self, path: str) -> FileRecord | None:
        execute = self.connection.execute
        row = execute(
            "SELECT id, content_hash, language FROM files WHERE path = ?", (os.fsencode(path),)
        ).fetchone()
        if row is None:
            return None
        number, digest, language = row
        symbols = execute(f"SELECT {_SYMBOL} FROM symbols WHERE file = ? ORDER BY id", (number,))
        relations = execute(
            "SELECT kind, source, target, start_line, start_column, end_line, end_column FROM relations"
            " WHERE file = ? ORDER BY id", (number,),
        )
        return FileRecord(
            path, digest, language,
            [Symbol(n, k, Range(a, b, c, d), o, s, t) for n, k, a, b, c, d, o, s, t in symbols],
            [Relation(k, s, t, Range(a, b, c, d)) for k, s, t, a, b, c, d in relations],
        )

    def symbols(self, name: str) -> list[Found]:
        rows = self.connection.execute(
            f"SELECT path, {_SYMBOL} FROM symbols JOIN files ON files.id = file WHERE name = ?", (name,)
        )
        return [_found(row) for row in rows]

    def search(self, terms: tuple[str, ...], limit: int) -> list[Found]:
        query = " AND ".join(f'"{term}"' for term in terms)
        # The ranked rowids first: joined straight away, SQLite reads the content of every match.
        rows = self.connection.execute(
            f"SELECT path, {_SYMBOL} FROM"
            " (SELECT rowid AS hit FROM text WHERE text MATCH ? ORDER BY rank LIMIT ?)"
            " JOIN symbols ON symbols.id = hit JOIN files ON files.id = file", (query, limit),
        )
        return [_found(row) for row in rows]

    def close(self) -> None:
        self.connection.close()


class SqliteNormal(SqliteFull):
    """A commit may be lost with the power; the database stays whole."""

    name = "sqlite normal + fts5"
    about = "WAL, synchronous=NORMAL: a crash of the machine may undo the latest commits"
    durable = False
    synchronous = "NORMAL"


class SqliteBlob(SqliteFull):
    """The packed record beside the tables: more bytes, one query fewer."""

    name = "sqlite + record as blob"
    layout = "sqlite-blob"
    about = "as sqlite full, and each file's record once more as a msgpack blob"
    blob = True

    def file(self, path: str) -> FileRecord | None:
        row = self.connection.execute(
            "SELECT record FROM files WHERE path = ?", (os.fsencode(path),)
        ).fetchone()
        return None if row is None else codec.unpack(row[0])


def _found(row: tuple) -> Found:  # type: ignore[type-arg]
    path, n, k, a, b, c, d, o, s, t = row
    return os.fsdecode(path), Symbol(n, k, Range(a, b, c, d), o, s, t)
