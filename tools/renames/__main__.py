"""`python -m tools.renames --package json --count 200 --seed 1`

Copies a package of the standard library, or a folder with --source, into a private folder and renames random
names of it, one after the other. After each, every old reference must lead to the new name, the package must
compile, and all its modules must import. Prints what was refused and why, and what broke. Exit code 1 if
anything broke.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tools.renames.trial import Outcome, Trial

_REASON_WORDS = 6


def main() -> int:
    """Run the trials; 1 if anything broke."""
    parser = argparse.ArgumentParser(prog="python -m tools.renames", description=__doc__)
    parser.add_argument("--package", help="a package of the standard library. Default: json")
    parser.add_argument("--source", type=Path, help="in place of it, the folder of a package, named like it")
    parser.add_argument("--count", type=int, default=200, help="how many renames are made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--refused", action="store_true", help="print each that was refused")
    given = parser.parse_args()
    source = given.source.resolve() if given.source else _folder_of(given.package or "json")
    package = given.package or source.name
    with tempfile.TemporaryDirectory(prefix="diptych-renames-") as folder:
        ignored = shutil.ignore_patterns("__pycache__", "test", "tests", ".git", ".diptych")
        shutil.copytree(source, Path(folder, package), ignore=ignored)
        return report(trials(Path(folder), package, given.count, given.seed), refused=given.refused)


def _folder_of(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        sys.exit(f"there is no package {package}")
    return Path(found.origin).parent


def trials(root: Path, package: str, count: int, seed: int) -> list[Outcome]:
    """Renames until so many were made, each of a name drawn at random."""
    with Trial(root, package) as trial:
        if broken := list(trial.does_not_run()):
            sys.exit(f"{package} is broken as it is, so that renames show nothing: {broken[0]}")
        drawn = list(trial.names())
        random.Random(seed).shuffle(drawn)
        outcomes: list[Outcome] = []
        for path, binding in drawn:
            outcomes.append(trial.rename(path, binding))
            if sum(not one.refused for one in outcomes) == count:
                break
        return outcomes


def report(outcomes: list[Outcome], *, refused: bool) -> int:
    """Print the outcomes; 1 if anything broke."""
    made = [one for one in outcomes if not one.refused]
    broken = [one for one in made if one.broken]
    for one in broken:
        print(f"{one.path}:{one.place[0] + 1}:{one.place[1] + 1} {one.name}")
        for text in one.broken[:5]:
            print(f"    {text}")
    reasons = Counter(" ".join(one.refused.split()[1:_REASON_WORDS]) for one in outcomes if one.refused)
    if refused:
        for one in outcomes:
            if one.refused:
                print(f"{one.path}:{one.place[0] + 1}: {one.refused}")
    edits = sum(one.edits for one in made)
    asked = sum(one.asked for one in made)
    print(f"{len(made)} renames with {edits} edits, {asked} more that ask; {len(broken)} broken")
    print(f"{len(outcomes) - len(made)} refused: {dict(reasons.most_common(6))}")
    return bool(broken)


if __name__ == "__main__":
    raise SystemExit(main())
