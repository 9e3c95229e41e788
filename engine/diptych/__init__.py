"""Diptych: an embedded, crash-safe store for code indexes.

    from diptych import Store, FileRecord, Symbol, Range

    with Store.open("index") as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("pkg/a.py", content_hash(data), "python", symbols=[...]))
        store.symbols("parse")

See docs/ for the format, the guarantees and the command line.
"""

from diptych._version import __version__
from diptych.errors import (
    CallerError,
    CommitInDoubtError,
    CorruptionError,
    CorruptJournalError,
    CorruptSearchError,
    CorruptSnapshotError,
    CorruptStoreError,
    DiptychError,
    ForkedProcessError,
    IncompatibleStoreError,
    InvalidPathError,
    InvalidRecordError,
    NotAStoreError,
    OpenError,
    PoisonedError,
    QueryError,
    ReadOnlyError,
    RecordTooLargeError,
    StateTransitionError,
    StorageError,
    StorageFullError,
    StoreClosedError,
    StoreLockedError,
    StoreNotFoundError,
    TransactionError,
    UnknownFileError,
)
from diptych.model import (
    FileRecord,
    Range,
    Relation,
    RelationHit,
    SearchHit,
    Symbol,
    SymbolHit,
    content_hash,
    symbol_id,
)
from diptych.schema.base import Field, Schema
from diptych.store.code import CodeView, Store
from diptych.store.core import RecordStore
from diptych.store.policy import CheckpointPolicy
from diptych.store.repair import repair
from diptych.store.report import Finding, Report, Severity
from diptych.store.state import Status, StoreState
from diptych.store.stats import Stats
from diptych.store.transaction import Transaction
from diptych.store.verify import verify
from diptych.store.view import View

__all__ = [
    "CallerError",
    "CheckpointPolicy",
    "CodeView",
    "CommitInDoubtError",
    "CorruptJournalError",
    "CorruptSearchError",
    "CorruptSnapshotError",
    "CorruptStoreError",
    "CorruptionError",
    "DiptychError",
    "Field",
    "FileRecord",
    "Finding",
    "ForkedProcessError",
    "IncompatibleStoreError",
    "InvalidPathError",
    "InvalidRecordError",
    "NotAStoreError",
    "OpenError",
    "PoisonedError",
    "QueryError",
    "Range",
    "ReadOnlyError",
    "RecordStore",
    "RecordTooLargeError",
    "Relation",
    "RelationHit",
    "Report",
    "Schema",
    "SearchHit",
    "Severity",
    "StateTransitionError",
    "Stats",
    "Status",
    "StorageError",
    "StorageFullError",
    "Store",
    "StoreClosedError",
    "StoreLockedError",
    "StoreNotFoundError",
    "StoreState",
    "Symbol",
    "SymbolHit",
    "Transaction",
    "TransactionError",
    "UnknownFileError",
    "View",
    "__version__",
    "content_hash",
    "repair",
    "symbol_id",
    "verify",
]
