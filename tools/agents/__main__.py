"""The command: ask while files change, print what came of it, and fail where a line lacks its name."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tools.agents.campaign import run
from tools.agents.start import sdk_cpu_s, start_cpu_s


def main(arguments: list[str]) -> int:
    """The exit code: 1 where a hit's line lacks its name."""
    parser = argparse.ArgumentParser(prog="python -m tools.agents", description=__doc__)
    parser.add_argument("--hits", type=int, default=10_000, help="how many hits are checked")
    parser.add_argument("--seed", type=int, default=1, help="of what is edited and asked")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="diptych-agents-"))
    try:
        result = run(folder, hits=given.hits, seed=given.seed)
        started = sorted(start_cpu_s(folder / "repository") for _ in range(3))
        floor = sorted(sdk_cpu_s() for _ in range(3))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{result.hits:,} hits of {result.calls.total():,} calls beside {result.edits:,} edits: "
        f"{len(result.wrong)} lines lack their name"
    )
    for wrong in result.wrong:
        print(wrong)
    for error, count in result.errors.items():
        print(f"refused {count:,} times: {error}")
    print(
        f"start until tools are listed: {started[1]:.2f} s of processor time; the SDK's imports alone take "
        f"{floor[1]:.2f} s; medians of 3"
    )
    for tool, times in sorted(result.cpu_ms.items()):
        times.sort()
        print(
            f"{tool:<11} {len(times):>6,} calls, processor time p50 {times[len(times) // 2]:.1f} ms, "
            f"p99 {times[min(len(times) - 1, len(times) * 99 // 100)]:.1f} ms"
        )
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
