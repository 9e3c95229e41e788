"""The exit codes: documented in docs/command-line.md, and stable."""

from __future__ import annotations

import sys
from enum import IntEnum

from diptych.errors import (
    CallerError,
    CorruptionError,
    DiptychError,
    IncompatibleStoreError,
    NotAStoreError,
    StoreLockedError,
    StoreNotFoundError,
    TrackedStoreError,
    UnknownFileError,
)


class ExitCode(IntEnum):
    """What the process exits with."""

    DONE = 0
    FINDINGS = 1
    """Something was found wrong, or nothing was found that matches."""
    USAGE = 2
    NOT_FOUND = 3
    LOCKED = 4
    CORRUPT = 5
    INCOMPATIBLE = 6
    """Stale, of a newer format, of another schema, tracked by its repository, or not a store."""
    IO_ERROR = 7
    """The operating system refused, or something failed that should not have."""
    INTERRUPTED = 130
    BROKEN_PIPE = 141


# The first class that an error is an instance of decides.
_BY_CLASS: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (UnknownFileError, ExitCode.NOT_FOUND),
    (StoreNotFoundError, ExitCode.NOT_FOUND),
    (StoreLockedError, ExitCode.LOCKED),
    (IncompatibleStoreError, ExitCode.INCOMPATIBLE),
    (NotAStoreError, ExitCode.INCOMPATIBLE),
    (TrackedStoreError, ExitCode.INCOMPATIBLE),
    (CorruptionError, ExitCode.CORRUPT),
    (CallerError, ExitCode.USAGE),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
    (BrokenPipeError, ExitCode.BROKEN_PIPE),
)


def exit_code(error: BaseException) -> int:
    """The exit code for an error that ended a command."""
    # A command with errors of its own says what they mean; they can only come from it once it is imported.
    versions = sys.modules.get("diptych.cli.versions")
    if versions is not None and isinstance(error, DiptychError):
        own: dict[type[DiptychError], int] = versions.EXIT_CODES
        for kind, code in own.items():
            if isinstance(error, kind):
                return code
    if (ensuring := sys.modules.get("diptych.workspace.freshness")) is not None:
        if isinstance(error, ensuring.StaleIndexError):
            return ExitCode.INCOMPATIBLE
        if isinstance(error, ensuring.UpdateFailedError) and error.__cause__ is not None:
            return exit_code(error.__cause__)
    if isinstance(error.__cause__, KeyboardInterrupt):
        # Interrupted between a commit's write and its answer.
        return ExitCode.INTERRUPTED
    for known, meaning in _BY_CLASS:
        if isinstance(error, known):
            return meaning
    return ExitCode.IO_ERROR
