"""RocksDB through rocksdict, with raw keys: records by path, and one key per name and place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, ClassVar

from diptych.model import FileRecord
from tools.bench.data import codec
from tools.bench.peers.base import Found, Mode, Peer


class RocksDb(Peer):
    """Each commit is one batch, written with sync."""

    name = "rocksdb"
    layout = "rocksdb"
    about = "synced batches; Bloom filters and LZ4; records as msgpack; names and targets as keys"
    lacks: ClassVar[dict[str, str]] = {"search": "no full text"}

    def __init__(self, path: str, *, mode: Mode = "usual") -> None:
        super().__init__(path, mode=mode)
        import rocksdict

        self._rocksdict = rocksdict
        self.database = rocksdict.Rdict(path, self._options())
        self._synced = rocksdict.WriteOptions()
        self._synced.sync = True

    def _options(self) -> Any:
        options = self._rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.increase_parallelism(os.cpu_count() or 1)
        options.optimize_level_style_compaction(128 << 20)
        options.set_compression_type(self._rocksdict.DBCompressionType.lz4())
        table = self._rocksdict.BlockBasedOptions()
        table.set_bloom_filter(10, False)
        table.set_block_cache(self._rocksdict.Cache(64 << 20))
        options.set_block_based_table_factory(table)
        return options

    def commit(self, records: list[FileRecord]) -> None:
        batch = self._rocksdict.WriteBatch(raw_mode=True)
        for record in records:
            path = os.fsencode(record.path)
            old = self.database.get(b"f" + path)
            if old is not None:
                for key in _entries(old, path):
                    batch.delete(key)
            data = codec.pack(record)
            batch.put(b"f" + path, data)
            for key in _entries(data, path):
                batch.put(key, b"")
        self.database.write(batch, self._synced)

    def load(self, batches: Iterable[list[FileRecord]]) -> None:
        super().load(batches)
        self.database.flush()

    def checkpoint(self) -> None:
        self.database.flush()

    def count(self) -> int:
        return sum(1 for _ in self._from(b"f"))

    def _from(self, prefix: bytes) -> Iterable[bytes]:
        iterator = self.database.iter()
        iterator.seek(prefix)
        while iterator.valid():
            key = iterator.key()
            if not key.startswith(prefix):
                break
            yield key
            iterator.next()

    def file(self, path: str) -> FileRecord | None:
        data = self.database.get(b"f" + os.fsencode(path))
        return None if data is None else codec.unpack(data)

    def symbols(self, name: str) -> list[Found]:
        found = []
        prefix = b"s" + name.encode("utf-8", "surrogateescape") + b"\0"
        for key in self._from(prefix):
            path, offset = key[len(prefix) : -5], int.from_bytes(key[-4:], "big")
            found.append((os.fsdecode(path), codec.symbol_at(self.database.get(b"f" + path), offset)))
        return found

    def close(self) -> None:
        self.database.close()


def _entries(data: bytes, path: bytes) -> list[bytes]:
    names, targets = codec.places(data)
    keys = []
    for kind, named in ((b"s", names), (b"r", [(target, 0) for target in targets])):
        for name, offset in named:
            start = kind + name.encode("utf-8", "surrogateescape")
            keys.append(b"\0".join((start, path, offset.to_bytes(4, "big"))))
    return keys
