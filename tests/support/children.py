"""The processes that a process has started, as Linux tells of them."""

from __future__ import annotations

import os
from pathlib import Path

_WORKER = b"diptych.indexer"


def children(pid: int | None = None) -> set[int]:
    """The children of a process, by whichever of its threads; of this one where none is named."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid or os.getpid()}/task").iterdir():
        found.update(int(child) for child in (task / "children").read_text().split())
    return found


def workers(pid: int | None = None) -> set[int]:
    """Those of its children that parse."""
    return {child for child in children(pid) if _WORKER in _command(child)}


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
