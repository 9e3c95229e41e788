"""The command line: which rows, which size, which peers; what comes out and where."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from tools.bench import agree, rows
from tools.bench.context import Context
from tools.bench.environment import environment
from tools.bench.report import page, table
from tools.bench.results import RowResult
from tools.bench.sizes import SIZES

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        prog="python -m tools.bench",
        description="Measure Diptych beside its peers and beside what the hardware allows, in one run.",
        epilog="Exit code 0: measured (whether or not targets were met); 1: a contestant failed or the"
        " answers differed.",
    )
    made.add_argument("--size", choices=list(SIZES), default="small", help="how much data (default: small)")
    made.add_argument(
        "--only", default="", metavar="ROW,ROW", help=f"these rows only, of: {', '.join(rows.IDS)}"
    )
    made.add_argument(
        "--peers", default="", metavar="NAME,NAME", help="these peers only (floors are always measured)"
    )
    made.add_argument("--scale", default="", metavar="N,N", help="other sizes, in files, of generated stores")
    made.add_argument(
        "--trees", default="", metavar="NAME,NAME", help="other source trees: stdlib, django, linux, or none"
    )
    made.add_argument("--rounds", type=int, default=0, help="another number of rounds")
    made.add_argument(
        "--out", default=os.path.join(_ROOT, "out", "bench"),
        help="where data and results go (default: %(default)s)",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    asked = parser().parse_args(arguments)
    only = [id_ for id_ in asked.only.split(",") if id_]
    unknown = [id_ for id_ in only if id_ not in rows.IDS]
    if unknown:
        print(f"there is no row {', '.join(unknown)}; there are {', '.join(rows.IDS)}")
        return 2
    size = SIZES[asked.size]
    changes: dict[str, object] = {}
    if asked.scale:
        changes["scale"] = tuple(int(number) for number in asked.scale.split(","))
    if asked.trees:
        changes["trees"] = tuple(name for name in asked.trees.split(",") if name != "none")
    if asked.rounds:
        changes["rounds"] = asked.rounds
    size = replace(size, **changes)  # type: ignore[arg-type]
    peers = frozenset(name.strip() for name in asked.peers.split(",") if name.strip())
    ctx = Context(size, os.path.abspath(asked.out), peers, say=_progress)
    results: list[RowResult] = []
    begin = time.perf_counter()
    about = environment() | {"size": size.name, "elapsed_s": 0.0, "judged": size.judged}
    place = os.path.join(ctx.folder, "results", f"{time.strftime('%Y%m%d-%H%M%S')}-{size.name}")
    try:
        for id_ in rows.IDS:
            if not only or id_ in only:
                results.append(run_row(ctx, id_))
                about["elapsed_s"] = round(time.perf_counter() - begin, 1)
                # After each: a long run that is broken off keeps what it has.
                save(place, about, results)
    finally:
        ctx.close()
    table.show(about, results)
    print(f"\n{place}/results.json\n{place}/page.html")
    return 1 if any(result.refused or result.failures for result in results) else 0


def _progress(text: str) -> None:
    """What is being done, apart from the results and at once."""
    print(text, file=sys.stderr, flush=True)


def run_row(ctx: Context, id_: str) -> RowResult:
    """Run one row. Where the answers differ its figures are dropped, and the reason stands instead."""
    row = rows.row(id_)
    result = RowResult(row.id, row.title, row.target)
    ctx.say(f"{row.id}: {row.title} ...")
    begin = time.perf_counter()
    try:
        row.run(ctx, result)
    except agree.AnswersDifferError as error:
        result.refused = str(error)
        result.series.clear()
        result.verdicts.clear()
    result.elapsed_s = time.perf_counter() - begin
    if not ctx.size.judged:
        result.verdicts.clear()
    return result


def save(place: str, about: dict[str, object], results: list[RowResult]) -> None:
    """JSON and the page of what was measured so far, to the folder of this run."""
    os.makedirs(place, exist_ok=True)
    plain = {"about": about, "rows": [result.as_json() for result in results]}
    with open(os.path.join(place, "results.json"), "w", encoding="utf-8") as file:
        json.dump(plain, file, indent=1)
    with open(os.path.join(place, "page.html"), "w", encoding="utf-8") as file:
        file.write(page.render(plain))
