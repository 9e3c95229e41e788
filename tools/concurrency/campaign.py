"""Threads that write, threads and processes that read, checkpoints and merges, all at once on one store."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import random
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from diptych import CheckpointPolicy, DiptychError, FileRecord, Range, Store, Symbol, verify
from tools.guard import HANG_S

from .history import Commit, Glance, History, Seen, check

_fork = multiprocessing.get_context("fork")
_FILES = 40
_ALL = 10_000
_END_POLL_S = 0.05
_POLICY = CheckpointPolicy(changes=60, interval_s=0.5)
# How many commits a writer lives for: few, so that merges meet new writers, or many.
_SESSION_COMMITS = (4, 4, 4, 12, 12, 60, 400)
# How many writers with one commit each come before it.
_BRIEF_WRITERS = (14, 21)


def _record(path: str, number: int) -> FileRecord:
    """A file whose one symbol tells the version."""
    return FileRecord(path, f"{number:064x}", "", [Symbol("thing", "function", Range(0, 0, number, 0))])


def _version(record: FileRecord | None) -> int | None:
    return None if record is None else int(record.content_hash, 16)


def _look(view: Any, reader: str, acked_lsn: int, rng: random.Random) -> Seen:
    """Everything through one view."""
    paths = [_path(rng.randrange(_FILES)) for _ in range(3)]
    files = {file.path: int(file.content_hash, 16) for file in view.files()}
    searched: dict[str, int] = {}
    for hit in view.search("name:thing", limit=_ALL):
        # A file found twice is found in two versions, or its symbol is indexed twice: 0 is no version.
        searched[hit.path] = 0 if hit.path in searched else hit.symbol.range.end_line
    found = {path: _version(view.file(path)) for path in paths}
    by_name = {hit.path: hit.symbol.range.end_line for hit in view.symbols("thing")}
    if by_name != files:
        searched = {**by_name, "by symbols()": -1}
    return Seen(reader, view.lsn, acked_lsn, files, searched, len(view), found)


def _path(number: int) -> str:
    return f"src/{number:03d}.py"


class _Run:
    """One store, and all who work on it."""

    def __init__(self, path: str, seed: int, ends_s: float, commits_most: int) -> None:
        self.store = Store.open(path, policy=_POLICY)
        self.path, self.seed = path, seed
        self.ends_s, self.commits_most = ends_s, commits_most
        self.history = History()
        self.errors: list[str] = []
        self.acked_lsn = 0
        self.session = self._turn = 0
        self._session_commits = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def goes_on(self) -> bool:
        enough = 0 < self.commits_most <= len(self.history.commits)
        return time.monotonic() < self.ends_s and not enough and not self.errors

    def session_goes_on(self) -> bool:
        return self.goes_on() and len(self.history.commits) < self._session_commits

    def begin_session(self) -> None:
        """A writer that lives for a few commits: the next one goes on with the segments that it left."""
        rng = random.Random(f"{self.seed} {self.session}")
        try:
            for _ in range(rng.choice(_BRIEF_WRITERS)):
                if self.goes_on():
                    self._write_briefly()
            self._verify()
        except DiptychError as error:
            self.errors.append(f"a brief writer: {error!r}")
        if self.session:
            self._reopen()
        self.session += 1
        most = rng.choice(_SESSION_COMMITS)
        self._session_commits = len(self.history.commits) + most

    def _reopen(self) -> None:
        self.store.close()
        self.store = Store.open(self.path, policy=_POLICY)

    def _verify(self) -> None:
        """All keys and documents in both stores."""
        if not (report := verify(self.path)).ok:
            self.errors.append(f"verify after session {self.session}: {report.findings}")

    def _write_briefly(self) -> None:
        """A commit and a checkpoint of a writer, which folds what the writers before it left now and then."""
        self._reopen()
        turn = self._turn = self._turn + 1
        self._write_and_publish((f"brief/a{turn % 2}.py", "brief/b.py", f"brief/m{turn % 40}.py"))
        self._verify()

    def _write_and_publish(self, paths: tuple[str, ...]) -> None:
        number = next(self._numbers)
        with self.store.transaction() as txn:
            for path in paths:
                txn.index_file(_record(path, number))
        with self._lock:
            self.history.commits.append(Commit(txn.lsn, number, dict.fromkeys(paths, number)))
            self.acked_lsn = max(self.acked_lsn, txn.lsn)
        self.store.checkpoint()

    def thread(self, name: str, work: Callable[[str, random.Random], None]) -> threading.Thread:
        """A thread that works, once at least, until the session's end or until anything is raised."""

        def run() -> None:
            rng = random.Random(f"{self.seed} {self.session} {name}")
            try:
                work(name, rng)
                while self.session_goes_on():
                    work(name, rng)
            except BaseException as error:
                self.errors.append(f"{name}: {error!r}\n{''.join(traceback.format_exception(error)[-3:])}")

        return threading.Thread(target=run, name=name)

    def write(self, name: str, rng: random.Random) -> None:
        number = next(self._numbers)
        paths = {_path(rng.randrange(_FILES)) for _ in range(rng.randint(1, 4))}
        writes: dict[str, int] = {}
        give_up = rng.random() < 0.05
        try:
            with self.store.transaction() as txn:
                for path in sorted(paths):
                    txn.index_file(_record(path, number))
                    writes[path] = number
                # Another writer may remove it first: then this removes nothing, which is no change either.
                if rng.random() < 0.2:
                    gone = max(paths)
                    txn.remove_file(gone)
                    writes[gone] = 0
                if give_up:
                    raise _GivenUp
        except _GivenUp:
            return
        with self._lock:
            self.history.commits.append(Commit(txn.lsn, number, writes))
            self.acked_lsn = max(self.acked_lsn, txn.lsn)
        mine = max(writes)
        low = txn.lsn
        version = _version(self.store.file(mine))
        self._glance(Glance(name, low, self.store.lsn, mine, version))
        time.sleep(rng.random() * 0.004)

    def read(self, name: str, rng: random.Random) -> None:
        acked_lsn = self.acked_lsn
        with self.store.view() as view:
            seen = _look(view, name, acked_lsn, rng)
            with self._lock:
                self.history.seen.append(seen)
            if rng.random() < 0.1:
                # Held while commits and checkpoints go on: it must not move.
                time.sleep(rng.random() * 0.5)
                later = _look(view, f"{name}, held", 0, rng)
                if later.lsn != seen.lsn:
                    self.errors.append(f"{name}: a view moved from LSN {seen.lsn} to {later.lsn}")
                with self._lock:
                    self.history.seen.append(later._replace(reader=f"{name}, held {seen.lsn}"))
        for _ in range(5):
            path, low = _path(rng.randrange(_FILES)), self.store.lsn
            version = _version(self.store.file(path))
            self._glance(Glance(name, low, self.store.lsn, path, version))

    def checkpoint(self, _name: str, rng: random.Random) -> None:
        time.sleep(rng.random() * 0.3)
        self.store.checkpoint()

    def _glance(self, glance: Glance) -> None:
        with self._lock:
            self.history.glances.append(glance)


