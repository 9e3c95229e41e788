"""Plant secrets in sources, index them, and look whether each is stopped, live and deleted.

    python -m tools.leaks [--of-each 14] [--seed 1] [--clean FOLDER ...]

The clean texts are the signatures and documentation of the Python files of the folders; by default of the
standard library. Exits with 1 where less than 99 % is stopped, or more than 0.1 % of the clean texts flagged.
"""

from __future__ import annotations

import argparse
import os
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator

from diptych.artifact.scrub import Finding, Rules, scrub
from diptych.indexer import index_repository
from diptych.indexer.parse import record_of
from diptych.schema.code import CODE
from diptych.secrets import find
from diptych.store.code import Store
from tools.leaks.planted import Planted, planted

_STOPPED_LEAST = 0.99
_FLAGGED_MOST = 0.001


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.leaks", description=__doc__.split("\n")[0])
    parser.add_argument("--of-each", type=int, default=14, help="secrets of each kind (14)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clean", nargs="*", default=[sysconfig.get_path("stdlib")], metavar="FOLDER")
    options = parser.parse_args()
    stopped = _planted(planted(options.seed, options.of_each))
    flagged = _clean(options.clean)
    return int(stopped < _STOPPED_LEAST or flagged > _FLAGGED_MOST)


def _planted(secrets: list[Planted]) -> float:
    """Print how many are stopped; returns the smaller of the two shares."""
    live, deleted, pushed_clean = look(secrets)
    print(f"{'kind':<20}{'planted':>8}{'live':>6}{'deleted':>9}")
    for kind in dict.fromkeys(one.kind for one in secrets):
        of_kind = [number for number, one in enumerate(secrets) if one.kind == kind]
        counts = [len(stopped(found).intersection(of_kind)) for found in (live, deleted)]
        print(f"{kind:<20}{len(of_kind):>8}{counts[0]:>6}{counts[1]:>9}")
    totals = [len(stopped(found)) for found in (live, deleted)]
    print(f"{'all':<20}{len(secrets):>8}{totals[0]:>6}{totals[1]:>9}")
    print(f"after compaction: {len(pushed_clean)} findings\n")
    return min(totals) / len(secrets) if not pushed_clean else 0.0


def look(secrets: list[Planted]) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """What a scrub finds in an index of them: while they are live, when they were removed, and compacted."""
    with tempfile.TemporaryDirectory() as root:
        store_path = os.path.join(root, ".diptych")
        for number, one in enumerate(secrets):
            _write(root, number, f"{one.line}\n")
        with Store.open(store_path) as store:
            index_repository(root, store, processes=0)
            store.checkpoint()
            live = _scrubbed(store)
            for number in range(len(secrets)):
                _write(root, number, "def clean(): pass\n")
            index_repository(root, store, processes=0)
            dead = _removed(root, store, secrets)
            store.checkpoint(compact=True)
            compacted = _scrubbed(store)
    return live, dead, compacted


def _removed(root: str, store: Store, secrets: list[Planted]) -> list[Finding]:
    """What a scrub finds of the secrets when each was put back and removed again, a few at a time."""
    found: list[Finding] = []
    store.checkpoint(compact=True)
    # A segment with more dead records than live ones would be written again.
    step = max(1, len(secrets) // 4)
    for start in range(0, len(secrets), step):
        part = range(start, min(start + step, len(secrets)))
        for text in (
            lambda number: f"{secrets[number].line}\n",
            lambda number: f"def again_{number}(): pass\n",
        ):
            for number in part:
                _write(root, number, text(number))
            index_repository(root, store, processes=0)
            store.checkpoint(compact=text(start) == f"{secrets[start].line}\n")
        found += [finding for finding in _scrubbed(store) if finding.deleted]
    return found


def _scrubbed(store: Store) -> list[Finding]:
    with store.view() as view:
        assert view.generation is not None
        return scrub(store.path, view.generation.manifest, CODE, Rules()).findings


def stopped(findings: list[Finding]) -> set[int]:
    """The numbers of the secrets, each of which is in a file of its own, with a finding."""
    return {int(finding.path.removesuffix(".py")) for finding in findings}


def _write(root: str, number: int, text: str) -> None:
    with open(os.path.join(root, f"{number}.py"), "w") as file:
        file.write(text)


def _clean(folders: list[str]) -> float:
    """Print what is flagged; returns its share."""
    find("password = 'warm up'")
    texts = flagged = 0
    kinds: Counter[str] = Counter()
    cpu_s = 0.0
    for folder in folders:
        for text in _texts(folder):
            began_s = time.process_time()
            found = find(text)
            cpu_s += time.process_time() - began_s
            texts += 1
            flagged += bool(found)
            kinds.update(secret.kind for secret in found)
    share = flagged / max(texts, 1)
    shown = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"
    print(f"clean: {texts:,} texts, {flagged} flagged ({share:.4%}: {shown}), {cpu_s:.2f} s CPU")
    return share


def _texts(folder: str) -> Iterator[str]:
    """The signatures and documentation of Python files below a folder, its site-packages left out."""
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("site-packages", "dist-packages")]
        for name in names:
            if not name.endswith(".py"):
                continue
            with open(os.path.join(where, name), "rb") as file:
                record = record_of(name, "python", file.read())
            for symbol in record.symbols:
                yield from filter(None, (symbol.signature, symbol.documentation))


if __name__ == "__main__":
    sys.exit(main())
