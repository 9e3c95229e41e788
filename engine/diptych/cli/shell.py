"""Running a command: whatever ends it becomes a sentence on standard error and an exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from diptych.cli.exit_codes import ExitCode, exit_code
from diptych.errors import DiptychError

_DEBUG = "DIPTYCH_DEBUG"
# The packages of the optional extras, by module name.
_EXTRAS = {"watchfiles": "watch", "prometheus_client": "metrics"}


def run() -> int:
    """Run the command with the process's arguments; returns the exit code, and never raises."""
    # Closed by the caller (`>&-`), they are None, and the next file opened would take their number.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        return _call()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ExitCode.DONE
    except BaseException as error:  # noqa: BLE001 - a panic in native code does not derive from Exception
        code = exit_code(error)
        with suppress(OSError):
            code = explain(error)
        _abandon_output()
        return code


def _call() -> int:
    from diptych.cli.app import Carried, command

    try:
        code = command()(prog_name="diptych", standalone_mode=False)
        sys.stdout.flush()
    except Carried as carried:
        raise carried.error from carried.error.__cause__
    return code if isinstance(code, int) else ExitCode.DONE


def _abandon_output() -> None:
    """What cannot be written now must not be tried again, and reported, when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(error: BaseException) -> int:
    """Say on standard error what went wrong and what to do next; returns the exit code."""
    code = exit_code(error)
    if code == ExitCode.BROKEN_PIPE:
        return code
    if os.environ.get(_DEBUG):
        import traceback

        traceback.print_exception(error)
    usage = getattr(error, "show", None)
    if usage is not None and hasattr(error, "exit_code"):
        usage(file=sys.stderr)
        return int(error.exit_code)
    message, advice = describe(error)
    if code == ExitCode.INTERRUPTED:
        message, advice = "interrupted", "what was committed stays: run the same again to go on"
    _say(message, advice)
    return code


def describe(error: BaseException) -> tuple[str, str]:
    """`(message, advice)` for an error: a sentence each, the second may be ""."""
    if isinstance(error, DiptychError):
        return error.message, error.advice
    if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
        extra = _EXTRAS[error.name]
        return f"this needs the package {error.name}", f"install it with `pip install 'diptych[{extra}]'`"
    if isinstance(error, OSError):
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        return f"{error.strerror or error}{where}", "check the path, its rights and the disk"
    if isinstance(error, MemoryError):
        return "there is not enough memory", "close other programs, or give fewer --processes"
    return (
        f"something failed that should not have ({type(error).__name__}: {error})",
        f"nothing committed is lost; {_DEBUG}=1 shows where, for a report of this defect",
    )


def _say(message: str, advice: str) -> None:
    from diptych.cli.output import note, styled

    note(f"{styled('diptych:', sys.stderr, fg='red', bold=True)} {message.removesuffix('.')}.")
    if advice:
        note(f"{' ' * 9}Next: {advice.removesuffix('.')}.")
