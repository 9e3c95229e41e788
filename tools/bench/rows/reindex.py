"""Indexing again: with nothing changed, beside `git status`; and with one file edited."""

from __future__ import annotations

import os
import shutil
from typing import Any

from tools.bench.context import Context, Row
from tools.bench.data import trees
from tools.bench.results import RowResult
from tools.bench.rows.index import PROCESSES, diptych_command, run_timed

FLOOR = "git status"


class UnchangedSession:
    """`diptych index` of a tree that was indexed before, in a new process each time."""

    def __init__(self, root: str, store: str) -> None:
        self._root = root
        self._store = store
        self._command = diptych_command("index", ".", "--store", store, "--jobs", str(PROCESSES))
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


class EditedSession:
    """One file edited, then the command: its whole run, from start to exit."""

    def __init__(self, root: str, store: str) -> None:
        self._root = root
        self._store = store
        self._command = diptych_command("index", ".", "--store", store, "--jobs", str(PROCESSES))
        names = trees.files(root)
        self._path = os.path.join(root, names[len(names) // 2])
        with open(self._path, "rb") as file:
            self._original = file.read()
        run_timed(self._command, root)

    def round(self, number: int) -> float:
        try:
            with open(self._path, "ab") as file:
                file.write(b"\n\ndef zzqedited%d():\n    pass\n" % number)
            elapsed_s, _ = run_timed(self._command, self._root)
            run_timed(
                diptych_command("search", f"zzqedited{number}", "--store", self._store), self._root
            )  # its exit code says whether there was a match
        finally:
            with open(self._path, "wb") as file:
                file.write(self._original)
        return elapsed_s

    def answers(self) -> dict[str, Any]:
        shutil.rmtree(self._store, ignore_errors=True)
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
            edited = {"diptych": (f"{module}:EditedSession", point.tree, ctx.new_place())}
            for name, taken in ctx.duel(result, edited, ctx.size.rounds).items():
                result.add(name, "one file edited, the command", "ms", point, [one * 1e3 for one in taken])
        where = f"on {point.name}"
        result.judge_ratio(f"1.5 of git status {where}", FLOOR, "nothing changed", point, at_most=1.5)
        ours = result.find("diptych", "nothing changed", point)
        result.judge(f"under 500 ms {where}", ours.value if ours else None, at_most=500, unit="ms")
    if not ctx.size.trees:
        result.notes.append("no source trees at this size")


ROW = Row(
    "reindex", "Index again", "nothing changed: 1.5 of git status; one file edited: durable and searchable in 10 ms",
    run,
)
