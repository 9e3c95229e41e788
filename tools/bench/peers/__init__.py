"""What people would use otherwise, each as its own documentation advises, and Diptych."""

from __future__ import annotations

import importlib

from tools.bench.peers.base import Peer

# Each is imported only in the process that measures it, so that none of them costs another anything.
_PLACES = {
    "diptych": "diptych_store:Diptych",
    "sqlite full + fts5": "sqlite:SqliteFull",
    "sqlite normal + fts5": "sqlite:SqliteNormal",
    "sqlite + record as blob": "sqlite:SqliteBlob",
    "tantivy + pickle": "tantivy_snapshot:TantivyPickle",
    "tantivy + msgpack": "tantivy_snapshot:TantivyMsgpack",
    "lmdb": "lmdb_store:Lmdb",
    "rocksdb": "rocksdb_store:RocksDb",
    "duckdb": "duckdb_store:DuckDb",
}
NAMES = tuple(_PLACES)


def peer_class(name: str) -> type[Peer]:
    """The class of the peer of that name; its package is imported only when it is opened."""
    module, _, attribute = _PLACES[name].partition(":")
    found: type[Peer] = getattr(importlib.import_module(f"tools.bench.peers.{module}"), attribute)
    return found
