"""Indexing again: with nothing changed, beside `git status`; and with one file edited."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any

from tools.bench.context import Context, Row, add_latencies
from tools.bench.data import trees
from tools.bench.data.extract import language_of
from tools.bench.results import RowResult
from tools.bench.rows.index import PROCESSES, index_command, run_timed

FLOOR = "git status"
RUNNING = "diptych, running process"
_EDITS = 20
_SETTLED_S = 2.1
_ADDED = {".py": b"\n\ndef %s():\n    pass\n", ".c": b"\nint %s(void) { return 0; }\n"}


class UnchangedSession:
    """`diptych index` of a tree that was indexed before, in a new process each time."""

    def __init__(self, root: str, store: str) -> None:
        self._root = root
        self._store = store
        self._command = index_command(store)
        run_timed(self._command, root)
        run_timed(self._command, root)

    def round(self, _number: int) -> float:
        return run_timed(self._command, self._root)[0]

    def answers(self) -> dict[str, Any]:
        shutil.rmtree(self._store, ignore_errors=True)
        return {}


class GitSession:
    """`git status` of the same tree, its index refreshed before."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.round(0)

    def round(self, _number: int) -> float:
        elapsed_s, printed = run_timed(["git", "status", "--porcelain"], self._root)
        if printed:
            raise RuntimeError(f"the tree is not as it came: {printed.splitlines()[0]}")
        return elapsed_s

    def answers(self) -> dict[str, Any]:
        return {}


class RunningSession:
    """A process that has the store open, as `diptych watch` has: nothing changed, then one file edited.

    An edited file is parsed in the worker that such a process keeps.
    """

    def __init__(self, root: str, store: str) -> None:
        self._root = root
        self._place = store
        import diptych
        from diptych.indexer import Settings, index_repository
        from diptych.indexer.plan import Job
        from diptych.indexer.pool import WarmWorkers, parsed_in_workers

        self._index, self._job, self._parse = index_repository, Job, parsed_in_workers
        self._settings, self._workers = Settings(), WarmWorkers()
        self._store = diptych.Store.open(store)
        names = [name for name in trees.files(root) if name.endswith((".py", ".c"))]
        step = max(1, len(names) // _EDITS)
        self._edited = names[::step][:_EDITS]
        self._index(root, self._store, processes=PROCESSES)
        self._index(root, self._store)
        self._edit(self._edited[0], 0)  # what is imported on first use is not part of an edit
        self._put_back()

    def round(self, number: int) -> tuple[float, list[tuple[float, float]]]:
        begin = time.perf_counter()
        report = self._index(self._root, self._store)
        unchanged_s = time.perf_counter() - begin
        if report.indexed:
            raise RuntimeError(f"{report.indexed} files were indexed again, and none was edited")
        edits = [self._edit(name, number * _EDITS + turn) for turn, name in enumerate(self._edited)]
        self._put_back()
        return unchanged_s, edits

    def _edit(self, name: str, number: int) -> tuple[float, float]:
        """Seconds from the changed file to a durable commit and a search that finds it; and of these, the
        seconds until the worker had read and parsed it."""
        with open(os.path.join(self._root, name), "rb") as file:
            original = file.read()
        mark = "zzq" + "".join(chr(97 + int(digit)) for digit in str(number))
        data = original + _ADDED[os.path.splitext(name)[1]] % mark.encode()
        self._write(name, data)
        begin = time.perf_counter()
        payload = self._parsed(name, len(data))
        parsed_s = time.perf_counter() - begin
        with self._store.transaction() as txn:
            txn.put_packed(name.encode(), payload)
        hits = self._store.search(mark, limit=20)
        elapsed_s = time.perf_counter() - begin
        self._write(name, original)
        if [hit.path for hit in hits] != [name]:
            raise RuntimeError(f"a search for what was added to {name} found {len(hits)} symbols")
        return elapsed_s, parsed_s

    def _parsed(self, name: str, size: int) -> bytes:
        job, settings = self._job(name, language_of(name), size), self._settings
        (parsed,) = self._parse(
            [job],
            self._root,
            processes=1,
            max_file_bytes=settings.max_file_bytes,
            timeout_s=settings.worker_timeout_s,
            workers=self._workers,
        )
        if not parsed.payload:
            raise RuntimeError(f"{name} was skipped: {parsed.skipped}")
        return parsed.payload

    def _write(self, name: str, data: bytes) -> None:
        with open(os.path.join(self._root, name), "wb") as file:
            file.write(data)

    def _put_back(self) -> None:
        # What was changed within two seconds of a run is hashed by the next.
        time.sleep(_SETTLED_S)
        self._index(self._root, self._store, workers=self._workers)

    def answers(self) -> dict[str, Any]:
        self._workers.close()
        self._store.close()
        shutil.rmtree(self._place, ignore_errors=True)
        return {}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    module = "tools.bench.rows.reindex"
    for point in ctx.real(result):
        starts: dict[str, Any] = {}
        if ctx.choose("diptych"):
            starts["diptych"] = (f"{module}:UnchangedSession", point.tree, ctx.new_place())
        starts[FLOOR] = (f"{module}:GitSession", point.tree)
        for name, taken in ctx.duel(result, starts, ctx.size.rounds).items():
            result.add(name, "nothing changed", "ms", point, [one * 1e3 for one in taken])
        if ctx.choose("diptych"):
            running = {"diptych": (f"{module}:RunningSession", point.tree, ctx.new_place())}
            for name, rounds in ctx.duel(result, running, ctx.size.rounds).items():
                quiet = [one * 1e3 for one, _ in rounds]
                result.add(RUNNING, "nothing changed", "ms", point, quiet, note="no new interpreter")
                for which, prefix in enumerate(("one edit, ", "its parsing, ")):
                    taken = [[edit[which] for edit in edits] for _, edits in rounds]
                    add_latencies(result, name, taken, point, prefix=prefix)
        where = f"on {point.name}"
        for contestant, how in (("diptych", "the command"), (RUNNING, "in a running process")):
            target = f"{how}: 1.5 of git status {where}"
            result.judge_ratio(target, FLOOR, "nothing changed", point, at_most=1.5, contestant=contestant)
        ours = result.find("diptych", "nothing changed", point)
        result.judge(f"under 500 ms {where}", ours.value if ours else None, at_most=500, unit="ms")
        edited = result.find("diptych", "one edit, p50", point)
        target = f"an edit durable and searchable in 10 ms {where}"
        result.judge(target, edited.value if edited else None, at_most=10, unit="ms")
    if not ctx.size.trees:
        result.notes.append("no source trees at this size")


ROW = Row(
    "reindex",
    "Index again",
    "nothing changed: 1.5 of git status; one file edited: durable and searchable in 10 ms",
    run,
)
