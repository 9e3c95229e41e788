"""What a question is drawn from, and what answers are held against."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple, Protocol

Spot = tuple[str, int, int]
"""A path relative to the corpus, a row and a column in UTF-8 bytes, from zero."""


class Drawn(NamedTuple):
    """A site: rows and columns from zero, columns in UTF-8 bytes."""

    path: str
    row: int
    column: int
    name: str
    group: str


class Oracle(Protocol):
    """Another reader of a corpus. `groups` are those that a stratified sample draws from."""

    groups: tuple[str, ...]

    def sites(self, corpus: str) -> list[Drawn]:
        """The sites of a corpus."""

    def definitions(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where each site's definitions are inside the corpus; nothing where that is not known."""

    def references(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where else the name is written that means the same as at each site, definitions and imports too."""


def inside(corpus: str, path: str) -> str | None:
    """`path` relative to the corpus, or None if it is outside."""
    real, root = os.path.realpath(path), os.path.realpath(corpus)
    return os.path.relpath(real, root) if real.startswith(f"{root}/") else None


def files_below(corpus: str, suffixes: tuple[str, ...]) -> list[str]:
    """The paths of a corpus, sorted, relative to it."""
    found = []
    for folder, folders, files in os.walk(corpus):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            os.path.relpath(os.path.join(folder, name), corpus) for name in files if name.endswith(suffixes)
        ]
    return sorted(found)
