"""What it costs to import the package and to ask the command for help, in new interpreters."""

from __future__ import annotations

import os
import sys
from typing import Any

from tools.bench.context import Context, Row
from tools.bench.results import RowResult
from tools.bench.rows.index import diptych_command, run_timed

FLOOR = "python, nothing imported"


class Point:
    """Nothing is stored here: the figures stand at no size."""

    name = "no data"
    files = 0


class CommandSession:
    """Runs one command."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self.round(0)

    def round(self, _number: int) -> float:
        return run_timed(self._command, os.getcwd())[0]

    def answers(self) -> dict[str, Any]:
        return {}


def run(ctx: Context, result: RowResult) -> None:
    """See the module."""
    commands = {FLOOR: [sys.executable, "-c", "pass"]}
    if ctx.choose("diptych"):
        commands["import diptych"] = [sys.executable, "-c", "import diptych"]
        commands["diptych --help"] = diptych_command("--help")
    if ctx.choose("sqlite full + fts5"):
        commands["import sqlite3"] = [sys.executable, "-c", "import sqlite3"]
    starts = {
        name: ("tools.bench.rows.import_:CommandSession", command) for name, command in commands.items()
    }
    for name, taken in ctx.duel(result, starts, 1 if not ctx.size.judged else 10).items():
        result.add(name, "whole process", "ms", Point, [one * 1e3 for one in taken])
    bare = result.find(FLOOR, "whole process", Point)
    imported, helped = (
        result.find(name, "whole process", Point) for name in ("import diptych", "diptych --help")
    )
    beyond = imported.value - bare.value if imported and bare else None
    result.judge("import diptych, beyond the interpreter: 60 ms", beyond, at_most=60, unit="ms")
    result.judge("diptych --help: 200 ms", helped.value if helped else None, at_most=200, unit="ms")


ROW = Row("import", "Import, and the command's help", "60 ms; 200 ms", run)
