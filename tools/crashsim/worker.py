"""A process that checks states, one after the other, and says what it found.

It reads pickled tasks from standard input and writes pickled verdicts to the descriptor that was its
standard output; what the checked code prints goes to standard error. A task is (number, tree, workload,
acked, issued).
"""

from __future__ import annotations

import importlib
import os
import pickle
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable

from .effects import Tree
from .oracle import CheckError
from .trees import remove_tree, write_tree

Check = Callable[[str, str, int, int], str]
Task = tuple[int, Tree, str, int, int]
Verdict = tuple[int, str, str]  # number, kind ("" when all is well), message or observation

ADDRESS_SPACE_BYTES_MAX = 8 << 30


def resident_bytes(field: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) << 10
    return 0


def check_one(check: Check, task: Task, scratch: str, growth_bytes_max: int) -> Verdict:
    """Put the state on disk, check it, and remove it."""
    directory = os.path.join(scratch, str(task[0]))
    write_tree(task[1], directory)
    try:
        number, kind, message = _verdict(check, task, directory, growth_bytes_max)
    finally:
        remove_tree(directory)
    return number, kind, message.replace(directory, "…")


def _verdict(check: Check, task: Task, directory: str, growth_bytes_max: int) -> Verdict:
    number, _, workload, acked, issued = task
    try:
        with open("/proc/self/clear_refs", "wb") as peak:
            peak.write(b"5")  # forget the peak so far
    except OSError:
        pass  # not allowed everywhere: growth is then measured against the process's whole life
    before = resident_bytes("VmRSS")
    try:
        observation = check(workload, directory, acked, issued)
        growth = resident_bytes("VmHWM") - before
        if growth > growth_bytes_max:
            return number, "memory", f"The check took {growth >> 20} MiB of memory."
    except CheckError as error:
        return number, error.kind, error.message
    except MemoryError as error:
        return number, "memory", f"MemoryError: {error}"
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a Rust panic is no Exception
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(last.filename)}:{last.lineno}"
        kind = "panic" if type(error).__name__ == "PanicException" else "exception"
        return number, kind, f"{type(error).__name__} at {place}: {error}"
    return number, "", observation


def main() -> None:
    """Serve tasks until the input ends. Arguments: MODULE SCRATCH-DIRECTORY GROWTH-BYTES-MAX."""
    module, scratch_base, growth = sys.argv[1], sys.argv[2] or None, int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    check: Check = importlib.import_module(module).check
    with tempfile.TemporaryDirectory(
        prefix="crashsim-check-", dir=scratch_base, ignore_cleanup_errors=True
    ) as scratch:
        pickle.dump(("ready", os.getpid(), scratch), answers)
        answers.flush()
        while True:
            try:
                task = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            verdict = check_one(check, task, scratch, growth)
            pickle.dump(verdict, answers)
            answers.flush()


if __name__ == "__main__":
    main()
