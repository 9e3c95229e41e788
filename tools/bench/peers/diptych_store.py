"""Diptych, through its public surface alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from diptych.model import FileRecord
from tools.bench.peers.base import Found, Mode, Peer

LOAD_PROCESSES = 2


class Diptych(Peer):
    """A commit returns once its frame of the journal is on disk."""

    name = "diptych"
    layout = "diptych"
    about = 'durability="journal"; a bulk load is `Store.load` with two processes, then a checkpoint'

    def __init__(self, path: str, *, mode: Mode = "usual") -> None:
        super().__init__(path, mode=mode)
        import diptych

        self.store = diptych.Store.open(
            path,
            durability="buffered" if mode == "bulk" else "journal",
            policy=diptych.CheckpointPolicy(automatic=mode == "usual"),
        )

    def commit(self, records: list[FileRecord]) -> None:
        with self.store.transaction() as txn:
            for record in records:
                txn.index_file(record)

    def load(self, batches: Iterable[list[FileRecord]]) -> None:
        self.store.load(itertools.chain.from_iterable(batches), processes=LOAD_PROCESSES)
        self.store.checkpoint()

    def checkpoint(self) -> None:
        self.store.checkpoint()

    def count(self) -> int:
        return len(self.store)

    def file(self, path: str) -> FileRecord | None:
        return self.store.file(path)

    def symbols(self, name: str) -> list[Found]:
        return [(hit.path, hit.symbol) for hit in self.store.symbols(name)]

    def search(self, terms: tuple[str, ...], limit: int) -> list[Found]:
        return [(hit.path, hit.symbol) for hit in self.store.search(" AND ".join(terms), limit=limit)]

    def close(self) -> None:
        self.store.close()
