"""Runs one operation of a version manager per forked child, so that a test can kill it at any system call.

Reads lines from standard input: `start OPERATION BASE SOURCE` (answer: the child's process id) and `go`
(answer: how the child ended). Python and all modules are loaded once, before the first fork: what a test
counts is the operation's own system calls.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys

import filelock  # noqa: F401 - loaded before the fork

from diptych.versions import VersionManager

_PR_SET_PTRACER = 0x59616D61
_libc = ctypes.CDLL(None)


def run(operation: str, base: str, source: str) -> None:
    manager = VersionManager(base)
    if operation == "stage":
        manager.stage("v3", {"tree": source, "own": os.path.join(source, "top.bin")}, {"n": 3}, base="v2")
    elif operation == "publish":
        manager.publish("v3")
    elif operation == "rollback":
        manager.rollback()
    elif operation == "prune":
        manager.prune(keep=1)
    elif operation == "discard":
        manager.discard("v1")
    elif operation == "attributes":
        manager.write_attrs("v3", {"n": 4})
    else:
        assert operation == "heal"


def child(go: int, operation: str, base: str, source: str) -> None:
    # Some systems let only a parent trace a process, unless it says otherwise.
    _libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
    # By a system call that no operation makes, so that it cannot be mistaken for one of theirs.
    select.select([go], [], [])
    try:
        run(operation, base, source)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def main() -> None:
    pid, go = 0, -1
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "start":
            there, go = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(go)
                child(there, *arguments)
            os.close(there)
            print(pid, flush=True)
        else:
            # Attached to, the child restarts its wait: that is a system call, and may be its last.
            with contextlib.suppress(BrokenPipeError):
                os.write(go, b"g")
            os.close(go)
            status = os.waitpid(pid, 0)[1]
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            print("killed" if killed else f"exit {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
