"""Which file systems do not report all changes as events."""

from __future__ import annotations

import os

from diptych.lazy import pattern

# Other machines, or the host of a virtual machine, can change these without an event in this kernel.
_SILENT = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "drvfs",
        "fakeowner",
        "fuse",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "prl_fs",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
    }
)
_ESCAPE = pattern(r"\\([0-7]{3})")


def silent_file_system(path: str, mountinfo: str = "/proc/self/mountinfo") -> str:
    """The type of a file system at or below `path` that may miss events; "" if there is none.

    Also "" if the mounts cannot be listed.
    """
    try:
        with open(mountinfo, encoding="utf-8", errors="surrogateescape") as file:
            mounts = [mount for mount in map(_parsed, file) if mount is not None]
    except OSError:
        return ""
    here = os.path.realpath(path)
    above = ""
    kind_here = ""
    for place, kind in mounts:
        # Of two mounts on one path, the later hides the earlier.
        if _is_below(here, place) and len(place) >= len(above):
            above, kind_here = place, kind
        elif place != here and _is_below(place, here) and _is_silent(kind):
            return kind
    return kind_here if _is_silent(kind_here) else ""


def _parsed(line: str) -> tuple[str, str] | None:
    """The place and the type of a mount, from a line of mountinfo (see proc(5))."""
    fields, separator, rest = line.partition(" - ")
    columns = fields.split(" ")
    if not separator or len(columns) < 5:
        return None
    place = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), columns[4])
    return place, rest.split(" ")[0]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_silent(kind: str) -> bool:
    return kind in _SILENT or kind.startswith("fuse.")
