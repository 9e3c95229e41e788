"""The command: run a campaign, write what came of it, and fail where anything is wrong."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from .campaign import run


def main(arguments: list[str]) -> int:
    """The exit code: 1 where a follower missed a transaction, or saw one twice or out of order."""
    parser = argparse.ArgumentParser(prog="python -m tools.feed", description=__doc__)
    parser.add_argument("--commits", type=int, default=100_000, help="how many transactions are committed")
    parser.add_argument("--followers", type=int, default=2, help="how many processes follow")
    parser.add_argument("--kills", type=int, default=100, help="how many processes are killed on the way")
    parser.add_argument("--seed", type=int, default=1, help="of when is killed what")
    parser.add_argument("--out", type=Path, help="a folder for the report")
    given = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="diptych-feed-"))
    try:
        result = run(
            directory, commits=given.commits, followers=given.followers, kills=given.kills, seed=given.seed
        )
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(
        f"{result.followers} followers of {result.commits:,} commits, {result.kills} kills, "
        f"{result.elapsed_s:.0f} s: {len(result.faults)} faults"
    )
    for fault in result.faults:
        print(fault)
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "feed.json").write_text(json.dumps(asdict(result), indent=1) + "\n")
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
