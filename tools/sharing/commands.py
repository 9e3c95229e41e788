"""The command as a user runs it, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diptych

ENGINE = Path(diptych.__file__).parents[1]


@dataclass(slots=True)
class Spent:
    """What a run of the command took and said."""

    processor_s: float = 0.0
    """Of the command and its children."""
    elapsed_s: float = 0.0
    said: dict[str, Any] = field(default_factory=dict)
    """Its JSON document, if it printed one."""


class CommandError(Exception):
    """A command failed."""


def run(
    arguments: Sequence[str], tree: Path, work: Path, environment: Mapping[str, str] | None = None
) -> Spent:
    """Run `diptych` in `tree`, with nothing of this machine's configuration. Raises CommandError."""
    began_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "diptych", *arguments],
        cwd=tree,
        env=quiet_environment(DIPTYCH_TRUST=os.fspath(work / "trust.toml"), **(environment or {})),
        stdout=subprocess.PIPE,
        stderr=(errors := open(work / "errors.txt", "w+b")),  # noqa: SIM115 - closed below
    )
    with errors:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-2_000:]
            raise CommandError(f"diptych {' '.join(arguments)}: exit code {process.returncode}: {said}")
    elapsed_s = time.monotonic() - began_s
    document = json.loads(printed) if "--json" in arguments else {}
    return Spent(used.ru_utime + used.ru_stime, elapsed_s, document)


def quiet_environment(**more: str) -> dict[str, str]:
    """This process's environment, without what would change the command's ways or compile it each time."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DIPTYCH_", "_DIPTYCH")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {**kept, "PYTHONPATH": os.fspath(ENGINE), **more}
