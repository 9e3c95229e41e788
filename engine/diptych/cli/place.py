"""Find the store and the repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from diptych.errors import StoreNotFoundError, TrackedStoreError
from diptych.layout import DEFAULT_STORE

_OUTPUT_ROOT = "DIPTYCH_OUTPUT_ROOT"


def find_store(given: str | None) -> str:
    """The store to use: the one given, else the one below DIPTYCH_OUTPUT_ROOT, else the nearest `.diptych`
    here or above that belongs to the repository of this folder.

    Raises StoreNotFoundError if there is none, TrackedStoreError for one that came with the repository.
    Other problems appear when it is opened.
    """
    if given:
        return given
    if (below := output_root_for(None, None)) is not None:
        return store_of(find_root(None), below)
    here = os.getcwd()
    near = _nearest(here)
    if near.store_folder:
        return _made_here(os.path.join(near.store_folder, DEFAULT_STORE))
    if near.other_folder:
        from shlex import quote

        raise StoreNotFoundError(
            f"there is no {DEFAULT_STORE} in {near.repository}; the one in {near.other_folder} belongs to"
            " another repository",
            advice=f"make one with `diptych index`, or use that one with --store"
            f" {quote(os.path.join(near.other_folder, DEFAULT_STORE))}",
        )
    raise StoreNotFoundError(
        f"there is no {DEFAULT_STORE} in {here} or in any folder above it",
        advice="make one with `diptych index`, or name one with --store",
    )


def find_root(given: str | None) -> str:
    """The repository to index: the folder given, else the nearest one here or above with a store or a
    `.git`, else this one. A submodule is part of its superproject if that one has a store."""
    if given:
        return os.path.abspath(given)
    here = os.getcwd()
    near = _nearest(here)
    return near.store_folder or near.repository or here


class _Near(NamedTuple):
    """What is in a folder or above it; "" if absent."""

    store_folder: str = ""
    repository: str = ""
    other_folder: str = ""
    """A folder whose store belongs to another repository."""


def _nearest(here: str) -> _Near:
    """The nearest repository decides. A store above it counts only if that is its superproject."""
    repository = ""
    for folder in _upwards(here):
        if os.path.lexists(os.path.join(folder, DEFAULT_STORE)):
            if not repository or _is_part(repository, folder):
                return _Near(store_folder=folder)
            return _Near(repository=repository, other_folder=folder)
        if not repository and os.path.lexists(os.path.join(folder, ".git")):
            repository = folder
    return _Near(repository=repository)


def _is_part(repository: str, folder: str) -> bool:
    """Whether the index of `folder`, which is above, includes `repository` as a submodule, at any depth."""
    from diptych.indexer import git

    outer = git.superproject(repository)
    while outer and os.path.commonpath([outer, os.path.realpath(folder)]) != outer:
        outer = git.superproject(outer)
    return bool(outer)


def _made_here(path: str) -> str:
    """`path`, unless the repository tracks it: never use a store just because it came with a clone.

    Raises TrackedStoreError.
    """
    from shlex import quote

    from diptych.indexer import git

    if git.tracks(path):
        raise TrackedStoreError(
            f"{path} is tracked by its repository, so it was not made here",
            advice=f"remove it with `git rm -r -f {quote(path)}` and run `diptych index`; or, if you trust"
            f" its author, name it with --store {quote(path)}",
        )
    return path


def output_root_for(store: str | None, output_root: str | None) -> str | None:
    """The folder that holds the stores: the one given, else DIPTYCH_OUTPUT_ROOT unless a store is named."""
    return output_root or (None if store else os.environ.get(_OUTPUT_ROOT) or None)


def store_of(root: str, output_root: str | None) -> str:
    """The store of the repository at `root`: in it, or below `output_root`.

    Raises TrackedStoreError for one that came with the repository.
    """
    if output_root is None:
        return _made_here(os.path.join(root, DEFAULT_STORE))
    from diptych.workspace.freshness import store_below

    return store_below(output_root, root)


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent
