"""Worker processes, and what to do when one dies or hangs: its file is isolated, the run goes on.

A worker is a fresh interpreter over two pipes. It is given a chunk of files at a time, and a second one in
advance so that it never waits. What a worker that died or fell silent had not answered is tried again one
file at a time; a file that does so alone is the culprit, and is skipped. Memory is bounded: a worker that
is ahead blocks on its full pipe until the run has taken its answers.

With much to parse, workers build segments, and a segment is one result for many files. What of a worker that
died was in no complete segment is parsed again by another; after some deaths, workers answer with records
instead, so that each costs no more than the file that caused it.

Starting one costs more than parsing most files, so a host that indexes again and again keeps one between
runs: see `WarmWorkers`. Its bounds are the same. A worker is started by exec, so it holds no lock of the host
and no descriptor but its three pipes, whatever threads the host runs.
"""

from __future__ import annotations

import os
import select
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from types import TracebackType
from typing import NamedTuple

from diptych import fs
from diptych.errors import StorageError
from diptych.indexer.parse import Parsed
from diptych.indexer.plan import Job, chunks
from diptych.indexer.wire import ERROR_FIELDS, LARGE_BYTES, pack_jobs, unpacker
from diptych.store.generation import remove_incoming

_CHUNK_FILES = 64
_CHUNK_BYTES = 256 * 1024
# Two requests must fit a pipe's 64 KB: the run writes them without waiting for answers to be read.
_CHUNK_PATH_BYTES = 24 * 1024
_AHEAD = 2
_READ_BYTES = 1024 * 1024
_F_SETPIPE_SZ = 1031  # Linux; a larger pipe lets workers go on while the run commits
_START = """
import sys
from diptych.indexer.worker import main
main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
"""
_POLL_S = 0.5
# A worker that is to start is given this long at least, on a busy machine too.
_START_S = 120.0
# While it completes a segment, a worker is silent, for as long as the disk takes.
_SEALING_S = 600.0
# After so many workers that died, none builds segments.
_DEATHS_MOST = 3
# Workers that wait between two runs: single edits need one, and a run that has more to do starts more.
_WARM = 1


class Sealed(NamedTuple):
    """A complete segment, and the files whose records are in it."""

    path: str
    files: list[str]


