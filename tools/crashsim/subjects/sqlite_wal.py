"""SQLite in WAL mode, with `synchronous=FULL`: each commit is durable when it returns.

The lock is exclusive because SQLite's shared-memory file would be a shared writable map, which the recorder
refuses.
"""

from __future__ import annotations

import sqlite3

from ..marks import Marks
from ..oracle import CheckError, check_prefix

MODES = ("open",)
EXPECTED = {
    "shared-memory": "without the exclusive lock SQLite keeps its index of the log in a shared writable map",
    "normal": "synchronous=NORMAL does not sync the log in each commit, and SQLite's manual says so",
}
_STEPS = {
    "three-commits": "ccc",
    "checkpoint": "cckcc",
    "rollback": "crc",
    "overwrite": "cooko",
    "shared-memory": "c",
    "normal": "cckcc",
}
WORKLOADS = tuple(_STEPS)

Rows = dict[int, bytes]


def accepts(workload: str) -> bool:
    """Whether there is such a workload."""
    return workload in _STEPS


def plan(workload: str) -> list[Rows]:
    """The rows after each transaction: element 0 is before the first."""
    states: list[Rows] = [{}]
    for step in _STEPS[workload]:
        number = len(states)
        if step in "co":
            key = number if step == "c" else 1
            states.append({**states[-1], key: _value(number)})
    return states


def _value(number: int) -> bytes:
    return bytes([number]) * (500 * number)


def run(workload: str, directory: str) -> None:
    """The recorded program."""
    marks = Marks()
    connection = _open(directory, exclusive=workload != "shared-memory")
    if workload == "normal":
        connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS items (key INTEGER PRIMARY KEY, value BLOB)")
    number = 0
    for step in _STEPS[workload]:
        if step == "k":
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            continue
        connection.execute("BEGIN")
        if step == "r":
            connection.execute("INSERT INTO items VALUES (999, 'rolled back')")
            connection.execute("ROLLBACK")
            continue
        number += 1
        key = number if step == "c" else 1
        connection.execute("INSERT OR REPLACE INTO items VALUES (?, ?)", (key, _value(number)))
        marks.issued(number)
        connection.execute("COMMIT")
        marks.acked(number)
    connection.close()


def _open(directory: str, *, exclusive: bool = True) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{directory}/items.db", isolation_level=None)
    if exclusive:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _rows(connection: sqlite3.Connection) -> Rows:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'items'").fetchone():
        return {}
    return dict(connection.execute("SELECT key, value FROM items"))


def recover(_workload: str, directory: str, _mode: str) -> None:
    """Open and close, which is what recovers."""
    connection = _open(directory)
    _rows(connection)
    connection.close()


def check(workload: str, directory: str, acked: int, issued: int) -> str:
    """Open, read, open again, write, reopen. Raises CheckError."""
    states = plan(workload)
    try:
        connection = _open(directory)
        if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            raise CheckError("damage", "PRAGMA integrity_check finds damage.")
        rows = _rows(connection)
        prefix = check_prefix(states, rows, acked, issued)
        connection.close()
        connection = _open(directory)
        if _rows(connection) != rows:
            raise CheckError("unstable", "A second recovery reads something else.")
        connection.execute("CREATE TABLE IF NOT EXISTS items (key INTEGER PRIMARY KEY, value BLOB)")
        connection.execute("INSERT INTO items VALUES (1000, 'after')")
        connection.close()
        connection = _open(directory)
        if _rows(connection) != {**rows, 1000: "after"}:
            raise CheckError("lost-write", "A write after recovery is not there after reopening.")
        connection.close()
    except sqlite3.DatabaseError as error:
        raise CheckError("will-not-open", f"{type(error).__name__}: {error}") from error
    return f"prefix {prefix}"
