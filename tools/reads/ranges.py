"""Reads in key order and by term, and SQLite that is asked the same."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from diptych import Store
from tools.bench.peers.sqlite import SqliteBlob
from tools.reads.timing import Times, time_each

COUNT = 100
_KEYS = "SELECT path FROM files WHERE path >= ? AND path < ? ORDER BY path LIMIT ?"
_TERMS = "SELECT name, count(*) FROM symbols WHERE name >= ? AND name < ? GROUP BY name"


class Compared(NamedTuple):
    """One kind of read."""

    name: str
    sqlite: Times
    diptych: Times


def fill(store: Store, path: str) -> SqliteBlob:
    """A database with the records of a store, also packed, each in one row."""
    peer = SqliteBlob(path)
    peer.load([list(store.files())])
    return peer


def measure(store: Store, peer: SqliteBlob, seed: int, rounds: int = 5) -> list[Compared]:
    """Keys of a prefix, terms of a prefix, records by name. Raises ValueError where the two differ."""
    execute = peer.connection.execute
    paths = [record.path for record in store.files()]
    draw = random.Random(seed)
    folders = sorted({path[: draw.randint(1, len(path))] for path in draw.sample(paths, min(20, len(paths)))})
    prefixes = ["get_", "par", "read"]
    names = [draw.sample(paths, min(COUNT, len(paths))) for _ in range(3)]
    reads: list[tuple[str, list[Any], Callable[[Any], Any], Callable[[Any], Any]]] = [
        (
            f"up to {COUNT} keys of a prefix",
            folders,
            lambda prefix: execute(
                _KEYS, (os.fsencode(prefix), _after(os.fsencode(prefix)), COUNT)
            ).fetchall(),
            lambda prefix: list(store.keys(prefix=prefix, limit=COUNT)),
        ),
        (
            "terms of a prefix",
            prefixes,
            lambda prefix: execute(_TERMS, (prefix, _after(prefix.encode()).decode())).fetchall(),
            lambda prefix: store.terms("symbols", prefix),
        ),
        (
            f"{COUNT} records",
            names,
            lambda some: [peer.file(name) for name in some],
            store.get_many,
        ),
    ]
    compared = []
    for name, questions, ask_sqlite, ask in reads:
        for question in questions:
            if _plain(ask_sqlite(question)) != _plain(ask(question)):
                raise ValueError(f"{name}: SQLite answers otherwise to {question!r:.100}")
        compared.append(Compared(name, *time_each(questions, [ask_sqlite, ask], rounds)))
    return compared


def _after(prefix: bytes) -> bytes:
    """The first text after all of those with an ASCII prefix."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def _plain(answers: list[Any]) -> list[Any]:
    """Answers as both give them."""
    plain = []
    for answer in answers:
        if isinstance(answer, tuple) and len(answer) == 1:
            answer = answer[0]
        elif isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], str):
            answer = (os.fsencode(answer[0]), answer[1])
        plain.append(answer)
    return plain
