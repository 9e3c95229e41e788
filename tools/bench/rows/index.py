"""Indexing a source tree for the first time, beside parsing the same files with nothing around it."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from typing import Any

from tools.bench import agree
from tools.bench.context import Context, Row
from tools.bench.data import extract, trees
from tools.bench.results import RowResult

FLOOR = "parsing alone, 2 processes"
PROCESSES = 2
_CHUNK_FILES = 20
# The floor parses headers that `diptych index` by itself would leave out for their size.
_EVERY_FILE = ("--max-file-bytes", str(1 << 30))
# Children of this process, so that their processor time is counted to it.
_FORK = multiprocessing.get_context("fork")


def diptych_command(*arguments: str) -> list[str]:
    """The command line of Diptych, in a new interpreter: what the installed `diptych` script does."""
    return [sys.executable, "-c", "import sys; from diptych.cli import main; sys.exit(main())", *arguments]


def index_command(store: str, *options: str) -> list[str]:
    """`diptych index` of the current folder, with as many processes as the floor has."""
    return diptych_command("index", ".", "--store", store, "--processes", str(PROCESSES), "--quiet", *options)


def environment() -> dict[str, str]:
    """This process's environment, with the engine it measures on the import path, and no terminal."""
    import diptych

    package = os.path.dirname(os.path.dirname(os.path.abspath(diptych.__file__)))
    # Compiled modules are kept, as an installation keeps them: no start is to compile its source.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": package, "NO_COLOR": "1", "TERM": "dumb"}


def processor_s() -> float:
    """Processor seconds of all children that have ended: what other programs do does not add to them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_timed(command: list[str], folder: str) -> tuple[float, str]:
    """Seconds that a command took, and what it printed. Raises RuntimeError with what it said."""
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, errors="surrogateescape",
        check=False,
    )
    elapsed_s = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()[-2000:]}")
    return elapsed_s, done.stdout


class IndexSession:
    """`diptych index` of a tree into a new store, the command's start included."""

    def __init__(self, root: str, store: str) -> None:
        self._root = root
        self._store = store

    def round(self, _number: int) -> tuple[float, float]:
        shutil.rmtree(self._store, ignore_errors=True)
        # As anyone finds it who starts the command after a day's work: the source is in the kernel's cache.
        before_s = processor_s()
        elapsed_s, _ = run_timed(index_command(self._store, *_EVERY_FILE), self._root)
        return elapsed_s, processor_s() - before_s

    def answers(self) -> dict[str, Any]:
        """Every file that the floor parsed is in the store."""
        _, listed = run_timed(diptych_command("files", "-0", "--store", self._store), self._root)
        shutil.rmtree(self._store, ignore_errors=True)
        missing = set(trees.files(self._root)).difference(listed.split("\0"))
        if missing:
            raise agree.AnswersDifferError(
                f"{len(missing)} files were parsed by the floor and not indexed, {min(missing)} among them"
            )
        return {}


class ParseSession:
    """The floor: the same files, read and parsed by as many processes, starting them included."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._files = trees.files(root)

    def round(self, _number: int) -> tuple[float, float]:
        before_s = processor_s()
        begin = time.perf_counter()
        with concurrent.futures.ProcessPoolExecutor(PROCESSES, _FORK) as pool:
            roots = [self._root] * len(self._files)
            sizes = list(pool.map(extract.parse_only, roots, self._files, chunksize=_CHUNK_FILES))
        assert sum(sizes) > 0
        return time.perf_counter() - begin, processor_s() - before_s

    def answers(self) -> dict[str, Any]:
        return {}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    for point in ctx.real(result):
        starts: dict[str, Any] = {}
        if ctx.choose("diptych"):
            starts["diptych"] = ("tools.bench.rows.index:IndexSession", point.tree, ctx.new_place())
        starts[FLOOR] = ("tools.bench.rows.index:ParseSession", point.tree)
        rounds = 1 if point.files > 20_000 else min(3, ctx.size.rounds)
        for name, taken in ctx.duel(result, starts, rounds).items():
            result.add(name, "first time", "s", point, [elapsed_s for elapsed_s, _ in taken])
            result.add(name, "processor time", "s", point, [used_s for _, used_s in taken])
            rates = [point.files / elapsed_s for elapsed_s, _ in taken]
            result.add(name, "rate", "files/s", point, rates, more_is_better=True)
        result.judge_ratio(f"1.2 of parsing alone, {point.name}", FLOOR, "first time", point, at_most=1.2)
    if not ctx.size.trees:
        result.notes.append("no source trees at this size")


ROW = Row("index", "Index a source tree, first time", "1.2 of parsing alone with as many processes", run)
