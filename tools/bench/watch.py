"""How soon an edit under `diptych watch` is found: `python -m tools.bench.watch [FOLDER] [--edits N]`.

The folder, a git work tree, is cloned (without one: this repository). A watch runs in a process of its own,
at its defaults; files of several sizes are edited one at a time; and a reader in this process asks for the
new name until it is found, first by `symbols`, then by `search`. The figures include the time in which the
events of one edit are gathered, 10 ms and more.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from diptych import Store
from tools.bench.stats import percentile

_SIZES = ((0, 4), (4, 16), (16, 64), (64, 256))
_FILES = 5
_NEVER_S = 60.0
_POLL_S = 0.0005


def main() -> None:
    """Measure, and print a line for each size of file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", default=str(Path(__file__).parents[2]))
    parser.add_argument("--edits", type=int, default=40, help="of each size (default: 40)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diptych-watch-") as place:
        root = Path(place) / "tree"
        subprocess.run(["git", "clone", "--quiet", options.folder, str(root)], check=True)
        command = [sys.executable, "-m", "diptych", "watch", str(root), "--plain"]
        with open(Path(place) / "log", "w") as log, subprocess.Popen(command, stdout=log) as watch:
            try:
                _until(lambda: "ready" in (Path(place) / "log").read_text())
                _measure(root, options.edits)
            finally:
                watch.terminate()


def _measure(root: Path, edits: int) -> None:
    names = [name for name in root.rglob("*.py") if name.is_file()]
    with Store.open(root / ".diptych", read_only=True) as reader:
        for least, most in _SIZES:
            chosen = [name for name in names if least <= name.stat().st_size / 1024 < most]
            chosen = random.Random(0).sample(sorted(chosen), min(_FILES, len(chosen)))
            if chosen:
                turns = range(edits)
                taken = [_edit(reader, chosen[turn % len(chosen)], f"zz_{most}_{turn}") for turn in turns]
                print(
                    f"{least}-{most} KB, {edits} edits: "
                    f"symbols {_shown([symbols for symbols, _ in taken])}, "
                    f"search {_shown([search for _, search in taken])}; load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )


def _edit(reader: Store, path: Path, name: str) -> tuple[float, float]:
    """Seconds until `symbols`, and until `search` as well, finds the new name."""
    time.sleep(random.uniform(0.2, 0.4))
    original = path.read_bytes()
    path.write_bytes(original + f"\ndef {name}():\n    pass\n".encode())
    begin = time.perf_counter()
    _until(lambda: reader.refresh() and reader.symbols(name))
    symbols_s = time.perf_counter() - begin
    _until(lambda: reader.search(name, limit=1))
    search_s = time.perf_counter() - begin
    path.write_bytes(original)
    return symbols_s, search_s


def _until(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + _NEVER_S
    while not condition():
        if time.monotonic() > end_s:
            raise SystemExit("the watch did not find the edit")
        time.sleep(_POLL_S)


def _shown(taken_s: list[float]) -> str:
    return f"{percentile(taken_s, 0.5) * 1e3:.1f} ms (p50), {percentile(taken_s, 0.99) * 1e3:.1f} ms (p99)"


if __name__ == "__main__":
    main()
