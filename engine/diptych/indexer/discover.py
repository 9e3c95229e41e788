"""Which files a repository has, and what the file system says of each.

First the names: git's list in a work tree, a walk under `.gitignore` rules elsewhere. Then one `lstat` of
each name in a known language. Nothing is opened here but extensionless executables, whose first line may
name their language; what cannot be a source file (a FIFO, a link, a directory) is counted, never opened.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from diptych.indexer import git
from diptych.indexer.languages import language_of, language_of_shebang
from diptych.indexer.settings import Settings
from diptych.indexer.walk import walked
from diptych.layout import DEFAULT_STORE

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_FORMAT_BITS = stat.S_IFMT(0o177777)
_INODE_SIGN = 2**63
_NEVER = frozenset({b".git", b".hg", b".svn", os.fsencode(DEFAULT_STORE)})


class Stat(NamedTuple):
    """What tells a file that was touched from one that was not; times in nanoseconds.

    `inode` is signed, as it is stored: some file systems use all 64 bits, and only equality is asked of it.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(slots=True)
class Scan:
    """The source files of a repository: path to language and stat, in path order; and what was left out."""

    source: str
    files: dict[str, tuple[str, Stat]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    other_language: int = 0


def scan(root: str, settings: Settings, *, store_path: str = "") -> Scan:
    """Find the source files below `root`, leaving out the store. Raises OSError when root is unreadable."""
    skipped: Counter[str] = Counter()
    exclude = _excluded(settings)
    try:
        listed = git.listed(root)
    except git.GitRefusedError:
        listed = None
    if listed is None:
        found = Scan("walk", skipped=skipped)
        names = sorted(walked(os.fsencode(root), _NEVER, exclude, skipped))
    else:
        found = Scan("git", skipped=skipped)
        names = list(_with_submodules(root, listed, skipped))
    _sweep(root, _wanted(root, names, exclude, store_path), settings, found)
    return found


def scan_names(root: str, names: list[bytes], settings: Settings, *, store_path: str = "") -> Scan:
    """What `scan` would find of these names, were they all that git listed."""
    found = Scan("git")
    _sweep(root, _wanted(root, names, _excluded(settings), store_path), settings, found)
    return found


def _with_submodules(root: str, listing: git.Listing | None, skipped: Counter[str]) -> Iterator[bytes]:
    """git's list, each submodule that is checked out replaced by what its own work tree lists."""
    top = os.fsencode(root) + b"/"
    for name in listing.names if listing else ():
        if name.endswith(b"/"):
            skipped["nested repository"] += 1
        elif listing and listing.submodules and os.path.lexists(top + name + b"/.git"):
            # Only a submodule has a `.git` below a name that git lists.
            inner = os.fsdecode(top + name)
            try:
                listed = git.listed(inner)
            except git.GitRefusedError:
                listed = None
            for below in _with_submodules(inner, listed, skipped):
                yield name + b"/" + below
        else:
            yield name


def _excluded(settings: Settings) -> GitIgnoreSpec | None:
    if not settings.exclude:
        return None
    # Imported here: it costs as much as the rest of a run that finds nothing changed.
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(settings.exclude)


def _wanted(root: str, names: list[bytes], exclude: GitIgnoreSpec | None, store_path: str) -> list[bytes]:
    """The names outside of any store and version control, and not excluded by the settings."""
    store = os.path.relpath(os.path.realpath(store_path), os.path.realpath(root)) if store_path else ""
    below = os.fsencode(store) + b"/" if store and not store.startswith("..") and store != "." else None
    wanted = [
        name
        for name in names
        if (b"." not in name or _NEVER.isdisjoint(name.split(b"/")[:-1]))
        and (below is None or not name.startswith(below))
    ]
    if exclude is None:
        return wanted
    return [name for name in wanted if not exclude.match_file(_decoded(name))]


def _sweep(root: str, names: list[bytes], settings: Settings, found: Scan) -> None:
    top = os.fsencode(root) + b"/"
    files, skipped = found.files, found.skipped
    lstat, new, largest = os.lstat, tuple.__new__, settings.max_file_bytes
    for name in names:
        path = _decoded(name)
        language = language_of(path)
        if not language and b"." in name.rpartition(b"/")[2]:
            found.other_language += 1
            continue
        try:
            seen = lstat(top + name)
        except FileNotFoundError:
            # Deleted, and not yet from git's index; or between the list and now.
            continue
        except OSError:
            skipped["unreadable"] += 1
            continue
        if seen.st_mode & _FORMAT_BITS != stat.S_IFREG:
            if language:
                skipped[_irregular(seen.st_mode)] += 1
            continue
        if not language:
            if seen.st_mode & 0o111:
                language = language_of_shebang(_head(top + name))
            if not language:
                found.other_language += 1
                continue
        if seen.st_size > largest:
            skipped["too large"] += 1
            continue
        inode = seen.st_ino if seen.st_ino < _INODE_SIGN else seen.st_ino - 2 * _INODE_SIGN
        files[path] = (language, new(Stat, (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, inode)))


def _irregular(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "symbolic link"
    return "directory" if stat.S_ISDIR(mode) else "not a regular file"


def _head(path: bytes) -> bytes:
    try:
        # Not to block, should it have become a FIFO since.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, 128)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
