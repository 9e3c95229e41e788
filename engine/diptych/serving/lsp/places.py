"""The repository around a folder, and the store of its index."""

from __future__ import annotations

import os
from typing import NamedTuple

from diptych.indexer import git
from diptych.layout import DEFAULT_STORE
from diptych.workspace.freshness import store_below


class RepositoryPlace(NamedTuple):
    """A repository and its store, which may not be there yet. `refused` says why the store is not used.

    A folder that only an editor opened is no repository: nobody asked for an index of it.
    """

    root: str
    store: str
    refused: str = ""
    is_repository: bool = True


def place_of(folder: str, output_root: str | None = None) -> RepositoryPlace:
    """The repository of a folder: the nearest one here or above with a store or a `.git`, else the folder.

    Links are resolved first, so that a repository is one, whichever way an editor came to it.
    """
    folder = os.path.realpath(folder)
    found = _repository(folder)
    root = found or folder
    if output_root:
        return RepositoryPlace(root, store_below(output_root, root), is_repository=bool(found))
    store = os.path.join(root, DEFAULT_STORE)
    refused = ""
    if os.path.lexists(store) and git.tracks(store):
        refused = "the store is tracked by its repository, so it was not made here"
    return RepositoryPlace(root, store, refused, is_repository=bool(found))


def _repository(folder: str) -> str:
    """The nearest folder here or above with a store or a `.git`; "" if there is none."""
    while True:
        if any(os.path.lexists(os.path.join(folder, name)) for name in (DEFAULT_STORE, ".git")):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above
