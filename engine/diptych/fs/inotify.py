"""The limits of inotify on Linux: which one is exhausted, and how much an instance watches.

Other systems have no such limits, or cannot be asked for them. There these functions find nothing.
"""

from __future__ import annotations

import errno
import os
import sys

from diptych.values import Value

_IN_CLOEXEC = 0o2000000
_IN_DELETE_SELF = 0x400
_LINK = "anon_inode:inotify"
_USUAL = {"watches": 524_288, "instances": 1_024}


class Limit(Value):
    """An exhausted limit, by its sysctl name."""

    name: str
    value: int
    advice: str
    """How to raise it."""

    def __str__(self) -> str:
        return f"{self.name} ({self.value})"


def inotify_instances() -> frozenset[int]:
    """The descriptors of this process's inotify instances; empty without `/proc`."""
    found = set()
    try:
        descriptors = os.listdir("/proc/self/fd")
    except OSError:
        return frozenset()
    for descriptor in descriptors:
        try:
            if os.readlink(f"/proc/self/fd/{descriptor}") == _LINK:
                found.add(int(descriptor))
        except OSError:  # closed meanwhile
            continue
    return frozenset(found)


def inotify_watches(instance: int) -> int | None:
    """How many files and folders an instance watches; None if unknown."""
    try:
        with open(f"/proc/self/fdinfo/{instance}", "rb") as file:
            return sum(line.startswith(b"inotify ") for line in file)
    except OSError:
        return None


def inotify_limit(path: str) -> Limit | None:
    """The limit that prevents this process from watching one more `path`; None if there is none.

    Found by trying: the limits count the watches of all processes of the user, in every parent namespace.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    instance = libc.inotify_init1(_IN_CLOEXEC)
    if instance < 0:
        return _exhausted("instances") if ctypes.get_errno() == errno.EMFILE else None
    try:
        if libc.inotify_add_watch(instance, os.fsencode(path), _IN_DELETE_SELF) < 0:
            return _exhausted("watches") if ctypes.get_errno() == errno.ENOSPC else None
        return None
    finally:
        os.close(instance)


def _exhausted(what: str) -> Limit:
    names = (f"fs.inotify.max_user_{what}", f"user.max_inotify_{what}")
    # A user namespace has a separate limit besides the system's. The smaller one is reached first.
    name, value = min(((name, _value(name)) for name in names), key=lambda pair: pair[1])
    raised = max(_USUAL[what], 2 * value)
    return Limit(name, value, f"raise it with `sudo sysctl {name}={raised}`")


def _value(name: str) -> int:
    try:
        with open("/proc/sys/" + name.replace(".", "/"), encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 2**31 - 1
