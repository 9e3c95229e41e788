"""The store of a code index: files, their symbols, their relations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Self

from diptych.model import FileRecord, RelationHit, SearchHit, SymbolHit
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.store.checkpoint.policy import CheckpointPolicy, Durability
from diptych.store.store import RecordStore
from diptych.store.transaction import Transaction
from diptych.store.view import View


class CodeView(View[FileRecord]):
    """A view of a code index."""

    def file(self, path: str) -> FileRecord | None:
        """What is known of the file at `path`, or None. Raises InvalidPathError, CorruptionError."""
        return self.get(path)

    def files(self) -> Iterator[FileRecord]:
        """All files in path order, one at a time."""
        return self.records()

    def symbols(self, name: str) -> list[SymbolHit]:
        """The symbols with exactly that name, in path order."""
        return self.lookup("symbols", name)

    def references(self, name: str) -> list[RelationHit]:
        """The relations whose target is exactly that name, in path order."""
        return self.lookup("references", name)

    def search(self, query: str, limit: int = 20) -> list[SearchHit]:
        """The best `limit` symbols for a query; see `View.search`."""
        return super().search(query, limit)


class CodeTransaction(Transaction[FileRecord]):
    """A transaction of a code index."""

    def index_file(self, record: FileRecord) -> None:
        """Replace what was known of a file.

        Raises InvalidPathError, InvalidRecordError, RecordTooLargeError.
        """
        self.put(record)

    def remove_file(self, path: str) -> None:
        """Remove a file. Raises UnknownFileError where there is none, InvalidPathError."""
        self.remove(path)


class Store(RecordStore[FileRecord]):
    """A crash-safe store of a code index.

    with Store.open(path) as store:
        with store.transaction() as txn:
            txn.index_file(record)
        store.symbols("parse")
    """

    view_type = CodeView

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        read_only: bool = False,
        durability: Durability = "journal",
        lock_timeout_s: float = 0.0,
        policy: CheckpointPolicy | None = None,
        schema: Schema[Any] = CODE,
    ) -> Self:
        """Open the code index in directory `path`; see `RecordStore.open_with`."""
        return cls.open_with(
            path,
            schema,
            create=create,
            read_only=read_only,
            durability=durability,
            lock_timeout_s=lock_timeout_s,
            policy=policy,
        )

    def transaction(self) -> CodeTransaction:
        """A transaction, to be used in a `with` statement; see `RecordStore.transaction`."""
        return CodeTransaction(self._handle.writer())

    def file(self, path: str) -> FileRecord | None:
        """What is known of the file at `path`, or None. Raises InvalidPathError, CorruptionError."""
        return self._handle.current.view.get(path)

    def files(self) -> Iterator[FileRecord]:
        """All files in path order, one at a time."""
        return self._handle.current.view.records()

    def symbols(self, name: str) -> list[SymbolHit]:
        """The symbols with exactly that name, in path order."""
        return self._handle.current.view.lookup("symbols", name)

    def references(self, name: str) -> list[RelationHit]:
        """The relations whose target is exactly that name, in path order."""
        return self._handle.current.view.lookup("references", name)

    def search(self, query: str, limit: int = 20) -> list[SearchHit]:
        """The best `limit` symbols for a query; see `RecordStore.search`."""
        return super().search(query, limit)

    def view(self) -> CodeView:
        """The store as it is now, to be read as long as it is open; close it, or use `with`."""
        view = super().view()
        assert isinstance(view, CodeView)
        return view
