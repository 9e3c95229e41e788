"""What the operating system says of a process and of a folder."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

KIB = 1024


def memory_bytes() -> dict[str, int]:
    """This process's resident memory now (VmRSS) and at its highest (VmHWM), with the part not shared
    with files (RssAnon)."""
    fields = {}
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("VmRSS", "VmHWM", "RssAnon", "RssFile"):
                fields[name] = int(rest.split()[0]) * KIB
    return fields


def reset_peak() -> None:
    """Make VmHWM start again from what is resident now."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def written_bytes() -> dict[str, int]:
    """Bytes this process passed to write calls, and bytes it caused to be sent to the storage layer."""
    fields = {}
    with open("/proc/self/io", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            fields[name] = int(rest)
    return {"calls": fields["wchar"], "storage": fields["write_bytes"]}


def folder_bytes(path: str, label: Callable[[str], str] | None = None) -> dict[str, int]:
    """Bytes under `path`, a file with several names counted once; grouped by `label(relative path)`."""
    sizes: dict[str, int] = {}
    seen: set[int] = set()
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(folder, name)
            status = os.lstat(full)
            if status.st_ino in seen:
                continue
            seen.add(status.st_ino)
            group = label(os.path.relpath(full, path)) if label else "all"
            # Blocks, not length: LMDB's file is sparse, and an allocated block is what a disk runs out of.
            sizes[group] = sizes.get(group, 0) + status.st_blocks * 512
    return sizes


def forget_cached(path: str) -> None:
    """Ask the kernel to drop its cached pages of every file under `path`: the next read goes to the disk."""
    for folder, _, names in os.walk(path):
        for name in names:
            fd = os.open(os.path.join(folder, name), os.O_RDONLY)
            try:
                os.fdatasync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)


def read_cached(path: str) -> None:
    """Read every file under `path`, so that the kernel's cache has all of it."""
    for folder, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass


def pin(cpu: int) -> None:
    """Keep this process on one processor, where there is a choice."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[cpu % len(allowed)]})


def trim_heap() -> None:
    """Give freed memory back to the system, so that what is resident is what is used."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