class _GivenUp(Exception):  # noqa: N818 - rolls a transaction back on purpose
    pass


def _follow(path: str, name: str, seed: int, connection: Connection) -> None:
    """A reading process: refreshes, looks, and at times opens the store again, until it is told to end."""
    rng = random.Random(f"{seed} {name}")
    seen: list[Seen] = []
    glances: list[Glance] = []
    error = ""
    store = None
    try:
        while not (seen and connection.poll()):
            if store is None or rng.random() < 0.05:
                if store is not None:
                    store.close()
                store = Store.open(path, read_only=True)
            store.refresh()
            with store.view() as view:
                seen.append(_look(view, name, 0, rng))
                if rng.random() < 0.1:
                    time.sleep(rng.random() * 0.5)
                    seen.append(_look(view, f"{name}, held {len(seen)}", 0, rng))
            wanted, low = _path(rng.randrange(_FILES)), store.lsn
            glances.append(Glance(name, low, store.lsn, wanted, _version(store.file(wanted))))
            store.search("name:thing", limit=3)
    except BaseException as raised:
        error = f"{name}: {raised!r}\n{''.join(traceback.format_exception(raised)[-3:])}"
    connection.send((seen, glances, error))
    connection.close()
    # Not the usual way out: what the parent's handles would do at their end is not this process's to do.
    os._exit(0)


