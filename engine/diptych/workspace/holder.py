"""Which process holds the lock of a store, without touching the lock."""

from __future__ import annotations

import os

from diptych import fs
from diptych.layout import LOCK


def holder(store_path: str) -> int:
    """The process that holds the store's lock, or 0 where none does or it is not known; without touching it.

    Only for messages: trying the lock would be certain, and could make another process's attempt fail.
    """
    path = os.path.join(store_path, LOCK)
    pid = fs.holder(path)
    if not pid:
        return 0
    try:
        inode = os.lstat(path).st_ino
        with open("/proc/locks", encoding="ascii") as file:
            held = any(_is_hold(line.split(), pid, inode) for line in file)
    except (OSError, ValueError):
        # Not Linux: a process of that number is alive, or not.
        return pid if _alive(pid) else 0
    return pid if held else 0


def _is_hold(fields: list[str], pid: int, inode: int) -> bool:
    """Whether this line of /proc/locks ("1: FLOCK ADVISORY WRITE 7 08:01:99 0 EOF") is that lock."""
    if len(fields) < 6 or fields[1] != "FLOCK" or fields[3] != "WRITE":
        return False
    return int(fields[4]) == pid and int(fields[5].rpartition(":")[2]) == inode


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
