"""The store: one writer or any number of readers of a directory, for records of any schema."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

from diptych import fs
from diptych.errors import InvalidArgumentError
from diptych.schema.base import Record, Schema
from diptych.schema.terms import Term
from diptych.store.checkpoint.policy import CheckpointPolicy, Durability
from diptych.store.metrics import StoreMetrics
from diptych.store.opening import absolute, open_for_reading, open_for_writing
from diptych.store.positions import ConsumerInfo, Position, consumers_of
from diptych.store.ranges import Key
from diptych.store.reader import StoreReader
from diptych.store.report import Finding
from diptych.store.state import StoreState
from diptych.store.view import View

# What a reader that is asked one thing needs none of is imported where it is used.
if TYPE_CHECKING:
    from diptych.search.query.filters import Filters
    from diptych.store.feed.changes import ChangeFeed
    from diptych.store.feed.consumer import Consumer
    from diptych.store.results import Hits
    from diptych.store.stats import Stats
    from diptych.store.transaction import Transaction
    from diptych.store.writer import StoreWriter


class RecordStore(Generic[Record]):
    """A store of records of one schema. Made by `open_with`; all methods may be called from any thread.

    Subclasses name their records; see `diptych.store.code` for the one that holds files.
    """

    view_type: ClassVar[type[View[Any]]] = View

    def __init__(
        self,
        handle: StoreWriter[Record] | StoreReader[Record],
        durability: Durability,
        policy: CheckpointPolicy,
    ) -> None:
        """Internal: use `open_with`."""
        self.path = handle.path
        self.schema = handle.schema
        self.durability = durability
        self.policy = policy
        self._handle = handle

    @classmethod
    def open_with(
        cls,
        path: str | os.PathLike[str],
        schema: Schema[Record],
        *,
        create: bool = True,
        read_only: bool = False,
        durability: Durability = "journal",
        lock_timeout_s: float = 0.0,
        policy: CheckpointPolicy | None = None,
    ) -> Self:
        """Open the store in directory `path`, recovering what a crash left; made there if it is missing.

        `durability`: with "journal" a commit returns when its frame is on disk; with "full" when a
        generation with it is published; with "buffered" when it is written, and a crash may take back the
        newest commits, in order. A reader (`read_only`) takes no lock and never changes a byte.

        Raises StoreNotFoundError, NotAStoreError, StoreLockedError (after `lock_timeout_s`),
        IncompatibleStoreError, CorruptStoreError, StorageError, InvalidArgumentError.
        """
        if durability not in ("journal", "full", "buffered"):
            raise InvalidArgumentError(f"durability is journal, full or buffered, not {durability!r}")
        policy = policy or CheckpointPolicy()
        where = absolute(path)
        with fs.translated("open the store at", where):
            if read_only:
                reader = StoreReader(open_for_reading(where, schema), schema, cls.view_type)
                return cls(reader, durability, policy)
            from diptych.store.writer import StoreWriter

            opened = open_for_writing(where, schema, create=create, lock_timeout_s=lock_timeout_s)
        try:
            return cls(StoreWriter(opened, schema, cls.view_type, durability, policy), durability, policy)
        except BaseException:
            opened.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @staticmethod
    def adopt_with(
        directory: str | os.PathLike[str],
        path: str | os.PathLike[str],
        schema: Schema[Any],
        *,
        source: str = "",
        details: Mapping[str, Any] | None = None,
        verified: bool = False,
    ) -> int:
        """Make a store at `path`, where nothing must be, of a generation without its store; returns its LSN.

        `directory` has `generations/`, with a manifest, and `segments/`, with the segments that it lists, as
        in a store; of several manifests the newest counts. The store is a fork: with an id of its own, and
        hard links to the segments where the file system has them, so that `directory` may be removed.
        `source` and `details` (JSON values) are what `stats().origin` says of where it came from.

        Every byte is verified before the store gets its name, unless the caller has `verified` that each file
        of a segment has the BLAKE3 that its SEAL says. A crash leaves nothing at `path`, or all of it.
        Raises StoreNotFoundError where there is no generation, CorruptionError, IncompatibleStoreError for
        another schema, and InvalidArgumentError, StoreLockedError and StorageError as `backup` does.
        """
        from diptych.store.fork import adopt

        return adopt(
            directory, path, schema, source=source, details=details or {}, verified=verified
        )

    # -- writing ------------------------------------------------------------------------------------

    def transaction(self, *, metadata: Mapping[str, Any] | None = None) -> Transaction[Record]:
        """A transaction, to be used in a `with` statement.

        `metadata`: what to store with it, such as the commit that it indexes: a dict of JSON values, of at
        most 16 KiB when packed. A transaction with metadata is committed even if it changes no record; one
        with neither takes no LSN.

        Raises ReadOnlyError, StoreClosedError, ForkedProcessError, PoisonedError, TransactionError where
        this thread has one open already, and InvalidArgumentError for metadata that cannot be stored.
        """
        from diptych.store.transaction import Transaction

        return Transaction(self._handle.writer(), metadata)

    def load(self, records: Iterable[Record], *, processes: int = 0) -> int:
        """Put many records, each in place of what was known of its key; returns how many.

        They are built into segments, which are adopted one after the other, each in a transaction: faster
        than transactions of single records, in bounded memory. With `processes`, so many others build beside
        this one, which packs; their start takes as long as some thousand records. The last record of a key
        counts. A schema of the main module is built here in any case.

        Where it fails or is interrupted, what was committed stays. Raises InvalidRecordError,
        InvalidArgumentError for a number of processes below 0, OSError where none can be started, and what
        `transaction` and `Transaction.adopt` raise.
        """
        from diptych.store.load import load

        if type(processes) is not int or processes < 0:
            raise InvalidArgumentError(f"processes is an int from 0, not {processes!r:.100}")
        self._handle.writer()

        def adopt(path: str) -> None:
            with self.transaction() as txn:
                # Built by this process, or by one of its own, of records that were projected there.
                txn.adopt(path, trusted=True)

        return load(self.path, self.schema, records, processes, adopt)

    def checkpoint(self, *, compact: bool = False) -> int:
        """Publish a generation with everything committed so far; returns its LSN.

        Nothing to do where nothing changed. Commits and reads continue meanwhile. `compact` writes all
        records again, whatever changed, as segments of at most a million documents: nothing of a removed or
        replaced record is left in them. It takes some 400 bytes of memory for a document of a segment.
        Raises StorageError, CorruptionError, ReadOnlyError, StoreClosedError; then the generation before
        stays the newest.
        """
        return self._handle.writer().checkpoint(compact=compact)

    # -- reading ------------------------------------------------------------------------------------

    def view(self) -> View[Record]:
        """The store as it is now, to be read as long as it is open; close it, or use `with`.

        A reader whose generation the writer has removed meanwhile is refreshed first. Raises StorageError,
        CorruptionError, StoreClosedError.
        """
        return self._handle.view()

    def get(self, name: str) -> Record | None:
        """The record of that name, or None. Raises InvalidRecordError, CorruptionError, StoreClosedError."""
        return self._handle.current.view.get(name)

    def get_many(self, names: Iterable[str]) -> list[Record | None]:
        """The record of each name, or None, in the order of the names. Raises as `get` does."""
        return self._handle.current.view.get_many(names)

    def records(
        self,
        prefix: Key = "",
        start: Key | None = None,
        stop: Key | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """The records with that prefix, from `start`, before `stop`, in key order, as of the call.

        One at a time; without these, all. Raises CorruptionError, StoreClosedError, InvalidArgumentError.
        """
        view = self._handle.current.view
        return view.records(prefix, start, stop, reverse=reverse, limit=limit)

    def keys(
        self,
        prefix: Key = "",
        start: Key | None = None,
        stop: Key | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[bytes]:
        """The keys of `records`, without unpacking any. Raises as `records` does."""
        return self._handle.current.view.keys(prefix, start, stop, reverse=reverse, limit=limit)

    def __contains__(self, name: object) -> bool:
        return name in self._handle.current.view

    def __len__(self) -> int:
        return len(self._handle.current.view)

    def lookup(self, index: str, term: Term, *, limit: int | None = None) -> list[Any]:
        """The hits of an exact term in one of the schema's indexes, in key order; see `View.lookup`."""
        return self._handle.current.view.lookup(index, term, limit=limit)

    def lookup_many(self, index: str, terms: Iterable[Term]) -> dict[Term, list[Any]]:
        """The hits of each term, by term. Raises as `lookup` does."""
        return self._handle.current.view.lookup_many(index, terms)

    def lookup_count(self, index: str, term: Term) -> int:
        """How many hits `lookup` has. Raises as it does."""
        return self._handle.current.view.lookup_count(index, term)

    def terms(self, index: str, prefix: Term = "", *, limit: int | None = None) -> list[tuple[bytes, int]]:
        """The terms of an index with a prefix, each with how many entries it has; see `View.terms`."""
        return self._handle.current.view.terms(index, prefix, limit=limit)

    def search(
        self,
        query: str,
        limit: int = 20,
        offset: int = 0,
        *,
        plain: bool = False,
        order_by: str | None = None,
        snippets: str | None = None,
        filters: Filters | None = None,
    ) -> Hits:
        """The best `limit` hits for a query from the one at `offset`, with their `total`; see `View.search`.

        A reader whose generation the writer has removed is refreshed first, as by `refresh`: what it reads
        from then on is newer than what it read before, and `lsn` says how new. Use a view for several reads,
        or several pages, of one LSN.

        Where the search index turns out to be damaged, a writer builds it again from the snapshot before
        it answers; a reader raises CorruptSearchError. Raises QueryError, StorageError, StoreClosedError, and
        InvalidArgumentError for a limit below 1, an offset below 0, or a field that cannot do it.
        """
        return self._handle.searched(
            lambda view: view.search(
                query, limit, offset, plain=plain, order_by=order_by, snippets=snippets, filters=filters
            )
        )

    def count(self, query: str, *, plain: bool = False, filters: Filters | None = None) -> int:
        """How many hits a query has, without fetching them. Raises as `search` does."""
        return self._handle.searched(lambda view: view.count(query, plain=plain, filters=filters))

    def facets(
        self, query: str, names: Sequence[str], *, plain: bool = False, filters: Filters | None = None
    ) -> dict[str, dict[str, int]]:
        """How many hits have each value of what is named; see `View.facets`."""
        return self._handle.searched(lambda view: view.facets(query, names, plain=plain, filters=filters))

    def refresh(self) -> int:
        """Follow the writer's commits (for a reader); returns the LSN. A writer is always up to date.

        Raises StorageError, CorruptionError, StoreClosedError.
        """
        return self._handle.refresh()

    def metrics(self) -> StoreMetrics:
        """What this handle has done since it was opened, for a monitor; costs next to nothing."""
        return self._handle.metrics()

    # -- following ----------------------------------------------------------------------------------

    def changes(self, since: int = 0, *, before: bool = False) -> ChangeFeed[Record]:
        """The transactions after LSN `since`, in order, each once, by whichever process they were committed.

        As far back as the journal is kept: from the oldest generation that is kept, or from the position of
        a named consumer. `before`: with the record before each change, which takes memory for each key that
        was changed since the generation before `since`. See `ChangeFeed` for how to continue, and for what
        its iteration raises: ChangesNotKeptError says how far back the changes go.

        Raises StoreClosedError, and InvalidArgumentError for an LSN below 0.
        """
        from diptych.store.feed.changes import ChangeFeed

        self._handle.alive.check()
        return ChangeFeed(self._handle, Position(_since(since)), before=before)

    def wait(self, lsn: int, timeout_s: float | None = None) -> bool:
        """Wait until reads of this handle see LSN `lsn`; whether they do, after `timeout_s` at most.

        A reader looks every 50 ms at the latest, and is refreshed. Raises StoreClosedError, also when the
        handle is closed meanwhile, InvalidArgumentError for an invalid timeout, and for a reader what
        `refresh` raises.
        """
        return self._handle.wait(_since(lsn), _timeout_s(timeout_s))

    def consumer(
        self, name: str, *, since: int | None = None, before: bool = False, timeout_s: float = 0.0
    ) -> Consumer[Record]:
        """The named consumer, to be used in a `with` statement; it is made where there is none.

        A new one begins after LSN `since`, by default at this handle's `lsn`; one that exists continues
        after what it acknowledged. From then on the writer keeps the journal, and the newest generation that
        is not newer, until it is acknowledged or the consumer is removed. This writes a small file below the
        store, also through a handle that only reads. `before`: see `changes`.

        Raises StoreLockedError where another process consumes under that name, after `timeout_s`;
        InvalidArgumentError for an invalid name or LSN; StoreReplacedError for a consumer of another store;
        CorruptStoreError where its position is damaged; StorageError; StoreClosedError.
        """
        from diptych.store.feed.consumer import Consumer

        self._handle.alive.check()
        since = None if since is None else _since(since)
        return Consumer(self._handle, name, since=since, before=before, timeout_s=timeout_s)

    def consumers(self) -> list[ConsumerInfo]:
        """The named consumers. Raises StorageError, StoreClosedError."""
        self._handle.alive.check()
        return consumers_of(self.path)

    def remove_consumer(self, name: str) -> bool:
        """Remove a named consumer, so that nothing is kept for it; whether there was one.

        Raises StoreLockedError where it is in use, InvalidArgumentError, StorageError, StoreClosedError.
        """
        from diptych.store.feed.consumer import remove_consumer

        self._handle.alive.check()
        return remove_consumer(self.path, name)

    @property
    def lsn(self) -> int:
        """The LSN of the newest transaction that reads of this handle see.

        In a reader it changes with `refresh`, and with a `search` or a `view` that had to refresh.
        """
        return self._handle.current.view.lsn

    @property
    def state(self) -> StoreState:
        """What the store is doing; never blocks."""
        return self._handle.state

    @property
    def recovery(self) -> list[Finding]:
        """What recovery found when the store was opened."""
        return self._handle.recovery

    @property
    def store_id(self) -> str:
        """The store's identity, 32 hexadecimal digits, made with it."""
        return self._handle.identity.store_id.hex()

    @property
    def read_only(self) -> bool:
        """Whether this handle only reads."""
        return isinstance(self._handle, StoreReader)

    def stats(self) -> Stats:
        """Counts, sizes, generations, and what recovery found. Raises CorruptionError, StoreClosedError."""
        with fs.importing("diptych.store.stats"):
            from diptych.store.stats import gather
        self._handle.alive.check()
        return gather(self._handle)

    # -- copies -------------------------------------------------------------------------------------

    def backup(self, path: str | os.PathLike[str]) -> int:
        """Make a backup of the store at `path`, where nothing must be; returns its LSN.

        A directory that opens by itself: the store at one LSN, verified to the last byte, durable, and put in
        its place by one rename. Commits continue meanwhile. A writer publishes a generation first, so that
        everything committed before the call is in it; a reader copies what it sees, beside a writer in
        another process. It has the same `store_id`; named consumers are not copied.

        Raises InvalidArgumentError where something is at `path`, StoreLockedError where another copy to it is
        being made, CorruptionError where the store is damaged and a reader cannot heal it, StorageError,
        StoreClosedError; then nothing is left at `path`.
        """
        from diptych.store.backup import back_up

        if not self.read_only:
            self.checkpoint()
        return back_up(self._handle, path)

    def fork(
        self,
        path: str | os.PathLike[str],
        *,
        details: Mapping[str, Any] | None = None,
        private: bool = False,
    ) -> int:
        """Make another store at `path`, where nothing must be, with all that this one has; returns its LSN.

        It has an id of its own, and goes its own way from there: `stats()` says what it was made from, with
        `details`, which are JSON values. Its segments are hard links to this one's where the file system has
        them: then they are as intact as here, and its size is that of a manifest. Copied ones are verified
        to the last byte. A writer publishes a generation first. `private`: the path is one that no other
        process makes a store at, so that no lock is taken. Raises as `backup` does.
        """
        from diptych.store.fork import fork

        if not self.read_only:
            self.checkpoint()
        return fork(self._handle, path, details or {}, private=private)

    # -- the end ------------------------------------------------------------------------------------

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError where the store was deleted, moved or replaced since it was opened.

        A writer asks by itself before it acknowledges a commit, publishes, removes or closes; one that waits
        for something to write may ask now and then. A reader asks when it refreshes. Also raises
        StoreClosedError, ForkedProcessError, and StorageError where it cannot be found out now.
        """
        self._handle.refuse_replaced()

    def close(self) -> None:
        """Sync, write the clean-shutdown marker, and let the next writer in. Closing twice is nothing.

        Waits for a checkpoint that runs in another thread, and for a commit that is being written; whatever
        else began before raises StoreClosedError and has written nothing.
        Views of this handle are closed too. Raises StorageError where the last sync failed, and
        StoreReplacedError where the store is not there any more; the store is closed all the same.
        """
        self._handle.close()


def _timeout_s(timeout_s: float | None) -> float | None:
    """The timeout; None for one beyond what the system's clock can wait for, which is centuries."""
    if timeout_s is None:
        return None
    if type(timeout_s) not in (int, float) or not timeout_s >= 0:
        raise InvalidArgumentError(f"a timeout must be 0 or more seconds, not {timeout_s!r:.100}")
    return timeout_s if timeout_s < threading.TIMEOUT_MAX else None


def _since(lsn: int) -> int:
    if type(lsn) is not int or lsn < 0:
        raise InvalidArgumentError(f"an LSN is an int from 0, not {lsn!r:.100}")
    return lsn
