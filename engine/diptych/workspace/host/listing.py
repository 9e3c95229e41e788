"""Which files a repository has, by the last listing, and which changed names matter by it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from diptych.indexer.discover import Scan
from diptych.indexer.fact_columns import Stat
from diptych.indexer.languages import language_of
from diptych.values import Value, field
from diptych.workspace.host.git import not_ignored
from diptych.workspace.watch import is_rule


class Listing(Value):
    """The source files that were found, and the names that the store may have besides."""

    files: Mapping[str, tuple[str, Stat]] = field(default_factory=dict)
    """Of each source file its language and its stat."""
    names: frozenset[str] = frozenset()
    """Those, and all that the store may have: more, since a run of the indexer looks for itself."""
    folders: frozenset[str] = frozenset()
    """All folders on the way to the names."""
    asks_git: bool = False
    """Whether to ask git which new files are ignored. Of files in submodules it says nothing."""

    @classmethod
    def of(cls, root: str, found: Scan, others: frozenset[str]) -> Listing:
        """What was found below `root`, and these other names."""
        asks_git = found.source == "git" and not os.path.lexists(os.path.join(root, ".gitmodules"))
        return cls(found.files, asks_git=asks_git).with_names(others)

    def with_names(self, others: frozenset[str]) -> Listing:
        """The same files, with these other names."""
        names = others.union(self.files)
        return Listing(self.files, names, frozenset(_folders_of(names)), self.asks_git)

    def below(self, folder: str) -> list[str]:
        """The names below `folder`, which ends in `/`, in order."""
        return sorted(name for name in self.names if name.startswith(folder))

    def select(self, root: str, names: Sequence[str]) -> list[str]:
        """Of changed names, those that may be source files or rules, or are folders that came or went."""
        selected: list[str] = []
        new: list[str] = []
        for name in names:
            if name in self.names:
                selected.append(name)
            elif name in self.folders:
                # Files behind a link are not there: a link in the place of a folder ends it.
                path = os.path.join(root, name)
                if not os.path.isdir(path) or os.path.islink(path):
                    selected.append(name + "/")
            elif name.endswith("/") or is_rule(name) or _may_be_source(root, name):
                new.append(name)
        return selected + (not_ignored(root, new) if self.asks_git else new)


def _folders_of(names: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _may_be_source(root: str, name: str) -> bool:
    if "." in name.rpartition("/")[2]:
        return bool(language_of(name))
    try:
        # Its first line may say what it is.
        return os.lstat(os.path.join(root, name)).st_mode & 0o111 != 0
    except OSError:
        return False
