"""Diptych: an embedded, crash-safe store for code indexes.

    from diptych import Store, FileRecord, Symbol, Range

    with Store.open("index") as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("pkg/a.py", content_hash(data), "python", symbols=[...]))
        store.symbols("parse")

See docs/ for the format, the guarantees and the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diptych._version import __version__

if TYPE_CHECKING:
    from diptych.errors import (
        CallerError,
        ChangesNotKeptError,
        CommitInDoubtError,
        CommitNotPublishedError,
        ConflictError,
        CorruptionError,
        CorruptJournalError,
        CorruptSearchError,
        CorruptSnapshotError,
        CorruptStoreError,
        DiptychError,
        ForkedProcessError,
        IncompatibleStoreError,
        InvalidArgumentError,
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
        StoreReplacedError,
        TrackedStoreError,
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
    from diptych.schema.base import Projection, Schema
    from diptych.schema.fields import Bool, Date, Field, Keyword, Number, Text
    from diptych.schema.terms import decode_int, encode_term
    from diptych.search.snippets import Snippet
    from diptych.segment.builder import BuiltSegment, SegmentBuilder
    from diptych.store.checkpoint.policy import CheckpointPolicy
    from diptych.store.code import CodeTransaction, CodeView, Store
    from diptych.store.feed.changes import ChangeFeed, CommittedTransaction, RecordChange
    from diptych.store.feed.consumer import Consumer
    from diptych.store.metrics import StoreMetrics
    from diptych.store.positions import ConsumerInfo
    from diptych.store.repair import repair
    from diptych.store.report import Finding, Report, Severity
    from diptych.store.results import Hits
    from diptych.store.state import Status, StoreState
    from diptych.store.stats import Stats
    from diptych.store.store import RecordStore
    from diptych.store.transaction import Transaction
    from diptych.store.verify import verify
    from diptych.store.view import View

# Where each public name is. They are imported when first used: a program that only packs records, or prints a
# help text, does not wait for the store.
_HOMES = {
    "CallerError": "diptych.errors",
    "ChangesNotKeptError": "diptych.errors",
    "CommitInDoubtError": "diptych.errors",
    "CommitNotPublishedError": "diptych.errors",
    "ConflictError": "diptych.errors",
    "CorruptionError": "diptych.errors",
    "CorruptJournalError": "diptych.errors",
    "CorruptSearchError": "diptych.errors",
    "CorruptSnapshotError": "diptych.errors",
    "CorruptStoreError": "diptych.errors",
    "DiptychError": "diptych.errors",
    "ForkedProcessError": "diptych.errors",
    "IncompatibleStoreError": "diptych.errors",
    "InvalidArgumentError": "diptych.errors",
    "InvalidPathError": "diptych.errors",
    "InvalidRecordError": "diptych.errors",
    "NotAStoreError": "diptych.errors",
    "OpenError": "diptych.errors",
    "PoisonedError": "diptych.errors",
    "QueryError": "diptych.errors",
    "ReadOnlyError": "diptych.errors",
    "RecordTooLargeError": "diptych.errors",
    "StateTransitionError": "diptych.errors",
    "StorageError": "diptych.errors",
    "StorageFullError": "diptych.errors",
    "StoreClosedError": "diptych.errors",
    "StoreLockedError": "diptych.errors",
    "StoreNotFoundError": "diptych.errors",
    "StoreReplacedError": "diptych.errors",
    "TrackedStoreError": "diptych.errors",
    "TransactionError": "diptych.errors",
    "UnknownFileError": "diptych.errors",
    "FileRecord": "diptych.model",
    "Range": "diptych.model",
    "Relation": "diptych.model",
    "RelationHit": "diptych.model",
    "SearchHit": "diptych.model",
    "Symbol": "diptych.model",
    "SymbolHit": "diptych.model",
    "content_hash": "diptych.model",
    "symbol_id": "diptych.model",
    "Bool": "diptych.schema.fields",
    "Date": "diptych.schema.fields",
    "Field": "diptych.schema.fields",
    "Keyword": "diptych.schema.fields",
    "Number": "diptych.schema.fields",
    "Text": "diptych.schema.fields",
    "decode_int": "diptych.schema.terms",
    "encode_term": "diptych.schema.terms",
    "Snippet": "diptych.search.snippets",
    "BuiltSegment": "diptych.segment.builder",
    "SegmentBuilder": "diptych.segment.builder",
    "Hits": "diptych.store.results",
    "Projection": "diptych.schema.base",
    "Schema": "diptych.schema.base",
    "CodeTransaction": "diptych.store.code",
    "CodeView": "diptych.store.code",
    "Store": "diptych.store.code",
    "ChangeFeed": "diptych.store.feed.changes",
    "CommittedTransaction": "diptych.store.feed.changes",
    "RecordChange": "diptych.store.feed.changes",
    "Consumer": "diptych.store.feed.consumer",
    "ConsumerInfo": "diptych.store.positions",
    "RecordStore": "diptych.store.store",
    "CheckpointPolicy": "diptych.store.checkpoint.policy",
    "repair": "diptych.store.repair",
    "Finding": "diptych.store.report",
    "Report": "diptych.store.report",
    "Severity": "diptych.store.report",
    "Status": "diptych.store.state",
    "StoreState": "diptych.store.state",
    "Stats": "diptych.store.stats",
    "StoreMetrics": "diptych.store.metrics",
    "Transaction": "diptych.store.transaction",
    "verify": "diptych.store.verify",
    "View": "diptych.store.view",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Bool",
    "BuiltSegment",
    "CallerError",
    "ChangeFeed",
    "ChangesNotKeptError",
    "CheckpointPolicy",
    "CodeTransaction",
    "CodeView",
    "CommitInDoubtError",
    "CommitNotPublishedError",
    "CommittedTransaction",
    "ConflictError",
    "Consumer",
    "ConsumerInfo",
    "CorruptJournalError",
    "CorruptSearchError",
    "CorruptSnapshotError",
    "CorruptStoreError",
    "CorruptionError",
    "Date",
    "DiptychError",
    "Field",
    "FileRecord",
    "Finding",
    "ForkedProcessError",
    "Hits",
    "IncompatibleStoreError",
    "InvalidArgumentError",
    "InvalidPathError",
    "InvalidRecordError",
    "Keyword",
    "NotAStoreError",
    "Number",
    "OpenError",
    "PoisonedError",
    "Projection",
    "QueryError",
    "Range",
    "ReadOnlyError",
    "RecordChange",
    "RecordStore",
    "RecordTooLargeError",
    "Relation",
    "RelationHit",
    "Report",
    "Schema",
    "SearchHit",
    "SegmentBuilder",
    "Severity",
    "Snippet",
    "StateTransitionError",
    "Stats",
    "Status",
    "StorageError",
    "StorageFullError",
    "Store",
    "StoreClosedError",
    "StoreLockedError",
    "StoreMetrics",
    "StoreNotFoundError",
    "StoreReplacedError",
    "StoreState",
    "Symbol",
    "SymbolHit",
    "Text",
    "TrackedStoreError",
    "Transaction",
    "TransactionError",
    "UnknownFileError",
    "View",
    "__version__",
    "content_hash",
    "decode_int",
    "encode_term",
    "repair",
    "symbol_id",
    "verify",
]
