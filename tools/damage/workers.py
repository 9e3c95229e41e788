"""Work done in child processes that may hang or die without taking the campaign with them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

_fork = multiprocessing.get_context("fork")


class Died(Exception):  # noqa: N818 - an outcome, not an error of the caller's
    """A worker was killed by a signal, left without an answer, or took too long ("hang")."""


class Worker:
    """A forked process that answers one call at a time; replaced by a new one when it dies."""

    def __init__(
        self, make: Callable[[], Callable[[Any], Any]], *, limit_s: float, memory_bytes: int
    ) -> None:
        """`make` is called in the child, and returns the function that does the work there."""
        self._make, self._limit_s, self._memory_bytes = make, limit_s, memory_bytes
        self._process: Any = None
        self._connection: Connection | None = None

    def send(self, work: Any) -> Connection:
        """Begin a piece of work; returns what to wait on."""
        if self._process is None:
            self._start()
        assert self._connection is not None
        self._connection.send(work)
        return self._connection

    def answer(self) -> Any:
        """What came of it. Raises Died."""
        assert self._connection is not None
        if not self._connection.poll(self._limit_s):
            self.stop()
            raise Died("hang")
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            self.stop()
            raise Died(f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}") from None

    def stop(self) -> None:
        """Kill the process, if it runs."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()
            self._process.join()
            assert self._connection is not None
            self._connection.close()
            self._process = self._connection = None

    def _start(self) -> None:
        ours, theirs = _fork.Pipe()
        self._process = _fork.Process(target=self._serve, args=(theirs, ours), daemon=True)
        self._process.start()
        theirs.close()
        self._connection = ours

    def _serve(self, connection: Connection, parents: Connection) -> None:
        parents.close()
        # A group of its own would survive the terminal's interrupt; the parent kills it instead.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_AS, (self._memory_bytes, self._memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        work = self._make()
        while True:
            try:
                task = connection.recv()
            except EOFError:
                return
            connection.send(work(task))


def spread(
    workers: list[Worker], tasks: Iterable[Any], *, goes_on: Callable[[], bool]
) -> Iterator[tuple[Any, Any]]:
    """`(task, answer)` for each task, by whichever worker is free; the answer is a Died where one was met.

    Tasks are begun while `goes_on` says so.
    """
    busy: dict[Connection, tuple[Worker, Any]] = {}
    idle = list(workers)
    pending = iter(tasks)
    try:
        while True:
            while idle and goes_on():
                task = next(pending, None)
                if task is None:
                    break
                worker = idle.pop()
                busy[worker.send(task)] = (worker, task)
            if not busy:
                return
            ready = wait(list(busy), timeout=max(worker._limit_s for worker, _ in busy.values()))
            for connection in ready or list(busy)[:1]:
                assert isinstance(connection, Connection)
                worker, task = busy.pop(connection)
                try:
                    answer = worker.answer() if ready else _overdue(worker)
                except Died as died:
                    answer = died
                idle.append(worker)
                yield task, answer
    finally:
        for worker in workers:
            worker.stop()


def _overdue(worker: Worker) -> Any:
    worker.stop()
    raise Died("hang")
