"""The host that a coordinator drives: builds are runs of the indexer, updates commit file by file."""

from __future__ import annotations

import enum
import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from types import TracebackType

from diptych.errors import CorruptStoreError, DiptychError, StorageError, StoreReplacedError
from diptych.indexer import Notice, Settings, facts
from diptych.indexer.discover import Scan, scan
from diptych.indexer.pipeline import found_by_git
from diptych.indexer.plan import plan
from diptych.indexer.pool import WarmWorkers
from diptych.store.code import Store
from diptych.workspace.coordinator import IoError, LeafDamaged, Limits, Totals
from diptych.workspace.freshness import Options, check, hide_from_git, recorded_settings, update
from diptych.workspace.host.facts import FactsKeeper
from diptych.workspace.host.git import GitListing
from diptych.workspace.host.listing import Listing
from diptych.workspace.host.run import run_indexer
from diptych.workspace.host.single import SingleUpdates
from diptych.workspace.watch import is_nested_git

# Nothing is held in memory here, so the size of the repository is no limit.
LIMITS = Limits(files_max=10**9, symbols_max=10**12)

# A query may be making the store again just then; it is tried again later.
_REOPEN_TIMEOUT_S = 1.0


class _Phase(enum.Enum):
    """How much is known of the store's files."""

    UNKNOWN = enum.auto()
    """No run of the indexer has ended yet, or one is under way: nobody knows what it finds."""
    SCANNED = enum.auto()
    """As before; and what is to be indexed next is everything that the scan found."""
    KNOWN = enum.auto()
    """A run has ended: changes can be told from what means nothing."""


