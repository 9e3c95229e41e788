"""`python -m tools.under_load COMMAND…`: run a command several times on a busy machine.

Other processes compute all the while. Each run must end with 0; the first that does not ends this with its
exit code. It shows that no test passes or fails by speed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.under_load", description=__doc__)
    parser.add_argument("--busy", type=int, default=8, help="processes that compute all the while (8)")
    parser.add_argument("--times", type=int, default=3, help="how often to run the command (3)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    if not options.command:
        parser.error("give the command to run")
    with _busy(options.busy):
        for number in range(1, options.times + 1):
            began_s = time.monotonic()
            status = subprocess.run(options.command, check=False).returncode
            elapsed_s = time.monotonic() - began_s
            print(
                f"under load, {number} of {options.times}: exit code {status} after {elapsed_s:.0f} s",
                flush=True,
            )
            if status:
                return status if status > 0 else 128 - status
    return 0


@contextmanager
def _busy(count: int) -> Iterator[None]:
    # Daemons: they end with this process, however it ends in order.
    processes = [multiprocessing.Process(target=_compute, daemon=True) for _ in range(count)]
    try:
        for process in processes:
            process.start()
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _compute() -> None:
    parent = multiprocessing.parent_process()
    # A parent that was killed stops no one.
    while parent is not None and parent.is_alive():
        for _ in range(1_000_000):
            pass


if __name__ == "__main__":
    sys.exit(main())
