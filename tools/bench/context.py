"""What a row is given: the size, the data, places to work in, and a way to let contestants take turns."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tools.bench import agree, peers, stats
from tools.bench.data import dataset, questions, trees
from tools.bench.data.dataset import Dataset
from tools.bench.data.questions import Questions
from tools.bench.results import RowResult
from tools.bench.sizes import Size
from tools.bench.worker import ContestantError, NotInstalledError, Worker

Start = tuple[Any, ...]
"""The factory ("module:name") of a contestant's session, and its arguments."""


@dataclass(frozen=True)
class Row:
    """One row of the table: `run` fills the result it is given."""

    id: str
    title: str
    target: str
    run: Callable[[Context, RowResult], None]


@dataclass
class Context:
    """One run of the benchmark."""

    size: Size
    folder: str
    only_peers: frozenset[str]
    say: Callable[[str], None] = print
    _questions: dict[str, Questions] = field(default_factory=dict)
    _fixtures: dict[tuple[str, str], str] = field(default_factory=dict)
    _counter: int = 0

    @property
    def scratch(self) -> str:
        """Where stores are made; removed at the end of the run."""
        path = os.path.join(self.folder, "scratch", str(os.getpid()))
        os.makedirs(path, exist_ok=True)
        return path

    def new_place(self) -> str:
        """A path in the scratch folder at which nothing is yet."""
        self._counter += 1
        return os.path.join(self.scratch, f"{self._counter:05d}")

    def close(self) -> None:
        """Remove what the run left on disk, its data and results apart."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def generated(self) -> list[Dataset]:
        """The generated stores of this size, the smallest first."""
        return [self.one_generated(files) for files in self.size.scale]

    def one_generated(self, files: int, symbols_per_file: int = 0) -> Dataset:
        """A generated store of that many files."""
        folder = os.path.join(self.folder, "data")
        return dataset.generated(folder, files, symbols_per_file or self.size.symbols_per_file)

    def real(self, result: RowResult) -> list[Dataset]:
        """The real source trees of this size that can be had here."""
        found = []
        for name in self.size.trees:
            try:
                found.append(trees.dataset(os.path.join(self.folder, "data"), name))
            except trees.NoTreeError as error:
                result.absent[name] = str(error)
        return found

    def questions(self, data: Dataset) -> Questions:
        """What is asked about that data set."""
        if data.name not in self._questions:
            self._questions[data.name] = questions.ask(data, self.size.lookups, self.size.searches)
        return self._questions[data.name]

    def on_fixture(
        self, factory: str, peer: str, data: Dataset, *arguments: Any, limit: bool = True
    ) -> Callable[[], Start]:
        """How to start a session that reads that peer's fixture: (peer, path, arguments, time limit)."""
        more = (self.size.round_limit_s,) if limit else ()
        return lambda: (factory, peer, self.fixture(peer, data), *arguments, *more)

    def try_fixture(self, result: RowResult, peer: str, data: Dataset) -> str | None:
        """The fixture, or None where it cannot be made; the result then says why."""
        with self.excused(result, peer):
            return self.fixture(peer, data)
        return None

    def choose(self, *names: str) -> list[str]:
        """Those of the peers that this run was asked for."""
        return [name for name in names if not self.only_peers or name in self.only_peers]

    def fixture(self, peer: str, data: Dataset) -> str:
        """A store of that peer that holds the data set: made on first use, never to be written to."""
        key = (peers.peer_class(peer).layout, data.name)
        if key not in self._fixtures:
            path = self.new_place()
            self.say(f"  filling {peer} with {data.name} ...")
            with Worker("tools.bench.rows.load:LoadSession", peer, path, data, False) as worker:
                worker.call("round", 0)
                worker.call("finish")
            self._fixtures[key] = path
        return self._fixtures[key]

    def keep_as_fixture(self, peer: str, data: Dataset, path: str) -> None:
        """Use a store that a row has made anyway."""
        old = self._fixtures.get(key := (peers.peer_class(peer).layout, data.name))
        if old is not None and old != path:
            shutil.rmtree(old, ignore_errors=True)
        self._fixtures[key] = path

    def copy(self, path: str) -> str:
        """A copy to write to, on the same disk, with its hard links and holes as they are."""
        place = self.new_place()
        subprocess.run(["cp", "-a", path, place], check=True)
        return place

    @contextmanager
    def copied(self, peer: str, data: Dataset) -> Iterator[str]:
        """A copy of the fixture, removed at the end."""
        place = self.copy(self.fixture(peer, data))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def duel(
        self,
        result: RowResult,
        starts: Mapping[str, Start | Callable[[], Start]],
        rounds: int,
        *,
        restart: bool = False,
        fresh: bool = False,
    ) -> dict[str, list[Any]]:
        """Let sessions take turns: each does its `round(number)`, then the next; the first to go rotates.

        Returns what each session's rounds returned. A session that cannot start or fails is left out, and
        the result says so. A start that first has to make a store is given as a function. At the end the
        sessions' `answers()` are compared: raises AnswersDifferError. With `restart` each round has a new
        process; with `fresh` each process is a new interpreter.
        """
        workers: dict[str, Worker] = {}
        outcome: dict[str, list[Any]] = {}
        try:
            ready = {}
            for name, start in starts.items():
                with self.excused(result, name):
                    ready[name] = start() if callable(start) else start
                    workers[name] = Worker(*ready[name], fresh=fresh)
                    outcome[name] = []
            for number in range(rounds):
                order = list(workers)
                turn = number % max(len(order), 1)
                for name in order[turn:] + order[:turn]:
                    with self.excused(result, name):
                        if restart and number:
                            workers[name].close()
                            workers[name] = Worker(*ready[name], fresh=fresh)
                        outcome[name].append(workers[name].call("round", number))
                    if name in result.failures:
                        workers.pop(name).kill()
                        outcome.pop(name)
            answers: dict[str, agree.Answers] = {}
            for name, worker in workers.items():
                with self.excused(result, name):
                    answers[name] = worker.call("answers")
                if name in result.failures:
                    outcome.pop(name)
            for question in agree.require_agreement(answers):
                if question not in result.agreed:
                    result.agreed.append(question)
        finally:
            for worker in workers.values():
                worker.close()
        return outcome

    @contextmanager
    def excused(self, result: RowResult, name: str) -> Iterator[None]:
        """Note that a contestant is missing or failed, and go on without it."""
        try:
            yield
        except NotInstalledError as error:
            result.absent[name] = f"not installed ({error})"
        except ContestantError as error:
            result.failures[name] = str(error)
            self.say(f"  {name} failed: {str(error).splitlines()[0]}")


