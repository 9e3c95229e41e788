"""Where the store is, and where the repository is."""

from __future__ import annotations

import os
from collections.abc import Iterator

from diptych.errors import StoreNotFoundError
from diptych.layout import DEFAULT_STORE


def find_store(given: str | None) -> str:
    """The store to use: the one given, else `.diptych` here or in the nearest folder above.

    Raises StoreNotFoundError where there is none above; what is wrong with the one found, opening it says.
    """
    if given:
        return given
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


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent
