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
from diptych.indexer.facts import RACY_MARGIN_NS
from diptych.indexer.git_process import run_all

# What decides when git calls an entry unchanged must not be the repository's choice.
_STRICT = ("-c", "core.trustctime=true", "-c", "core.checkStat=default", "-c", "core.preloadIndex=true")
# Of a submodule git would ask another git, started with what that one's configuration says.
_NAMES_ALONE = ("--name-only", "-z", "--no-renames", "--relative", "--no-ext-diff", "--ignore-submodules=all")
_TAGGED = ("ls-files", "-z", "-v", "--cached")
# Configuration by which git writes other bytes than a blob has, or may in one work tree alone.
_CONVERTING = (
    r"^(filter\..*\.(clean|smudge|process|required)|core\.(autocrlf|eol|attributesfile)"
    r"|extensions\.worktreeconfig)$"
)
# The files that no attribute has git convert, but for line endings, which change a file's size.
_UNCONVERTED = ":(attr:!filter !ident !working-tree-encoding)"
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
    (answer,) = run_all(root, _TAGGED)
    return None if answer.code or answer.complaint else _tagged(answer.output)


def _tagged(output: bytes) -> Entries:
    tagged = [entry for entry in output.split(b"\0") if entry]
    # A letter and a space: lower case for assume-unchanged, S for skip-worktree.
    flagged = frozenset(entry[2:] for entry in tagged if entry[:1].islower() or entry.startswith(b"S"))
    return Entries(frozenset([entry[2:] for entry in tagged]), flagged)


class Beside(NamedTuple):
    """A work tree beside a commit: paths relative to the root."""

    alike: frozenset[bytes]
    """Tracked files whose bytes are those of the commit's blob, if their size is that of it."""
    settled_ns: int
    """A file whose times are not after this has other ones once it is edited again."""


def beside(root: str, commit: str) -> Beside | None:
    """Compare the work tree at `root` with a commit, by the stats in git's index.

    None where `ask` is, where git does not have the commit, and where another attribute may have been in
    effect when the commit's files were written elsewhere.
    """
    tree = _tree(root)
    if tree is None:
        return None
    before = _identity(tree.index_path)
    digest = _digest(tree.index_path)
    differing, listed, unconverted = run_all(
        root,
        (*_STRICT, *tree.no_filters, "diff-index", *_NAMES_ALONE, "--end-of-options", commit, "--"),
        _TAGGED,
        ("ls-files", "-z", "--cached", "--", _UNCONVERTED),
    )
    if any(answer.code or answer.complaint for answer in (differing, listed, unconverted)):
        return None
    settled_ns = _settled_ns(root, tree.index_path)
    if before is None or before != _identity(tree.index_path) or digest is None or settled_ns is None:
        return None
    different, flagged = _names(differing.output), _tagged(listed.output).flagged
    if any(name.rpartition(b"/")[2] == b".gitattributes" for name in different):
        return None
    return Beside(_names(unconverted.output) - different - flagged, settled_ns)


def _settled_ns(root: str, index_path: str) -> int | None:
    """When git's index was written, less what may be needed to tell an edit after that by its time.

    git itself compares the bytes of files that are no older than its index.
    """
    try:
        index, tree = os.stat(index_path), os.stat(root)
    except OSError:
        return None
    # By the same clock, any later time is another one. Otherwise the clocks may differ by their coarseness.
    return index.st_mtime_ns - (1 if index.st_dev == tree.st_dev else RACY_MARGIN_NS)


def blob_sizes(root: str, commit: str) -> dict[bytes, int] | None:
    """The size in bytes of each file of a commit, below `root`; None when git would not say."""
    (answer,) = run_all(root, ("ls-tree", "-r", "-l", "-z", "--end-of-options", commit))
    if answer.code or answer.complaint:
        return None
    sizes = {}
    for entry in filter(None, answer.output.split(b"\0")):
        # Mode, type, object and size, and after a tab the name. A submodule has no size.
        facts, _, name = entry.partition(b"\t")
        size = facts.rpartition(b" ")[2]
        if size.isdigit():
            sizes[name] = int(size)
    return sizes


def staged(root: str, commit: str) -> frozenset[bytes] | None:
    """The tracked files that are not in git's index as they are in a commit; None when git would not say."""
    (answer,) = run_all(root, _diff_cached(commit))
    return None if answer.code or answer.complaint else _names(answer.output)


def _diff_cached(commit: str) -> tuple[str, ...]:
    return ("diff-index", "--cached", *_NAMES_ALONE, "--end-of-options", commit, "--")


class IndexBeside(NamedTuple):
    """git's index beside a commit; `digest` names its bytes."""

    different: frozenset[bytes]
    """The entries that are not as in the commit, and the files that the commit alone has."""
    entries: Entries
    digest: bytes


def index_beside(root: str, commit: str) -> IndexBeside | None:
    """Compare git's index with a commit, for a work tree of the repository in which that is indexed already.

    Of the same machine: a file that git finds as in the index has the bytes that the commit's has there. None
    where that may not be so, since git is set to convert files; and where `ask` is None.
    """
    tree = _tree(root)
    if tree is None or tree.converts:
        return None
    digest = _digest(tree.index_path)
    differing, listed = run_all(root, _diff_cached(commit), _TAGGED)
    if any(answer.code or answer.complaint for answer in (differing, listed)):
        return None
    different = _names(differing.output)
    if any(name.rpartition(b"/")[2] == b".gitattributes" for name in different):
        return None
    if digest is None or digest != _digest(tree.index_path):
        return None
    return IndexBeside(different, _tagged(listed.output), digest)


class _Tree(NamedTuple):
    index_path: str
    no_filters: tuple[str, ...]
    """The options that disable every filter the configuration names."""
    converts: bool
    """Whether the configuration may have git write other bytes into a file than the blob has."""
    head: git.Head


def _tree(root: str) -> _Tree | None:
    """The work tree around `root`; None where git cannot be relied on."""
    try:
        tree = git.ask(
            root, ("config", "-z", "--name-only", "--get-regexp", _CONVERTING)
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
    found = [os.fsdecode(key) for key in filters.output.split(b"\0") if key]
    keys = [key for key in found if key.startswith("filter.") and not key.endswith(".smudge")]
    if any("=" in key for key in keys):
        return None
    overrides: list[str] = []
    for key in keys:
        overrides += ["-c", f"{key}={'false' if key.endswith('.required') else ''}"]
    index_path = os.path.join(root, os.fsdecode(tree.place.index_path))
    return _Tree(index_path, tuple(overrides), bool(found), tree.head)


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
