"""`python -m tools.sharing.history REPOSITORY`: what pushes cost over commits that people made.

Works on a clone. The commit that is `--commits` first parents before HEAD is indexed and pushed to a folder;
then commit by commit is checked out, indexed and pushed. Half-way the store is compacted. Prints each push,
and the mean as a share of a full one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from diptych import Store
from diptych.artifact.manifest import Source
from diptych.artifact.push import Receipt, push
from diptych.artifact.remotes.file import FileRemote
from diptych.indexer.grammar_versions import current
from diptych.workspace.freshness import update
from tools.sharing.trees import allow_what_looks_secret, git

MEAN_MOST, MEDIAN_MOST = 5.0, 2.0


@dataclass(frozen=True, slots=True)
class Pushed:
    """One push."""

    commit: str
    files: int
    """Indexed for it, or removed."""
    sent_bytes: int
    compacted: bool


@dataclass(slots=True)
class Measured:
    """A full push, and those after it."""

    full_bytes: int = 0
    pushes: list[Pushed] = field(default_factory=list)

    def shares(self) -> list[float]:
        """Each push, in per cent of the full one."""
        return [100 * one.sent_bytes / self.full_bytes for one in self.pushes]


def measure(repository: Path, work: Path, commits: int) -> Measured:
    """Do it all in the folder `work`."""
    tree, measured = work / "tree", Measured()
    git(work, "clone", "-q", "--no-checkout", os.fspath(repository), os.fspath(tree))
    (tree / ".git" / "info" / "exclude").write_text(".diptych\n")
    line = git(tree, "rev-list", "--first-parent", f"--max-count={commits + 1}", "HEAD").split()
    with FileRemote(os.fspath(work / "remote")) as remote:
        for number, commit in enumerate(reversed(line)):
            git(tree, "checkout", "-q", commit)
            compacted = number == commits // 2
            files = _index(tree, compact=compacted)
            # The published texts of a history, tokens that look like secrets among them, are public already.
            allow_what_looks_secret(tree / ".diptych")
            done = _push(tree, remote, commit)
            if number == 0:
                measured.full_bytes = done.sent_bytes
            else:
                measured.pushes.append(Pushed(commit, files, done.sent_bytes, compacted))
    return measured


def _index(tree: Path, *, compact: bool) -> int:
    with Store.open(tree / ".diptych") as opened:
        report = update(os.fspath(tree), opened)
        opened.checkpoint(compact=compact)
    return report.indexed + report.removed


def _push(tree: Path, remote: FileRemote, commit: str) -> Receipt:
    source = Source(commit=commit, branch="main")
    store = os.fspath(tree / ".diptych")
    return push(store, remote, ref="branch/main", source=source, indexer=current(), force=True)


def lines(measured: Measured) -> list[str]:
    """A line for each push, then what they are together."""
    shares = measured.shares()
    found = [f"full push: {measured.full_bytes:,} bytes"]
    for one, share in zip(measured.pushes, shares, strict=True):
        note = "  compacted" if one.compacted else ""
        found.append(
            f"{one.commit[:12]}  {one.files:5,} files  {one.sent_bytes:10,} bytes  {share:6.2f} %{note}"
        )
    mean, median = statistics.mean(shares), statistics.median(shares)
    return [
        *found,
        f"mean {mean:.2f} % (at most {MEAN_MOST:g}), median {median:.2f} % (at most {MEDIAN_MOST:g})",
    ]


def main() -> int:
    """Measure and print; 0 where both targets are met."""
    parser = argparse.ArgumentParser(prog="python -m tools.sharing.history", description=__doc__)
    parser.add_argument("repository", type=Path, help="a git repository with that many commits")
    parser.add_argument("--commits", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diptych-history-") as folder:
        measured = measure(options.repository, Path(os.path.realpath(folder)), options.commits)
    print("\n".join(lines(measured)))
    shares = measured.shares()
    is_met = statistics.mean(shares) <= MEAN_MOST and statistics.median(shares) <= MEDIAN_MOST
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
