"""Runs a program under strace and makes a recording of what it did to one directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

from tools.guard import HANG_S

from .effects import Tree
from .errors import RecordingError
from .marks import MARKS_VARIABLE
from .mutation import WITHOUT_VARIABLE
from .recording import Recording, from_trace
from .translate import TRACED
from .trees import read_tree, remove_tree, write_tree

STRING_BYTES_MAX = 1 << 26
_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def require_strace() -> str:
    """The path of strace. Raises RecordingError with the way to get it."""
    found = shutil.which("strace")
    if found is None:
        raise RecordingError(
            "strace is not installed; it is the Debian package `strace` (apt-get install strace)."
        )
    return found


def scratch_directory() -> str | None:
    """Where states are put: memory when there is some, else the usual place for temporary files."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def environment() -> dict[str, str]:
    """The environment in which workloads and checkers run: they find this package and the engine."""
    paths = [_REPOSITORY, os.path.join(_REPOSITORY, "engine"), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }


def record(
    command: Callable[[str], Sequence[str]],
    *,
    subject: str,
    workload: str,
    initial: Tree | None = None,
    time_limit_s: float = HANG_S,
    mode: str = "workload",
    marks_before: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
) -> Recording:
    """Run `command(directory)` under strace on a directory that starts as `initial`.

    `without` names functions that a subject's workload does without; see `mutation`.

    Raises RecordingError when the program fails or the trace is not complete, RefusedError when it does
    something that has no model.
    """
    strace = require_strace()
    base = os.path.realpath(tempfile.mkdtemp(prefix="crashsim-", dir=scratch_directory()))
    root, marks, trace = (os.path.join(base, name) for name in ("tree", "marks", "trace"))
    try:
        initial = initial or Tree({})
        write_tree(initial, root)
        with open(marks, "wb"):
            pass
        arguments = [
            *(strace, "--seccomp-bpf", "-f", "-y", "-xx", "-s", str(STRING_BYTES_MAX), "-o", trace),
            *("-e", "trace=" + ",".join("?" + name for name in TRACED), "--"),
            *command(root),
        ]
        done = subprocess.run(
            arguments,
            cwd=_REPOSITORY,
            env={**environment(), MARKS_VARIABLE: marks, WITHOUT_VARIABLE: ",".join(without)},
            capture_output=True,
            timeout=time_limit_s,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise RecordingError(
                f"The recorded program ended with status {done.returncode}: {' '.join(said)}"
            )
        return from_trace(
            trace,
            root=root,
            marks=marks,
            directory=_REPOSITORY,
            initial=initial,
            final=read_tree(root),
            subject=subject,
            workload=workload,
            mode=mode,
            marks_before=marks_before,
        )
    except subprocess.TimeoutExpired as error:
        raise RecordingError(f"The recorded program did not end within {time_limit_s:.0f} s.") from error
    finally:
        remove_tree(base)


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this package without bytecode files or site-wide surprises."""
    return [sys.executable, "-m", module, *arguments]
