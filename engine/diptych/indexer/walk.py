"""A walk below a folder under its `.gitignore` files, for where git does not answer."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diptych.fs import importing

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = b".gitignore"

# The rules that hold in a directory, outermost first, each with the length of the prefix it is relative to.
_Rules = tuple[tuple[int, "GitIgnoreSpec"], ...]


def walked(
    top: bytes, never: frozenset[bytes], exclude: GitIgnoreSpec | None, skipped: Counter[str]
) -> Iterator[bytes]:
    """The names below `top` that no rule ignores, in no order.

    Directories in `never`, and those that `exclude` matches, are not entered.

    Symbolic links are named, not followed. Raises OSError when `top` itself cannot be read; directories
    below that cannot are counted as unreadable.
    """
    pending: list[tuple[bytes, _Rules]] = [(b"", ())]
    while pending:
        prefix, rules = pending.pop()
        try:
            with os.scandir(top + b"/" + prefix) as entries:
                listed = list(entries)
        except OSError:
            if not prefix:
                raise
            skipped["unreadable"] += 1
            continue
        for entry in listed:
            if entry.name == IGNORE_FILE and entry.is_file(follow_symlinks=False):
                rules = _with_file(rules, prefix, entry.path)
        for entry in listed:
            name = prefix + entry.name
            is_directory = entry.is_dir(follow_symlinks=False)
            if rules and _ignored(rules, name, is_directory):
                continue
            if is_directory and exclude is not None and exclude.match_file(_relative(name, 0, True)):
                continue
            if not is_directory:
                yield name
            elif entry.name not in never:
                pending.append((name + b"/", rules))


def _with_file(rules: _Rules, prefix: bytes, path: bytes) -> _Rules:
    # Imported here: it costs as much as the rest of a run that finds nothing changed.
    with importing("pathspec"):
        from pathspec import GitIgnoreSpec

    try:
        with open(path, "rb") as file:
            lines = file.read().decode("utf-8", "surrogateescape").splitlines()
        return (*rules, (len(prefix), GitIgnoreSpec.from_lines(lines)))
    except (OSError, ValueError):
        # A file of rules that cannot be read or understood rules nothing, as in git.
        return rules


def _relative(name: bytes, start: int, is_directory: bool) -> str:
    return name[start:].decode("utf-8", "surrogateescape") + ("/" if is_directory else "")


def _ignored(rules: _Rules, name: bytes, is_directory: bool) -> bool:
    """The innermost file with a word on it decides; in one file, the last pattern that matches."""
    for start, spec in reversed(rules):
        verdict = spec.check_file(_relative(name, start, is_directory)).include
        if verdict is not None:
            return verdict
    return False
