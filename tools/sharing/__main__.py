"""`python -m tools.sharing FOLDER`: what it costs to share the index of a source tree.

Works on a copy of FOLDER, made a git repository. Round by round a function is inserted in one file of a
hundred, chosen at random; the tree is indexed and pushed to a folder. Prints bytes, shares, requests, and
processor time beside `tar.gz -9` of the same files in the same run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tools.sharing.measure import measure
from tools.sharing.report import lines


def main() -> int:
    """Measure and print; 0 where every target is met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.sharing", description=__doc__)
    parser.add_argument("folder", type=Path, help="a source tree, such as that of Django")
    parser.add_argument("--pushes", type=int, default=30, help="pushes after the first")
    parser.add_argument(
        "--share", type=float, default=1.0, help="per cent of the files that change each time"
    )
    parser.add_argument(
        "--compact-at", type=int, default=15, help="the push before which the store is compacted"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diptych-sharing-") as folder:
        measured = measure(
            options.folder,
            Path(os.path.realpath(folder)),
            pushes=options.pushes,
            share=options.share / 100,
            compact_at=options.compact_at,
            seed=options.seed,
        )
    rows = lines(measured)
    for row in rows:
        print(row.text)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
