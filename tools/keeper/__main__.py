"""The command: run a campaign, print what came of it, and fail where anything is wrong."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tools.keeper.campaign import run


def main(arguments: list[str]) -> int:
    """The exit code: 1 where an answer was wrong, a change was lost, or two processes wrote at a time."""
    parser = argparse.ArgumentParser(prog="python -m tools.keeper", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long")
    parser.add_argument("--clients", type=int, default=3, help="how many processes ask")
    parser.add_argument("--seed", type=int, default=1, help="of what is edited, and when is killed")
    parser.add_argument("--out", type=Path, help="a folder for the report")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="diptych-keeper-"))
    try:
        result = run(folder, clients=given.clients, kills=0, seconds=given.seconds, seed=given.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    failed = bool(result.faults) or result.writers_max > 1 or not result.kills
    counts = result.counts
    print(
        f"{result.kills} keepers killed ({dict(result.killed_while)}) in {result.elapsed_s:.0f} s beside "
        f"{result.clients} clients and {result.edits:,} edits: {counts['asked']:,} rounds of questions, "
        f"{counts['hits']:,} hits, {len(result.faults)} faults, at most {result.writers_max} writer at a time"
    )
    for fault in result.faults:
        print(fault)
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "keeper.json").write_text(json.dumps(vars(result), indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