class RepositoryHost:
    """A repository on disk and its store, as the host of a coordinator.

    It closes the store, which it may have opened again meanwhile. Close it, or use `with`.
    """

    def __init__(
        self, root: str, store: Store, *, settings: Settings | None = None, processes: int | None = None
    ) -> None:
        self.root = os.path.realpath(root)
        self.store = store
        self.notice: Notice | None = None
        """What the last listing says of how the files were found."""
        self._settings = settings or recorded_settings(store)
        self._processes = processes
        self._workers = WarmWorkers()
        self._facts = FactsKeeper()
        self._updates = SingleUpdates(
            self.root, self._settings, self._facts, self._workers, in_process=processes == 0
        )
        self._phase = _Phase.UNKNOWN
        self._listing = Listing()
        self._outdated = False
        """Whether the files must be listed again before the next update."""
        self._git = GitListing(self.root)
        self._held: dict[str, None] = {}
        """Names that meant nothing during a run, in order; after it they are selected from again."""

    def __enter__(self) -> RepositoryHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Bring the indexer's facts up to the store, so that the next run need not, and close the store.

        Nothing is left to be done for a store that was deleted or replaced. Raises StorageError,
        CorruptionError.
        """
        with self._workers, suppress(StoreReplacedError), self.store:
            if self._facts.changed:
                update(self.root, self.store, settings=self._settings, processes=0)

    # -- what the coordinator calls -----------------------------------------------------------------

    def recover(self, _failure: IoError | LeafDamaged) -> None:
        """Open the store again: that recovers it, also where a handle writes no more, or makes a new one.

        Raises OpenError, CorruptionError, StorageError.
        """
        with suppress(DiptychError):
            self.store.close()
        if not os.path.isdir(self.root):
            # A store in it would bring back the folder that somebody has deleted.
            raise StorageError(f"there is no folder {self.root}", errno=errno.ENOENT)
        self.store = Store.open(self.store.path, lock_timeout_s=_REOPEN_TIMEOUT_S)
        hide_from_git(self.store.path)

    def totals(self) -> Totals:
        """What the store holds."""
        with self.store.view() as view:
            return Totals(len(view), view.counts().get("symbols", 0))

    def scan(self) -> Iterator[str]:
        """What the indexer would read or remove."""
        self._phase = _Phase.SCANNED
        # Before the files are listed: a change of git's index meanwhile is one that comes later.
        self._git.see()
        self._list()
        self._git.listed = frozenset(self._listing.files)
        store = self.store
        known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
        stored = None
        if known is None or known.lsn != store.lsn:
            stored = store.content_hashes()
        made = plan(self._listing.files, known.files if known else {}, stored)
        yield from (job.path for job in made.jobs)
        yield from made.removed

    def index(self, paths: Sequence[str]) -> Iterator[str]:
        """After a scan: a run of the indexer. Otherwise these files alone."""
        if self._phase is _Phase.SCANNED:
            self._phase = _Phase.UNKNOWN
            return self._index_all(paths)
        return self._index_some(paths)

    # -- what the watcher asks ----------------------------------------------------------------------

    @property
    def store_path(self) -> str:
        """Where the store is."""
        return self.store.path

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError where the store was deleted, moved or replaced. See `Store`."""
        self.store.refuse_replaced()

    def differing(self) -> list[str] | None:
        """The files by which the index is not fresh; None where it takes a build to make it so.

        Raises CorruptionError, OSError.
        """
        # The facts speak for the store then, and its records need not be read.
        self._facts.save(self.store)
        verdict, gathered = check(self.root, self.store.path, Options(settings=self._settings))
        if verdict.fresh:
            return []
        problem, found = gathered.evidence.store, gathered.evidence.differences
        if problem.problem is not None:
            self.store.refuse_replaced()
            raise CorruptStoreError(problem.message, where=self.store.path, advice=problem.advice)
        if found is None or found.unread or not found.count:
            return None
        self._outdated = True
        return sorted((*found.new, *found.changed, *found.gone))

    def select(self, names: Sequence[str]) -> list[str]:
        """Those that may be source files, decide what is one, or are folders that came or went.

        While a run of the indexer is under way nobody knows what it finds. What means nothing then is held
        back, and selected from again after the run.
        """
        others = [name for name in names if not is_nested_git(name)]
        git_at_work = len(others) < len(names)
        if self._phase is not _Phase.KNOWN:
            selected = self._listing.select(self.root, others)
            chosen = {name.removesuffix("/") for name in selected}
            self._held.update((name, None) for name in others if name.removesuffix("/") not in chosen)
            self._git.wait(at_work=git_at_work)
            return selected
        if self._held:
            others = list(dict.fromkeys([*self._held, *others]))
            self._held.clear()
        selected = self._listing.select(self.root, others)
        self._facts.save_due(self.store)
        if self._git.is_due(at_work=git_at_work):
            selected = list(dict.fromkeys([*selected, *self._listed_otherwise()]))
        return selected

    # -- how it is done -----------------------------------------------------------------------------

    def _index_all(self, paths: Sequence[str]) -> Iterator[str]:
        """Run the indexer.

        The paths are yielded as many as are parsed, so they run ahead of the store by at most a batch.
        Nothing rests on that: a build counts at its end, and one that is superseded is followed by a scan.
        """
        self._facts.pause()
        left = iter(paths)
        yielded = 0
        run = run_indexer(
            self.root, self.store, self._settings, processes=self._processes, workers=self._workers
        )
        with closing(run):
            for count in run:
                while yielded < min(count, len(paths)):
                    yielded += 1
                    yield next(left)
        self._facts.resume(self.store.lsn)
        self._listing = self._listing.with_names(self._stored_names())
        self._phase = _Phase.KNOWN
        if self._processes != 0:
            # The first edit, too, finds a worker.
            with suppress(OSError):
                self._workers.warm(self.root, max_file_bytes=self._settings.max_file_bytes)
        yield from left

    def _stored_names(self) -> frozenset[str]:
        """The names of all files that the run has accounted for."""
        found = facts.load(self.store.path, store_id=self.store.store_id, lsn=self.store.lsn)
        if found is not None and found.files:
            return frozenset(found.files)
        return frozenset(record.path for record in self.store.files())

    def _index_some(self, paths: Sequence[str]) -> Iterator[str]:
        files = self._listing.files
        if self._outdated or any(
            path not in files and os.path.lexists(os.path.join(self.root, path)) for path in paths
        ):
            # Before it: what makes it outdated meanwhile counts again.
            self._outdated = False
            self._list()
        listing = self._listing
        for path in paths:
            for name in listing.below(path) if path.endswith("/") else [path]:
                self._updates.index(self.store, name, listing.files.get(name))
            yield path

    def _list(self) -> None:
        """List the files."""
        found = self._scan()
        self.notice = found.notice
        self._listing = Listing.of(self.root, found, self._listing.names)

    def _listed_otherwise(self) -> list[str]:
        """What git lists and the store does not have, or the other way round, though no file changed."""
        found = self._scan().files
        listed, self._git.listed = self._git.listed, frozenset(found)
        try:
            new = [name for name in found if name not in listed and name not in self.store]
            gone = [name for name in self._listing.names if name not in found and name in self.store]
        except DiptychError:
            # The store is being opened again; a build follows.
            return []
        self._outdated = bool(new or gone)
        return sorted([*new, *gone])

    def _scan(self) -> Scan:
        store = self.store
        known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
        return scan(self.root, self._settings, store_path=store.path, before=found_by_git(store, known))
