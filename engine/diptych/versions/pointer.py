"""CURRENT and the symlink that follows it: read, switch and heal them.

CURRENT alone decides. The symlink is for people and shell scripts. A crash between the two leaves it lagging
by one version, until the next manager with write access corrects it.
"""

from __future__ import annotations

import os
import sys

from diptych.fs import (
    atomic_write,
    fsync_dir,
    is_misplaced,
    open_regular,
    remove_file,
    rename,
    translated,
)
from diptych.versions.errors import CorruptVersionError
from diptych.versions.names import (
    CURRENT,
    CURRENT_LINK,
    MAX_NAME_CHARS,
    is_version_name,
    link_target,
)


def read_current(base: str) -> str | None:
    """The name in CURRENT; None if nothing has been published yet.

    Raises CorruptVersionError if it is missing or does not hold a version's name, and StorageError.
    """
    path = os.path.join(base, CURRENT)
    data = _content(path)
    if data is None and os.path.lexists(os.path.join(base, CURRENT_LINK)):
        # CURRENT is written before the symlink, so it was written just now, or is lost. Read again.
        data = _content(path) or b""
    if data is None:
        return None
    name = data[:-1].decode("ascii", "replace")
    # The newline proves that the name is complete.
    if data.endswith(b"\n") and is_version_name(name):
        return name
    raise CorruptVersionError(
        f"{path} does not hold the name of a version",
        where=path,
        advice="choose the version to serve: `diptych versions rollback VERSION`",
    )


def _content(path: str) -> bytes | None:
    with translated("read", path):
        try:
            with open(path, "rb", buffering=0, opener=open_regular) as file:
                return file.read(MAX_NAME_CHARS + 2)
        except FileNotFoundError:
            return None
        except OSError as error:
            if is_misplaced(error):
                # Not a regular file, so not a version's name.
                return b""
            raise


def switch(base: str, version: str) -> None:
    """Make `version` the current one: CURRENT by one rename, then the symlink by another.

    Raises StorageError. After an error or a crash, either the old version or the new one is current;
    `read_current` tells which.
    """
    atomic_write(os.path.join(base, CURRENT), version.encode("ascii") + b"\n")
    switch_link(base, version)


def link_follows(base: str, version: str) -> bool:
    """Whether the symlink points to `version`."""
    try:
        return os.readlink(os.path.join(base, CURRENT_LINK)) == link_target(version)
    except OSError:
        return sys.platform == "win32"


def switch_link(base: str, version: str) -> None:
    """Atomically point the symlink to `version`. Raises StorageError."""
    if sys.platform == "win32":
        return  # Most users lack the privilege to make symlinks there; CURRENT is enough.
    link = os.path.join(base, CURRENT_LINK)
    temporary = os.path.join(base, f".{CURRENT_LINK}.{os.getpid()}.tmp")
    remove_file(temporary)
    with translated("make the symlink", temporary):
        os.symlink(link_target(version), temporary)
    rename(temporary, link)
    fsync_dir(base)
