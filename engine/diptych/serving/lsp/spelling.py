"""How an editor writes the paths of a folder that it reached through symbolic links."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple


class Spelling(NamedTuple):
    """A folder as an editor writes it, and without symbolic links; "" for the root of the file system."""

    written: str
    resolved: str

    def to_resolved(self, path: str) -> str | None:
        """The path without these links; None for one that does not begin so."""
        return _moved(path, self.written, self.resolved)

    def to_written(self, path: str) -> str:
        """The path of a file as the editor writes it; unchanged outside of the folder."""
        return _moved(path, self.resolved, self.written) or path


RESOLVED = Spelling("", "")
"""That of an editor that resolves all links itself."""


def spelling_of(folder: str) -> Spelling:
    """How an editor writes paths that writes `folder` like this: up to the last of its symbolic links."""
    resolved = os.path.realpath(folder)
    while folder != resolved and os.path.basename(folder) == os.path.basename(resolved):
        above, above_resolved = os.path.dirname(folder), os.path.dirname(resolved)
        if os.path.realpath(above) != above_resolved:
            # The name is that of the link itself.
            break
        folder, resolved = above, above_resolved
    return RESOLVED if folder == resolved else Spelling(folder.rstrip("/"), resolved.rstrip("/"))


def resolved_paths(paths: Iterable[str]) -> list[str]:
    """Paths whose folders are no links; the last part may be one, which is a file by itself."""
    folders: dict[str, str] = {}
    found = []
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        found.append(os.path.join(folders[folder], name))
    return found


def _moved(path: str, before: str, after: str) -> str | None:
    if path == before or path.startswith(f"{before}/"):
        return after + path[len(before) :]
    return None
