"""Real source trees: where they come from, and the records of their files."""

from __future__ import annotations

from tools.bench.data.dataset import Dataset


class NoTreeError(Exception):
    """The tree cannot be had here; the message says why."""


def dataset(folder: str, name: str) -> Dataset:
    """The records of the tree of that name. Raises NoTreeError."""
    raise NoTreeError(f"there is no source for {name} in {folder}")
