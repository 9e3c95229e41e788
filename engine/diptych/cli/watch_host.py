"""The coordinator's host for `diptych watch`: a repository on disk, the indexer, and a store.

A build is a run of the indexer over everything. An update parses the few files that changed, and commits each
by itself, all but small ones in a worker that is kept for the next: nothing stops a parser in this process.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType

from diptych import fs
from diptych.cli.watch_facts import FactsKeeper
from diptych.cli.watch_git import GitIndex, not_ignored
from diptych.errors import (
    CorruptStoreError,
    DiptychError,
    InvalidRecordError,
    StorageError,
    StoreReplacedError,
)
from diptych.indexer import Notice, Progress, Settings, facts
from diptych.indexer.discover import Scan, Stat, scan, scan_names
from diptych.indexer.fact_columns import Fact
from diptych.indexer.languages import language_of
from diptych.indexer.parse import Parsed, failed_hash, parse
from diptych.indexer.pipeline import found_by_git
from diptych.indexer.plan import Job, plan
from diptych.indexer.pool import WarmWorkers, parsed_in_workers
from diptych.store.code import Store
from diptych.workspace.coordinator import IoError, LeafDamaged, Limits, Totals
from diptych.workspace.freshness import Options, check, hide_from_git, recorded_settings, update
from diptych.workspace.watch import is_nested_git, is_rule

# Nothing is held in memory here, so the size of the repository is no limit.
LIMITS = Limits(files_max=10**9, symbols_max=10**12)

# A query may be making the store again just then; it is tried again later.
_REOPEN_TIMEOUT_S = 1.0


class _Superseded(Exception):  # noqa: N818 - it ends a run, and is no error
    pass


class RepositoryHost:
    """A repository on disk and its store, as the host of a coordinator.

    It closes the store, which it may have opened anew meanwhile. Close it, or use `with`.
    """

    def __init__(
        self, root: str, store: Store, *, settings: Settings | None = None, processes: int | None = None
    ) -> None:
        self.root = os.path.realpath(root)
        self.store = store
        self._settings = settings or recorded_settings(store)
        self.notice: Notice | None = None
        """What the last look says of how the files were found."""
        self._processes = processes
        self._workers = WarmWorkers()
        # What the last look found, and all that the store may have: more, since a run looks for itself.
        self._known: dict[str, tuple[str, Stat]] = {}
        self._names: frozenset[str] = frozenset()
        self._folders: frozenset[str] = frozenset()
        self._names_lag = True
        self._held: dict[str, None] = {}
        self._ask_git = False
        self._scanned = False
        self._facts_lag = False
        self._facts = FactsKeeper()
        # Which files git lists is decided by its index, too, of which no event tells.
        self._index = GitIndex(self.root)
        self._listing_due = False
        self._look_due = False
        self._listed: frozenset[str] = frozenset()

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
            if self._facts_lag:
                update(self.root, self.store, settings=self._settings, processes=0)

    # The coordinator's callbacks.

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
        self._scanned = self._names_lag = True
        self._index.changed()
        self._look()
        self._listed = frozenset(self._known)
        store = self.store
        known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
        stored = None
        if known is None or known.lsn != store.lsn:
            stored = {record.path: record.content_hash for record in store.files()}
        made = plan(self._known, known.files if known else {}, stored)
        yield from (job.path for job in made.jobs)
        yield from made.removed

    def index(self, paths: Sequence[str]) -> Iterator[str]:
        """After a scan: a run of the indexer. Otherwise these files alone."""
        if self._scanned:
            self._scanned = False
            return self._index_all(paths)
        return self._index_some(paths)

    # What the watcher asks.

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
        self._look_due = True
        return sorted((*found.new, *found.changed, *found.gone))

    def select(self, names: Sequence[str]) -> list[str]:
        """Those that may be source files, decide what is one, or are folders that came or went.

        While a run of the indexer is under way nobody knows what it finds. What means nothing then is held
        back, and looked at again after the run.
        """
        others = [name for name in names if not is_nested_git(name)]
        at_work = len(others) < len(names)
        names = others
        lag = self._names_lag
        if not lag and self._held:
            names = list(dict.fromkeys([*self._held, *names]))
            self._held.clear()
        selected = self._selected(names)
        if lag:
            chosen = {name.removesuffix("/") for name in selected}
            self._held.update((name, None) for name in names if name.removesuffix("/") not in chosen)
        else:
            self._facts.save_due(self.store)
            at_work |= self._index.changed()
            if self._listing_due and not at_work:
                selected = list(dict.fromkeys([*selected, *self._listed_otherwise()]))
        # In the next turn git is done, or looked at again in the one after.
        self._listing_due = at_work or (lag and self._listing_due)
        return selected

    def _listed_otherwise(self) -> list[str]:
        """What git lists and the store does not have, or the other way round, though no file changed."""
        found = self._scan().files
        try:
            new = [name for name in found if name not in self._listed and name not in self.store]
            gone = [name for name in self._names if name not in found and name in self.store]
        except DiptychError:
            # The store is being opened anew; a build follows.
            return []
        self._listed = frozenset(found)
        self._look_due = bool(new or gone)
        return sorted([*new, *gone])

    def _selected(self, names: Sequence[str]) -> list[str]:
        selected: list[str] = []
        new: list[str] = []
        for name in names:
            if name in self._names:
                selected.append(name)
            elif name in self._folders:
                # Files behind a link are not there: a link in the place of a folder ends it.
                if not os.path.isdir(self._absolute(name)) or os.path.islink(self._absolute(name)):
                    selected.append(name + "/")
            elif name.endswith("/") or is_rule(name) or self._may_be_source(name):
                new.append(name)
        # Of files in submodules the outer repository says nothing.
        return selected + (not_ignored(self.root, new) if self._ask_git else new)

    # How it is done.

    def _index_all(self, paths: Sequence[str]) -> Iterator[str]:
        """A run in a thread of its own, so that its progress can be seen; its errors are raised here.

        The paths are yielded as many as are parsed, so they run ahead of the store by at most a batch.
        Nothing rests on that: a build counts at its end, and one that is superseded is followed by a scan.
        """
        done: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        failures: list[BaseException] = []
        superseded = threading.Event()

        def progress(seen: Progress) -> None:
            if superseded.is_set():
                raise _Superseded
            done.put(seen.done_files)

        def run() -> None:
            try:
                update(
                    self.root,
                    self.store,
                    settings=self._settings,
                    processes=self._processes,
                    progress=progress,
                    workers=self._workers,
                )
            except BaseException as error:  # noqa: BLE001 - raised in the thread that waits for this one
                failures.append(error)
            finally:
                done.put(None)

        self._facts.pause()
        left = iter(paths)
        yielded = 0
        thread = threading.Thread(target=run, name="diptych-watch-index")
        thread.start()
        try:
            while (count := done.get()) is not None:
                while yielded < min(count, len(paths)):
                    yielded += 1
                    yield next(left)
        finally:
            superseded.set()
            thread.join()
        if failures:
            raise failures[0]
        self._facts_lag = False
        self._facts.resume(self.store.lsn)
        self._name(frozenset(self._in_facts() or (record.path for record in self.store.files())))
        self._names_lag = False
        if self._processes != 0:
            # The first edit, too, finds a worker.
            with suppress(OSError):
                self._workers.warm(self.root, max_file_bytes=self._settings.max_file_bytes)
        yield from left

    def _in_facts(self) -> Iterable[str]:
        found = facts.load(self.store.path, store_id=self.store.store_id, lsn=self.store.lsn)
        return found.files if found is not None else ()

    def _index_some(self, paths: Sequence[str]) -> Iterator[str]:
        known, lexists = self._known, os.path.lexists
        if self._look_due or any(path not in known and lexists(self._absolute(path)) for path in paths):
            self._look_due = False
            self._look()
        for path in paths:
            if path.endswith("/"):
                for name in sorted(name for name in self._names if name.startswith(path)):
                    self._index_one(name)
            else:
                self._index_one(path)
            yield path

    def _index_one(self, path: str) -> None:
        store, settings = self.store, self._settings
        record = store.file(path)
        found = self._known.get(path)
        payload, fact = b"", None
        if found is not None:
            name = path.encode("utf-8", "surrogateescape")
            seen = scan_names(self.root, [name], settings, store_path=store.path).files.get(path)
            # The size of now: what was small when the files were last listed may be large.
            size = (found if seen is None else seen)[1].size
            job = Job(path, found[0], size, record.content_hash if record is not None else "")
            parsed = self._parsed(job)
            if parsed.unchanged:
                return
            payload = parsed.payload
            digest = parsed.content_hash or failed_hash(self.root, parsed, settings.max_file_bytes)
            if seen is not None and digest:
                fact = Fact(seen[1], digest, parsed.skipped)

        def put() -> None:
            with store.transaction() as txn:
                txn.put_packed(path.encode("utf-8", "surrogateescape"), payload)

        def remove() -> None:
            with store.transaction() as txn:
                txn.remove_file(path)

        if payload:
            with suppress(InvalidRecordError):
                self._facts.update(store, path, fact, put)
                self._facts_lag = True
                return
            fact = fact and fact._replace(skipped="not storable")
        # Gone, or not to be parsed any more: it must not leave its stale record in the store.
        if record is not None:
            self._facts.update(store, path, fact, remove)
            self._facts_lag = True
        elif fact is not None:
            # Nothing to commit; but without an account of it, the index would never be fresh.
            self._facts.update(store, path, fact, lambda: None)

    def _parsed(self, job: Job) -> Parsed:
        settings = self._settings
        if self._processes == 0 or job.size <= settings.in_process_file_bytes:
            with fs.Beneath(self.root) as tree:
                return parse(tree, job, settings.max_file_bytes)
        (parsed,) = parsed_in_workers(
            [job],
            self.root,
            processes=1,
            max_file_bytes=settings.max_file_bytes,
            timeout_s=settings.worker_timeout_s,
            workers=self._workers,
        )
        return parsed

    def _look(self) -> None:
        found = self._scan()
        self._known = found.files
        self.notice = found.notice
        self._name(self._names)
        self._ask_git = found.source == "git" and not os.path.lexists(self._absolute(".gitmodules"))

    def _scan(self) -> Scan:
        store = self.store
        known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
        return scan(self.root, self._settings, store_path=store.path, before=found_by_git(store, known))

    def _name(self, others: frozenset[str]) -> None:
        """Let `names` be what was found, and these others."""
        names = others.union(self._known)
        folders: set[str] = set()
        for path in names:
            folder = path.rpartition("/")[0]
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        self._names, self._folders = names, frozenset(folders)

    def _may_be_source(self, name: str) -> bool:
        if "." in name.rpartition("/")[2]:
            return bool(language_of(name))
        try:
            return os.lstat(self._absolute(name)).st_mode & 0o111 != 0  # its first line may say
        except OSError:
            return False

    def _absolute(self, name: str) -> str:
        return f"{self.root}/{name}"
