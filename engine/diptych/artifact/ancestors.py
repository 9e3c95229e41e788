"""Which of two commits is newer, and the nearest commit that has an artifact. Asks no git by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

COMMITS_MOST = 2_000
"""How many commits before this one are asked for."""


class History(Protocol):
    """What a repository knows about its commits."""

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is before `newer`, or the same; False where either is unknown."""


class NoHistory:
    """Where there is no repository."""

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether they are the same."""
        return older == newer


class Nearest(NamedTuple):
    """The nearest commit with an artifact, and how many first parents before the one asked for it is."""

    commit: str
    distance: int


def nearest(commits: Sequence[str], refs: Iterable[str]) -> Nearest | None:
    """The first of `commits` that a ref `commit/…` of `refs` names; None where none is."""
    names: Collection[str] = {ref.removeprefix("commit/") for ref in refs if ref.startswith("commit/")}
    for distance, commit in enumerate(commits[:COMMITS_MOST]):
        if commit in names:
            return Nearest(commit, distance)
    return None
