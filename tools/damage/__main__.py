"""`python -m tools.damage`: damage stores at rest in every way, and say what came of it.

Ends with 1 when a wrong answer, a loss, a panic, a signal or a hang was met.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from .campaign import SAMPLES, run
from .results import Tally, table, write_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.damage", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=600.0, help="time box (default 600)")
    parser.add_argument("--cases", type=int, default=0, help="end after so many cases (0: all)")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument("--samples", nargs="*", default=list(SAMPLES), choices=(*SAMPLES, "adopted"))
    parser.add_argument("--large-files", type=int, default=500, help="files of the large store; 0 for none")
    parser.add_argument("--output", default="", help="write the results here, as JSON")
    options = parser.parse_args(arguments)
    results = run(
        seed=options.seed,
        seconds=options.seconds,
        most=options.cases,
        jobs=options.jobs,
        samples=options.samples,
        large_files=options.large_files,
        progress=_Progress(),
    )
    write_json(options.output, results)
    print(f"\ndamage: {results['total']:,} of {results['cases']:,} cases in {results['elapsed_s']:,} s, "
          f"seed {results['seed']}\n{table(results)}")  # fmt: skip
    for violation in results["violations"][:20]:
        print(f"VIOLATION {violation['outcome']}: {violation['case']}")
        for detail in violation["details"]:
            print(f"    {detail}")
    print(f"violations: {results['violation_count']:,}")
    return 1 if results["violation_count"] else 0


class _Progress:
    """A line on standard error now and then."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def __call__(self, done: int, of: int, tally: Tally) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_s or done == of:
            self._next_s = now_s + 5
            print(
                f"\r{done:,} of {of:,} cases, {tally.violation_count:,} violations",
                end="", file=sys.stderr, flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
