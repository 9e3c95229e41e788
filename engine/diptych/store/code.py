"""The store of a code index: files, their symbols, their relations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from diptych.errors import InvalidArgumentError
from diptych.model import FileRecord, RelationHit, SearchHit, Symbol, SymbolHit
from diptych.schema.base import Schema
from diptych.schema.code import CODE
from diptych.schema.code_weights import order_of
from diptych.schema.terms import encode_term
from diptych.search.names import split_qualified
from diptych.store.checkpoint.policy import CheckpointPolicy, Durability
from diptych.store.ranges import check_limit
from diptych.store.store import RecordStore
from diptych.store.transaction import Transaction
from diptych.store.view import View

if TYPE_CHECKING:
    from diptych.store.symbols import Match, Ranked


class CodeView(View[FileRecord]):
    """A view of a code index."""

    def file(self, path: str) -> FileRecord | None:
        """What is known of the file at `path`, or None. Raises InvalidPathError, CorruptionError."""
        return self.get(path)

    def files(self, prefix: str = "") -> Iterator[FileRecord]:
        """The files whose path begins so, in path order, one at a time."""
        return self.records(prefix)

    def symbols(self, name: str) -> list[SymbolHit]:
        """The symbols with exactly that name, in path order.

        For a qualified name that no symbol has, as `json.JSONDecoder` or `a::b`: those with its last part
        that are in the others, by their container or their path. Where the others are the symbol's own
        container, or its module, it alone counts, and not a member of a class in a file of that name.
        """
        found: list[SymbolHit] = self.lookup("symbols", name)
        if found:
            return found
        outer, last = split_qualified(name)
        if not outer:
            return []
        from diptych.store.symbols import is_within, looseness

        hits = self.lookup("symbols", last)
        within = [hit for hit in hits if is_within(hit.path, hit.symbol.container, outer)]
        graded = [(looseness(hit.path, hit.symbol.container, outer), hit) for hit in within]
        least = min((grade for grade, _ in graded), default=0)
        return [hit for grade, hit in graded if grade == least]

    def find_symbols(self, name: str, match: Match = "exact", *, limit: int = 20) -> list[SymbolHit]:
        """The symbols with that name, exactly or as `match` says; the best `limit` of them, best first.

        "ignore-case": in any case; "prefix": with that beginning, in any case; "fuzzy": with up to two typing
        errors, the fewest first. For a qualified name that no symbol has: those whose last part matches so,
        within the others. Raises InvalidArgumentError, and as `search` does.
        """
        check_limit(limit)
        if match == "exact":
            named = self.symbols(name)
            # What puts several in order takes as long to prepare as it takes to find one.
            return sorted(named, key=_order)[:limit] if len(named) > 1 else named
        from diptych.store.symbols import MATCHES

        if match not in MATCHES:
            raise InvalidArgumentError(f"match is one of {', '.join(MATCHES)}, not {match!r:.100}")
        if not isinstance(name, str):
            raise InvalidArgumentError(f"a name is a str, not {type(name).__name__}")
        found = self._matching(name, match, [], limit)
        outer, last = split_qualified(name)
        return self._matching(last, match, outer, limit) if not found and outer else found

    def symbols_like(self, text: str, *, limit: int = 20) -> list[SymbolHit]:
        """Symbols with a name like what a person typed, as in a box that opens symbols; `limit` at most.

        The name itself, in another case or without separators, beginnings, humps ("HS" and "HSrv" for
        HTTPServer), then the letters in their order; of names that are alike in that, own code comes before
        tests and vendored code, then the shortest. For a qualified name: those within the others. Raises
        InvalidArgumentError, CorruptionError, StoreClosedError.
        """
        from diptych.search.typed import EXACT, Typed
        from diptych.store.symbols import is_within, ranked

        check_limit(limit)
        if not isinstance(text, str):
            raise InvalidArgumentError(f"a name is a str, not {type(text).__name__}")
        outer, last = split_qualified(text)
        typed = Typed(last)
        found: list[Ranked] = []
        # A name without letters is like itself.
        alike = dict.fromkeys([(EXACT, encode_term(last)), *self.names_like("symbols", typed, limit)])
        for likeness, name in alike:
            found += [
                ranked(hit, likeness)
                for hit in self.lookup_again("symbols", name, limit)
                if not outer or is_within(hit.path, hit.symbol.container, outer)
            ]
            if len(found) >= limit:
                break
        found.sort(key=lambda one: one[:5])
        return [one.hit for one in found[:limit]]

    def _matching(self, name: str, match: Match, outer: list[str], limit: int) -> list[SymbolHit]:
        """The symbols whose name matches, within each of `outer`; those with fewer typing errors first."""
        from diptych.search.query.nodes import Parsed
        from diptych.store.symbols import edits_of, is_meant, is_within, node_of

        # As documents are: bytes that are not UTF-8 are replaced.
        written = name.encode("utf-8", "replace").decode()
        found: list[SearchHit] = []
        # One query for each number of errors: of all near names, the nearest could be the last.
        for edits in range(edits_of(written, match) + 1):
            hits = self.found(Parsed(node_of(written, match, edits, outer))).each()
            meant = (
                hit
                for hit in hits
                if is_meant(hit.symbol.name, name, match, edits)
                and is_within(hit.path, hit.symbol.container, outer)
            )
            found += islice(meant, limit - len(found))
            if len(found) == limit:
                break
        return [SymbolHit(hit.path, hit.symbol, hit.occurrence) for hit in found]

    def references(self, name: str, *, limit: int | None = None) -> list[RelationHit]:
        """The relations whose target is exactly that name, in path order; `limit` at most."""
        return self.lookup("references", name, limit=limit)

    def relations_from(self, name: str) -> list[RelationHit]:
        """What the definitions of that name do: the relations whose source they are, in path order."""
        found: list[RelationHit] = []
        for path in dict.fromkeys(hit.path for hit in self.symbols(name)):
            record = self.file(path)
            if record is not None:
                sources = {_dotted(symbol) for symbol in record.symbols if symbol.name == name}
                found += [RelationHit(path, one) for one in record.relations if one.source in sources]
        return found


def _order(hit: SymbolHit) -> tuple[object, ...]:
    symbol = hit.symbol
    return order_of(hit.path, symbol.kind, symbol.container, symbol.name), symbol.range


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

    @classmethod
    def adopt(
        cls,
        directory: str | os.PathLike[str],
        path: str | os.PathLike[str],
        *,
        source: str = "",
        details: Mapping[str, Any] | None = None,
        verified: bool = False,
        schema: Schema[Any] = CODE,
    ) -> int:
        """Make a code index of a generation without its store; see `RecordStore.adopt_with`."""
        return cls.adopt_with(
            directory, path, schema, source=source, details=details, verified=verified
        )

    def transaction(self, *, metadata: Mapping[str, Any] | None = None) -> CodeTransaction:
        """A transaction, to be used in a `with` statement; see `RecordStore.transaction`."""
        return CodeTransaction(self._handle.writer(), metadata)

    def file(self, path: str) -> FileRecord | None:
        """What is known of the file at `path`, or None. Raises InvalidPathError, CorruptionError."""
        return self._handle.current.view.get(path)

    def files(self, prefix: str = "") -> Iterator[FileRecord]:
        """The files whose path begins so, in path order, one at a time."""
        return self._handle.current.view.records(prefix)

    def content_hashes(self) -> dict[str, str]:
        """By path, the hash of the content that each file's record was made from. Raises CorruptionError."""
        content_hash = CODE.content_hash
        return {
            record.key.decode("utf-8", "surrogateescape"): content_hash(record.payload)
            for record in self._handle.current.view.stored()
        }

    def symbols(self, name: str) -> list[SymbolHit]:
        """The symbols with exactly that name, or that qualified name; see `CodeView.symbols`."""
        return self._view.symbols(name)

    def find_symbols(self, name: str, match: Match = "exact", *, limit: int = 20) -> list[SymbolHit]:
        """The symbols with that name, exactly or as `match` says; see `CodeView.find_symbols`."""

        def ask(view: View[FileRecord]) -> list[SymbolHit]:
            assert isinstance(view, CodeView)
            return view.find_symbols(name, match, limit=limit)

        return self._handle.searched(ask)

    @property
    def _view(self) -> CodeView:
        view = self._handle.current.view
        assert isinstance(view, CodeView)
        return view

    def references(self, name: str, *, limit: int | None = None) -> list[RelationHit]:
        """The relations whose target is exactly that name, in path order; `limit` at most."""
        return self._handle.current.view.lookup("references", name, limit=limit)

    def relations_from(self, name: str) -> list[RelationHit]:
        """What the definitions of that name do: the relations whose source they are, in path order."""
        return self._view.relations_from(name)

    def view(self) -> CodeView:
        """The store as it is now, to be read as long as it is open; close it, or use `with`."""
        view = super().view()
        assert isinstance(view, CodeView)
        return view


def _dotted(symbol: Symbol) -> str:
    return f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name
