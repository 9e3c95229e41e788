"""What git can say about a work tree in a fraction of the time that inspecting every file takes.

git keeps, in its index, the stat of every tracked file, and compares it in C, in threads. `ask` asks for two
lists at once: the tracked files whose stat is not the one in the index (`diff-files`, which unlike `status`
does not compare contents as well, so no line-ending conversion and no filter has a say), and the untracked
ones. docs/freshness.md has the argument for why that, with the index's own bytes unchanged, tells which files
are as they were.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from diptych import fs
from diptych.indexer import git
from diptych.indexer.git_process import run_all

# What decides when git calls an entry unchanged must not be the repository's choice.
_STRICT = ("-c", "core.trustctime=true", "-c", "core.checkStat=default", "-c", "core.preloadIndex=true")
# Of a submodule git would ask another git, started with what that one's configuration says.
_NAMES_ALONE = ("--name-only", "-z", "--no-renames", "--relative", "--no-ext-diff", "--ignore-submodules=all")
_NO_INDEX = b""
_INDEX_MAX = 1 << 32
_READ_BYTES = 1 << 22


class GitState(NamedTuple):
    """The work tree as git sees it: paths relative to the root. `digest` names the bytes of git's index."""

    digest: bytes
    dirty: frozenset[bytes]
    """Tracked files whose stat is not the one in the index; those that are gone, too."""
    untracked: frozenset[bytes]
    """Neither tracked nor ignored."""
    commit: str
    branch: str


def index_digest(root: str) -> bytes | None:
    """What names the bytes of git's index; None where git's word cannot be relied on in `root`."""
    tree = _tree(root)
    return None if tree is None else _digest(tree.index_path)


def ask(root: str) -> GitState | None:
    """Ask git about the work tree below `root`.

    None where the answer would not do: outside of a work tree, in one that ignores `root`, with submodules,
    where git complains about anything, and where its index changed while it was asked.
    """
    tree = _tree(root)
    if tree is None:
        return None
    before = _identity(tree.index_path)
    digest = _digest(tree.index_path)
    changed, others = run_all(
        root,
        (*_STRICT, *tree.no_filters, "diff-files", *_NAMES_ALONE),
        ("ls-files", "-z", "--others", "--exclude-standard"),
    )
    for answer in (changed, others):
        # A folder that it could not enter is a word on standard error, and not in the list.
        if answer.code or answer.complaint:
            return None
    if before != _identity(tree.index_path) or digest is None:
        return None
    return GitState(
        digest, _names(changed.output), _names(others.output), tree.head.commit, tree.head.branch
    )


class Entries(NamedTuple):
    """The files in git's index, and those among them that git was told not to look at."""

    tracked: frozenset[bytes]
    flagged: frozenset[bytes]
    """Assume-unchanged or skip-worktree: in the index, so the same as long as its bytes are."""


def entries(root: str) -> Entries | None:
    """What is in git's index below `root`; None when git would not say."""
    (answer,) = run_all(root, ("ls-files", "-z", "-v", "--cached"))
    if answer.code or answer.complaint:
        return None
    tagged = [entry for entry in answer.output.split(b"\0") if entry]
    # A letter and a space: lower case for assume-unchanged, S for skip-worktree.
    flagged = frozenset(entry[2:] for entry in tagged if entry[:1].islower() or entry.startswith(b"S"))
    return Entries(frozenset([entry[2:] for entry in tagged]), flagged)


class _Tree(NamedTuple):
    index_path: str
    no_filters: tuple[str, ...]
    """The options that disable every filter the configuration names."""
    head: git.Head


def _tree(root: str) -> _Tree | None:
    """The work tree around `root`; None where git cannot be relied on."""
    try:
        tree = git.ask(
            root, ("config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$")
        )
    except git.GitRefusedError:
        return None
    if tree is None or os.path.lexists(tree.place.top + b"/.gitmodules"):
        return None
    (filters,) = tree.answers
    # 1: there are none.
    if filters.code not in (0, 1):
        return None
    # What is racy git compares by content: its bytes as they are, and no program of the repository's choice.
    keys = [os.fsdecode(key) for key in filters.output.split(b"\0") if key]
    if any("=" in key for key in keys):
        return None
    overrides: list[str] = []
    for key in keys:
        overrides += ["-c", f"{key}={'false' if key.endswith('.required') else ''}"]
    return _Tree(os.path.join(root, os.fsdecode(tree.place.index_path)), tuple(overrides), tree.head)


def _digest(path: str) -> bytes | None:
    # Imported here: without git nobody needs it.
    from xxhash import xxh3_128

    hasher = xxh3_128()
    try:
        # A stranger's index may be a pipe, or as long as a file of holes can be.
        with open(path, "rb", buffering=0, opener=fs.open_regular) as file:
            if os.fstat(file.fileno()).st_size > _INDEX_MAX:
                return None
            while part := file.read(_READ_BYTES):
                hasher.update(part)
    except FileNotFoundError:
        return _NO_INDEX
    except OSError:
        return None
    return hasher.digest()


def _identity(path: str) -> tuple[int, int, int, int] | None:
    """git replaces its index by a rename: another index is another inode."""
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _names(output: bytes) -> frozenset[bytes]:
    return frozenset(name for name in output.split(b"\0") if name)
