"""Plain Tantivy beside a dict of records that is written out whole: what is done today without a store."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable
from typing import Any, ClassVar

import msgpack

from diptych.model import FileRecord
from tools.bench.data import codec
from tools.bench.peers.base import Found, Mode, Peer


class TantivyPickle(Peer):
    """Each commit commits Tantivy and replaces the pickled snapshot, with its fsyncs.

    The two are not one transaction: a crash between them leaves them apart.
    """

    name = "tantivy + pickle"
    layout = "tantivy-pickle"
    about = "tantivy-py, and a dict pickled whole to a temporary file, fsynced and renamed"
    lacks: ClassVar[dict[str, str]] = {
        "atomic": "a crash can leave index and snapshot apart",
        "checkpoint": "has no log: each commit writes the whole snapshot",
    }
    file_name: ClassVar[str] = "snapshot.pickle"

    def __init__(self, path: str, *, mode: Mode = "usual") -> None:
        super().__init__(path, mode=mode)
        from tools.bench.peers import tantivy_index

        self._library = tantivy_index
        os.makedirs(path, exist_ok=True)
        self._index = tantivy_index.create(os.path.join(path, "search"))
        self._writer: Any = None
        self._records: dict[str, FileRecord] = {}
        self._names: dict[str, list[tuple[str, int]]] = {}
        snapshot = os.path.join(path, self.file_name)
        if os.path.exists(snapshot):
            with open(snapshot, "rb") as file:
                self._records = self.read(file)
            for record in self._records.values():
                self._add_names(record)

    def read(self, file: Any) -> dict[str, FileRecord]:
        """The records of a snapshot."""
        records: dict[str, FileRecord] = pickle.load(file)
        return records

    def write(self, file: Any) -> None:
        """Write the snapshot."""
        pickle.dump(self._records, file, protocol=pickle.HIGHEST_PROTOCOL)

    def _add_names(self, record: FileRecord) -> None:
        for position, symbol in enumerate(record.symbols):
            self._names.setdefault(symbol[0], []).append((record.path, position))

    def _put(self, records: Iterable[FileRecord]) -> None:
        if self._writer is None:
            self._writer = self._library.writer(self._index)
        for record in records:
            old = self._records.get(record.path)
            if old is not None:
                self._writer.delete_documents_by_term("path", record.path)
                for name in {symbol[0] for symbol in old.symbols}:
                    self._names[name] = [hit for hit in self._names[name] if hit[0] != record.path]
            self._records[record.path] = record
            self._add_names(record)
            self._library.add(self._writer, record, codec.pack(record))

    def _save(self) -> None:
        self._writer.commit()
        self._index.reload()
        target = os.path.join(self.path, self.file_name)
        temporary = f"{target}.tmp"
        with open(temporary, "wb") as file:
            self.write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        folder = os.open(self.path, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def commit(self, records: list[FileRecord]) -> None:
        self._put(records)
        self._save()

    def load(self, batches: Iterable[list[FileRecord]]) -> None:
        for batch in batches:
            self._put(batch)
        self._save()

    def count(self) -> int:
        return len(self._records)

    def file(self, path: str) -> FileRecord | None:
        return self._records.get(path)

    def symbols(self, name: str) -> list[Found]:
        return [(path, self._records[path].symbols[position]) for path, position in self._names.get(name, ())]

    def search(self, terms: tuple[str, ...], limit: int) -> list[Found]:
        hits = self._library.search(self._index, terms, limit)
        return [(path, self._records[path].symbols[position]) for path, position in hits]

    def close(self) -> None:
        if self._writer is not None:
            self._writer.wait_merging_threads()
            self._writer = None


class TantivyMsgpack(TantivyPickle):
    """As with pickle, in msgpack."""

    name = "tantivy + msgpack"
    layout = "tantivy-msgpack"
    about = "tantivy-py, and a dict written whole as msgpack"
    file_name = "snapshot.msgpack"

    def read(self, file: Any) -> dict[str, FileRecord]:
        plain = msgpack.unpackb(
            file.read(), use_list=False, unicode_errors="surrogateescape", strict_map_key=False
        )
        return {path: codec.from_plain(record) for path, record in plain.items()}

    def write(self, file: Any) -> None:
        file.write(msgpack.packb(self._records, unicode_errors="surrogateescape"))
