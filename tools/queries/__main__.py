"""`python -m tools.queries`: random queries against brute force; ends with 1 at the first difference."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tools.queries.campaign import DifferenceError, run


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.queries", description=__doc__)
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=600, help="queries of one store")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", default="", help="write the results here, as JSON")
    options = parser.parse_args()
    began_s = time.monotonic()
    seeds = range(options.seed, options.seed + -(-options.queries // options.each))
    done: Counter[str] = Counter()
    differences = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(run, seed, options.each) for seed in seeds]:
            try:
                done += future.result()
            except DifferenceError as error:
                differences.append(str(error))
                print(error, file=sys.stderr)
    elapsed_s = time.monotonic() - began_s
    print(f"{done.total():,} queries in {elapsed_s:,.0f} s: {dict(done)}; {len(differences)} differences")
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump({"queries": done.total(), **done, "differences": differences}, file, indent=1)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
