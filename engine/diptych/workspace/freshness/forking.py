"""The index of a linked git worktree: a fork of its repository's, instead of one that is built from nothing.

The fork shares the segments of the main work tree's index, or of another worktree's where that has none. It
has a journal of its own: nothing is written into the other index, which may have a writer, be compacted or be
removed. It inherits the indexer's facts, so that only what is different in the worktree is read and parsed.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from diptych import fs
from diptych.errors import DiptychError, StorageError
from diptych.indexer import facts as facts_file
from diptych.indexer import git
from diptych.indexer.facts import MAX_SIZE_BYTES, inherit
from diptych.indexer.settings import Notice
from diptych.layout import DEFAULT_STORE, FACTS
from diptych.model import content_hash
from diptych.store.generation import read_identity
from diptych.values import replace
from diptych.workspace.freshness import gitstate, record
from diptych.workspace.freshness.seeding import basis_of

if TYPE_CHECKING:
    from diptych.store.code import Store

_FORKING = ".fork"
# What a killed process left beside the store is removed by a later one.
_ABANDONED_S = 3_600.0
_POINTER_BYTES_MAX = 64 * 1024
_GITDIR = b"gitdir: "
# Of the name of a store below an output root.
_NAME_MAX = 80
_DIGEST_DIGITS = 16


class Forked(NamedTuple):
    """What came of it: the store that was forked and its LSN, or why none was."""

    base: str = ""
    lsn: int = 0
    notice: Notice | None = None


def fork_for_worktree(root: str, store_path: str) -> Forked | None:
    """Make the store at `store_path`, for the linked worktree at `root`, where there is none yet.

    None where there is one, where `root` is no linked worktree, and where no other work tree of its
    repository has an index. Where that index cannot be shared, the notice says why, and nothing was made: the
    worktree's is built then.
    """
    if fs.exists(store_path):
        return None
    bases = (_base_of(tree, root, store_path) for tree in other_work_trees(root))
    base = next((base for base in bases if base and fs.exists(base)), "")
    if not base:
        return None
    try:
        if os.path.basename(base) == DEFAULT_STORE and git.tracks(base):
            return Forked(notice=_notice(base, "it came with the repository"))
        return _fork(base, os.path.realpath(root), store_path)
    except (DiptychError, OSError, ValueError) as error:
        if fs.exists(store_path):
            # Another process was faster.
            return None
        return Forked(notice=_notice(base, str(error)))


def other_work_trees(root: str) -> list[str]:
    """The other work trees of the repository that has `root` as a linked one: the main one, then those whose
    index of git is newest. None where `root` is no linked worktree.

    A file `.git` says where the repository is, and the repository must know the worktree under that entry: no
    folder that came with a stranger's files gets to the index of a repository that is here.
    """
    try:
        own = _entry_named_by(os.path.join(root, ".git"))
        if own is None:
            return []
        common = os.fsdecode(fs.read_bounded(os.path.join(own, "commondir"), _POINTER_BYTES_MAX))
        repository = os.path.realpath(os.path.join(own, common.rstrip("\n")))
        worktrees, own = os.path.join(repository, "worktrees"), os.path.realpath(own)
        if os.path.dirname(own) != worktrees:
            return []
        main, name = os.path.split(repository)
        trees = [main] if name == ".git" and os.path.isdir(repository) else []
        return [*trees, *_linked_trees(worktrees, own)]
    except (OSError, ValueError):
        return []


def _entry_named_by(pointer: str) -> str | None:
    """The entry of a repository that the file `.git` of a worktree names, if that names it too.

    Raises OSError.
    """
    if not fs.is_regular(pointer):
        return None
    named = fs.read_bounded(pointer, _POINTER_BYTES_MAX)
    if not named.startswith(_GITDIR):
        return None
    path = os.fsdecode(named.removeprefix(_GITDIR).rstrip(b"\n"))
    entry = os.path.join(os.path.dirname(pointer), path)
    return entry if os.path.samefile(_pointer_in(entry), pointer) else None


def _linked_trees(directory: str, own: str) -> list[str]:
    """The linked worktrees, but for one, whose folders are there; the one of the newest index first."""
    found = []
    for name in fs.list_directory(directory):
        entry = os.path.join(directory, name)
        with suppress(OSError, ValueError):
            pointer = _pointer_in(entry)
            named = _entry_named_by(pointer)
            if os.path.realpath(entry) != own and named is not None and os.path.samefile(named, entry):
                tree = os.path.dirname(pointer)
                found.append((os.stat(os.path.join(entry, "index")).st_mtime_ns, tree))
    return [tree for _, tree in sorted(found, reverse=True) if os.path.isdir(tree)]


def _pointer_in(entry: str) -> str:
    """The path of the file `.git` of the worktree that a repository knows by `entry`. Raises OSError."""
    data = fs.read_bounded(os.path.join(entry, "gitdir"), _POINTER_BYTES_MAX)
    return os.path.join(entry, os.fsdecode(data.rstrip(b"\n")))


def store_below(output_root: str, root: str) -> str:
    """The store of the repository at `root` where stores are kept below `output_root`.

    Named after the repository, and by a hash of its full path, so that two of one name keep apart.
    """
    home = os.path.realpath(root)
    name = os.path.basename(home)[:_NAME_MAX] or "root"
    return os.path.join(
        os.path.abspath(output_root), f"{name}-{content_hash(os.fsencode(home))[:_DIGEST_DIGITS]}"
    )


def _base_of(tree: str, root: str, store_path: str) -> str:
    """Another work tree's store, where both are kept in the same way; "" where this one has a name given."""
    folder, name = os.path.split(os.path.abspath(store_path))
    if name == DEFAULT_STORE and os.path.realpath(folder) == os.path.realpath(root):
        return os.path.join(tree, DEFAULT_STORE)
    if os.path.abspath(store_path) == store_below(folder, root):
        return store_below(folder, tree)
    return ""