def run(
    *,
    seed: int = 1,
    seconds: float = 120.0,
    commits: int = 0,
    writers: int = 3,
    readers: int = 2,
    processes: int = 2,
    directory: str = "",
) -> dict[str, Any]:
    """Work on one store for `seconds`, or for as many commits (0: no limit), then decide.

    Returns the results as JSON values.
    """
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    root = tempfile.mkdtemp(prefix="concurrency-", dir=directory or fast)
    path = os.path.join(root, "store")
    try:
        Store.open(path, policy=CheckpointPolicy(automatic=False)).close()
        began_s = time.monotonic()
        children, connections = [], []
        # Forked while this process has no threads.
        for number in range(processes):
            ours, theirs = _fork.Pipe()
            child = _fork.Process(target=_follow, args=(path, f"process {number}", seed, theirs))
            child.start()
            theirs.close()
            children.append(child)
            connections.append(ours)
        run_ = _Run(path, seed, began_s + seconds, commits)
        while run_.goes_on():
            run_.begin_session()
            threads = [run_.thread(f"writer {number}", run_.write) for number in range(writers)]
            threads += [run_.thread(f"reader {number}", run_.read) for number in range(readers)]
            threads.append(run_.thread("checkpoints", run_.checkpoint))
            for thread in threads:
                thread.start()
            while run_.session_goes_on():
                time.sleep(_END_POLL_S)
            for thread in threads:
                thread.join(HANG_S)
                if thread.is_alive():
                    run_.errors.append(f"{thread.name} hangs")
        for child, connection in zip(children, connections, strict=True):
            _gather(run_, child, connection)
        return _results(run_, seed, time.monotonic() - began_s)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _gather(run_: _Run, child: Any, connection: Connection) -> None:
    try:
        # One that failed has said so already, and is gone.
        with contextlib.suppress(OSError):
            connection.send("end")
        if connection.poll(HANG_S):
            seen, glances, error = connection.recv()
            run_.history.seen += seen
            run_.history.glances += glances
            if error:
                run_.errors.append(error)
        else:
            run_.errors.append("a reading process hangs")
            child.kill()
    except (EOFError, OSError):
        run_.errors.append("a reading process died")
    child.join()


def _results(run_: _Run, seed: int, elapsed_s: float) -> dict[str, Any]:
    stats = run_.store.stats()
    if stats.checkpoint_error:
        run_.errors.append(f"a checkpoint failed: {stats.checkpoint_error}")
    run_.store.close()
    with Store.open(run_.path, read_only=True) as store, store.view() as view:
        run_.history.seen.append(_look(view, "after the close", run_.acked_lsn, random.Random(seed)))
    report = verify(run_.path)
    if not report.ok:
        run_.errors.append(f"verify: {report.findings}")
    broken = check(run_.history)
    history = run_.history
    return {
        "campaign": "concurrency",
        "seed": seed,
        "elapsed_s": round(elapsed_s, 1),
        "commits": len(history.commits),
        "sessions": run_.session,
        "views": len(history.seen),
        "reads": len(history.glances),
        "generation_lsn": stats.generation_lsn,
        "outcomes": {"explained": len(history.seen) + len(history.glances) - len(broken)},
        "violation_count": len(broken) + len(run_.errors),
        "violations": [*run_.errors[:20], *broken[:20]],
    }
