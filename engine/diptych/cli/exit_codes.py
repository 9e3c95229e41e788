"""The exit codes: documented in docs/command-line.md, and stable."""

from __future__ import annotations

from enum import IntEnum

from diptych.errors import DiptychError


class ExitCode(IntEnum):
    """What the process exits with."""

    DONE = 0
    FINDINGS = 1
    """Damage or differences were found, or nothing matches."""
    USAGE = 2
    NOT_FOUND = 3
    LOCKED = 4
    CORRUPT = 5
    INCOMPATIBLE = 6
    """Stale, of a newer format, of another schema, tracked by its repository, or not a store."""
    IO_ERROR = 7
    """The operating system reported an error, or something failed unexpectedly."""
    INTERRUPTED = 130
    BROKEN_PIPE = 141


def exit_code(error: BaseException) -> int:
    """The exit code for an error that ended a command. Each DiptychError defines one."""
    if _interrupted(error):
        return ExitCode.INTERRUPTED
    if isinstance(error, DiptychError):
        return error.exit_code
    return ExitCode.BROKEN_PIPE if isinstance(error, BrokenPipeError) else ExitCode.IO_ERROR


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused it, for example between the write of a commit and its acknowledgement."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__
    return False