def add_latencies(
    result: RowResult,
    name: str,
    rounds: list[list[float]],
    point: Dataset,
    *,
    unit: str = "ms",
    note: str = "",
    prefix: str = "",
) -> None:
    """Add p50 and p99 of latencies in seconds, given round by round; the values are over all rounds."""
    scale = {"s": 1.0, "ms": 1e3, "µs": 1e6}[unit]
    kept = [[latency * scale for latency in one] for one in rounds if one]
    if not kept:
        return
    everything = [latency for one in kept for latency in one]
    for metric, share in (("p50", 0.5), ("p99", 0.99)):
        result.add(
            name, prefix + metric, unit, point, [stats.percentile(one, share) for one in kept],
            value=stats.percentile(everything, share), note=note,
        )


class Stopwatch:
    """Latencies of one round, and whether the round's time is up."""

    def __init__(self, limit_s: float) -> None:
        self.latencies: list[float] = []
        self._end = time.perf_counter() + limit_s

    def time(self, call: Callable[..., Any], *args: Any) -> Any:
        """The result of the call, whose duration is kept."""
        begin = time.perf_counter()
        value = call(*args)
        self.latencies.append(time.perf_counter() - begin)
        return value

    @property
    def over(self) -> bool:
        """True when the round has lasted its limit."""
        return time.perf_counter() >= self._end
