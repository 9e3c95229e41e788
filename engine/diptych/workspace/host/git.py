"""What only git can tell: whether its index was replaced, and which new files it lists."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from diptych.indexer import git
from diptych.workspace.watch import is_rule

_ARGUMENTS_MAX = 500


def _may_ask_git(root: str) -> bool:
    try:
        return git.may_ask(root)
    except git.GitRefusedError:
        return False


class GitListing:
    """Says when the files must be listed again though none changed: when git's index did.

    No event tells of that. Where there is no git, it is never due.
    """

    def __init__(self, root: str) -> None:
        self.listed: frozenset[str] = frozenset()
        """What was listed last."""
        output = git.run(root, "rev-parse", "--git-path", "index") if _may_ask_git(root) else None
        self._path = os.path.join(root, os.fsdecode(output.removesuffix(b"\n"))) if output else ""
        self._seen: tuple[int, ...] = ()
        self._due = False

    def see(self) -> bool:
        """Take the index as it is now for seen. Whether it is another than before."""
        seen: tuple[int, ...] = ()
        if self._path:
            with suppress(OSError):
                status = os.stat(self._path)
                seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        before, self._seen = self._seen, seen
        return before != seen

    def wait(self, *, at_work: bool) -> None:
        """Nothing can be listed in this turn. `at_work`: whether git is seen to work in the tree."""
        self._due |= at_work

    def is_due(self, *, at_work: bool) -> bool:
        """Whether the files must be listed again in this turn; asked once in each, see `wait`.

        Not while git is at work: in the next turn it is done, or asked again in the one after.
        """
        at_work |= self.see()
        due = self._due and not at_work
        self._due = at_work
        return due


def not_ignored(root: str, names: Sequence[str]) -> list[str]:
    """Those that git lists, or has files below. All of them where git would not say."""
    if not names:
        return []
    which = names if len(names) <= _ARGUMENTS_MAX else []
    arguments = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *which)
    output = git.run(root, "--literal-pathspecs", *arguments)
    if output is None:
        return list(names)
    listed: set[str] = set()
    for path in output.split(b"\0"):
        name = os.fsdecode(path)
        while name and name not in listed:
            listed.add(name)
            name = name.removesuffix("/").rpartition("/")[0] + "/" if "/" in name[:-1] else ""
    return [name for name in names if name in listed or is_rule(name)]
