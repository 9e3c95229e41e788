"""`python -m tools.concurrency`: writers and readers at once; one order of commits must explain it all.

Ends with 1 when it does not, or when anything was raised, hung or died.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools.damage.results import write_json

from .campaign import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.concurrency", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--commits", type=int, default=0, help="end after so many (0: when time is up)")
    parser.add_argument("--writers", type=int, default=3, help="threads that commit")
    parser.add_argument("--readers", type=int, default=2, help="threads that read")
    parser.add_argument("--processes", type=int, default=2, help="processes that read")
    parser.add_argument("--output", default="", help="write the results here, as JSON")
    options = parser.parse_args(arguments)
    results = run(
        seed=options.seed,
        seconds=options.seconds,
        commits=options.commits,
        writers=options.writers,
        readers=options.readers,
        processes=options.processes,
    )
    write_json(options.output, results)
    print(
        f"concurrency: {results['commits']:,} commits by {results['sessions']:,} writers, "
        f"{results['views']:,} views and {results['reads']:,} single reads in {results['elapsed_s']:,} s, "
        f"seed {results['seed']}"
    )
    for violation in results["violations"]:
        print(f"VIOLATION {violation}")
    print(f"violations: {results['violation_count']:,}")
    return 1 if results["violation_count"] else 0


if __name__ == "__main__":
    sys.exit(main())
