"""LMDB: records by path, and names to (path, offset in its record) as sorted duplicates."""

from __future__ import annotations

import os
from typing import ClassVar

from diptych.model import FileRecord
from tools.bench.data import codec
from tools.bench.peers.base import Found, Mode, Peer

_MAP_BYTES = 64 << 30
_KEY_BYTES_MAX = 511


def locate(path: bytes, offset: int) -> bytes:
    """A symbol's place, as the value of a name."""
    return path + b"\0" + offset.to_bytes(4, "big")


class Lmdb(Peer):
    """Each commit is synced; names and relations are indexed by hand."""

    name = "lmdb"
    layout = "lmdb"
    about = "synced commits; records as msgpack; names and targets as sorted duplicates"
    lacks: ClassVar[dict[str, str]] = {
        "search": "no full text",
        "checkpoint": "has no log: each commit writes into the store itself",
    }

    def __init__(self, path: str, *, mode: Mode = "usual") -> None:
        super().__init__(path, mode=mode)
        import lmdb

        os.makedirs(path, exist_ok=True)
        # No read-ahead: the manual advises it for random access to a store larger than memory allows.
        self.environment = lmdb.open(path, map_size=_MAP_BYTES, max_dbs=3, readahead=False, meminit=False)
        self._files = self.environment.open_db(b"files")
        self._names = self.environment.open_db(b"names", dupsort=True)
        self._targets = self.environment.open_db(b"targets", dupsort=True)

    def commit(self, records: list[FileRecord]) -> None:
        with self.environment.begin(write=True) as txn:
            for record in records:
                path = os.fsencode(record.path)
                old = txn.get(path, db=self._files)
                if old is not None:
                    for database, key, value in self._entries(bytes(old), path):
                        txn.delete(key, value, db=database)
                data = codec.pack(record)
                txn.put(path, data, db=self._files)
                for database, key, value in self._entries(data, path):
                    txn.put(key, value, db=database)

    def _entries(self, data: bytes, path: bytes) -> list[tuple[object, bytes, bytes]]:
        names, targets = codec.places(data)
        entries: list[tuple[object, bytes, bytes]] = [
            (self._names, _key(name), locate(path, offset)) for name, offset in names
        ]
        entries += [(self._targets, _key(target), locate(path, 0)) for target in targets]
        return entries

    def count(self) -> int:
        with self.environment.begin() as txn:
            return int(txn.stat(self._files)["entries"])

    def file(self, path: str) -> FileRecord | None:
        with self.environment.begin(db=self._files, buffers=True) as txn:
            data = txn.get(os.fsencode(path))
            return None if data is None else codec.unpack(data)

    def symbols(self, name: str) -> list[Found]:
        found = []
        with self.environment.begin(buffers=True) as txn:
            cursor = txn.cursor(db=self._names)
            if cursor.set_key(_key(name)):
                for value in cursor.iternext_dup():
                    place = bytes(value)
                    path, offset = place[:-5], int.from_bytes(place[-4:], "big")
                    symbol = codec.symbol_at(txn.get(path, db=self._files), offset)
                    if symbol[0] == name:
                        found.append((os.fsdecode(path), symbol))
        return found

    def close(self) -> None:
        self.environment.close()


def _key(name: str) -> bytes:
    # LMDB has a shortest and a longest key; what is cut off is compared after the record is read.
    return (b"." + name.encode("utf-8", "surrogateescape"))[:_KEY_BYTES_MAX]
