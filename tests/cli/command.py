"""The command, run as a user runs it: a process of its own, on real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.waiting import HANG_S

ENGINE = Path(__file__).resolve().parents[2] / "engine"
COMMAND = [sys.executable, "-m", "diptych"]

Done = subprocess.CompletedProcess[bytes]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would change the command's ways."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DIPTYCH_", "_DIPTYCH")) and name not in ("NO_COLOR", "FORCE_COLOR")
    }
    return {**kept, "PYTHONPATH": str(ENGINE), "TERM": "xterm", **more}


def diptych(
    *arguments: str | bytes | Path, cwd: Path, code: int | None = 0, env: Mapping[str, str] | None = None
) -> Done:
    """Run the command in `cwd`; it must exit with `code`, and never with a traceback."""
    line = [*COMMAND, *(os.fspath(argument) for argument in arguments)]
    done = subprocess.run(
        line, cwd=cwd, env=environment(**(env or {})), capture_output=True, check=False, timeout=HANG_S
    )
    assert code is None or done.returncode == code, (line, done.returncode, done.stdout[-2000:], done.stderr)
    assert b"Traceback" not in done.stderr or (env or {}).get("DIPTYCH_DEBUG"), done.stderr
    return done


def text(*arguments: str | bytes | Path, cwd: Path, code: int = 0) -> str:
    """What the command prints on standard output."""
    return diptych(*arguments, cwd=cwd, code=code).stdout.decode()


def document(*arguments: str | bytes | Path, cwd: Path, code: int = 0) -> Any:
    """The JSON document that the command prints."""
    return json.loads(diptych(*arguments, "--json", cwd=cwd, code=code).stdout)


def error_output(*arguments: str | bytes | Path, cwd: Path, code: int) -> str:
    """What a failing command prints on standard error: a message, and what to do next."""
    said = diptych(*arguments, cwd=cwd, code=code).stderr.decode()
    sentence, advice = said.splitlines()[-2:]
    assert sentence.startswith("diptych: "), said
    assert advice.startswith("         Next: "), said
    return said


def write_modules(root: Path, count: int, *, functions: int = 3) -> None:
    """Make `count` Python files below `root`."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        lines = [
            f'def work_{number}_{index}(a, b):\n    """Do it."""\n    return helper(a)\n'
            for index in range(functions)
        ]
        (root / f"module_{number:05d}.py").write_text("\n".join(lines))
