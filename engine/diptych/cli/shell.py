"""Run a command. Any error becomes a message on standard error and an exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NamedTuple

from diptych.cli.arguments import UsageError
from diptych.cli.exit_codes import ExitCode, exit_code
from diptych.errors import DiptychError, StorageError

_DEBUG = "DIPTYCH_DEBUG"
# The packages of the optional extras, by module name.
_EXTRAS = {
    "watchfiles": "watch",
    "prometheus_client": "metrics",
    "shtab": "completion",
    **dict.fromkeys(("mcp", "mcp_types", "pydantic", "anyio"), "mcp"),
    **dict.fromkeys(("detect_secrets", "obstore", "httpx", "minisign", "starlette", "uvicorn"), "share"),
    "lsprotocol": "lsp",
    "pygls": "lsp",
    **dict.fromkeys(("google", "google.protobuf"), "scip"),
}


def run() -> int:
    """Run the command with the process's arguments; returns the exit code, and never raises."""
    # If the caller closed them (`>&-`), they are None, and the next open file would get their number.
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
    from diptych.cli.app import run

    code = run(sys.argv[1:])
    sys.stdout.flush()
    return code


def _abandon_output() -> None:
    """Do not let the interpreter retry a failed write, and report it, when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(error: BaseException) -> int:
    """Print on standard error what went wrong and what to do next. Returns the exit code."""
    failure = describe(error)
    if failure.exit_code == ExitCode.BROKEN_PIPE:
        return failure.exit_code
    if os.environ.get(_DEBUG):
        _show_traceback(error)
    if "--json" in sys.argv[1:]:
        _say_in_json(failure)
    else:
        _say(failure)
    return failure.exit_code


class Failure(NamedTuple):
    """What ended a command: `code` as in `diptych.errors`, and two sentences."""

    exit_code: int
    code: str
    message: str
    advice: str
    usage: str = ""


def describe(error: BaseException) -> Failure:
    """The description of an error. Every one has advice."""
    code = exit_code(error)
    if code == ExitCode.INTERRUPTED:
        return Failure(
            code, "interrupted", "interrupted", "what was committed stays: run the command again to continue"
        )
    if isinstance(error, DiptychError):
        return Failure(code, error.code, error.message, error.advice)
    if isinstance(error, UsageError):
        advice = f"`{error.path} --help` shows its usage"
        return Failure(ExitCode.USAGE, "usage", error.message, advice, error.usage)
    if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
        advice = f"install it with `pip install 'diptych[{_EXTRAS[error.name]}]'`"
        return Failure(code, "missing-package", f"this needs the package {error.name}", advice)
    if isinstance(error, OSError):
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        from diptych.fs import advice_on

        return Failure(code, StorageError.code, f"{error.strerror or error}{where}", advice_on(error))
    if isinstance(error, MemoryError):
        advice = "close other programs, or give fewer --processes"
        return Failure(code, "out-of-memory", "there is not enough memory", advice)
    return Failure(
        code,
        DiptychError.code,
        f"unexpected failure ({type(error).__name__}: {error})",
        f"nothing committed is lost; {_DEBUG}=1 shows the traceback, for a bug report",
    )


def _show_traceback(error: BaseException) -> None:
    import traceback

    from diptych.cli.output import note

    for lines in traceback.format_exception(error):
        for text in lines.splitlines():
            note(text)


def _say_in_json(failure: Failure) -> None:
    import json

    from diptych.cli.output import note

    shown = {key: value for key, value in failure._asdict().items() if key != "usage"}
    note(json.dumps({"error": shown}))


def _say(failure: Failure) -> None:
    from diptych.cli.output import Styled, note

    for text in failure.usage.splitlines():
        note(text)
    note(Styled("diptych:", "bold red"), f" {failure.message.removesuffix('.')}.")
    note(f"{' ' * 9}Next: {failure.advice.removesuffix('.')}.")