class _Worker:
    """One process, and the files it has yet to answer for, in order."""

    def __init__(self, root: str, max_file_bytes: int, store: str = "") -> None:
        self.serves = (root, max_file_bytes)
        self._store = store
        """Where it builds segments; "" where it answers with records."""
        self._started_by = os.getpid()
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        self.process = subprocess.Popen(
            # -P: a module in the current folder, the repository's perhaps, must not pass for one of ours.
            [sys.executable, "-P", "-c", _START, root, str(max_file_bytes), store],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Nothing is written to it: it tells the worker of the host's end, also in the midst of a parse.
            stderr=subprocess.PIPE,
            env=environment,
            bufsize=0,
            # Ctrl-C goes to the whole group, and would end a worker that is starting, with its file.
            process_group=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.requests, self.answers, self._life = (
            self.process.stdin,
            self.process.stdout,
            self.process.stderr,
        )
        if sys.platform == "linux":
            _widen(self.answers.fileno())
        self.waiting: deque[Job] = deque()
        self.unsealed: list[Job] = []
        """The files whose records are in the segment that it builds."""
        self.sealing = False
        """Whether it completes the segment, or was asked to."""
        self.chunks_waiting: deque[int] = deque()
        self.unpacker = unpacker()
        self.started = False
        self.left = False
        """It is ending by itself, and began with none of what it has not answered for."""
        self.reused = False
        """It has waited since its last answer: should it be dead, that need not be the next file's doing."""
        self.heard_at_s = time.monotonic()

    def give(self, chunk: list[Job]) -> None:
        """Ask for a chunk. A worker that is gone is noticed when its answers end."""
        if not self.waiting:
            self.heard_at_s = time.monotonic()
        self.waiting.extend(chunk)
        self.chunks_waiting.append(len(chunk))
        with suppress(BrokenPipeError):
            self.requests.write(pack_jobs(chunk))

    def complete(self) -> None:
        """Ask for the segment that it builds."""
        self.sealing = True
        self.heard_at_s = time.monotonic()
        with suppress(BrokenPipeError):
            self.requests.write(pack_jobs([]))

    def take(self) -> list[Parsed | Sealed] | None:
        """The answers that are there; None when there will be no more. Raises StorageError."""
        data = os.read(self.answers.fileno(), _READ_BYTES)
        if not data:
            return None
        self.heard_at_s = time.monotonic()
        self.unpacker.feed(data)
        taken: list[Parsed | Sealed] = []
        for fields in self.unpacker:
            if fields is None:
                self.started = True
                continue
            if fields is False:
                self.left = True
                continue
            if fields is True:
                self.sealing = True
                continue
            if isinstance(fields, str):
                taken.append(Sealed(fields, [job.path for job in self.unsealed]))
                self.sealing, self.unsealed = False, []
                continue
            if len(fields) == ERROR_FIELDS:
                code, message = fields
                error = StorageError(f"a segment cannot be built: {message}")
                raise fs.storage_error(OSError(code, message), "build in", self._store) if code else error
            self.reused = False
            parsed = Parsed._make(fields)
            job = self.waiting.popleft()
            assert parsed.path == job.path
            taken.append(parsed)
            if parsed.is_in_segment:
                self.unsealed.append(job)
            self.chunks_waiting[0] -= 1
            if not self.chunks_waiting[0]:
                self.chunks_waiting.popleft()
        return taken

    def is_usable_for(self, root: str, max_file_bytes: int) -> bool:
        """Whether it was started for these, by this process, and still waits, as far as can be seen."""
        if self.serves != (root, max_file_bytes) or self._started_by != os.getpid():
            return False
        while self.has_answers():
            if self.take() is None or self.left:
                return False
        return True

    def has_answers(self) -> bool:
        """Whether `take` would not wait."""
        poll = select.poll()
        poll.register(self.answers, select.POLLIN)
        return bool(poll.poll(0))

    def unbegun(self) -> Iterator[list[Job]]:
        """The chunks that one which left did not begin with."""
        for files in self.chunks_waiting:
            yield [self.waiting.popleft() for _ in range(files)]

    def end(self) -> None:
        """Kill it, whatever it is at. In a forked child: let go of it, for it is the parent's."""
        if self._started_by == os.getpid():
            self.process.kill()
            self.process.wait()
        else:
            self.process.returncode = 0
        self.requests.close()
        self.answers.close()
        self._life.close()
        if self._store and self._started_by == os.getpid():
            with suppress(StorageError):
                # What it built and nobody took.
                remove_incoming(self._store, self.process.pid)


class WarmWorkers:
    """A worker that outlasts a run, for a host that indexes again and again. Close it, or use `with`.

    Nothing is started before a run needs it, or `warm` is called. A worker that waits for too long, or has
    grown, ends by itself. Safe from any thread; a forked child starts workers of its own.
    """

    def __init__(self) -> None:
        # Appending and taking are atomic: no lock, which a fork could leave locked.
        self._waiting: deque[_Worker] = deque()
        self._closed = False

    def __enter__(self) -> WarmWorkers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what waits. What a run has at work ends with that run."""
        self._closed = True
        self._end_all_but(0)

    def warm(self, root: str, *, max_file_bytes: int) -> None:
        """Have a worker started for the next run of that root and setting. Raises OSError."""
        self.put(self.take(root, max_file_bytes) or _Worker(root, max_file_bytes))

    def take(self, root: str, max_file_bytes: int) -> _Worker | None:
        """One that waits and was started for the same; None where a new one is to be started."""
        with suppress(IndexError):
            while True:
                worker = self._waiting.popleft()
                if worker.is_usable_for(root, max_file_bytes):
                    worker.reused = True
                    return worker
                worker.end()
        return None

    def put(self, worker: _Worker) -> None:
        """Let it wait for the next run."""
        self._waiting.append(worker)
        self._end_all_but(0 if self._closed else _WARM)

    def _end_all_but(self, most: int) -> None:
        with suppress(IndexError):
            while len(self._waiting) > most:
                self._waiting.popleft().end()


def parsed_in_workers(
    jobs: list[Job],
    root: str,
    *,
    processes: int,
    max_file_bytes: int,
    timeout_s: float,
    workers: WarmWorkers | None = None,
) -> Generator[Parsed]:
    """Parse `jobs` in up to `processes` workers; yields in no order, one result for each job.

    Closing the iterator ends the workers, but for one that `workers` keeps for the next run. Raises OSError
    when no process can be started.
    """
    with closing(_Pool(jobs, root, processes, max_file_bytes, timeout_s, workers, "")) as pool:
        for result in pool.results():
            assert isinstance(result, Parsed)
            yield result


def built_in_workers(
    jobs: list[Job], root: str, store: str, *, processes: int, max_file_bytes: int, timeout_s: float
) -> Generator[Parsed | Sealed]:
    """Parse `jobs` in up to `processes` workers, which build segments in the directory of `store`.

    A result may say that its record is in a segment, which follows; of a worker that dies before that, there
    is another result for the same file. A segment is to be taken before the next result is asked for.
    Closing the iterator ends the workers, and removes what nobody took. Raises OSError when no process can be
    started, StorageError where a segment cannot be written.
    """
    with closing(_Pool(jobs, root, processes, max_file_bytes, timeout_s, None, store)) as pool:
        yield from pool.results()


class _Pool:
    def __init__(
        self,
        jobs: list[Job],
        root: str,
        processes: int,
        max_file_bytes: int,
        timeout_s: float,
        warm: WarmWorkers | None,
        store: str,
    ) -> None:
        self._store = store
        self._deaths = 0
        self._fresh = _chunks_of(jobs)
        self._suspects: deque[Job] = deque()
        self._unbegun: deque[list[Job]] = deque()
        # A worker that is kept must not depend on the folder that is the current one at its start.
        self._root = root if warm is None else os.path.abspath(root)
        self._processes = processes
        self._max_file_bytes = max_file_bytes
        self._timeout_s = timeout_s
        self._warm = warm
        self._selector = selectors.DefaultSelector()
        self._workers: set[_Worker] = set()
        self._left = len(jobs)
        """How many have no result yet, or are in no complete segment."""

    def results(self) -> Iterator[Parsed | Sealed]:
        """See `parsed_in_workers`."""
        for _ in range(self._processes):
            if not self._start():
                break
        while self._left:
            for key, _ in self._selector.select(_POLL_S):
                worker: _Worker = key.data
                taken = worker.take()
                if taken is None:
                    yield from self._failed(worker, "parser died")
                    continue
                if not worker.left:
                    self._fill(worker)
                self._left -= sum(_settles(one) for one in taken)
                yield from taken
                if worker.left:
                    # Now that its segment was taken.
                    self._replace(worker)
            now_s = time.monotonic()
            for worker in list(self._workers):
                limit_s = self._timeout_s if worker.started else max(self._timeout_s, _START_S)
                limit_s = max(limit_s, _SEALING_S) if worker.sealing else limit_s
                is_silent = now_s - worker.heard_at_s > limit_s
                # What it answered while the run committed, or was stopped, may not have been read.
                if (worker.waiting or worker.sealing) and is_silent and not worker.has_answers():
                    yield from self._failed(worker, "parser hung")

    def close(self) -> None:
        """End every worker, but for those that may wait for another run."""
        for worker in self._workers:
            if self._warm is not None and not self._store and worker.started and not worker.waiting:
                self._warm.put(worker)
            else:
                worker.end()
        self._workers.clear()
        self._selector.close()

    def _start(self) -> bool:
        """Start a worker if there is a chunk for one."""
        chunk = self._next()
        if chunk is None:
            return False
        worker = None
        if self._warm is not None and not self._store:
            worker = self._warm.take(self._root, self._max_file_bytes)
        builds = self._deaths < _DEATHS_MOST
        worker = worker or _Worker(self._root, self._max_file_bytes, self._store if builds else "")
        self._workers.add(worker)
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)
        worker.give(chunk)
        self._fill(worker)
        return True

    def _next(self) -> list[Job] | None:
        if self._suspects:
            return [self._suspects.popleft()]
        if self._unbegun:
            return self._unbegun.popleft()
        return next(self._fresh, None)

    def _fill(self, worker: _Worker) -> None:
        # A suspect goes alone: were there a second file behind it, either could be the culprit.
        while len(worker.chunks_waiting) < (1 if self._suspects else _AHEAD):
            chunk = self._next()
            if chunk is None:
                if worker.unsealed and not worker.waiting and not worker.sealing:
                    worker.complete()
                return
            worker.give(chunk)

    def _failed(self, worker: _Worker, reason: str) -> Iterator[Parsed]:
        """Replace a worker that failed. Its only file is the culprit; of several, each is a suspect.

        One that hangs is at the first it has not answered for, where that is large.
        """
        self._selector.unregister(worker.answers)
        self._workers.discard(worker)
        worker.end()
        self._deaths += 1
        self._unbegun.extend(_chunks_of(worker.unsealed))
        waiting = worker.waiting
        at_large = reason == "parser hung" and worker.started and waiting[0].size >= LARGE_BYTES
        # One that was killed while it waited has told of no file.
        unproven = reason == "parser died" and worker.reused
        if (len(waiting) == 1 and not unproven) or at_large:
            job = waiting.popleft()
            self._left -= 1
            yield Parsed(job.path, size=job.size, skipped=reason)
        self._suspects.extend(waiting)
        self._start()

    def _replace(self, worker: _Worker) -> None:
        """Give what one that left did not begin with to another."""
        self._selector.unregister(worker.answers)
        self._workers.discard(worker)
        self._unbegun.extend(worker.unbegun())
        worker.end()
        self._start()


def _settles(result: Parsed | Sealed) -> int:
    """For how many files this is the last that is said of them."""
    if isinstance(result, Sealed):
        return len(result.files)
    return not result.is_in_segment


def _chunks_of(jobs: list[Job]) -> Iterator[list[Job]]:
    return chunks(jobs, max_files=_CHUNK_FILES, max_bytes=_CHUNK_BYTES, max_path_bytes=_CHUNK_PATH_BYTES)


def _widen(fd: int) -> None:
    import fcntl

    try:
        fcntl.fcntl(fd, _F_SETPIPE_SZ, _READ_BYTES)
    except OSError:
        # Over the user's limit for pipes: the usual size does, with more waiting.
        return
