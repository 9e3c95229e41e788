"""Where the store is, and where the repository is."""

from __future__ import annotations

import os
from collections.abc import Iterator

from diptych.errors import StoreNotFoundError
from diptych.layout import DEFAULT_STORE

_OUTPUT_ROOT = "DIPTYCH_OUTPUT_ROOT"


def find_store(given: str | None) -> str:
    """The store to use: the one given, else the one below DIPTYCH_OUTPUT_ROOT, else `.diptych` here or in
    the nearest folder above.

    Raises StoreNotFoundError where there is none above; what is wrong with the one found, opening it says.
    """
    if given:
        return given
    if (below := output_root_for(None, None)) is not None:
        return store_of(find_root(None), below)
    here = os.getcwd()
    for folder in _upwards(here):
        path = os.path.join(folder, DEFAULT_STORE)
        if os.path.lexists(path):
            return path
    raise StoreNotFoundError(
        f"there is no {DEFAULT_STORE} in {here} or in any folder above it",
        advice="make one with `diptych index`, or name one with --store",
    )


def find_root(given: str | None) -> str:
    """The repository to index: the folder given, else the nearest one here or above with a store, else
    with a `.git`, else this one."""
    if given:
        return os.path.abspath(given)
    here = os.getcwd()
    for name in (DEFAULT_STORE, ".git"):
        for folder in _upwards(here):
            if os.path.lexists(os.path.join(folder, name)):
                return folder
    return here


def output_root_for(store: str | None, output_root: str | None) -> str | None:
    """The folder that stores are kept below: the one given, else, where no store is, DIPTYCH_OUTPUT_ROOT."""
    return output_root or (None if store else os.environ.get(_OUTPUT_ROOT) or None)


def store_of(root: str, output_root: str | None) -> str:
    """The store of the repository at `root`: in it, or below `output_root`."""
    if output_root is None:
        return os.path.join(root, DEFAULT_STORE)
    from diptych.workspace.freshness import store_below

    return store_below(output_root, root)


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent
