"""What changed since an LSN, by the store's journal, or since a commit, by git.

Symbols are told apart by their path, container, kind and name, so one that only moved has not changed. Since
a commit the texts are compared. The journal has records and no texts: there a symbol is altered when its
signature, documentation, length or relations are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from diptych.errors import InvalidArgumentError
from diptych.indexer import git
from diptych.indexer.errors import TooSlowError
from diptych.indexer.languages import LANGUAGES, language_of
from diptych.indexer.parse import record_of
from diptych.model import FileRecord
from diptych.serving.answers.current import Located, located_in
from diptych.serving.files import Files
from diptych.store.code import Store

How = Literal["added", "removed", "altered"]

FILES_MAX = 200
"""Of more changed files than these, the others are only counted."""

_REVISION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/~^@{}+-]{0,200}")


class Change(NamedTuple):
    """A symbol that was added, removed or altered, where it is now, or was."""

    how: How
    found: Located


class Changes(NamedTuple):
    """All that changed. `files` says how each changed file did; some have no symbol that changed."""

    since: str
    changes: tuple[Change, ...]
    files: dict[str, How]
    left_out: int = 0
    """How many changed files were not compared."""


class _Version(NamedTuple):
    """A file at one time. `text` is None where only its record is known."""

    record: FileRecord
    text: bytes | None = None


_At = Callable[[str], "_Version | None"]


def changed_since_lsn(store: Store, lsn: int) -> Changes:
    """What the transactions after `lsn` changed.

    Raises ChangesNotKeptError where the journal does not go back so far, InvalidArgumentError for an LSN that
    the store has not reached, CorruptionError, StorageError.
    """
    if lsn > store.lsn:
        raise InvalidArgumentError(
            f"the index is at LSN {store.lsn:,}, and has never been at {lsn:,}",
            advice="give an earlier LSN, or a commit: an index that was made again counts from the start",
        )
    before: dict[str, _Version | None] = {}
    after: dict[str, _Version | None] = {}
    for transaction in store.changes(since=lsn, before=True):
        for change in transaction.changes:
            path = change.key.decode("utf-8", "surrogateescape")
            if path not in before:
                before[path] = _recorded(change.before)
            after[path] = _recorded(change.after)
    return _compared(f"LSN {lsn}", sorted(after), before.get, after.get)


def changed_since_commit(files: Files, revision: str) -> Changes:
    """What differs between a commit and the files as they are now.

    Raises InvalidArgumentError for a revision that git does not know, and outside of git.
    """
    root = files.root
    commit = commit_of(root, revision)

    def before(path: str) -> _Version | None:
        return _extracted(path, git.run(root, "cat-file", "blob", f"{commit}:./{path}"))

    def after(path: str) -> _Version | None:
        return _extracted(path, files.raw(path))

    return _compared(f"commit {commit[:12]}", _paths_since(root, commit), before, after)


def commit_of(root: str, revision: str) -> str:
    """The commit that a revision names. Raises InvalidArgumentError."""
    found = None
    if _REVISION.fullmatch(revision):
        found = git.run(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not found:
        raise InvalidArgumentError(
            f"git knows no commit {revision!r:.100} in {root}",
            advice="give a commit, branch or tag as `git log` shows it, or an LSN",
        )
    return found.decode("ascii", "replace").strip()


def paths_between(root: str, given: str) -> list[str]:
    """The source files that differ in `A..B`, or between `A` and the files as they are now.

    Raises InvalidArgumentError.
    """
    first, dots, last = given.partition("..")
    if not dots:
        return _paths_since(root, commit_of(root, first))
    ends = [commit_of(root, end.lstrip(".") or "HEAD") for end in (first, last)]
    return _named(git.run(root, *_DIFF, *ends, "--"))


_DIFF = ("diff", "--name-only", "--no-renames", "--relative", "-z")


def _paths_since(root: str, commit: str) -> list[str]:
    tracked = git.run(root, *_DIFF, commit, "--")
    untracked = git.run(root, "ls-files", "-z", "--others", "--exclude-standard")
    return sorted({*_named(tracked), *_named(untracked)})


def _named(output: bytes | None) -> list[str]:
    names = (os.fsdecode(name) for name in (output or b"").split(b"\0"))
    return [name for name in names if name and language_of(name) in LANGUAGES]


def _recorded(record: FileRecord | None) -> _Version | None:
    return None if record is None else _Version(record)


def _extracted(path: str, data: bytes | None) -> _Version | None:
    if data is None:
        return None
    try:
        return _Version(record_of(path, language_of(path), data), data)
    except TooSlowError:
        return None


def _compared(since: str, paths: list[str], before: _At, after: _At) -> Changes:
    changes: list[Change] = []
    files: dict[str, How] = {}
    for path in paths[:FILES_MAX]:
        old, new = before(path), after(path)
        if old is None and new is None:
            continue
        if old is not None and new is not None and old.record.content_hash == new.record.content_hash:
            continue
        files[path] = "added" if old is None else "removed" if new is None else "altered"
        changes += _of_symbols(old, new)
    return Changes(since, tuple(changes), files, max(0, len(paths) - FILES_MAX))


def _of_symbols(old: _Version | None, new: _Version | None) -> Iterator[Change]:
    was, now = _by_identity(old), _by_identity(new)
    for identity, found in now.items():
        if identity not in was:
            yield Change("added", found)
        elif old is not None and new is not None and _traits(old, was[identity]) != _traits(new, found):
            yield Change("altered", found)
    for identity, found in was.items():
        if identity not in now:
            yield Change("removed", found)


def _by_identity(version: _Version | None) -> dict[tuple[str, str, str, int], Located]:
    found = located_in(version.record) if version is not None else []
    return {(one.symbol.name, one.symbol.kind, one.symbol.container, one.occurrence): one for one in found}


def _traits(version: _Version, found: Located) -> object:
    """What makes a symbol another than before; not where it is, nor how it is indented."""
    first, _, last, _ = found.symbol.range
    if version.text is not None:
        lines = version.text.split(b"\n")[first : last + 1]
        return [line.strip() for line in lines], found.symbol.documentation
    inside = f"{found.dotted}."
    relations = [
        (one.kind, one.target)
        for one in version.record.relations
        if one.source == found.dotted or one.source.startswith(inside)
    ]
    return found.symbol.signature, found.symbol.documentation, last - first, relations
