"""The processes that a process has started, as Linux tells of them."""

from __future__ import annotations

import os
from pathlib import Path

_WORKER = b"diptych.indexer"


def children(pid: int | None = None) -> set[int]:
    """The children of a process, by whichever of its threads; of this one where none is named.

    Raises FileNotFoundError where there is no such process.
    """
    process = Path(f"/proc/{pid or os.getpid()}")
    while True:
        try:
            lines = [(task / "children").read_text() for task in (process / "task").iterdir()]
        except FileNotFoundError:
            # A thread has ended, and its children are another's now: look again.
            process.stat()
        else:
            return {int(child) for line in lines for child in line.split()}


def workers(pid: int | None = None, *, of: bytes = _WORKER) -> set[int]:
    """Those of its children that parse, or that run what `of` names."""
    return {child for child in children(pid) if of in _command(child)}


def runs(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
