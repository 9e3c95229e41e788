"""Other processes at a store: a script run to its end, or talked to line by line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import HANG_S, exit_code, output

ROOT = Path(__file__).parents[2]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'engine'}{os.pathsep}{ROOT}", "PYTHONWARNINGS": "ignore"}


def run(script: str, *arguments: str, returns: int = 0) -> str:
    """Run a Python script; its output. `returns` is the exit code that it must have."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == returns, done.stdout + done.stderr
    return done.stdout


class Other:
    """A Python process that runs one line at a time, in one namespace."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def do(self, line: str) -> str:
        """Run a statement (with `;` several) and return what it prints, or the error's class and message."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the other process ended"
        return eval(answer)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        exit_code(self.process)


_LOOP = """
import contextlib, io, sys
from diptych import *
from tests.support.records import record, numbered
space = dict(globals())
for line in sys.stdin:
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(line, space)
        answer = out.getvalue().rstrip("\\n")
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    sys.__stdout__.write(repr(answer) + "\\n")
    sys.__stdout__.flush()
"""


@contextmanager
def other() -> Iterator[Other]:
    """Another process that knows `diptych` and the tests' records; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LOOP],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Other(process)
    finally:
        process.kill()
        output(process)