def _notice(base: str, why: str) -> Notice:
    why = why.removesuffix(".")
    return Notice(
        f"the index {base} cannot be shared ({why}): this worktree's is built from nothing",
        f"nothing; or see what is wrong with it: diptych verify --store {shlex.quote(base)}",
    )


def _fork(base: str, home: str, store_path: str) -> Forked:
    """Fork the store `base`, with its facts, and give the fork its name.

    Raises DiptychError, OSError, ValueError.
    """
    from diptych.store.code import Store

    _remove_abandoned(store_path)
    made = f"{store_path}.{os.getpid()}{_FORKING}"
    try:
        with Store.open(base, read_only=True) as store:
            recorded, basis = record.load(base), basis_of(store)
            if recorded is None and not _is_complete(store):
                raise ValueError("its first run of the indexer has not ended")
            facts = fs.read_bounded(os.path.join(base, FACTS), MAX_SIZE_BYTES)
            read = store.lsn
            lsn = store.fork(made, details=basis.as_details() if basis else {}, private=True)
        if lsn != read:
            raise ValueError("it was written to meanwhile")
        # So that git does not list it, from the moment it has its name.
        fs.write_file(os.path.join(made, ".gitignore"), b"*\n")
        store_id = read_identity(made).store_id.hex()
        fs.write_file(os.path.join(made, FACTS), inherit(facts, store_id=store_id, root=home, lsn=lsn))
        if recorded is not None and basis is not None:
            _record(home, made, replace(recorded, store_id=store_id, lsn=lsn, root=home))
        fs.rename(made, store_path)
        fs.fsync_dir(os.path.dirname(store_path))
    finally:
        with suppress(StorageError):
            fs.remove_tree(made)
    return Forked(base, lsn)


def _is_complete(store: Store) -> bool:
    known = facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
    return known is not None and known.complete


def _record(home: str, made: str, base: record.Recorded) -> None:
    """Write down what git says of the worktree, so that the first verdict rests on it already.

    Where it says nothing, the first verdict looks at every file. Raises StorageError.
    """
    beside, identity = gitstate.index_beside(home, base.commit), record.facts_identity(made)
    if beside is None or identity is None:
        return
    # What the index does not have of the files in the facts: these were not tracked there either, or are not
    # of the commit, or are only in that.
    doubtful = beside.different.union(base.unlike, base.untracked)
    tracked, flagged = beside.entries
    watched = (doubtful & tracked) | flagged
    recorded = replace(
        base,
        facts=identity,
        index_digest=beside.digest,
        watched=sorted(watched),
        untracked=sorted(doubtful - tracked),
    )
    record.save(made, recorded)


def _remove_abandoned(store_path: str) -> None:
    """Remove what processes that were killed left of forks for this path. Raises StorageError, OSError."""
    folder, name = os.path.split(store_path)
    if not os.path.isdir(folder):
        return
    left = re.compile(rf"\.?{re.escape(name)}\.([0-9]{{1,10}}){re.escape(_FORKING)}(\.tmp)?\Z")
    for other in os.listdir(folder):
        found = left.match(other)
        if found is not None and (not _is_running(int(found[1])) or _is_old(os.path.join(folder, other))):
            fs.remove_tree(os.path.join(folder, other))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _is_old(path: str) -> bool:
    """Whether it has been there for longer than any fork takes: its number is another process's now."""
    try:
        return time.time() - os.lstat(path).st_mtime > _ABANDONED_S
    except OSError:
        return False
