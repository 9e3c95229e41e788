"""`python -m tools.faults`: faults injected while stores are used, and what is left after each.

Ends with 1 when something acknowledged was lost, something rolled back came back, an error was not one of
Diptych's, a process hung or died that should not have, or the next open did not work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools.damage.results import table, write_json

from .campaign import CAMPAIGNS, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaigns; the exit status."""
    names = [*CAMPAIGNS, "kills"]
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("campaigns", nargs="*", help=f"of {', '.join(names)} (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=600.0, help="time box for all of them together")
    parser.add_argument("--cases", type=int, default=0, help="end after so many faults (0: when time is up)")
    parser.add_argument("--output", default="", help="write the results here, as JSON")
    options = parser.parse_args(arguments)
    if unknown := set(options.campaigns) - set(names):
        parser.error(f"there is no campaign {', '.join(sorted(unknown))}")
    results = run(
        options.campaigns or names, seed=options.seed, seconds=options.seconds, cases=options.cases
    )
    write_json(options.output, results)
    print(f"faults: {results['total']:,} injected in {results['elapsed_s']:,} s, seed {results['seed']}")
    print(table(results))
    for violation in results["violations"][:20]:
        print(f"VIOLATION {violation['kind']}: {violation['place']}")
        for sentence in violation["broken"]:
            print(f"    {sentence}")
    print(f"violations: {results['violation_count']:,}")
    return 1 if results["violation_count"] else 0


if __name__ == "__main__":
    sys.exit(main())
