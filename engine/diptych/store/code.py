"""The store of a code index: files, their symbols, their relations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Self

from diptych.model import FileRecord, RelationHit, SearchHit, SymbolHit
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.store.core import RecordStore
from diptych.store.generation import Generation
from diptych.store.overlay import Overlay
from diptych.store.policy import CheckpointPolicy, Durability
from diptych.store.view import Healing, View


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


class Store(RecordStore[FileRecord]):
    """A crash-safe store of a code index.

        with Store.open(path) as store:
            with store.transaction() as txn:
                txn.index_file(record)
            store.symbols("parse")
    """

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

    def file(self, path: str) -> FileRecord | None:
        """What is known of the file at `path`, or None. Raises InvalidPathError, CorruptionError."""
        return self._current.view.get(path)

    def files(self) -> Iterator[FileRecord]:
        """All files in path order, one at a time."""
        return self._current.view.records()

    def symbols(self, name: str) -> list[SymbolHit]:
        """The symbols with exactly that name, in path order."""
        return self._current.view.lookup("symbols", name)

    def references(self, name: str) -> list[RelationHit]:
        """The relations whose target is exactly that name, in path order."""
        return self._current.view.lookup("references", name)

    def search(self, query: str, limit: int = 20) -> list[SearchHit]:
        """The best `limit` symbols for a query; see `RecordStore.search`."""
        return super().search(query, limit)

    def view(self) -> CodeView:
        """The store as it is now, to be read as long as it is open; close it, or use `with`."""
        view = super().view()
        assert isinstance(view, CodeView)
        return view

    def _make_view(
        self, base: Generation | None, overlay: Overlay, lsn: int, healing: Healing
    ) -> CodeView:
        return CodeView(self.schema, base, overlay, lsn, healing)
