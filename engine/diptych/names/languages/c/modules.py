"""Includes of C and C++: from what an include says to a file."""

from __future__ import annotations

from collections.abc import Iterator

from diptych.names.source import Source

MARKS = ('"', "<")
"""What an include begins with, among the names that a scope takes everything from."""


def module_path(source: Source, importer: str, module: str) -> str | None:
    """The file that `importer` includes: beside it, or else the nearest whose path ends so."""
    if module[:1] not in MARKS:
        return None
    wanted = _plain(module[1:])
    if module[0] == '"':
        beside = _plain(f"{importer.rpartition('/')[0]}/{module[1:]}")
        if source.exists(beside):
            return beside
    found = [
        path
        for path in source.files_named(wanted.rpartition("/")[2])
        if path == wanted or path.endswith(f"/{wanted}")
    ]
    return min(found, key=lambda path: (-_common(path, importer), len(path), path)) if found else None


def submodule_path(_source: Source, _path: str, _name: str) -> str | None:
    """A file has no files inside."""
    return None


def spellings(_source: Source, path: str) -> Iterator[str]:
    """What includes of the file at `path` may say."""
    parts = path.split("/")
    for start in range(len(parts)):
        yield "/".join(parts[start:])


def _plain(path: str) -> str:
    """`path` without `.` and `..`."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _common(path: str, importer: str) -> int:
    """How many folders two paths have in common."""
    count = 0
    for one, other in zip(path.split("/"), importer.split("/"), strict=False):
        if one != other:
            break
        count += 1
    return count
