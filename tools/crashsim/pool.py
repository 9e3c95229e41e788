"""Checks states in worker processes, and survives whatever the checked code does to them."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from tools.guard import HANG_S

from .errors import CrashsimError
from .recorder import environment, scratch_directory
from .trees import remove_tree
from .worker import Task


@dataclass(frozen=True, slots=True)
class Limits:
    """What a check may take before it counts as a failure, and how long a worker lives."""

    time_s: float = HANG_S
    growth_bytes: int = 256 << 20
    checks_per_worker: int = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the check of state `number` said; `kind` is "" when it passed."""

    number: int
    kind: str
    message: str
    elapsed_s: float


class _Worker:
    """One process. A task is sent, a verdict awaited; when neither comes, it is killed."""

    def __init__(self, module: str, limits: Limits) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tools.crashsim.worker",
                module,
                scratch_directory() or "",
                str(limits.growth_bytes),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(),
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise CrashsimError(f"The checker {module} has no pipes.")
        self.tasks: IO[bytes] = self.process.stdin
        self.answers: IO[bytes] = self.process.stdout
        try:
            _, _, self.scratch = pickle.load(self.answers)
        except EOFError:
            raise CrashsimError(f"The checker {module} does not start: {self.last_words()}") from None
        self.number = -1
        self.spoilt = False  # a panic, a signal or a swollen heap: the next check gets a fresh process
        self.began = 0.0
        self.checks = 0

    def send(self, task: Task) -> None:
        self.number = task[0]
        self.began = time.monotonic()
        self.checks += 1
        with contextlib.suppress(BrokenPipeError):
            pickle.dump(task, self.tasks, protocol=5)
            self.tasks.flush()

    def verdict(self) -> Outcome:
        """Read the verdict; the end of the pipe means that the process died of a signal."""
        number = self.number
        elapsed_s = time.monotonic() - self.began
        try:
            _, kind, message = pickle.load(self.answers)
        except (EOFError, pickle.UnpicklingError):
            self.spoilt = True
            status = self.process.wait()
            name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
            return Outcome(number, "signal", f"The process died of {name}. {self.last_words()}", elapsed_s)
        self.spoilt = kind in ("panic", "memory")
        return Outcome(number, kind, message, elapsed_s)

    def last_words(self) -> str:
        """The last line the process wrote to its standard error."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def stop(self, *, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        with contextlib.suppress(OSError):
            self.tasks.close()
        try:
            self.process.wait(timeout=HANG_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.answers.close()
        self._errors.close()
        remove_tree(self.scratch)


class Pool:
    """Worker processes for one checker module; they outlive a campaign's single runs. Close it when done."""

    def __init__(self, module: str, *, jobs: int, limits: Limits) -> None:
        self._module = module
        self._jobs = jobs
        self._limits = limits
        self._idle: list[_Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().stop()

    def check(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Check every task; outcomes come as they are ready, in no fixed order."""
        waiting = iter(tasks)
        busy: list[_Worker] = []
        try:
            while True:
                while len(busy) < self._jobs and (task := next(waiting, None)) is not None:
                    worker = self._idle.pop() if self._idle else _Worker(self._module, self._limits)
                    busy.append(worker)
                    worker.send(task)
                if not busy:
                    return
                for worker in self._answered(busy):
                    yield worker.verdict()
                    busy.remove(worker)
                    self._put_back(worker)
                for worker in [worker for worker in busy if self._overdue(worker)]:
                    busy.remove(worker)
                    worker.stop(kill=True)
                    yield Outcome(
                        worker.number,
                        "hang",
                        f"No answer within {self._limits.time_s:.0f} s.",
                        self._limits.time_s,
                    )
        finally:
            for worker in busy:
                worker.stop(kill=True)

    def _overdue(self, worker: _Worker) -> bool:
        return time.monotonic() - worker.began > self._limits.time_s

    def _answered(self, busy: list[_Worker]) -> list[_Worker]:
        wait_s = min(worker.began for worker in busy) + self._limits.time_s - time.monotonic()
        ready, _, _ = select.select([worker.answers for worker in busy], [], [], max(0.0, wait_s))
        return [worker for worker in busy if worker.answers in ready]

    def _put_back(self, worker: _Worker) -> None:
        if worker.spoilt or worker.checks >= self._limits.checks_per_worker:
            worker.stop()
        else:
            self._idle.append(worker)


def cpu_count() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))
