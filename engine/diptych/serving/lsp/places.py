"""The repository around a folder, and the store of its index."""

from __future__ import annotations

import os
from typing import NamedTuple

from diptych.indexer import git
from diptych.layout import DEFAULT_STORE
from diptych.workspace.freshness import store_below


class RepositoryPlace(NamedTuple):
    """A repository and its store, which may not be there yet. `refused` says why the store is not used."""

    root: str
    store: str
    refused: str = ""


def place_of(folder: str, output_root: str | None = None) -> RepositoryPlace:
    """The repository of a folder: the nearest one here or above with a store or a `.git`, else the folder."""
    root = folder
    at = folder
    while True:
        if any(os.path.lexists(os.path.join(at, name)) for name in (DEFAULT_STORE, ".git")):
            root = at
            break
        above = os.path.dirname(at)
        if above == at:
            break
        at = above
    if output_root:
        return RepositoryPlace(root, store_below(output_root, root))
    store = os.path.join(root, DEFAULT_STORE)
    if os.path.lexists(store) and git.tracks(store):
        return RepositoryPlace(root, store, "the store is tracked by its repository, so it was not made here")
    return RepositoryPlace(root, store)
