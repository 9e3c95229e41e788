"""Walk a folder under its `.gitignore` files, for folders without git."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diptych import fs
from diptych.indexer.ignore import RULES_MAX_BYTES, Rules

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = b".gitignore"

# The rules that apply in a directory, outermost first, each with the length of the prefix it is relative to.
_Held = tuple[tuple[int, Rules], ...]


def walked(
    tree: fs.Beneath,
    never: frozenset[bytes],
    exclude: GitIgnoreSpec | None,
    skipped: Counter[str],
    *,
    start: bytes = b"",
    ignore: bool = True,
) -> Iterator[bytes]:
    """The names below the folder `start` that no rule ignores, unsorted; without `ignore`, all names.

    `start` ends in `/`, except at the top. Directories in `never`, and those that `exclude` matches, are not
    entered.

    Symbolic links are listed, not followed. Raises OSError if the top cannot be read; unreadable directories
    below it are only counted.
    """
    pending: list[tuple[bytes, _Held]] = [(start, ())]
    while pending:
        prefix, held = pending.pop()
        try:
            listed = _listed(tree, prefix)
        except OSError:
            if not prefix:
                raise
            skipped["unreadable"] += 1
            continue
        if ignore and (IGNORE_FILE, False) in listed:
            held = _with_file(tree, held, prefix)
        for last, is_directory in listed:
            name = prefix + last
            if held and _ignored(held, name, is_directory):
                continue
            if is_directory and exclude is not None and exclude.match_file(_relative(name)):
                continue
            if not is_directory:
                yield name
            elif last not in never:
                pending.append((name + b"/", held))


def ignoring_rule(tree: fs.Beneath, name: bytes) -> str:
    """The rule by which `name` is ignored, and its location; "" if there is none."""
    held: _Held = ()
    components = name.split(b"/")
    for depth in range(len(components)):
        prefix = b"".join(component + b"/" for component in components[:depth])
        held = _with_file(tree, held, prefix)
        path = prefix + components[depth]
        for start, rules in reversed(held):
            found = rules.verdict(path[start:], depth < len(components) - 1)
            if found is None:
                continue
            if found[0]:
                where = os.fsdecode(path[:start] + IGNORE_FILE)
                return f"{os.fsdecode(found[1].line)} ({where}, line {found[1].number})"
            break
    return ""


def _listed(tree: fs.Beneath, prefix: bytes) -> list[tuple[bytes, bool]]:
    """The entries of a directory, and whether each is a directory."""
    fd = tree.open_folder(prefix.removesuffix(b"/"))
    try:
        with os.scandir(fd) as entries:
            return [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
    finally:
        os.close(fd)


def _with_file(tree: fs.Beneath, held: _Held, prefix: bytes) -> _Held:
    try:
        fd = tree.open(prefix + IGNORE_FILE)
        with open(fd, "rb") as file:
            data = file.read(RULES_MAX_BYTES + 1)
        return (*held, (len(prefix), Rules(data))) if len(data) <= RULES_MAX_BYTES else held
    except (OSError, ValueError):
        # A `.gitignore` that is a link, unreadable or invalid has no effect.
        return held


def _relative(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape") + "/"


def _ignored(held: _Held, name: bytes, is_directory: bool) -> bool:
    """The innermost file with a matching rule decides; in one file, the last matching rule."""
    for start, rules in reversed(held):
        found = rules.verdict(name[start:], is_directory)
        if found is not None:
            return found[0]
    return False
