"""Where Diptych's time goes: one operation of the table, alone, under the interpreter's profiler.

    python -m tools.bench.profiling commit --files 10000

The profiler slows Python down and native code not at all: shares are a guide, the table is the measure.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import shutil
from collections.abc import Callable
from typing import Any

from tools.bench.context import Context
from tools.bench.data.dataset import Dataset, batched
from tools.bench.data.questions import Questions
from tools.bench.peers.diptych_store import Diptych
from tools.bench.rows.commit import commit_record
from tools.bench.rows.commit_search import marked
from tools.bench.rows.load import BATCH_FILES
from tools.bench.rows.recovery import changed
from tools.bench.sizes import SIZES

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
Work = Callable[[], Any]


def _prepare(operation: str, ctx: Context, data: Dataset, questions: Questions) -> Work:
    """Do what comes before, and return what is to be profiled."""
    if operation == "load":
        records = data.records()
        place = ctx.new_place()
        return lambda: _load(place, records)
    path = ctx.copy(ctx.fixture("diptych", data))
    if operation == "open":
        return lambda: [Diptych(path).close() for _ in range(20)]
    peer = Diptych(path, mode="manual")
    if operation == "commit":
        commits = [[commit_record(number)] for number in range(500)]
        return lambda: [peer.commit(one) for one in commits]
    if operation == "commit_search":
        pairs = [marked(number) for number in range(200)]
        return lambda: [(peer.commit([record]), peer.search((mark,), 20)) for record, mark in pairs]
    if operation == "file":
        return lambda: [peer.file(path) for path in questions.paths]
    if operation == "symbols":
        return lambda: [peer.symbols(name) for name in questions.rare_names]
    if operation == "search":
        return lambda: [peer.search(query, 20) for query in questions.queries]
    for batch in batched(changed(data, data.files // 100 if operation == "checkpoint" else data.files), 10):
        peer.commit(batch)
    if operation == "checkpoint":
        return peer.checkpoint
    left = ctx.copy(path)  # as a killed process would leave it
    return lambda: Diptych(left, mode="manual").search(("zzqrecovered",), 20)


def _load(place: str, records: list[Any]) -> None:
    peer = Diptych(place, mode="bulk")
    peer.load(batched(records, BATCH_FILES))
    peer.close()


OPERATIONS = (
    "load", "commit", "commit_search", "file", "symbols", "search", "open", "checkpoint", "recovery"
)


def main() -> None:
    """Profile one operation and print the costliest functions, by their own time and with what they call."""
    made = argparse.ArgumentParser(prog="python -m tools.bench.profiling", description=__doc__)
    made.add_argument("operation", choices=OPERATIONS)
    made.add_argument("--files", type=int, default=1_000)
    made.add_argument("--symbols", type=int, default=50, help="symbols in each file (default: %(default)s)")
    made.add_argument("--top", type=int, default=20)
    made.add_argument("--out", default=os.path.join(_ROOT, "out", "bench"))
    asked = made.parse_args()
    ctx = Context(SIZES["small"], os.path.abspath(asked.out), frozenset())
    try:
        data = ctx.one_generated(asked.files, asked.symbols)
        work = _prepare(asked.operation, ctx, data, ctx.questions(data))
        profile = cProfile.Profile()
        profile.runcall(work)
        for order in ("tottime", "cumulative"):
            pstats.Stats(profile).strip_dirs().sort_stats(order).print_stats(asked.top)
    finally:
        ctx.close()
        shutil.rmtree(ctx.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
