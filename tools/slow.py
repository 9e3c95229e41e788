"""A file system that is slow to remove files, for programs whose own threads race with removals.

strace holds up every unlink, in all threads and processes of a program, and no other call. Where files go
at once, a background thread has removed them before the program can do anything that would suffer from it;
on a disk it often has not.
"""

from __future__ import annotations

import shutil

REMOVAL_MS = 3


class SlowError(Exception):
    """There is no strace."""


def removals(milliseconds: int = REMOVAL_MS) -> list[str]:
    """What to put before a command, so that each unlink takes that long. Raises SlowError without strace."""
    strace = shutil.which("strace")
    if strace is None:
        raise SlowError(
            "strace is not installed; it is the Debian package `strace` (apt-get install strace)."
        )
    return [
        *(strace, "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "-e", "trace=unlink"),
        *(*injected(milliseconds), "--"),
    ]


def injected(milliseconds: int) -> list[str]:
    """The options of strace alone, for a command that has its own."""
    return ["-e", f"inject=unlink:delay_enter={1000 * milliseconds}"]
