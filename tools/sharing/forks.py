"""`python -m tools.sharing.forks FOLDER`: what it costs that each linked worktree has an index.

A copy of FOLDER, made a git repository, is indexed. Worktree by worktree one is linked, one file in it is
changed, and `diptych index` forks the main index and indexes the difference; what it says must be right: one
file indexed, all others unchanged. A second look must find it fresh, and the base must be what it was. Then
the checkout is removed and its index kept. At the end all of them are counted together: bytes on disk, what
is linked once.

Last, a process of its own forks the index through the library and asks it once, beside an interpreter that
does nothing, in turn.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from diptych import Store
from tools.sharing.commands import quiet_environment, run
from tools.sharing.trees import INSERTED, git, repository_of

SHARE_MOST, FORK_MOST_MS = 2.0, 50.0
_ROUNDS = 21
_FORK_AND_ASK = """
import sys
from diptych import Store
with Store.open(sys.argv[1], read_only=True) as store:
    store.fork(sys.argv[2])
with Store.open(sys.argv[2], read_only=True) as store:
    assert list(store.symbols(sys.argv[3]))
"""


@dataclass(slots=True)
class Measured:
    """What was counted."""

    files: int = 0
    base_bytes: int = 0
    own_bytes: int = 0
    """Of all forks together, beyond the base."""
    forks: int = 0
    faults: list[str] = field(default_factory=list)
    fork_ms: float = 0.0
    fork_processor_ms: float = 0.0


def measure(source: Path, work: Path, forks: int) -> Measured:
    """Do it all in the folder `work`."""
    measured = Measured(forks=forks)
    tree = repository_of(source, work / "tree")
    run(["index", "--quiet"], tree, work)
    base = tree / ".diptych"
    with Store.open(base) as opened:
        opened.checkpoint()
        measured.files, content = len(opened), opened.stats().content_id
        name = next(iter(opened.search("kind:function"))).symbol.name
    kept = work / "kept"
    kept.mkdir()
    for number in range(forks):
        measured.faults += _fork(tree, work, kept, number, measured.files)
    with Store.open(base, read_only=True) as opened:
        if opened.stats().content_id != content:
            measured.faults.append("the base has another content")
    measured.base_bytes = _bytes([base])
    measured.own_bytes = _bytes([base, kept]) - measured.base_bytes
    _time(base, work, name, measured)
    return measured


def _fork(tree: Path, work: Path, kept: Path, number: int, files: int) -> list[str]:
    """Make a worktree, its index and what that has to say; returns what is wrong with it."""
    place = work / "linked"
    git(tree, "worktree", "add", "-q", "--detach", os.fspath(place))
    python = sorted(place.rglob("*.py"))
    changed = python[number * 37 % len(python)]
    changed.write_text(changed.read_text() + INSERTED.format(number=number))
    first = run(["index", "--json"], place, work).said
    second = run(["index", "--json"], place, work).said
    found = [
        f"worktree {number}: {what} indexed {said['indexed']}, unchanged {said['unchanged']}"
        for what, said, indexed in (("at first", first, 1), ("again", second, 0))
        if (said["indexed"], said["unchanged"], said["removed"]) != (indexed, files - indexed, 0)
    ]
    (place / ".diptych").rename(kept / str(number))
    git(tree, "worktree", "remove", "--force", os.fspath(place))
    return found


def _bytes(folders: Iterable[Path]) -> int:
    """What is on disk below these folders; what has several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for folder in folders:
        for where, _, names in os.walk(folder):
            for path in (where, *(os.path.join(where, name) for name in names)):
                status = os.lstat(path)
                seen[(status.st_dev, status.st_ino)] = status.st_blocks * 512
    return sum(seen.values())


def _time(base: Path, work: Path, name: str, measured: Measured) -> None:
    """Medians of a fork and a first answer, beyond an interpreter that does nothing."""
    differences: list[tuple[float, float]] = []
    for number in range(_ROUNDS):
        idle = _process(["-c", "pass"])
        place = work / f"timed-{number}"
        busy = _process(["-c", _FORK_AND_ASK, os.fspath(base), os.fspath(place), name])
        differences.append((busy[0] - idle[0], busy[1] - idle[1]))
        shutil.rmtree(place)
    measured.fork_ms = statistics.median(elapsed for elapsed, _ in differences)
    measured.fork_processor_ms = statistics.median(processor for _, processor in differences)


def _process(arguments: list[str]) -> tuple[float, float]:
    """The time and the processor time of an interpreter, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.monotonic()
    subprocess.run([sys.executable, *arguments], check=True, env=quiet_environment())
    elapsed_s = time.monotonic() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * elapsed_s, 1000 * spent_s


def main() -> int:
    """Measure and print; 0 where both targets are met and every verdict is right."""
    parser = argparse.ArgumentParser(prog="python -m tools.sharing.forks", description=__doc__)
    parser.add_argument("folder", type=Path, help="a source tree, such as that of Django")
    parser.add_argument("--forks", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diptych-forks-") as folder:
        measured = measure(options.folder, Path(os.path.realpath(folder)), options.forks)
    share = 100 * measured.own_bytes / (measured.forks * measured.base_bytes)
    print(f"{measured.files:,} files, {measured.base_bytes:,} bytes of index; {measured.forks:,} forks")
    print(f"bytes of all forks ÷ as many indexes   {share:8.2f} %   (at most {SHARE_MOST:g})")
    print(f"fork and first answer, beyond Python   {measured.fork_ms:8.1f} ms  (at most {FORK_MOST_MS:g})")
    print(f"of the processor                       {measured.fork_processor_ms:8.1f} ms")
    print("\n".join(measured.faults) or f"{2 * measured.forks:,} verdicts, all of them right")
    is_met = share <= SHARE_MOST and measured.fork_ms <= FORK_MOST_MS
    return 0 if is_met and not measured.faults else 1


if __name__ == "__main__":
    sys.exit(main())
