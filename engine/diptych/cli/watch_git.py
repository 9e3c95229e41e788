"""What `diptych watch` asks git: whether its index was replaced, and which new files it lists."""

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


class GitIndex:
    """Tells when git's index was replaced. Nothing to tell where there is no git."""

    def __init__(self, root: str) -> None:
        output = git.run(root, "rev-parse", "--git-path", "index") if _may_ask_git(root) else None
        self._path = os.path.join(root, os.fsdecode(output.removesuffix(b"\n"))) if output else ""
        self._seen: tuple[int, ...] = ()

    def changed(self) -> bool:
        """Whether it is another than at the last call."""
        seen: tuple[int, ...] = ()
        if self._path:
            with suppress(OSError):
                status = os.stat(self._path)
                seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        before, self._seen = self._seen, seen
        return before != seen


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
