"""Which files a repository has, and the stat of each.

First the names: git's list in a work tree, a walk under `.gitignore` rules elsewhere. Then one `lstat` of
each name in a known language. Only executables without an extension are opened here, since their first line
may name their language. What is not a regular file (a FIFO, a link, a directory) is counted, never opened.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from diptych import fs
from diptych.fs import importing
from diptych.indexer import git
from diptych.indexer.fact_columns import Stat
from diptych.indexer.languages import has_parser, language_of, language_of_shebang
from diptych.indexer.settings import IndexReport, Notice, Settings
from diptych.indexer.walk import ignoring_rule, walked
from diptych.layout import DEFAULT_STORE
from diptych.values import Value, field

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_FORMAT_BITS = stat.S_IFMT(0o177777)
_INODE_SIGN = 2**63
# So many suffixes are counted, each by its first characters: a tree may have any number of them.
_SUFFIXES = 1_000
_SUFFIX_CHARS = 16
_NEVER = frozenset({b".git", b".hg", b".svn", os.fsencode(DEFAULT_STORE)})


class Scan(Value, frozen=False):
    """The source files of a repository: path to language and stat, in path order; and what was skipped."""

    source: str
    files: dict[str, tuple[str, Stat]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    other_language: int = 0
    other_suffixes: Counter[str] = field(default_factory=Counter)
    """The files of `other_language` by suffix; "" is for those without."""
    notice: Notice | None = None
    """Set if git did not answer."""

    def count_in(self, report: IndexReport) -> None:
        """Add what was found to a report."""
        report.source, report.notice = self.source, self.notice
        report.found = len(self.files)
        report.skipped.update(self.skipped)
        report.other_language = self.other_language
        report.other_suffixes.update(self.other_suffixes)
        report.languages.update(language for language, _ in self.files.values())

    def note_other(self, path: str) -> None:
        """Count a file that has no parser."""
        self.other_language += 1
        stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
        suffix = dot + suffix[:_SUFFIX_CHARS] if stem else ""
        if suffix in self.other_suffixes or len(self.other_suffixes) < _SUFFIXES:
            self.other_suffixes[suffix] += 1


def scan(
    root: str, settings: Settings, *, store_path: str = "", before: Collection[str] | None = None
) -> Scan:
    """Find the source files below `root`, without the store. Raises OSError if root is unreadable.

    `before` are the files of the last scan, if git listed them. If git does not answer now, the scan finds
    those of them that still exist, and no others. Without `before`, it walks the tree instead.
    """
    found = Scan("git")
    exclude = _excluded(settings)
    with fs.Beneath(root) as tree:
        scanning = _Scanning(tree, root, exclude, before, found)
        names = list(scanning.names())
        _sweep(tree, _wanted(root, names, exclude, store_path), settings, found)
    return found


def scan_names(root: str, names: list[bytes], settings: Settings, *, store_path: str = "") -> Scan:
    """The result of `scan` if git listed exactly these names."""
    found = Scan("git")
    with fs.Beneath(root) as tree:
        _sweep(tree, _wanted(root, names, _excluded(settings), store_path), settings, found)
    return found


def left_out(root: str, settings: Settings, found: Scan) -> Notice | None:
    """Why a scan found nothing: how many files are excluded, and the first. None if there are none."""
    count = 0
    first = b""
    with fs.Beneath(root) as tree:
        for name in walked(tree, _NEVER, None, Counter(), ignore=False):
            if language_of(_decoded(name)):
                count += 1
                first = min(first or name, name)
        if not count:
            return None
        exclude = _excluded(settings)
        if exclude is not None and exclude.match_file(_decoded(first)):
            rule, advice = "by --exclude", "give other patterns with --exclude, or --reset"
        else:
            by = git.ignoring_rule(root, first) if found.source == "git" else ignoring_rule(tree, first)
            rule = f"by the rule {by}" if by else ""
            advice = "change that rule, or index a folder below: diptych index PATH" if by else ""
    files = f"{count:,} source files are" if count > 1 else "1 source file is"
    which = f"{_decoded(first)} {rule}" if rule else f"such as {_decoded(first)}"
    return Notice(f"{files} left out of {root}, {which}", advice)


class _Scanning:
    def __init__(
        self,
        tree: fs.Beneath,
        root: str,
        exclude: GitIgnoreSpec | None,
        before: Collection[str] | None,
        found: Scan,
    ) -> None:
        self._tree = tree
        self._root = root
        self._exclude = exclude
        self._before = before
        self._found = found

    def names(self, prefix: bytes = b"") -> Iterator[bytes]:
        """The names in the work tree at `prefix`, including those in its checked-out submodules."""
        found = self._found
        try:
            listing = git.listed(self._root + "/" + os.fsdecode(prefix) if prefix else self._root)
        except git.GitRefusedError as error:
            found.notice = found.notice or self._notice(error)
            if self._before is not None:
                before = (path.encode("utf-8", "surrogateescape") for path in self._before)
                yield from sorted(name for name in before if name.startswith(prefix))
                return
            listing = None
        if listing is None:
            if not prefix:
                found.source = "walk"
            walk = walked(self._tree, _NEVER, self._exclude, found.skipped, start=prefix)
            yield from sorted(walk)
            return
        for name in listing.names:
            if name.endswith(b"/"):
                found.skipped["nested repository"] += 1
            elif listing.submodules and self._has_git(prefix + name):
                yield from self.names(prefix + name + b"/")
            else:
                yield prefix + name

    def _has_git(self, name: bytes) -> bool:
        """Whether it is a submodule: only that has a `.git` below a name that git lists."""
        try:
            self._tree.lstat(name + b"/.git")
        except OSError:
            return False
        return True

    def _notice(self, error: git.GitRefusedError) -> Notice:
        effect = (
            "found by a walk under .gitignore"
            if self._before is None
            else "those of the last run, and new ones are not seen"
        )
        return Notice(f"{error.message}; until it does, files are {effect}", error.advice)


def _excluded(settings: Settings) -> GitIgnoreSpec | None:
    if not settings.exclude:
        return None
    # Imported here: it costs as much as the rest of a run that finds nothing changed.
    with importing("pathspec"):
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


def _sweep(tree: fs.Beneath, names: list[bytes], settings: Settings, found: Scan) -> None:
    files, skipped = found.files, found.skipped
    lstat, new, largest = tree.lstat, tuple.__new__, settings.max_file_bytes
    for name in names:
        path = _decoded(name)
        language = language_of(path)
        if language and not has_parser(language):
            found.note_other(path)
            continue
        if not language and b"." in name.rpartition(b"/")[2]:
            found.note_other(path)
            continue
        try:
            seen = lstat(name)
        except FileNotFoundError:
            # Deleted but still in git's index, or deleted since the listing, or below a link.
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
                language = language_of_shebang(_head(tree, name))
            if not language or not has_parser(language):
                found.note_other(path)
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


def _head(tree: fs.Beneath, name: bytes) -> bytes:
    try:
        fd = tree.open(name)
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
